package iputil

import (
	"errors"
	"fmt"
	"net/http"
	"net/netip"
	"net/textproto"
	"slices"
	"strings"
	"sync/atomic"
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
	// InsecureTrustAny permits prefixes in Trusted so wide that visitors come
	// from them too, who may then name any visitor: shorter than /8 for IPv4,
	// the widest that was ever given to one network, and than /7 for IPv6, the
	// length of the private range (RFC 4193).
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

	unknown, ignored, stopped atomic.Uint64
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
		// A slip of the pen that would do no harm, because nothing there reads as
		// an address, and would never be found.
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
		case isWide(prefix) && !p.InsecureTrustAny:
			fault("Trusted[%d]: is so wide that visitors could come from it and name anybody; list your proxies, or set InsecureTrustAny", i)
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

// isWide also sees everybody written as two halves.
func isWide(p netip.Prefix) bool {
	if p.Addr().Is4() {
		return p.Bits() < 8
	}
	return p.Bits() < 7
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
	if r == nil {
		return hop
	}
	var lines []string
	if r.kind != noHeader {
		lines = req.Header[r.header]
	}
	read := true
	switch {
	case len(lines) == 0:
	case !trusted:
		r.ignored.Add(1)
	case r.kind == xForwardedFor:
		hop, read = r.walk(lines, hop)
	case r.kind == forwarded:
		hop, read = r.walkForwarded(lines, hop)
	default:
		hop, read = single(lines, hop)
	}
	if !read {
		r.stopped.Add(1)
	}
	if !hop.IsValid() {
		r.unknown.Add(1)
	}
	return hop
}

// Stats counts what [Resolver.Client] met since the resolver was made, once a
// call, of which there may be several a request.
type Stats struct {
	Unknown uint64 // no address was found
	Ignored uint64 // the header came from a peer that is not trusted: a visitor's, or a proxy is missing in Trusted
	Stopped uint64 // the header came from a trusted peer and held garbage
}

// Stats returns the counters; those of a nil Resolver are zero.
func (r *Resolver) Stats() Stats {
	if r == nil {
		return Stats{}
	}
	return Stats{Unknown: r.unknown.Load(), Ignored: r.ignored.Load(), Stopped: r.stopped.Load()}
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
	if strings.HasSuffix(req.RemoteAddr, ":0") {
		// No peer has this port: a Listener hides the true one. Where its
		// server lacks ConnContext, what is left of the address is no proxy's.
		if p, ok := req.Context().Value(peerKey{}).(*peer); ok {
			return p.addr, r.trusts(p.addr)
		}
		a, _ := parsePeer(req.RemoteAddr)
		return a, false
	}
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

// walk reads X-Forwarded-For from right to left. read is false when garbage
// stopped it.
func (r *Resolver) walk(lines []string, peer netip.Addr) (hop netip.Addr, read bool) {
	hop = peer
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
				return hop, false
			}
			hop = a
			if !r.trusts(a) {
				return hop, true
			}
		}
	}
	return hop, true
}

// single reads a header that holds one address. Two lines of it may be the
// visitor's and the proxy's, and there is no telling which is whose.
func single(lines []string, peer netip.Addr) (hop netip.Addr, read bool) {
	if len(lines) == 1 {
		if a, ok := parseElement(lines[0]); ok {
			return a, true
		}
	}
	return peer, false
}
