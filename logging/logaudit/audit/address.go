package audit

import (
	"net/netip"

	"github.com/candorhttp/candor/iputil"
)

// nothingKept lets an address show nothing.
var nothingKept iputil.Cut

// shows reports whether an address has bits beyond those that are kept.
func shows(a netip.Addr, kept iputil.Cut) bool {
	return a.Zone() != "" || iputil.Truncate(a, kept) != a.Unmap()
}

// hasAddress looks for an IP address that shows more than is kept. An IPv4
// address may be the beginning or the end of a name, as in those that providers
// give to their customers' addresses.
func hasAddress(s []byte, kept iputil.Cut) bool {
	for i, c := range s {
		if i > 0 && isAlnum(s[i-1]) {
			continue
		}
		switch {
		case traits[c]&isDigit != 0 && (i < 2 || s[i-1] != '.' || traits[s[i-2]]&isDigit == 0):
			if a, ok := dotted(s[i:]); ok && shows(a, kept) {
				return true
			}
			fallthrough
		case unhex(c) >= 0 || c == ':' && (i == 0 || s[i-1] != ':'):
			if a, ok := colons(s[i:]); ok && shows(a, kept) {
				return true
			}
		}
	}
	return false
}

func isAlnum(c byte) bool { return traits[c]&isWord != 0 && c != '-' && c != '_' }

// dotted reads an IPv4 address from the beginning of s. Numbers of other than
// four parts are versions.
func dotted(s []byte) (netip.Addr, bool) {
	var octets [4]byte
	at := 0
	for i := range octets {
		if i > 0 {
			if at >= len(s) || s[at] != '.' {
				return netip.Addr{}, false
			}
			at++
		}
		begin, n := at, 0
		for at < len(s) && at < begin+3 && traits[s[at]]&isDigit != 0 {
			n = n*10 + int(s[at]-'0')
			at++
		}
		if at == begin || n > 255 {
			return netip.Addr{}, false
		}
		octets[i] = byte(n)
	}
	if at < len(s) && isAlnum(s[at]) || at+1 < len(s) && s[at] == '.' && traits[s[at+1]]&isDigit != 0 {
		return netip.Addr{}, false
	}
	return netip.AddrFrom4(octets), true
}

// colons reads an IPv6 address from the beginning of s. A dotted tail is found
// by itself.
func colons(s []byte) (netip.Addr, bool) {
	const longest = 39
	end, n := 0, 0
	for end < len(s) && end <= longest && (unhex(s[end]) >= 0 || s[end] == ':') {
		if s[end] == ':' {
			n++
		}
		end++
	}
	if n < 2 || end > longest || end < len(s) && isAlnum(s[end]) {
		return netip.Addr{}, false
	}
	text := s[:end]
	if text[end-1] == ':' && text[end-2] != ':' { // a mark behind it
		text = text[:end-1]
	}
	a, err := netip.ParseAddr(string(text))
	return a, err == nil
}
