package iputil

import (
	"net/netip"
	"strings"
)

// walkForwarded reads Forwarded (RFC 7239). Quoted strings can only be told
// from the left, so it goes that way and remembers what a walk from the right
// would find: the last element that is untrusted or garbage decides.
func (r *Resolver) walkForwarded(lines []string, peer netip.Addr) netip.Addr {
	found := peer
	// open says that the next trusted element is the last good hop: at the
	// beginning, and behind garbage.
	open := true
	for _, line := range lines {
		// A quote that is not closed on its line is garbage to the line's end:
		// the next proxy's line is its own.
		for more := true; more; {
			var element string
			element, line, more = cutUnquoted(line, ',')
			a, ok := forwardedFor(element)
			switch {
			case !ok:
				open, found = true, peer
			case !r.trusts(a):
				open, found = false, a
			case open:
				open, found = false, a
			}
		}
	}
	return found
}

// cutUnquoted cuts s at the first sep outside of a quoted string.
func cutUnquoted(s string, sep byte) (before, after string, found bool) {
	quoted := false
	for i := 0; i < len(s); i++ {
		switch c := s[i]; {
		case quoted && c == '\\':
			i++
		case c == '"':
			quoted = !quoted
		case c == sep && !quoted:
			return s[:i], s[i+1:], true
		}
	}
	return s, "", false
}

// forwardedFor returns the address of one element's "for" parameter. An element
// that is malformed anywhere, or has none or two of them, is garbage.
func forwardedFor(element string) (addr netip.Addr, ok bool) {
	for more := true; more; {
		var pair string
		pair, element, more = cutUnquoted(element, ';')
		if pair = strings.Trim(pair, " \t"); pair == "" {
			continue
		}
		name, value, found := strings.Cut(pair, "=")
		if !found || !isToken(name) {
			return netip.Addr{}, false
		}
		text, valid := unquote(value)
		if !valid {
			return netip.Addr{}, false
		}
		if strings.EqualFold(name, "for") {
			if ok {
				return netip.Addr{}, false
			}
			if addr, ok = parseNode(text); !ok {
				return netip.Addr{}, false
			}
		}
	}
	return addr, ok
}

// parseNode reads a node identifier (RFC 7239 §6). Obfuscated and unknown ones
// are garbage; an obfuscated port is as good as none.
func parseNode(s string) (netip.Addr, bool) {
	if colon := strings.LastIndex(s, ":_"); colon > 0 && isObfuscated(s[colon+1:]) {
		s = s[:colon]
	}
	if strings.Trim(s, " \t") != s {
		return netip.Addr{}, false
	}
	return parseElement(s)
}

// isObfuscated reports whether s is "_" and letters, digits, '.', '_', '-'
// (RFC 7239 §6.3).
func isObfuscated(s string) bool {
	for i := 1; i < len(s); i++ {
		c := s[i]
		if (c < 'a' || c > 'z') && (c < 'A' || c > 'Z') && (c < '0' || c > '9') && c != '.' && c != '_' && c != '-' {
			return false
		}
	}
	return len(s) > 1
}

// unquote returns the value of a token or a quoted string. Beside the
// characters of a token it lets the unquoted form hold those of an address with
// port, which many proxies forget to quote.
func unquote(s string) (string, bool) {
	if s == "" || s[0] != '"' {
		for i := range len(s) {
			if !isTokenByte(s[i]) && s[i] != ':' && s[i] != '[' && s[i] != ']' {
				return "", false
			}
		}
		return s, s != ""
	}
	if len(s) < 2 {
		return "", false
	}
	inner := s[1 : len(s)-1]
	if s[len(s)-1] != '"' {
		return "", false
	}
	if strings.IndexByte(inner, '\\') < 0 {
		return inner, strings.IndexByte(inner, '"') < 0 && isPrintable(inner)
	}
	var b strings.Builder
	for i := 0; i < len(inner); i++ {
		c := inner[i]
		if c == '"' {
			return "", false
		}
		if c == '\\' {
			// The closing quote was escaped: the string is not closed.
			if i++; i == len(inner) {
				return "", false
			}
			c = inner[i]
		}
		b.WriteByte(c)
	}
	return b.String(), isPrintable(b.String())
}

func isPrintable(s string) bool {
	for i := range len(s) {
		if s[i] < ' ' && s[i] != '\t' || s[i] == 0x7f {
			return false
		}
	}
	return true
}
