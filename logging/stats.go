package logging

import "sync/atomic"

type counters struct {
	lines, granted, writeErrors, noPseudonym, skipped, sampledOut atomic.Uint64
}

// Stats is a snapshot of what an Access counted since it was made.
type Stats struct {
	Lines       uint64 // lines that the output took
	Granted     uint64 // of those and the lost ones, how many held granted fields
	WriteErrors uint64 // lines that the output did not take
	Skipped     uint64 // requests without a line because of their route
	SampledOut  uint64 // requests without a line because of the sample
	NoPseudonym uint64 // lines without a pseudonym because there was no key
}

// Stats returns what was counted so far.
func (a *Access) Stats() Stats {
	c := &a.counters
	return Stats{
		Lines: c.lines.Load(), Granted: c.granted.Load(),
		WriteErrors: c.writeErrors.Load(), NoPseudonym: c.noPseudonym.Load(),
		Skipped: c.skipped.Load(), SampledOut: c.sampledOut.Load(),
	}
}
