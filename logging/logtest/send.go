package logtest

import (
	"context"
	"errors"
	"io"
	"log"
	"net"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"sync"
	"sync/atomic"
	"time"
)

// protocols are those of the servers; each is tried with an IPv4 and an IPv6
// address at the other end of the connection.
var protocols = []struct {
	name  string
	http2 bool
}{{"HTTP/1.1", false}, {"HTTP/2", true}}

const (
	maxAnswer   = 64 << 10 // bytes read of an answer; streams may be endless
	requestWait = time.Second
	closeWait   = 1500 * time.Millisecond
	workers     = 8
)

// server is a real server that believes its connections to come from peer.
type server struct {
	*httptest.Server
	client *http.Client
}

func newServer(handler http.Handler, errorLog *log.Logger, http2 bool, peer netip.Addr) *server {
	s := &server{Server: httptest.NewUnstartedServer(handler)}
	s.Config.ErrorLog = errorLog
	s.Listener = listener{s.Listener, peer}
	if s.EnableHTTP2 = http2; http2 {
		s.StartTLS()
	} else {
		s.Start()
	}
	s.client = s.Client()
	s.client.Timeout = requestWait
	s.client.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	if t, ok := s.client.Transport.(*http.Transport); ok {
		t.MaxIdleConnsPerHost = workers
		t.DisableCompression = true
	}
	return s
}

// listener accepts connections that seem to come from peer.
type listener struct {
	net.Listener
	peer netip.Addr
}

func (l listener) Accept() (net.Conn, error) {
	c, err := l.Listener.Accept()
	if err != nil {
		return nil, err
	}
	var port uint16
	if a, ok := c.RemoteAddr().(*net.TCPAddr); ok {
		port = a.AddrPort().Port()
	}
	return conn{c, net.TCPAddrFromAddrPort(netip.AddrPortFrom(l.peer, port))}, nil
}

type conn struct {
	net.Conn
	remote net.Addr
}

func (c conn) RemoteAddr() net.Addr { return c.remote }

// send sends everything to handler on real servers, closes them, and returns how
// many requests there were, how many of them did not get out in time, and
// whether every handler has returned.
func (c *corpus) send(handler http.Handler, errorLog *log.Logger, limit time.Duration) (total, unsent int, returned bool) {
	ctx, cancel := context.WithTimeout(context.Background(), limit)
	defer cancel()
	var servers []*server
	for i, peer := range c.peers {
		servers = append(servers, newServer(handler, errorLog, protocols[i/2].http2, peer.addr))
	}
	var jobs []func() bool
	for i, d := range c.drafts {
		for p := range protocols {
			// Each draft by both protocols, by turns from either kind of address.
			s := servers[2*p+i%2]
			jobs = append(jobs, func() bool { return s.send(ctx, d) })
		}
	}
	for i, x := range c.raw {
		s := servers[i%2]
		if x.over != overTCP {
			s = servers[2+i%2]
		}
		jobs = append(jobs, func() bool { return x.send(ctx, s.Listener.Addr().String()) })
	}
	var sent, next atomic.Int64
	var group sync.WaitGroup
	for range workers {
		group.Go(func() {
			for i := next.Add(1) - 1; i < int64(len(jobs)) && ctx.Err() == nil; i = next.Add(1) - 1 {
				if jobs[i]() {
					sent.Add(1)
				}
			}
		})
	}
	group.Wait()
	closed := make(chan struct{})
	go func() {
		defer close(closed)
		for _, s := range servers {
			s.client.CloseIdleConnections()
			s.Close()
		}
	}()
	select {
	case <-closed:
		returned = true
	case <-time.After(closeWait):
	}
	return len(jobs), len(jobs) - int(sent.Load()), returned
}

// send sends a draft and reports whether it was answered, refused or cut off by
// the service, and not for want of time.
func (s *server) send(ctx context.Context, d *draft) bool {
	r, err := d.request(s.URL)
	if err != nil {
		return false
	}
	w, err := s.client.Do(r.WithContext(ctx))
	if err == nil {
		_, _ = io.Copy(io.Discard, io.LimitReader(w.Body, maxAnswer))
		w.Body.Close()
	}
	var dial *net.OpError
	if errors.As(err, &dial) && dial.Op == "dial" {
		return false
	}
	return ctx.Err() == nil
}
