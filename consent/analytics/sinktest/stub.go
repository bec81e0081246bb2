package sinktest

import (
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
)

// maxBody is what a stub reads of a request; the services take less.
const maxBody = 1 << 20

// Protocol is how a destination takes events. Those of this package are made by
// [Plausible], [Matomo] and [GoatCounter]; write one for a sink of your own.
type Protocol struct {
	// Take reads a request and returns how many events it holds. An error says
	// what the destination would not understand, and fails the test.
	Take func(r *http.Request, body []byte) (events int, err error)
	// Accept answers that all of them were taken.
	Accept func(w http.ResponseWriter, events int)
	// Refuse answers that those at the indexes were refused for good and the
	// others taken; nil where the destination cannot say so.
	Refuse func(w http.ResponseWriter, events int, refused []int)
}

// Request is what a stub received.
type Request struct {
	Header http.Header
	Body   []byte
	Events int
}

// Stub is a stand-in of a destination, on loopback. Make it with [Serve] or one
// of the destinations; it ends with the test. It is safe for concurrent use.
type Stub struct {
	// URL is the address of the server, to be given to the sink.
	URL string

	t         testing.TB
	protocol  Protocol
	server    *httptest.Server
	elsewhere *httptest.Server
	closed    chan struct{}
	poured    atomic.Int64

	mu       sync.Mutex
	script   []Fault
	requests []Request
	taken    int
	led      int // requests that followed a redirect to another host
}

// Serve starts a stub of a protocol.
func Serve(t testing.TB, p Protocol) *Stub {
	t.Helper()
	s := &Stub{t: t, protocol: p, closed: make(chan struct{})}
	s.elsewhere = httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) {
		s.mu.Lock()
		s.led++
		s.mu.Unlock()
	}))
	s.server = httptest.NewServer(s)
	s.URL = s.server.URL
	t.Cleanup(func() {
		close(s.closed)
		s.server.Close()
		s.elsewhere.Close()
	})
	return s
}

// Fail makes the next requests meet the faults, one each, in their order.
func (s *Stub) Fail(f ...Fault) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.script = append(s.script, f...)
}

// Requests returns what was received, in the order of arrival.
func (s *Stub) Requests() []Request {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.requests)
}

// Taken returns how many events were taken.
func (s *Stub) Taken() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.taken
}

// Led returns how many requests followed a redirect to another host.
func (s *Stub) Led() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.led
}

// ServeHTTP implements http.Handler.
func (s *Stub) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, maxBody))
	if err != nil {
		s.t.Errorf("sinktest: a request of more than %d bytes, or cut off", maxBody)
		return
	}
	n, err := s.protocol.Take(r, body)
	if err == nil && len(r.Header["Cookie"])+len(r.Header["Referer"]) > 0 {
		err = errors.New("the request has a Cookie or Referer field, which no server sends")
	}
	if err != nil {
		s.t.Errorf("sinktest: %s %s: %v\n%s", r.Method, r.URL.Path, err, body)
		http.Error(w, "not understood", http.StatusBadRequest)
		return
	}
	s.mu.Lock()
	fault := None
	if len(s.script) > 0 {
		fault, s.script = s.script[0], s.script[1:]
	}
	s.requests = append(s.requests, Request{r.Header.Clone(), body, n})
	switch {
	case fault.takes():
		s.taken += n
	case fault == Refuse:
		s.taken += n - 1
	}
	s.mu.Unlock()
	switch {
	case s.fail(w, r, fault):
	case fault == Refuse && s.protocol.Refuse != nil:
		s.protocol.Refuse(w, n, []int{0})
	default:
		s.protocol.Accept(w, n)
	}
}
