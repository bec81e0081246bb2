package cookies

import (
	"net/http"
	"time"
)

// Line is what the gate reads in a Set-Cookie line.
type Line struct {
	Name, Path, Domain            string
	Secure, HTTPOnly, Partitioned bool
	SameSite                      http.SameSite
	Deletes, Outlives             bool
}

// ParseLine parses a Set-Cookie line, as seen at now by a spec of a lifetime.
func ParseLine(line string, lifetime time.Duration, now time.Time) (l Line, withheld bool) {
	var c setCookie
	if why := parseSetCookie(&c, line); why != passed || !c.read(c.rest) {
		return l, true
	}
	return Line{c.name, c.path, c.domain, c.secure, c.httpOnly, c.partitioned, c.sameSite, c.deletes(now), c.outlives(lifetime, now)}, false
}

// ParseDate parses the date of an Expires attribute.
func ParseDate(value string) (int64, bool) { return parseDate(value) }
