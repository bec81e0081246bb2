package exchange_test

import (
	"bufio"
	"bytes"
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/candorhttp/candor/consent/exchange"
)

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

// The connection is the handler's: what it still tells the writer changes
// nothing of the record.
func TestAfterAHijackNothingIsJudged(t *testing.T) {
	m := newWatch()
	s := server(t, m.Middleware(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		conn, _, err := w.(http.Hijacker).Hijack()
		if err != nil {
			t.Error(err)
			return
		}
		defer conn.Close()
		_, _ = io.Copy(w, strings.NewReader("x"))
		w.WriteHeader(500)
	})), false)
	_, err := s.Client().Get(s.URL)
	require.Error(t, err)
	require.Equal(t, exchange.Outcome{Status: 101, Hijacked: true}, m.result(t))
	require.Empty(t, m.statuses)
}

// Nor do bytes count that a writer takes after it gave its connection away.
func TestBytesAfterAHijack(t *testing.T) {
	x, w, r := exchange.Begin(generous{httptest.NewRecorder()}, httptest.NewRequest("GET", "/", nil))
	x.OnEnd(newWatch())
	x.Serve(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		_, _, err := w.(http.Hijacker).Hijack()
		require.NoError(t, err)
		write(w, 5)
	}), w, r)
	require.Equal(t, 101, x.Outcome().Status)
	require.Zero(t, x.Outcome().Bytes)
}

// generous goes on taking bytes after a hijack, as net/http's own does not.
type generous struct{ *httptest.ResponseRecorder }

func (generous) Hijack() (net.Conn, *bufio.ReadWriter, error) { return nil, nil, nil }

// No clock is asked where nobody is told.
func TestTimesAreForEndHooks(t *testing.T) {
	for _, told := range []bool{false, true} {
		x, w, r := exchange.Begin(httptest.NewRecorder(), httptest.NewRequest("GET", "/", nil))
		if told {
			x.OnEnd(newWatch())
		}
		x.Serve(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
			time.Sleep(time.Millisecond)
			write(w, 1)
		}), w, r)
		require.Equal(t, told, x.Outcome().Duration > 0)
		require.Equal(t, told, x.Outcome().FirstByte > 0)
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
	for i := range 4 {
		writes, http2 := i&1 == 0, i&2 == 0
		t.Run(fmt.Sprintf("15 inside, writes=%v, http2=%v", writes, http2), func(t *testing.T) {
			m, done := newWatch(), make(chan struct{})
			s := server(t, http.TimeoutHandler(m.Middleware(slow(done, writes)), 20*time.Millisecond, "sorry"), http2)
			w, err := s.Client().Get(s.URL)
			require.NoError(t, err)
			w.Body.Close()
			require.Equal(t, 503, w.StatusCode)
			<-done
			require.Equal(t, exchange.Outcome{Superseded: true}, m.result(t))
		})
		t.Run(fmt.Sprintf("16 around, writes=%v, http2=%v", writes, http2), func(t *testing.T) {
			m, done := newWatch(), make(chan struct{})
			s := server(t, m.Middleware(http.TimeoutHandler(slow(done, writes), 20*time.Millisecond, "sorry")), http2)
			w, err := s.Client().Get(s.URL)
			require.NoError(t, err)
			w.Body.Close()
			require.Equal(t, exchange.Outcome{Status: 503, Bytes: 5}, m.result(t))
			<-done
		})
	}
}

func TestClientGone(t *testing.T) { // row 20
	for _, http2 := range []bool{false, true} {
		m, started := newWatch(), make(chan struct{})
		s := server(t, m.Middleware(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			write(w, 10)
			w.(http.Flusher).Flush()
			close(started)
			<-r.Context().Done()
		})), http2)
		w, err := s.Client().Get(s.URL)
		require.NoError(t, err)
		<-started
		w.Body.Close()
		s.Client().CloseIdleConnections()
		require.Equal(t, exchange.Outcome{Status: 200, Bytes: 10, ClientGone: true}, m.result(t))
	}
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

// A recoverer outside the chain answers with the header map it finds: row 11.
func TestRecovererOutside(t *testing.T) {
	recoverer := func(next http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			defer func() {
				if v := recover(); v != nil {
					w.Header().Set("X-Panic", fmt.Sprint(v))
					w.WriteHeader(500)
				}
			}()
			next.ServeHTTP(w, r)
		})
	}
	fails := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Add("Set-Cookie", "bad=1")
		w.Header().Add("Set-Cookie", "good=1")
		panic("value")
	})
	t.Run("outside", func(t *testing.T) {
		m := newWatch()
		w, _, _ := get(t, server(t, recoverer(m.Middleware(fails)), false))
		require.Equal(t, []string{"good=1"}, w.Header.Values("Set-Cookie"))
		require.Equal(t, "value", w.Header.Get("X-Panic"), "the panic passes unchanged")
		require.Equal(t, []int{0}, m.statuses, "only taken away")
		require.Empty(t, w.Header.Get("X-Judged"))
		require.Equal(t, exchange.Outcome{Aborted: true, Panicked: true}, m.result(t))
	})
	t.Run("between", func(t *testing.T) {
		m, inner := newWatch(), newWatch()
		w, _, _ := get(t, server(t, m.Middleware(recoverer(inner.Middleware(fails))), false))
		require.Equal(t, []string{"good=1"}, w.Header.Values("Set-Cookie"))
		require.Equal(t, exchange.Outcome{Status: 500}, m.result(t), "the exchange went on")
		require.Equal(t, exchange.Outcome{Status: 500}, inner.result(t))
	})
}

