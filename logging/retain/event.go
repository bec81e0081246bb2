package retain

import (
	"sync/atomic"
	"time"
)

// Kind says what an [Event] tells of.
type Kind string

const (
	Expired    Kind = "expired"     // a file was deleted because its time was over
	Ahead      Kind = "ahead"       // a file was deleted because it began more than an hour in the future
	NotDeleted Kind = "not_deleted" // a file could not be deleted, or what has its name is no regular file
	NotListed  Kind = "not_listed"  // the directory could not be read, so nothing could be deleted
	NotOpened  Kind = "not_opened"  // the file for new lines could not be opened
	NotWritten Kind = "not_written" // a line could not be written
	NotClosed  Kind = "not_closed"  // a file could not be closed properly; its last lines may be lost
)

// Event is one deletion or one failure. It holds nothing of any line.
type Event struct {
	Kind  Kind
	At    time.Time // by the configured clock, in UTC
	File  string    // name of the file inside Dir; "" where it concerns no file
	From  time.Time // the lines of the file are not older, in UTC; zero without a file
	Until time.Time // the lines of the file are older, in UTC; zero without a file
	Size  int64     // bytes deleted; 0 for failures
	Err   error     // nil for deletions
}

// Stats is a snapshot of what a File counted since it was opened.
type Stats struct {
	Lines      uint64 // lines written
	Lost       uint64 // lines not written, for whatever reason; Write returned an error
	Deleted    uint64 // files deleted
	Ahead      uint64 // of those, files that began in the future
	NotDeleted uint64 // deletions that failed, each attempt counted
	NotListed  uint64 // attempts to read the directory that failed
	NotOpened  uint64 // attempts to open the file for new lines that failed
	NotClosed  uint64 // files that could not be closed properly
}

type counters struct {
	lines, lost, deleted, ahead, notDeleted, notListed, notOpened, notClosed atomic.Uint64
}

// Stats returns what was counted so far. It takes no lock.
func (f *File) Stats() Stats {
	c := &f.counters
	return Stats{
		Lines: c.lines.Load(), Lost: c.lost.Load(), Deleted: c.deleted.Load(), Ahead: c.ahead.Load(),
		NotDeleted: c.notDeleted.Load(), NotListed: c.notListed.Load(), NotOpened: c.notOpened.Load(), NotClosed: c.notClosed.Load(),
	}
}

func (c *counters) count(k Kind) {
	switch k {
	case Expired:
		c.deleted.Add(1)
	case Ahead:
		c.deleted.Add(1)
		c.ahead.Add(1)
	case NotDeleted:
		c.notDeleted.Add(1)
	case NotListed:
		c.notListed.Add(1)
	case NotOpened:
		c.notOpened.Add(1)
	case NotClosed:
		c.notClosed.Add(1)
	}
}

// tell counts an event and reports it. No lock is held.
func (f *File) tell(e Event) {
	f.counters.count(e.Kind)
	if f.report != nil {
		f.report(e)
	}
}

// event describes something that happened to the file of a span; the zero span
// stands for no file.
func (f *File) event(k Kind, now time.Time, s span, err error) Event {
	e := Event{Kind: k, At: now.UTC(), Err: err}
	if s != (span{}) {
		e.File, e.From, e.Until = s.fileName(f.name), s.begin(), s.end()
	}
	return e
}
