package logging

import (
	"regexp"
	"strings"
)

// appendQuery appends what of a request target's query may be logged: pairs
// whose name is declared, as declared, with their value if it is a plain short
// word, else "-". What is not declared leaves no trace, its name included. It
// ends before it gets longer than maxQuery.
func appendQuery(dst []byte, query string, declared []queryName) []byte {
	if i := strings.IndexByte(query, '#'); i >= 0 {
		query = query[:i]
	}
	start := len(dst)
	for query != "" && len(dst) < start+maxQuery {
		pair := query
		if i := strings.IndexByte(query, '&'); i >= 0 {
			pair, query = query[:i], query[i+1:]
		} else {
			query = ""
		}
		raw, value, hasValue := pair, "", false
		if i := strings.IndexByte(pair, '='); i >= 0 {
			raw, value, hasValue = pair[:i], pair[i+1:], true
		}
		shown, escaped := "", strings.IndexByte(raw, '%') >= 0 || strings.IndexByte(raw, '+') >= 0
		for i := range declared {
			if d := &declared[i]; raw == d.name && !escaped || escaped && decodesTo(raw, d.name) {
				shown = d.shown
				break
			}
		}
		if shown == "" {
			continue
		}
		if len(dst) > start {
			dst = append(dst, '&')
		}
		dst = append(dst, shown...)
		if hasValue {
			dst = append(dst, '=')
			if plainValue(value) {
				dst = append(dst, value...)
			} else {
				dst = append(dst, '-')
			}
		}
	}
	return dst
}

// queryName is a declared name, as it is and as it stands in JSON.
type queryName struct{ name, shown string }

func queryNames(declared []string) []queryName {
	names := make([]queryName, len(declared))
	for i, name := range declared {
		quoted := appendString(nil, name)
		names[i] = queryName{name, string(quoted[1 : len(quoted)-1])}
	}
	return names
}

// queryForm is the form of what appendQuery appends.
func queryForm(declared []string) string {
	names := make([]string, len(declared))
	for i, name := range declared {
		names[i] = regexp.QuoteMeta(name)
	}
	if len(names) == 0 {
		return "^$"
	}
	pair := "(" + strings.Join(names, "|") + ")(=[A-Za-z0-9._~-]{0,64})?"
	return "^" + pair + "(&" + pair + ")*$"
}

// decodesTo reports whether raw, percent-decoded once, is name. A bad escape is
// nobody's name.
func decodesTo(raw, name string) bool {
	for len(raw) > 0 {
		if name == "" {
			return false
		}
		c := raw[0]
		switch c {
		case '%':
			if len(raw) < 3 {
				return false
			}
			high, low := unhex(raw[1]), unhex(raw[2])
			if high < 0 || low < 0 {
				return false
			}
			c = byte(high<<4 | low)
			raw = raw[3:]
		case '+':
			c = ' '
			raw = raw[1:]
		default:
			raw = raw[1:]
		}
		if c != name[0] {
			return false
		}
		name = name[1:]
	}
	return name == ""
}

func unhex(c byte) int {
	switch {
	case c >= '0' && c <= '9':
		return int(c - '0')
	case c >= 'a' && c <= 'f':
		return int(c-'a') + 10
	case c >= 'A' && c <= 'F':
		return int(c-'A') + 10
	}
	return -1
}

const (
	maxQueryValue = 64
	// maxQuery bounds what a visitor can make a line longer by; one pair more may
	// begin before it.
	maxQuery = 2048
	// maxDigits is below the shortest card, phone and account numbers.
	maxDigits = 8
)

// plainValue reports whether a value is of few unreserved characters (RFC 3986
// §2.3), no long number, in groups or in one, and no IPv4 address: the origin of
// a page that was reached by its address stays out of the log too. The empty
// value is plain.
func plainValue(s string) bool {
	if len(s) > maxQueryValue {
		return false
	}
	digits := 0           // since the last letter
	octets, octet := 0, 0 // of dotted numbers, and the digits of the last
	for i := range len(s) {
		switch c := s[i]; {
		case c >= '0' && c <= '9':
			if digits++; digits > maxDigits {
				return false
			}
			if octet++; octet == 1 {
				if octets++; octets == 4 {
					return false
				}
			}
		case c == '.' && octet > 0 && octet <= 3:
			octet = 0
		case c == '.' || c == '_' || c == '~' || c == '-':
			octets, octet = 0, 0
		case c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z':
			digits, octets, octet = 0, 0, 0
		default:
			return false
		}
	}
	return true
}
