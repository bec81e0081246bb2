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
	maxAnswer = 64 << 10 // bytes read of an answer; streams may be endless
	workers   = 8
	// maxStalled is how many requests may go without an answer before the service
	// is held to hang. Each of them was sent and has told the service its canary.
	maxStalled = workers
)

// patience is how long things are waited for. It is long because machines that
// run tests are busy; a service that answers is not slowed down by it.
type patience struct {
	total  time.Duration // for all requests
	answer time.Duration // for one
	end    time.Duration // for handlers to return when their connections are closed
}

// result is what became of a request.
type result int

const (
	unsent   result = iota
	stalled         // sent, and not answered in time
	answered        // or refused, or cut off by the service
	results         // how many there are
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

// send sends everything to handler on real servers and closes them. It returns
// what became of how many requests, and whether every handler has returned.
func (c *corpus) send(handler http.Handler, errorLog *log.Logger, wait patience) (tally [results]int, returned bool) {
	ctx, cancel := context.WithTimeout(context.Background(), wait.total)
	defer cancel()
	var servers []*server
	for i, peer := range c.peers {
		servers = append(servers, newServer(handler, errorLog, protocols[i/2].http2, peer.addr))
	}
	jobs := c.jobs(servers)
	var counts [results]atomic.Int64
	var next atomic.Int64
	var group sync.WaitGroup
	for range workers {
		group.Go(func() {
			for ctx.Err() == nil && counts[stalled].Load() < maxStalled {
				i := next.Add(1) - 1
				if i >= int64(len(jobs)) {
					return
				}
				one, cancel := context.WithTimeout(ctx, wait.answer)
				counts[jobs[i](one)].Add(1)
				cancel()
			}
		})
	}
	group.Wait()
	tally[answered], tally[stalled] = int(counts[answered].Load()), int(counts[stalled].Load())
	tally[unsent] = len(jobs) - tally[answered] - tally[stalled]
	return tally, closeAll(servers, wait.end)
}

// jobs returns a function for each thing to send.
func (c *corpus) jobs(servers []*server) (jobs []func(context.Context) result) {
	for i, d := range c.drafts {
		for p := range protocols {
			// Each draft by both protocols, by turns from either kind of address.
			s := servers[2*p+i%2]
			jobs = append(jobs, func(ctx context.Context) result { return s.send(ctx, d) })
		}
	}
	for i, x := range c.raw {
		s := servers[i%2]
		if x.over != overTCP {
			s = servers[2+i%2]
		}
		jobs = append(jobs, func(ctx context.Context) result { return x.send(ctx, s.Listener.Addr().String()) })
	}
	return jobs
}

// closeAll closes the servers and reports whether their handlers returned in
// time.
func closeAll(servers []*server, wait time.Duration) bool {
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
		return true
	case <-time.After(wait):
		return false
	}
}

func (s *server) send(ctx context.Context, d *draft) result {
	r, err := d.request(s.URL)
	if err != nil {
		return unsent
	}
	w, err := s.client.Do(r.WithContext(ctx))
	if err == nil {
		_, _ = io.Copy(io.Discard, io.LimitReader(w.Body, maxAnswer))
		w.Body.Close()
	}
	var dial *net.OpError
	switch {
	case errors.As(err, &dial) && dial.Op == "dial":
		return unsent
	case ctx.Err() != nil:
		return stalled
	}
	return answered
}
