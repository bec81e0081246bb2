package exchange_test

import (
	"bufio"
	"bytes"
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
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

func row(name string, do http.HandlerFunc, want exchange.Outcome) rowCase {
	return rowCase{name: name, do: do, want: want}
}

type rowCase struct {
	name   string
	method string
	do     http.HandlerFunc
	want   exchange.Outcome
	// h2 is what HTTP/2 differs in; nil means nothing.
	h2 *exchange.Outcome
	// h1 says that HTTP/2 accepts something else and then fails.
	h1 bool
	// broken says that the client gets an error instead of a whole response.
	broken bool
}

func rows() []rowCase {
	abort := exchange.Outcome{Aborted: true}
	panicked := exchange.Outcome{Aborted: true, Panicked: true}
	sent := func(o exchange.Outcome, status int, n int64) exchange.Outcome {
		o.Status, o.Bytes = status, n
		return o
	}
	list := []rowCase{
		row("1 nothing", func(w http.ResponseWriter, r *http.Request) {}, exchange.Outcome{Status: 200}),
		row("2 two WriteHeaders", func(w http.ResponseWriter, r *http.Request) {
			w.WriteHeader(201)
			w.WriteHeader(500)
			write(w, 1)
		}, exchange.Outcome{Status: 201, Bytes: 1}),
		row("3 WriteHeader after a write", func(w http.ResponseWriter, r *http.Request) {
			write(w, 1)
			w.WriteHeader(500)
		}, exchange.Outcome{Status: 200, Bytes: 1}),
		row("4 103 then 404", func(w http.ResponseWriter, r *http.Request) {
			w.WriteHeader(103)
			w.WriteHeader(404)
			write(w, 2)
		}, exchange.Outcome{Status: 404, Bytes: 2, Informational: 1}),
		row("5 103 then a write", func(w http.ResponseWriter, r *http.Request) {
			w.WriteHeader(103)
			write(w, 2)
		}, exchange.Outcome{Status: 200, Bytes: 2, Informational: 1}),
		row("6 Flush then WriteHeader", func(w http.ResponseWriter, r *http.Request) {
			w.(http.Flusher).Flush()
			w.WriteHeader(500)
		}, exchange.Outcome{Status: 200}),
		row("7 ResponseController.Flush only", func(w http.ResponseWriter, r *http.Request) {
			_ = http.NewResponseController(w).Flush()
		}, exchange.Outcome{Status: 200}),
		{name: "8 HEAD", method: "HEAD", do: func(w http.ResponseWriter, r *http.Request) { write(w, 5) }, want: exchange.Outcome{Status: 200}},
		row("9 304 then a write", func(w http.ResponseWriter, r *http.Request) {
			w.WriteHeader(304)
			write(w, 5)
		}, exchange.Outcome{Status: 304}),
		row("9 204 then a write", func(w http.ResponseWriter, r *http.Request) {
			w.WriteHeader(204)
			write(w, 5)
		}, exchange.Outcome{Status: 204}),
		{name: "10 WriteHeader(0)", do: func(w http.ResponseWriter, r *http.Request) { w.WriteHeader(0) }, want: panicked, broken: true},
		{name: "11 panic before a write", do: func(w http.ResponseWriter, r *http.Request) { panic("x") }, want: panicked, broken: true},
		{name: "12a write, panic", do: func(w http.ResponseWriter, r *http.Request) {
			write(w, 7)
			panic("x")
		}, want: sent(panicked, 200, 7), broken: true},
		{name: "12b write, flush, panic", do: func(w http.ResponseWriter, r *http.Request) {
			write(w, 7)
			w.(http.Flusher).Flush()
			panic("x")
		}, want: sent(panicked, 200, 7), broken: true},
		{name: "12b write much, panic", do: func(w http.ResponseWriter, r *http.Request) {
			write(w, 10_000)
			panic("x")
		}, want: sent(panicked, 200, 10_000), broken: true},
		{name: "13 abort before a write", do: func(w http.ResponseWriter, r *http.Request) { panic(http.ErrAbortHandler) }, want: abort, broken: true},
		{name: "13 abort after a write", do: func(w http.ResponseWriter, r *http.Request) {
			write(w, 7)
			panic(http.ErrAbortHandler)
		}, want: sent(abort, 200, 7), broken: true},
		row("17 io.Copy of a file", func(w http.ResponseWriter, r *http.Request) {
			name := filepath.Join(os.TempDir(), fmt.Sprintf("exchange-%d", time.Now().UnixNano()))
			_ = os.WriteFile(name, make([]byte, 100_000), 0o600)
			defer os.Remove(name)
			f, _ := os.Open(name)
			defer f.Close()
			_, _ = io.Copy(w, f)
		}, exchange.Outcome{Status: 200, Bytes: 100_000}),
		row("17 an empty source sends nothing", func(w http.ResponseWriter, r *http.Request) {
			_, _ = io.Copy(w, strings.NewReader(""))
			w.WriteHeader(418)
		}, exchange.Outcome{Status: 418}),
		row("19 two 103s then 200", func(w http.ResponseWriter, r *http.Request) {
			w.Header().Set("Link", "</a>")
			w.WriteHeader(103)
			w.Header().Set("Link", "</b>")
			w.WriteHeader(103)
			w.WriteHeader(200)
		}, exchange.Outcome{Status: 200, Informational: 2}),
		{name: "21 less than Content-Length", do: func(w http.ResponseWriter, r *http.Request) {
			w.Header().Set("Content-Length", "10")
			write(w, 4)
		}, want: exchange.Outcome{Status: 200, Bytes: 4, Aborted: true}, broken: true},
		{name: "more than Content-Length", h1: true, do: func(w http.ResponseWriter, r *http.Request) {
			w.Header().Set("Content-Length", "4")
			write(w, 4)
			write(w, 4)
		}, want: exchange.Outcome{Status: 200, Bytes: 4}},
		{name: "HEAD with Content-Length", method: "HEAD", do: func(w http.ResponseWriter, r *http.Request) {
			w.Header().Set("Content-Length", "10")
		}, want: exchange.Outcome{Status: 200}},
		row("WriteString", func(w http.ResponseWriter, r *http.Request) {
			_, _ = io.WriteString(w, "hello")
		}, exchange.Outcome{Status: 200, Bytes: 5}),
	}
	h2 := exchange.Outcome{Status: 200, Bytes: 2, Informational: 1}
	return append(list, rowCase{
		name: "18 101 by hand", do: func(w http.ResponseWriter, r *http.Request) {
			w.WriteHeader(101)
			write(w, 2)
		}, want: exchange.Outcome{Status: 101}, h2: &h2, broken: true,
	})
}

// Every row over both protocols: what is recorded is what was agreed, and equal
// to what the client received wherever it received a whole response.
func TestRows(t *testing.T) {
	for _, tt := range rows() {
		for _, http2 := range []bool{false, true} {
			if http2 && tt.h1 {
				continue
			}
			t.Run(fmt.Sprintf("%s/http2=%v", tt.name, http2), func(t *testing.T) {
				m := newWatch()
				s := server(t, m.Middleware(tt.do), http2)
				method := tt.method
				if method == "" {
					method = "GET"
				}
				r, err := http.NewRequest(method, s.URL, nil)
				require.NoError(t, err)
				w, err := s.Client().Do(r)
				want := tt.want
				if http2 && tt.h2 != nil {
					want = *tt.h2
				} else if tt.h2 != nil {
					if err == nil {
						w.Body.Close()
					}
					require.Equal(t, want, m.result(t))
					return
				}
				if tt.broken && err != nil {
					require.Equal(t, want, m.result(t))
					return
				}
				require.NoError(t, err)
				body, readErr := io.ReadAll(w.Body)
				w.Body.Close()
				got := m.result(t)
				require.Equal(t, want, got)
				if !tt.broken {
					require.NoError(t, readErr)
					require.Equal(t, w.StatusCode, got.Status, "as the client saw it")
					require.EqualValues(t, len(body), got.Bytes, "as the client saw it")
					require.Equal(t, []int{got.Status}, m.statuses, "hooks ran once")
					require.Equal(t, fmt.Sprint(got.Status), w.Header.Get("X-Judged"), "and before the header went out")
				} else if tt.h2 == nil {
					require.Error(t, readErr)
				}
			})
		}
	}
}

// The rows on a recorder and inside http.TimeoutHandler, both of which take a
// 103 as final and so are exempt from those.
func TestRowsWithoutAConnection(t *testing.T) {
	for _, tt := range rows() {
		if tt.want.Informational > 0 || tt.h2 != nil {
			continue
		}
		method := tt.method
		if method == "" {
			method = "GET"
		}
		t.Run(tt.name+"/recorder", func(t *testing.T) {
			m := newWatch()
			w := httptest.NewRecorder()
			func() {
				defer func() { _ = recover() }()
				m.Middleware(tt.do).ServeHTTP(w, httptest.NewRequest(method, "/", nil))
			}()
			want := tt.want
			if tt.name == "more than Content-Length" {
				want.Bytes = 8 // a recorder takes all it is given
			}
			require.Equal(t, want, m.result(t))
			if !tt.want.Aborted {
				require.Equal(t, want.Status, w.Result().StatusCode)
			}
		})
		t.Run(tt.name+"/inside TimeoutHandler", func(t *testing.T) {
			if strings.HasPrefix(tt.name, "6 ") || strings.HasPrefix(tt.name, "12b write, flush") {
				return // its writer is no Flusher: the assertion itself panics
			}
			m := newWatch()
			s := server(t, http.TimeoutHandler(m.Middleware(tt.do), time.Minute, ""), false)
			r, err := http.NewRequest(method, s.URL, nil)
			require.NoError(t, err)
			if w, err := s.Client().Do(r); err == nil {
				w.Body.Close()
			}
			want := tt.want
			if tt.name == "more than Content-Length" {
				want.Bytes = 8 // it buffers
			}
			require.Equal(t, want, m.result(t))
		})
	}
}

func TestHijack(t *testing.T) { // row 14
	for name, hijack := range map[string]func(http.ResponseWriter) (net.Conn, *bufio.ReadWriter, error){
		"by assertion": func(w http.ResponseWriter) (net.Conn, *bufio.ReadWriter, error) { return w.(http.Hijacker).Hijack() },
		"by ResponseController": func(w http.ResponseWriter) (net.Conn, *bufio.ReadWriter, error) {
			return http.NewResponseController(w).Hijack()
		},
		"by Unwrap": func(w http.ResponseWriter) (net.Conn, *bufio.ReadWriter, error) {
			return w.(interface{ Unwrap() http.ResponseWriter }).Unwrap().(http.Hijacker).Hijack()
		},
	} {
		t.Run(name, func(t *testing.T) {
			m := newWatch()
			s := server(t, m.Middleware(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				conn, rw, err := hijack(w)
				if err != nil {
					t.Error(err)
					return
				}
				defer conn.Close()
				_, _ = rw.WriteString("HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: echo\r\n\r\nhello")
				_ = rw.Flush()
				if _, err := w.Write([]byte("x")); err != http.ErrHijacked {
					t.Errorf("a write after the hijack: %v", err)
				}
			})), false)
			r, err := http.NewRequest("GET", s.URL, nil)
			require.NoError(t, err)
			r.Header.Set("Connection", "Upgrade")
			r.Header.Set("Upgrade", "echo")
			w, err := s.Client().Do(r)
			require.NoError(t, err)
			defer w.Body.Close()
			require.Equal(t, 101, w.StatusCode)
			text, _ := io.ReadAll(w.Body)
			require.Equal(t, "hello", string(text))
			require.Equal(t, exchange.Outcome{Status: 101, Hijacked: true}, m.result(t))
			require.True(t, m.commits)
		})
	}
}

