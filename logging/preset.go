package logging

import (
	"fmt"
	"time"
)

// Preset chooses the fields of a log.
type Preset int

const (
	// Operations is what it takes to run a site and find its faults. It is the
	// default.
	Operations Preset = iota
	// Minimal says nothing of visitors: time, method, route, status, duration,
	// failure.
	Minimal
	// Security is Operations with the source port and the time to the
	// millisecond, which together find one connection in a carrier's records.
	// It needs Config.Why.
	Security
)

// String returns the preset's name in lower case.
func (p Preset) String() string {
	switch p {
	case Operations:
		return "operations"
	case Minimal:
		return "minimal"
	case Security:
		return "security"
	}
	return "unknown"
}

// preset is a set of presets.
type preset uint8

const (
	inMinimal preset = 1 << iota
	inOperations
	inSecurity

	inAll  = inMinimal | inOperations | inSecurity
	inBoth = inOperations | inSecurity
)

func (p Preset) set() preset {
	switch p {
	case Operations:
		return inOperations
	case Minimal:
		return inMinimal
	case Security:
		return inSecurity
	}
	return 0
}

// schema returns the preset's fields in the order of a line, kept for that long,
// with the query names that may be logged.
func (p Preset) schema(kept time.Duration, query []string) []Field {
	var out []Field
	for _, f := range declared() {
		if f.presets&p.set() != 0 {
			f.Retention = days(kept)
			if f.Name == "url.query" {
				f.Form = queryForm(query)
			}
			out = append(out, f)
		}
	}
	return out
}

const day = 24 * time.Hour

func days(d time.Duration) string {
	if d == day {
		return "1 day"
	}
	return fmt.Sprintf("%d days", d/day)
}