// What net/http prints of a panic still leads to the line that panicked.
func TestPanicKeepsItsFrames(t *testing.T) {
	var log bytes.Buffer
	var mu sync.Mutex
	m := newWatch()
	s := httptest.NewUnstartedServer(m.Middleware(http.HandlerFunc(whoPanics)))
	s.Config.ErrorLog = logTo(&mu, &log)
	s.Start()
	_, err := s.Client().Get(s.URL)
	require.Error(t, err)
	s.Close()
	mu.Lock()
	defer mu.Unlock()
	require.Contains(t, log.String(), "whoPanics")
}

func whoPanics(http.ResponseWriter, *http.Request) { panic("x") }

// A handler's goroutine that goes on after its time: row 24.
func TestGoroutineAfterReturn(t *testing.T) {
	for _, http2 := range []bool{false, true} {
		m := newWatch()
		returned, finished := make(chan struct{}), make(chan error, 3)
		s := server(t, m.Middleware(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			x := exchange.From(r.Context())
			go func() {
				<-returned
				w.Header().Set("Set-Cookie", "late=1")
				w.WriteHeader(500)
				_, err := w.Write([]byte("late"))
				finished <- err
				_, err = io.WriteString(w, "late")
				finished <- err
				finished <- http.NewResponseController(w).Flush()
				var late exchange.Slot[int]
				late.Set(x, new(int))
				x.SetRoute("late")
				x.OnEnd(newWatch())
			}()
			write(w, 1)
		})), http2)
		_, body, _ := get(t, s)
		require.Equal(t, "x", body)
		before := m.result(t)
		close(returned)
		for range 3 {
			require.Error(t, <-finished)
		}
		require.Equal(t, exchange.Outcome{Status: 200, Bytes: 1}, before)
		require.Empty(t, m.route)
	}
}

// A write of a goroutine that was under way when the handler returned: the
// outcome is final all the same.
func TestWriteThatEndsLateIsNotRecorded(t *testing.T) {
	b := &blocking{httptest.NewRecorder(), make(chan struct{}), make(chan struct{})}
	x, w, r := exchange.Begin(b, httptest.NewRequest("GET", "/", nil))
	done := make(chan struct{})
	x.Serve(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		go func() { write(w, 5); close(done) }()
		<-b.started
	}), w, r)
	before := x.Outcome()
	close(b.release)
	<-done
	require.Equal(t, before, x.Outcome())
}

type blocking struct {
	http.ResponseWriter
	started, release chan struct{}
}

func (b *blocking) Write(p []byte) (int, error) { close(b.started); <-b.release; return len(p), nil }

// The header map that a handler asks for after its time leads nowhere.
func TestHeaderAfterReturn(t *testing.T) {
	rec := httptest.NewRecorder()
	x, w, r := exchange.Begin(rec, httptest.NewRequest("GET", "/", nil))
	x.Serve(http.HandlerFunc(func(http.ResponseWriter, *http.Request) {}), w, r)
	w.Header().Set("X-Late", "1")
	w.WriteHeader(500)
	require.Empty(t, rec.Header())
	require.Equal(t, 200, rec.Code)
}

// A hijack while the header is being judged, as from another goroutine: no
// header goes out any more.
func TestHijackDuringTheHooks(t *testing.T) {
	var called []string
	x, w, r := exchange.Begin(subset(2, httptest.NewRecorder(), &called), httptest.NewRequest("GET", "/", nil))
	x.OnHeader(hijacks{w})
	x.Serve(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { w.WriteHeader(418) }), w, r)
	o := x.Outcome()
	require.Equal(t, 101, o.Status)
	require.True(t, o.Hijacked)
}

type hijacks struct{ w http.ResponseWriter }

func (h hijacks) BeforeHeader(*exchange.Exchange, int, http.Header) {
	_, _, _ = h.w.(http.Hijacker).Hijack()
}

// A timeout around the chain that answers when the handler returned without an
// answer: it is not taken from it.
func TestTimeoutThatAnswersAfterTheReturn(t *testing.T) {
	m := newWatch()
	s := server(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		ctx, cancel := context.WithTimeout(r.Context(), time.Millisecond)
		defer cancel()
		m.Middleware(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			w.Header().Set("Set-Cookie", "bad=1")
			<-r.Context().Done()
		})).ServeHTTP(w, r.WithContext(ctx))
		if ctx.Err() != nil {
			w.WriteHeader(http.StatusGatewayTimeout)
		}
	}), false)
	w, _, _ := get(t, s)
	require.Equal(t, http.StatusGatewayTimeout, w.StatusCode)
	require.Empty(t, w.Header.Values("Set-Cookie"))
}

// A recoverer outside answers with the header map that it finds: forbidden
// trailers are not announced in it.
func TestPanicLeavesNoTrailers(t *testing.T) {
	rec := httptest.NewRecorder()
	require.Panics(t, func() {
		newWatch().Middleware(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			w.Header().Set("Trailer", "Set-Cookie, Server-Timing")
			w.Header().Set(http.TrailerPrefix+"Set-Cookie", "bad=1")
			panic("x")
		})).ServeHTTP(rec, httptest.NewRequest("GET", "/", nil))
	})
	require.Equal(t, http.Header{"Trailer": {"Server-Timing"}}, rec.Header())
}
