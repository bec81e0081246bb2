package exchange_test

import (
	"bytes"
	"fmt"
	"io"
	"log"
	"net/http"
	"net/http/httptest"
	"net/http/httptrace"
	"net/textproto"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/candorhttp/candor/consent/exchange"
)

// watch is a middleware of the tests: it removes the cookie "bad" as a gate
// does, and keeps the outcome.
type watch struct {
	mu       sync.Mutex
	statuses []int
	outcome  exchange.Outcome
	route    string
	ended    chan struct{}
	commits  bool
}

func newWatch() *watch { return &watch{ended: make(chan struct{})} }

func (m *watch) BeforeHeader(x *exchange.Exchange, status int, h http.Header) {
	m.mu.Lock()
	m.statuses = append(m.statuses, status)
	m.mu.Unlock()
	for key, lines := range h {
		if strings.EqualFold(key, "Set-Cookie") {
			var kept []string
			for _, l := range lines {
				if !strings.HasPrefix(l, "bad=") {
					kept = append(kept, l)
				}
			}
			delete(h, key)
			if kept != nil {
				h[key] = kept
			}
		}
	}
	if status != 0 {
		h.Set("X-Judged", fmt.Sprint(status))
	}
}

func (m *watch) AtEnd(x *exchange.Exchange) {
	m.mu.Lock()
	m.outcome, m.route, m.commits = x.Outcome(), x.Route(), x.Committed()
	m.mu.Unlock()
	close(m.ended)
}

func (m *watch) Middleware(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		x, w, r := exchange.Begin(w, r)
		x.OnHeader(m)
		x.OnEnd(m)
		x.Serve(next, w, r)
	})
}

// result waits for the end and returns the outcome without its durations.
func (m *watch) result(t *testing.T) exchange.Outcome {
	t.Helper()
	select {
	case <-m.ended:
	case <-time.After(10 * time.Second):
		t.Fatal("the exchange does not end")
	}
	o := m.outcome
	require.Positive(t, o.Duration)
	require.LessOrEqual(t, o.FirstByte, o.Duration)
	o.Duration, o.FirstByte = 0, 0
	return o
}

// server starts a real server; its own error log is kept out of the output.
func server(t *testing.T, h http.Handler, http2 bool) *httptest.Server {
	t.Helper()
	s := httptest.NewUnstartedServer(h)
	s.EnableHTTP2 = http2
	s.Config.ErrorLog = log.New(io.Discard, "", 0)
	s.StartTLS()
	t.Cleanup(s.Close)
	return s
}

func write(w http.ResponseWriter, n int) { _, _ = w.Write(bytes.Repeat([]byte("x"), n)) }

// get fetches a page and returns it with its body and the 1xx answers before.
func get(t *testing.T, s *httptest.Server) (w *http.Response, body string, early []http.Header) {
	t.Helper()
	ctx := httptrace.WithClientTrace(t.Context(), &httptrace.ClientTrace{
		Got1xxResponse: func(_ int, h textproto.MIMEHeader) error { early = append(early, http.Header(h)); return nil },
	})
	r, err := http.NewRequestWithContext(ctx, "GET", s.URL, nil)
	require.NoError(t, err)
	w, err = s.Client().Do(r)
	require.NoError(t, err)
	defer w.Body.Close()
	text, err := io.ReadAll(w.Body)
	require.NoError(t, err)
	return w, string(text), early
}

func logTo(mu *sync.Mutex, w io.Writer) *log.Logger {
	return log.New(lockedWriter{mu, w}, "", 0)
}

type lockedWriter struct {
	mu *sync.Mutex
	w  io.Writer
}

func (l lockedWriter) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.w.Write(p)
}