func TestTimeouts(t *testing.T) {
	slow := func(done chan struct{}, write bool) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			defer close(done)
			<-r.Context().Done()
			time.Sleep(20 * time.Millisecond)
			if write {
				_, _ = w.Write([]byte("late"))
			}
		})
	}
	for _, writes := range []bool{true, false} {
		t.Run(fmt.Sprintf("15 inside, writes=%v", writes), func(t *testing.T) {
			m, done := newWatch(), make(chan struct{})
			s := server(t, http.TimeoutHandler(m.Middleware(slow(done, writes)), 20*time.Millisecond, "sorry"), false)
			w, err := s.Client().Get(s.URL)
			require.NoError(t, err)
			w.Body.Close()
			require.Equal(t, 503, w.StatusCode)
			<-done
			require.Equal(t, exchange.Outcome{Superseded: true}, m.result(t))
		})
		t.Run(fmt.Sprintf("16 around, writes=%v", writes), func(t *testing.T) {
			m, done := newWatch(), make(chan struct{})
			s := server(t, m.Middleware(http.TimeoutHandler(slow(done, writes), 20*time.Millisecond, "sorry")), false)
			w, err := s.Client().Get(s.URL)
			require.NoError(t, err)
			w.Body.Close()
			require.Equal(t, exchange.Outcome{Status: 503, Bytes: 5}, m.result(t))
			<-done
		})
	}
}

func TestClientGone(t *testing.T) { // row 20
	m, started := newWatch(), make(chan struct{})
	s := server(t, m.Middleware(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		write(w, 10)
		w.(http.Flusher).Flush()
		close(started)
		<-r.Context().Done()
	})), false)
	w, err := s.Client().Get(s.URL)
	require.NoError(t, err)
	<-started
	w.Body.Close()
	s.Client().CloseIdleConnections()
	require.Equal(t, exchange.Outcome{Status: 200, Bytes: 10, ClientGone: true}, m.result(t))
}

func TestTimeToFirstByte(t *testing.T) {
	m := newWatch()
	w := httptest.NewRecorder()
	m.Middleware(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		time.Sleep(5 * time.Millisecond)
		write(w, 1)
		time.Sleep(5 * time.Millisecond)
	})).ServeHTTP(w, httptest.NewRequest("GET", "/", nil))
	require.GreaterOrEqual(t, m.outcome.FirstByte, 5*time.Millisecond)
	require.GreaterOrEqual(t, m.outcome.Duration, m.outcome.FirstByte+5*time.Millisecond)
}
