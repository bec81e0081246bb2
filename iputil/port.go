package iputil

import (
	"net/http"
	"net/netip"
	"strings"
)

// Port returns the port that the visitor's connection comes from, 0 where it is
// not known: behind a trusted proxy it is the proxy's and says nothing. Behind a
// [Listener] it is the true one.
func (r *Resolver) Port(req *http.Request) uint16 {
	if r.TrustedPeer(req) {
		return 0
	}
	if strings.HasSuffix(req.RemoteAddr, ":0") {
		if p, ok := req.Context().Value(peerKey{}).(*peer); ok {
			return p.port
		}
		return 0
	}
	p, err := netip.ParseAddrPort(req.RemoteAddr)
	if err != nil {
		return 0
	}
	return p.Port()
}
