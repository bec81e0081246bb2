package retain

import (
	"errors"
	"fmt"
	"regexp"
	"time"
)

const maxAge = 3660 * 24 * time.Hour

// Config configures a [File]. It is copied by Open.
type Config struct {
	// Dir is the directory of the files. Required. It is made with mode 0700
	// where it is missing, also later when it went away; its parents too. It may
	// be a symbolic link itself. No one but its owner may have the right to write
	// to it.
	Dir string
	// Name begins the files' names. Required: 1 to 64 letters, digits, '.', '_'
	// and '-', of which the first is a letter or a digit. No other File may use
	// it in the same Dir.
	Name string
	// Age is how long a line is kept at least: a file is deleted when the newest
	// line that it can hold is older. Required. Not shorter than Period, so that
	// the file being written holds no line older than Age; at most 3660 days.
	Age time.Duration
	// Period is what one file covers, in UTC, counted from the Unix epoch; 0
	// means 24 hours, which are UTC days. Whole seconds, a minute to 366 days.
	Period time.Duration
	// Report is told of every deletion and every failure; nil tells nobody, and
	// Stats still counts. It is called without any lock held, possibly several
	// times at once, from Open, Write, Reopen, Close and a goroutine of the File,
	// and must not block for long. Of the File it may call Stats and Retention
	// alone.
	Report func(Event)
	// Now is the clock; nil means time.Now. It is called concurrently and must
	// not call the File. The package comment says what follows when it is set.
	Now func() time.Time
}

// validate fills in the defaults and lists every fault.
func (c *Config) validate() error {
	var faults []error
	fault := func(format string, args ...any) {
		faults = append(faults, fmt.Errorf("retain: config: "+format, args...))
	}
	if c.Dir == "" {
		fault("Dir: is missing; give the directory of the log files")
	}
	if !regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$`).MatchString(c.Name) {
		fault("Name: is missing or cannot begin a file's name; use 1 to 64 letters, digits, '.', '_', '-', a letter or digit first")
	}
	if c.Period == 0 {
		c.Period = 24 * time.Hour
	}
	if c.Period < minPeriod || c.Period > maxPeriod || c.Period%time.Second != 0 {
		fault("Period: is %v; choose whole seconds, a minute to 366 days, or 0 for a day", c.Period)
	}
	switch {
	case c.Age == 0:
		fault("Age: is missing; say how long a line is kept, for example 29 * 24 * time.Hour")
	case c.Age < 0 || c.Age > maxAge:
		fault("Age: is %v; choose at most 3660 days", c.Age)
	case c.Age < c.Period:
		fault("Age: is %v, shorter than Period (%v), so the file being written would hold older lines; choose a longer Age or a shorter Period", c.Age, c.Period)
	}
	if c.Now == nil {
		c.Now = time.Now
	}
	return errors.Join(faults...)
}
