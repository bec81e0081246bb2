package consent

import (
	"slices"
	"time"

	"github.com/google/uuid"
)

// Subject is the random identifier of somebody who granted something: 16 bytes
// of a version 4 UUID. The zero Subject is nobody.
type Subject [16]byte

// IsZero reports whether s is nobody.
func (s Subject) IsZero() bool { return s == Subject{} }

// String hides the identifier, so that no error or log line holds it by
// accident.
func (s Subject) String() string {
	if s.IsZero() {
		return "nobody"
	}
	return "subject"
}

// Stored is what a consent cookie says. The zero Stored says nothing.
type Stored struct {
	// Unreadable says that there was something that cannot be believed:
	// damaged, forged, from the future, given twice, superseded. Nothing else
	// in the value counts then, and also uses that need no yes stay off.
	Unreadable bool

	Subject  Subject // nobody when nothing is granted
	Revision uint64  // counts the subject's changes, from 1
	Issued   int64   // when the cookie was made, in minutes of Unix time; 0 for a refusal
	Version  int     // policy version the cookie was made under
	Answers  []Answer
}

// Answer is one answer in a Stored, at most one a purpose, in ascending order
// of Number.
type Answer struct {
	Number  uint8 // Processing.Number of the purpose
	Granted bool
	// KnowingGPC says that the yes was given while Sec-GPC: 1 was sent and shown.
	KnowingGPC bool
	// Day is the day of a yes, in days of Unix time; of a no it is the first
	// day of its month, and no finer.
	Day int32
	// Version is the policy version of a yes; 0 for a no.
	Version int32
}

// dayOf is t in days of Unix time (UTC).
func dayOf(t time.Time) int32 { return int32(t.Unix() / 86400) }

// monthStart is the first day of t's month in days of Unix time (UTC).
func monthStart(t time.Time) int32 {
	y, m, _ := t.UTC().Date()
	return dayOf(time.Date(y, m, 1, 0, 0, 0, 0, time.UTC))
}

// monthEnd is the first day after the month that begins with the given day.
func monthEnd(first int32) int32 {
	t := time.Unix(int64(first)*86400, 0).UTC()
	return dayOf(t.AddDate(0, 1, 0))
}

// expires returns the first day on which the answer counts no more.
func (a Answer) expires(r *Rules) int32 {
	if a.Granted {
		return a.Day + r.grantDays
	}
	return monthEnd(a.Day) + r.reaskDays
}

// expired reports whether the answer counts no more. A no is mostly younger than
// the shortest month and the time after it, which is told without a calendar.
func (a Answer) expired(r *Rules, today int32) bool {
	if !a.Granted && today < a.Day+28+r.reaskDays {
		return false
	}
	return today >= a.expires(r)
}

// set adds or replaces the answer for a purpose, keeping the order.
func (s *Stored) set(a Answer) {
	at, found := slices.BinarySearchFunc(s.Answers, a.Number, func(b Answer, n uint8) int { return int(b.Number) - int(n) })
	if found {
		s.Answers[at] = a
		return
	}
	s.Answers = slices.Insert(s.Answers, at, a)
}

// hasGrant reports whether anything is granted.
func (s *Stored) hasGrant() bool {
	return slices.ContainsFunc(s.Answers, func(a Answer) bool { return a.Granted })
}

// text is the identifier itself, for the visitor whose it is and nobody else.
func (s Subject) text() string { return uuid.UUID(s).String() }
