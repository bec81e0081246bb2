package iputil

import (
	"net/netip"
	"strings"
)

func parsePeer(s string) (netip.Addr, bool) {
	if i := strings.LastIndexByte(s, ':'); i > 0 && isPort(s[i:]) && (len(s[i:]) < len(":65535") || s[i:] <= ":65535") {
		if a, ok := parseQuad(s[:i]); ok {
			return a, true
		}
	}
	if p, err := netip.ParseAddrPort(s); err == nil {
		return p.Addr().Unmap().WithZone(""), true
	}
	if a, err := netip.ParseAddr(s); err == nil {
		return a.Unmap().WithZone(""), true
	}
	return netip.Addr{}, false
}

// parseElement reads an address with or without a port: a.b.c.d, a.b.c.d:port,
// v6, [v6], [v6]:port.
func parseElement(s string) (netip.Addr, bool) {
	for len(s) > 0 && (s[0] == ' ' || s[0] == '\t') {
		s = s[1:]
	}
	for len(s) > 0 && (s[len(s)-1] == ' ' || s[len(s)-1] == '\t') {
		s = s[:len(s)-1]
	}
	if a, ok := parseQuad(s); ok {
		return a, !a.IsUnspecified()
	}
	if len(s) > 0 && s[0] == '[' {
		end := strings.IndexByte(s, ']')
		if end < 0 || s[end+1:] != "" && !isPort(s[end+1:]) {
			return netip.Addr{}, false
		}
		a, ok := parseAddr(s[1:end])
		return a, ok && strings.IndexByte(s[1:end], ':') >= 0
	}
	if colon := strings.IndexByte(s, ':'); colon >= 0 && strings.IndexByte(s[colon+1:], ':') < 0 {
		if !isPort(s[colon:]) {
			return netip.Addr{}, false
		}
		s = s[:colon]
	}
	return parseAddr(s)
}

// maxAddr is the longest text of an address (RFC 4291 §2.2, with dotted quad).
const maxAddr = len("ffff:ffff:ffff:ffff:ffff:ffff:255.255.255.255")

// parseAddr reads a bare address. A zone means something on the proxy's own
// links only, and the unspecified address means nobody: neither is a visitor.
func parseAddr(s string) (netip.Addr, bool) {
	if len(s) > maxAddr || strings.IndexByte(s, '%') >= 0 {
		return netip.Addr{}, false
	}
	a, err := netip.ParseAddr(s)
	if err != nil || a.IsUnspecified() {
		return netip.Addr{}, false
	}
	return a.Unmap(), true
}

// parseQuad reads what most addresses are, four decimal numbers without leading
// zeros. It takes a third of the time of netip.ParseAddr, which reads the rest.
func parseQuad(s string) (netip.Addr, bool) {
	var quad [4]byte
	at, value, digits := 0, 0, 0
	for i := range len(s) {
		switch c := s[i]; {
		case c >= '0' && c <= '9':
			if value = value*10 + int(c-'0'); value > 255 || digits > 0 && value < 10 {
				return netip.Addr{}, false
			}
			digits++
		case c == '.' && digits > 0 && at < 3:
			quad[at] = byte(value)
			at, value, digits = at+1, 0, 0
		default:
			return netip.Addr{}, false
		}
	}
	if at != 3 || digits == 0 {
		return netip.Addr{}, false
	}
	quad[3] = byte(value)
	return netip.AddrFrom4(quad), true
}

// isPort reports whether s is a colon and one to five digits.
func isPort(s string) bool {
	if len(s) < 2 || len(s) > 6 || s[0] != ':' {
		return false
	}
	for i := 1; i < len(s); i++ {
		if s[i] < '0' || s[i] > '9' {
			return false
		}
	}
	return true
}

func isToken(s string) bool {
	for i := range len(s) {
		if !isTokenByte(s[i]) {
			return false
		}
	}
	return s != ""
}

// isTokenByte reports whether c may stand in a token (RFC 9110 §5.6.2).
func isTokenByte(c byte) bool {
	return c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= '0' && c <= '9' || c == '.' || strings.IndexByte("!#$%&'*+-^_`|~", c) >= 0
}
