package analytics

import "time"

// Cell says what a counter counts: how often an event happened, or how often
// with one value of one dimension. Every word of it comes from a declaration or
// a route template, none from a visitor.
type Cell struct {
	Event     string // declared name
	Dimension string // "route", "status", or the name of a property; "" for all of them together
	Value     string // "" where Dimension is
}

// Counter is one count. It is not an [Event] and cannot become one: there is no
// subject, no address, no pseudonym and no time but its bucket (P1).
type Counter struct {
	Cell
	Bucket time.Time // when the hour or day began, in UTC
	Count  uint64
}

// Tally keeps counters. It is safe for concurrent use, never blocks for long
// and is bounded, whatever cells are named.
type Tally interface {
	// Count adds one to a cell in the bucket that at falls into.
	Count(at time.Time, c Cell)
}
