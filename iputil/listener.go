package iputil

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
	"net/netip"
	"reflect"
)

// Listener hides visitors' addresses from whatever asks a connection who it
// comes from: http.Request.RemoteAddr, net/http's own error log, and any
// middleware see the truncated address and port 0. The true one stays in memory
// for a [Resolver], if the server hands it on with [ConnContext]:
//
//	hidden, err := iputil.NewListener(listener, iputil.HideSite)
//	server := &http.Server{Handler: handler, ConnContext: iputil.ConnContext}
//	err = server.ServeTLS(hidden, "cert.pem", "key.pem")
//
// TLS goes on top of it (ServeTLS, tls.NewListener around it), never beneath.
// sendfile and HTTP/2 work as without it. It is safe for concurrent use.
type Listener struct {
	net.Listener
	cut Cut
}

// NewListener returns a Listener that shows what cut leaves of an address; the
// zero Cut leaves nothing. A missing listener is an error, and so is one that
// ends TLS already, because the server would no longer see that it does.
func NewListener(inner net.Listener, cut Cut) (*Listener, error) {
	if inner == nil {
		return nil, errors.New("iputil: listener: is missing; give the one of net.Listen")
	}
	if reflect.TypeOf(inner).String() == "*tls.listener" {
		return nil, errTLSBeneath
	}
	return &Listener{inner, cut}, nil
}

var errTLSBeneath = errors.New("iputil: listener: ends TLS beneath; hide the addresses of the plain listener and put TLS on top, with http.Server.ServeTLS or tls.NewListener")

// Accept waits for the next connection. Its RemoteAddr, and the address in the
// errors of its reads and writes, is truncated. It fails for connections that
// are TLS's already, see NewListener.
func (l *Listener) Accept() (net.Conn, error) {
	c, err := l.Listener.Accept()
	if err != nil {
		return nil, err
	}
	h := hidden{remote: truncatedAddr{c.RemoteAddr().Network(), "?"}, peer: &peer{}}
	switch c := c.(type) {
	case *tls.Conn:
		_ = c.Close()
		return nil, errTLSBeneath
	case *net.TCPConn:
		// What it shows stays a *net.TCPAddr for code that asserts one.
		if a, ok := c.RemoteAddr().(*net.TCPAddr); ok {
			h.peer.addr = a.AddrPort().Addr().Unmap().WithZone("")
			h.peer.port = a.AddrPort().Port()
			h.remote = net.TCPAddrFromAddrPort(netip.AddrPortFrom(Truncate(h.peer.addr, l.cut), 0))
		}
		return &tcpConn{c, h}, nil
	case *net.UnixConn:
		// Its name says nothing of a visitor.
		return c, nil
	}
	if p, err := netip.ParseAddrPort(c.RemoteAddr().String()); err == nil {
		h.peer.addr, h.peer.port = p.Addr().Unmap().WithZone(""), p.Port()
		h.remote = truncatedAddr{c.RemoteAddr().Network(), netip.AddrPortFrom(Truncate(h.peer.addr, l.cut), 0).String()}
	}
	return &otherConn{c, h}, nil
}

// peer is the true other end of a connection. Contexts hold a pointer to it,
// of which fmt prints no more than where it is.
type peer struct {
	addr netip.Addr
	port uint16
}

type peerKey struct{}

// ConnContext is for http.Server.ConnContext. It keeps the true address of a
// [Listener]'s connection where only this package finds it; of any other
// connection it returns ctx as it is. A server that has a ConnContext of its own
// calls this one in it.
//
// Without it a Resolver knows the truncated address alone and trusts no proxy.
func ConnContext(ctx context.Context, c net.Conn) context.Context {
	for c != nil {
		if h, ok := c.(interface{ truePeer() *peer }); ok {
			return context.WithValue(ctx, peerKey{}, h.truePeer())
		}
		n, ok := c.(interface{ NetConn() net.Conn })
		if !ok {
			break
		}
		c = n.NetConn()
	}
	return ctx
}

// truncatedAddr is the net.Addr of connections that are not TCP's.
type truncatedAddr struct{ network, text string }

func (a truncatedAddr) Network() string { return a.network }
func (a truncatedAddr) String() string  { return a.text }

// hidden is what the connections of a Listener have in common.
type hidden struct {
	remote net.Addr
	peer   *peer
}

func (h hidden) truePeer() *peer { return h.peer }

// scrub puts the truncated address into an error of the connection. Such errors
// are logged: a failed handshake, for one.
func (h hidden) scrub(err error) error {
	if err == nil || err == io.EOF {
		return err
	}
	op, ok := err.(*net.OpError)
	if !ok {
		return err
	}
	clean := *op
	clean.Addr = h.remote
	clean.Err = h.scrub(op.Err) // copies name the write that failed
	return &clean
}

// Format keeps the fields from fmt's verbs.
func (h hidden) Format(f fmt.State, _ rune) { _, _ = io.WriteString(f, h.remote.String()) }
