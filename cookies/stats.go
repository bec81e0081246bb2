package cookies

import "sync/atomic"

type counters struct {
	lines                             [reasons]atomic.Uint64
	hiddenNoConsent, hiddenUndeclared atomic.Uint64
	expired, clamped, fields          atomic.Uint64
	elsewhere                         atomic.Uint64
}

// Stats is a snapshot of what a Gate counted since it was made. In Report mode
// it counts what Enforce would have done.
type Stats struct {
	Passed  uint64 // Set-Cookie lines that were sent
	Deleted uint64 // deletions of cookies that may not be set, sent without a value

	NoConsent  uint64 // lines withheld because their purpose is not allowed
	Undeclared uint64 // lines withheld because no spec has their name
	Unreadable uint64 // lines withheld because they are malformed
	TooLarge   uint64 // lines withheld because browsers would drop them
	Reserved   uint64 // lines withheld because they name the consent cookie

	// Withheld counts by cookie name as handlers set it, up to 256 names; the
	// rest are counted under "(other)".
	Withheld map[string]uint64

	HiddenNoConsent  uint64 // request cookies not shown: purpose not allowed
	HiddenUndeclared uint64 // request cookies not shown: not declared

	Expired   uint64 // cookies of refused purposes expired, by name and response
	Clamped   uint64 // ages and dates cut to the declared lifetime
	Elsewhere uint64 // lines sent for a Domain or Path that is not declared
	Fields    uint64 // NEL, Report-To and their like, withheld
}

// Stats returns what was counted so far.
func (g *Gate) Stats() Stats {
	c := &g.counters
	return Stats{
		Passed: c.lines[passed].Load(), Deleted: c.lines[deletion].Load(),
		NoConsent: c.lines[NoConsent].Load(), Undeclared: c.lines[NotDeclared].Load(),
		Unreadable: c.lines[Malformed].Load(), TooLarge: c.lines[TooLarge].Load(), Reserved: c.lines[Reserved].Load(),
		Withheld:        g.names.snapshot(),
		HiddenNoConsent: c.hiddenNoConsent.Load(), HiddenUndeclared: c.hiddenUndeclared.Load(),
		Expired: c.expired.Load(), Clamped: c.clamped.Load(), Elsewhere: c.elsewhere.Load(), Fields: c.fields.Load(),
	}
}
