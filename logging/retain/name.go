package retain

import (
	"errors"
	"strings"
	"time"
)

const (
	stamp     = "20060102T150405Z" // ISO 8601 basic format, UTC
	extension = ".log"

	minPeriod = time.Minute
	maxPeriod = 366 * 24 * time.Hour
	// maxAhead is how far ahead of the clock a file may begin. It covers a clock
	// that is set right by a little across the end of a period.
	maxAhead = time.Hour
)

var errClock = errors.New("retain: the clock is before 1970 or after 9998; set it")

// span is the time that the lines of one file come from, from inclusive, until
// exclusive, in seconds since 1970 UTC.
type span struct{ from, until int64 }

// spanAt returns the period that contains now.
func spanAt(now time.Time, period time.Duration) (span, error) {
	seconds := now.Unix()
	if seconds < 0 || now.UTC().Year() > 9998 {
		return span{}, errClock
	}
	length := int64(period / time.Second)
	from := seconds - seconds%length
	return span{from, from + length}, nil
}

func (s span) begin() time.Time { return time.Unix(s.from, 0).UTC() }
func (s span) end() time.Time   { return time.Unix(s.until, 0).UTC() }

func (s span) fileName(prefix string) string {
	return prefix + "-" + s.begin().Format(stamp) + "-" + s.end().Format(stamp) + extension
}

// parseName returns the span of a file that fileName named, with whatever
// period, and false for every other name.
func parseName(prefix, name string) (span, bool) {
	if len(name) != len(prefix)+2*len("-"+stamp)+len(extension) || !strings.HasPrefix(name, prefix+"-") {
		return span{}, false
	}
	stamps := name[len(prefix)+1 : len(name)-len(extension)]
	from, err := time.Parse(stamp, stamps[:len(stamp)])
	if err != nil {
		return span{}, false
	}
	until, err := time.Parse(stamp, stamps[len(stamp)+1:])
	if err != nil {
		return span{}, false
	}
	period := until.Sub(from)
	if period < minPeriod || period > maxPeriod {
		return span{}, false
	}
	s, err := spanAt(from, period)
	// The comparison holds every byte of the name to what would be written, and
	// the beginning to a multiple of the period.
	return s, err == nil && s.fileName(prefix) == name
}

// expires returns when the newest line that a file can hold is older than age.
func (s span) expires(age time.Duration) time.Time { return s.end().Add(age) }

// judge says why a file must be deleted now, "" to keep it.
func (s span) judge(now time.Time, age time.Duration) Kind {
	switch {
	case !now.Before(s.expires(age)):
		return Expired
	case s.begin().Sub(now) > maxAhead:
		return Ahead
	}
	return ""
}
