package iputil

import (
	"errors"
	"fmt"
	"net/http"
	"net/netip"
	"net/textproto"
	"slices"
	"strings"
)

// Proxies says which proxies stand in front of the service and what they tell.
// The zero Proxies is a service without any.
type Proxies struct {
	// Header is the one header field that names the visitor: "X-Forwarded-For",
	// "Forwarded" (RFC 7239), or one that holds a single address, such as
	// "X-Real-IP". Empty: none is read.
	Header string
	// Trusted lists the addresses of the proxies. What they say is believed.
	Trusted []netip.Prefix
	// TrustedFunc decides in place of Trusted, for lists that change. It gets
	// unmapped addresses without a zone and is called concurrently.
	TrustedFunc func(netip.Addr) bool
	// UnixSocket trusts a peer on a unix socket.
	UnixSocket bool
	// SchemeHeader says "https" or "http" for the visitor's side, such as
	// "X-Forwarded-Proto". It is believed from a trusted peer only.
	SchemeHeader string
	// InsecureTrustAny permits a prefix of length 0 in Trusted, which lets every
	// peer name any visitor.
	InsecureTrustAny bool
}

// Resolver finds who a request comes from. Make it with NewResolver; a nil
// Resolver believes the TCP peer alone. It never changes a request and is safe
// for concurrent use.
type Resolver struct {
	header  string // canonical
	kind    headerKind
	trusted []netip.Prefix
	trust   func(netip.Addr) bool
	unix    bool
	scheme  string // canonical
}

type headerKind int

const (
	noHeader headerKind = iota
	xForwardedFor
	forwarded
	singleValue
)

// NewResolver returns a Resolver, or one error that names every fault of p.
func NewResolver(p Proxies) (*Resolver, error) {
	var faults []error
	fault := func(format string, args ...any) {
		faults = append(faults, fmt.Errorf("iputil: proxies: "+format, args...))
	}
	r := &Resolver{trust: p.TrustedFunc, unix: p.UnixSocket}
	trusts := len(p.Trusted) > 0 || p.TrustedFunc != nil || p.UnixSocket
	if p.TrustedFunc != nil && len(p.Trusted) > 0 {
		fault("TrustedFunc: cannot be used with Trusted; drop one of them")
	}
	if p.Header != "" {
		r.header = textproto.CanonicalMIMEHeaderKey(p.Header)
		if !isToken(p.Header) {
			fault("Header: is not a field name; write for example \"X-Forwarded-For\"")
		}
		if !trusts {
			fault("Header: without a trusted proxy anybody could write it; list the proxies in Trusted")
		}
		switch r.header {
		case "X-Forwarded-For":
			r.kind = xForwardedFor
		case "Forwarded":
			r.kind = forwarded
		case "Via", "Cookie", "Host", "User-Agent", "Referer", "Authorization", "X-Forwarded-Host", "X-Forwarded-Proto", "X-Forwarded-Port":
			fault("Header: %s does not hold an address; choose the field your proxy writes", r.header)
		default:
			r.kind = singleValue
		}
	}
	if p.SchemeHeader != "" {
		r.scheme = textproto.CanonicalMIMEHeaderKey(p.SchemeHeader)
		if !isToken(p.SchemeHeader) || r.scheme == "Forwarded" {
			fault("SchemeHeader: is not a field that says http or https; write for example \"X-Forwarded-Proto\"")
		}
		if !trusts {
			fault("SchemeHeader: without a trusted proxy anybody could write it; list the proxies in Trusted")
		}
	}
	for i, prefix := range p.Trusted {
		switch {
		case !prefix.IsValid():
			fault("Trusted[%d]: is not a prefix; make it with netip.MustParsePrefix", i)
		case prefix.Addr().Is4In6():
			fault("Trusted[%d]: is an IPv4-mapped prefix, which no peer matches; write the IPv4 prefix", i)
		case prefix.Bits() == 0 && !p.InsecureTrustAny:
			fault("Trusted[%d]: trusts every peer to name any visitor; list your proxies, or set InsecureTrustAny", i)
		default:
			r.trusted = append(r.trusted, prefix.Masked())
		}
	}
	if err := errors.Join(faults...); err != nil {
		return nil, err
	}
	r.trusted = slices.Clip(r.trusted)
	return r, nil
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
	return c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= '0' && c <= '9' || strings.IndexByte("!#$%&'*+-.^_`|~", c) >= 0
}

