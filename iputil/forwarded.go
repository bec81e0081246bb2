package iputil

import (
	"net/netip"
	"strings"
)

// walkForwarded reads Forwarded (RFC 7239). Quoted strings can only be told
// from the left, so it goes that way and remembers what a walk from the right
// would find: the last element that is untrusted or garbage decides. read is
// false when that one was garbage.
func (r *Resolver) walkForwarded(lines []string, peer netip.Addr) (hop netip.Addr, read bool) {
	hop, read = peer, true
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
				hop, open, read = peer, true, false
			case !r.trusts(a):
				hop, open, read = a, false, true
			case open:
				hop, open = a, false
			}
		}
	}
	return hop, read
}

// cutUnquoted cuts s at the first sep outside of a quoted string.
func cutUnquoted(s string, sep byte) (before, after string, found bool) {
	end := strings.IndexByte(s, sep)
	if end < 0 {
		return s, "", false
	}
	if strings.IndexByte(s[:end], '"') < 0 {
		return s[:end], s[end+1:], true
	}
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

// maxNode bounds a "for" value before it is read: an address in brackets with
// every character escaped is 96 long, and as much again is left for an
// obfuscated port (RFC 7239 §6.3 gives no bound).
const maxNode = 192

// forwardedFor returns the address of one element's "for" parameter. An element
// that is malformed anywhere, or has none or two of them, is garbage.
func forwardedFor(element string) (addr netip.Addr, ok bool) {
	// Most elements are this and no more. What reads as an address needs no
	// look at its characters.
	element = strings.Trim(element, " \t")
	if len(element) > 4 && strings.EqualFold(element[:4], "for=") {
		if addr, ok = parseAddr(element[4:]); ok {
			return addr, true
		}
	}
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
		if !isValue(value) {
			return netip.Addr{}, false
		}
		if strings.EqualFold(name, "for") {
			if ok || len(value) > maxNode {
				return netip.Addr{}, false
			}
			if addr, ok = parseNode(unquote(value)); !ok {
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

// isValue reports whether s is a token or a quoted string (RFC 9110 §5.6.4).
// Beside the characters of a token it lets the unquoted form hold those of an
// address with port, which many proxies forget to quote.
func isValue(s string) bool {
	if s == "" || s[0] != '"' {
		for i := range len(s) {
			if !isTokenByte(s[i]) && s[i] != ':' && s[i] != '[' && s[i] != ']' {
				return false
			}
		}
		return s != ""
	}
	for i := 1; i < len(s); i++ {
		if s[i] == '"' {
			return i == len(s)-1
		}
		if s[i] == '\\' {
			if i++; i == len(s) {
				return false
			}
		}
		if s[i] < ' ' && s[i] != '\t' || s[i] == 0x7f {
			return false
		}
	}
	return false // not closed, or closed by a quote that was escaped
}

// unquote returns what a value stands for, of which isValue is true.
func unquote(s string) string {
	if s[0] != '"' {
		return s
	}
	s = s[1 : len(s)-1]
	if strings.IndexByte(s, '\\') < 0 {
		return s
	}
	plain := make([]byte, 0, maxNode)
	for i := 0; i < len(s); i++ {
		if s[i] == '\\' {
			i++
		}
		plain = append(plain, s[i])
	}
	return string(plain)
}
