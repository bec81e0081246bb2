package cookies

import (
	"net/http"
	"strings"
	"time"
)

// maxSetCookie bounds a line: browsers refuse a name and value of more than
// 4096 bytes and attribute values of more than 1024 (RFC 6265bis §5.6).
const maxSetCookie = 16 << 10

// setCookie is a Set-Cookie line, taken apart without copying. Where attributes
// stand twice the last one counts, as in browsers (RFC 6265bis §5.7).
type setCookie struct {
	line string
	name string
	rest string // attributes, from the first ';' on

	secure, httpOnly, partitioned bool
	sameSite                      http.SameSite // 0 when absent or unknown
	ages, dates                   int           // how many Max-Age and Expires attributes
	deletes                       bool          // every age or date says so
}

// parseSetCookie reads a line as browsers do. It fails on what they would not
// take or might read differently: control characters, no name, too long.
func parseSetCookie(line string, now time.Time) (c setCookie, ok bool) {
	if len(line) > maxSetCookie {
		return c, false
	}
	for i := range len(line) {
		if b := line[i]; b < ' ' && b != '\t' || b == 0x7f {
			return c, false
		}
	}
	c.line = line
	pair := line
	if i := strings.IndexByte(line, ';'); i >= 0 {
		pair, c.rest = line[:i], line[i:]
	}
	name, value, found := strings.Cut(pair, "=")
	c.name = strings.Trim(name, " \t")
	if !found || c.name == "" || len(c.name)+len(value) > 4096 {
		return c, false
	}
	c.attributes(now)
	return c, true
}

func (c *setCookie) attributes(now time.Time) {
	agesDelete, datesDelete := true, true
	for rest := c.rest; rest != ""; {
		var av string
		av, rest = cutAttribute(rest)
		name, value, _ := strings.Cut(av, "=")
		name, value = strings.Trim(name, " \t"), strings.Trim(value, " \t")
		switch {
		case strings.EqualFold(name, "Secure"):
			c.secure = true
		case strings.EqualFold(name, "HttpOnly"):
			c.httpOnly = true
		case strings.EqualFold(name, "Partitioned"):
			c.partitioned = true
		case strings.EqualFold(name, "SameSite"):
			c.sameSite = parseSameSite(value)
		case strings.EqualFold(name, "Max-Age"):
			c.ages++
			agesDelete = agesDelete && !positive(value)
		case strings.EqualFold(name, "Expires"):
			c.dates++
			t, err := http.ParseTime(value)
			datesDelete = datesDelete && err == nil && t.Before(now)
		}
	}
	// Max-Age outranks Expires. Only what no browser keeps is a deletion; a line
	// that some would read as setting the cookie is a set.
	c.deletes = c.ages > 0 && agesDelete || c.ages == 0 && c.dates > 0 && datesDelete
}

// cutAttribute takes the next attribute from what begins with ';'.
func cutAttribute(rest string) (av, after string) {
	rest = rest[1:]
	if i := strings.IndexByte(rest, ';'); i >= 0 {
		return rest[:i], rest[i:]
	}
	return rest, ""
}

// positive reports whether a Max-Age value could keep a cookie. What is not a
// number is ignored by browsers, so it does not delete either.
func positive(value string) bool {
	if value == "0" {
		return false
	}
	digits, negative := strings.CutPrefix(value, "-")
	return !negative || digits == "" || strings.Trim(digits, "0123456789") != ""
}

func parseSameSite(value string) http.SameSite {
	switch {
	case strings.EqualFold(value, "Strict"):
		return http.SameSiteStrictMode
	case strings.EqualFold(value, "Lax"):
		return http.SameSiteLaxMode
	case strings.EqualFold(value, "None"):
		return http.SameSiteNoneMode
	}
	return 0
}
