package cookies

import (
	"math"
	"net/http"
	"strings"
	"time"
)

const (
	// maxSetCookie bounds a line before it is looked at.
	maxSetCookie = 16 << 10
	// maxPair is what browsers take of name and value together, and maxValue of
	// one attribute; an attribute beyond it they pass over (RFC 6265bis §5.7).
	maxPair  = 4096
	maxValue = 1024
)

// setCookie is a Set-Cookie line, taken apart without copying.
type setCookie struct {
	line string
	name string
	rest string // attributes, from the first ';' on
	attributes
}

// attributes are what stands behind name and value. Where one stands twice the
// last counts, as in browsers (RFC 6265bis §5.7); for how long a cookie lives
// every one does.
type attributes struct {
	path, domain                  string
	secure, httpOnly, partitioned bool
	sameSite                      http.SameSite // 0 when absent or unknown

	ages, dates     int   // how many Max-Age and Expires attributes can be read
	longest, latest int64 // the greatest of them, in seconds and as a Unix time
	odd             bool  // there are some that browsers pass over or read each in its own way
}

// parseSetCookie reads a line as browsers do, up to its attributes, which are for
// read. It says malformed or too large of what they would not take or might read
// differently: control characters, no name, a name and value of more than 4096
// bytes.
func parseSetCookie(c *setCookie, line string) Reason {
	if len(line) > maxSetCookie {
		return TooLarge
	}
	pair := line
	if end := strings.IndexByte(line, ';'); end >= 0 {
		pair, c.rest = line[:end], line[end:]
	}
	if hasControl(pair) {
		return Malformed
	}
	equals := strings.IndexByte(pair, '=')
	if equals < 0 {
		return Malformed
	}
	c.line, c.name = line, trim(line[:equals])
	if c.name == "" {
		return Malformed
	}
	if len(pair) > maxPair+1 {
		return TooLarge
	}
	return passed
}

// read takes the attributes apart, and reports false where there is a control
// character among them: the line is malformed then.
func (c *attributes) read(rest string) bool {
	if hasControl(rest) {
		return false
	}
	for rest != "" {
		var name, value string
		_, name, value, rest = cutAttribute(rest)
		if len(value) > maxValue {
			c.odd = c.odd || isAge(name) || isDate(name)
			continue
		}
		switch len(name) {
		case len("path"):
			if equalFold(name, "path") {
				c.path = value
			}
		case len("secure"):
			if equalFold(name, "secure") {
				c.secure = true
			} else if equalFold(name, "domain") {
				c.domain = value
			}
		case len("max-age"):
			if isAge(name) {
				c.age(value)
			} else if isDate(name) {
				c.date(value)
			}
		case len("httponly"):
			if equalFold(name, "httponly") {
				c.httpOnly = true
			} else if equalFold(name, "samesite") {
				c.sameSite = parseSameSite(value)
			}
		case len("partitioned"):
			if equalFold(name, "partitioned") {
				c.partitioned = true
			}
		}
	}
	return true
}

func (c *attributes) age(value string) {
	n, ok := parseAge(value)
	if !ok {
		c.odd = true
		return
	}
	if c.ages == 0 || n > c.longest {
		c.longest = n
	}
	c.ages++
}

func (c *attributes) date(value string) {
	t, ok := parseDate(value)
	if !ok {
		c.odd = true
		return
	}
	if c.dates == 0 || t > c.latest {
		c.latest = t
	}
	c.dates++
}

// deletes reports whether every browser takes the line for a deletion. What
// some would read as setting the cookie is a set. Max-Age outranks Expires.
func (c *attributes) deletes(now time.Time) bool {
	switch {
	case c.odd:
		return false
	case c.ages > 0:
		return c.longest <= 0
	}
	return c.dates > 0 && c.latest < now.Unix()
}

// outlives reports whether some age or date lets the cookie live longer than
// lifetime, or cannot be read.
func (c *attributes) outlives(lifetime time.Duration, now time.Time) bool {
	return c.odd || c.ages > 0 && c.longest > int64(lifetime/time.Second) ||
		c.dates > 0 && c.latest > now.Add(lifetime).Unix()
}

// isAge and isDate tell the attributes that say how long a cookie lives.

func isAge(name string) bool { return len(name) == len("max-age") && equalFold(name, "max-age") }

func isDate(name string) bool { return len(name) == len("expires") && equalFold(name, "expires") }

// cutAttribute takes the next attribute from what begins with ';': as it
// stands, and its name and value.
func cutAttribute(rest string) (raw, name, value, after string) {
	raw = rest
	if end := strings.IndexByte(rest[1:], ';'); end >= 0 {
		raw, after = rest[:end+1], rest[end+1:]
	}
	if equals := strings.IndexByte(raw, '='); equals >= 0 {
		return raw, trim(raw[1:equals]), trim(raw[equals+1:]), after
	}
	return raw, trim(raw[1:]), "", after
}

// parseAge reads a Max-Age as browsers do (RFC 6265bis §5.6.2): digits, with or
// without a minus. More than fits is for ever.
func parseAge(value string) (int64, bool) {
	digits, negative := value, false
	if value != "" && value[0] == '-' {
		digits, negative = value[1:], true
	}
	if digits == "" {
		return 0, false
	}
	var n int64
	for i := range len(digits) {
		d := int64(digits[i]) - '0'
		if d < 0 || d > 9 {
			return 0, false
		}
		if n > (math.MaxInt64-9)/10 {
			n = (math.MaxInt64 - 9) / 10
		}
		n = n*10 + d
	}
	if negative {
		n = -n
	}
	return n, true
}

func parseSameSite(value string) http.SameSite {
	switch {
	case len(value) == len("strict") && equalFold(value, "strict"):
		return http.SameSiteStrictMode
	case len(value) == len("lax") && equalFold(value, "lax"):
		return http.SameSiteLaxMode
	case len(value) == len("none") && equalFold(value, "none"):
		return http.SameSiteNoneMode
	}
	return 0
}