// Client returns the visitor's address: unmapped, without zone and port. The
// zero Addr means that it is not known.
//
// The TCP peer is the visitor unless it is trusted. From a trusted peer the
// configured header is read over all its lines from right to left; trusted
// addresses are skipped, the first other one is the visitor. What is not an
// address stops the walk at the last good hop, so that nothing to the left of
// garbage is ever believed. If all are trusted, the leftmost is the visitor.
func (r *Resolver) Client(req *http.Request) netip.Addr {
	hop, trusted := r.peer(req)
	if r == nil || !trusted || r.kind == noHeader {
		return hop
	}
	lines := req.Header[r.header]
	switch r.kind {
	case xForwardedFor:
		return r.walk(lines, hop)
	case forwarded:
		return r.walkForwarded(lines, hop)
	}
	if len(lines) == 1 {
		if a, ok := parseElement(lines[0]); ok {
			return a
		}
	}
	return hop
}

// TrustedPeer reports whether the TCP peer is one of the trusted proxies.
func (r *Resolver) TrustedPeer(req *http.Request) bool {
	_, trusted := r.peer(req)
	return trusted
}

// HTTPS reports whether the visitor came by https: by this connection, or by
// what a trusted peer says in SchemeHeader. A trusted peer that says anything
// but exactly one "https" is not believed to mean it.
func (r *Resolver) HTTPS(req *http.Request) bool {
	if r != nil && r.scheme != "" && r.TrustedPeer(req) {
		if lines, ok := req.Header[r.scheme]; ok {
			return len(lines) == 1 && strings.EqualFold(strings.Trim(lines[0], " \t"), "https")
		}
	}
	return req.TLS != nil
}

// peer returns hop 0 and whether it is trusted.
func (r *Resolver) peer(req *http.Request) (netip.Addr, bool) {
	a, ok := parsePeer(req.RemoteAddr)
	if !ok {
		// net/http names a unix socket's peer "@" or nothing at all.
		unix := req.RemoteAddr == "@" || req.RemoteAddr == ""
		return netip.Addr{}, unix && r != nil && r.unix
	}
	return a, r.trusts(a)
}

func (r *Resolver) trusts(a netip.Addr) bool {
	if r == nil {
		return false
	}
	if r.trust != nil {
		return r.trust(a)
	}
	for _, p := range r.trusted {
		if p.Contains(a) {
			return true
		}
	}
	return false
}

func parsePeer(s string) (netip.Addr, bool) {
	if p, err := netip.ParseAddrPort(s); err == nil {
		return p.Addr().Unmap().WithZone(""), true
	}
	if a, err := netip.ParseAddr(s); err == nil {
		return a.Unmap().WithZone(""), true
	}
	return netip.Addr{}, false
}

// walk reads X-Forwarded-For.
func (r *Resolver) walk(lines []string, hop netip.Addr) netip.Addr {
	for i := len(lines) - 1; i >= 0; i-- {
		rest, more := lines[i], true
		for more {
			element := rest
			comma := strings.LastIndexByte(rest, ',')
			if more = comma >= 0; more {
				rest, element = rest[:comma], rest[comma+1:]
			}
			a, ok := parseElement(element)
			if !ok {
				return hop
			}
			hop = a
			if !r.trusts(a) {
				return hop
			}
		}
	}
	return hop
}

// parseElement reads an address with or without a port: a.b.c.d, a.b.c.d:port,
// v6, [v6], [v6]:port.
func parseElement(s string) (netip.Addr, bool) {
	s = strings.Trim(s, " \t")
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
