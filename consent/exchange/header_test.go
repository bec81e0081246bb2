package exchange_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/candorhttp/candor/consent/exchange"
)

// However a handler sends its header, what the hook took away is not in it.
func TestNothingPassesTheHook(t *testing.T) {
	for _, tt := range []struct {
		name string
		do   func(w http.ResponseWriter, r *http.Request)
	}{
		{"returns", func(w http.ResponseWriter, r *http.Request) {}},
		{"writes", func(w http.ResponseWriter, r *http.Request) { write(w, 1) }},
		{"writes a string", func(w http.ResponseWriter, r *http.Request) { _, _ = io.WriteString(w, "x") }},
		{"writes nothing", func(w http.ResponseWriter, r *http.Request) { _, _ = w.Write(nil) }},
		{"redirects", func(w http.ResponseWriter, r *http.Request) { w.Header().Set("Location", "/"); w.WriteHeader(303) }},
		{"has no content", func(w http.ResponseWriter, r *http.Request) { w.WriteHeader(204) }},
		{"is not modified", func(w http.ResponseWriter, r *http.Request) { w.WriteHeader(304) }},
		{"errs", func(w http.ResponseWriter, r *http.Request) { http.Error(w, "x", 500) }},
		{"flushes", func(w http.ResponseWriter, r *http.Request) { w.(http.Flusher).Flush() }},
		{"flushes with an error", func(w http.ResponseWriter, r *http.Request) { _ = w.(interface{ FlushError() error }).FlushError() }},
		{"flushes by controller", func(w http.ResponseWriter, r *http.Request) { _ = http.NewResponseController(w).Flush() }},
		{"flushes what it unwrapped", func(w http.ResponseWriter, r *http.Request) {
			_ = http.NewResponseController(w.(interface{ Unwrap() http.ResponseWriter }).Unwrap()).Flush()
		}},
		{"writes to what it unwrapped", func(w http.ResponseWriter, r *http.Request) {
			inner := w.(interface{ Unwrap() http.ResponseWriter }).Unwrap()
			inner.WriteHeader(200)
			_, _ = inner.Write([]byte("x"))
		}},
		{"copies", func(w http.ResponseWriter, r *http.Request) { _, _ = io.Copy(w, strings.NewReader("x")) }},
		{"serves content", func(w http.ResponseWriter, r *http.Request) {
			http.ServeContent(w, r, "x.txt", time.Time{}, strings.NewReader("hello"))
		}},
		{"sends early hints", func(w http.ResponseWriter, r *http.Request) { w.WriteHeader(103); write(w, 1) }},
	} {
		for _, http2 := range []bool{false, true} {
			t.Run(fmt.Sprintf("%s/http2=%v", tt.name, http2), func(t *testing.T) {
				m := newWatch()
				s := server(t, m.Middleware(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
					http.SetCookie(w, &http.Cookie{Name: "bad", Value: "1"})
					http.SetCookie(w, &http.Cookie{Name: "good", Value: "2"})
					w.Header()["set-cookie"] = []string{"bad=3"}
					w.Header()["SET-COOKIE"] = []string{"bad=4", "good=5"}
					tt.do(w, r)
				})), http2)
				client := s.Client()
				client.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
				w, _, early := get(t, s)
				require.ElementsMatch(t, []string{"good=2", "good=5"}, w.Header.Values("Set-Cookie"))
				for _, h := range early {
					require.Empty(t, h.Values("Set-Cookie"))
				}
			})
		}
	}
}

// Goroutines of one handler that write at once: the hook runs once, and the
// others wait until it has looked at the header.
func TestConcurrentFirstWrites(t *testing.T) {
	hook := &slowHook{entered: make(chan struct{}), goOn: make(chan struct{})}
	beneath := &eagerWriter{ResponseWriter: httptest.NewRecorder(), hook: hook}
	x, w, r := exchange.Begin(beneath, httptest.NewRequest("GET", "/", nil))
	x.OnHeader(hook)
	x.Serve(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		var wg sync.WaitGroup
		for range 4 {
			wg.Go(func() { write(w, 1) })
		}
		<-hook.entered
		require.False(t, x.Committed())
		close(hook.goOn)
		wg.Wait()
	}), w, r)
	require.EqualValues(t, 1, hook.runs.Load())
	require.Zero(t, beneath.early.Load(), "written before the hook had looked")
	require.EqualValues(t, 4, x.Outcome().Bytes)
}

type slowHook struct {
	runs          atomic.Int32
	done          atomic.Bool
	entered, goOn chan struct{}
}

func (h *slowHook) BeforeHeader(*exchange.Exchange, int, http.Header) {
	if h.runs.Add(1) == 1 {
		close(h.entered)
	}
	<-h.goOn
	// Long enough for the other writers to come by, were they let.
	time.Sleep(10 * time.Millisecond)
	h.done.Store(true)
}

// eagerWriter counts what was written before the hook was done.
type eagerWriter struct {
	http.ResponseWriter
	mu    sync.Mutex
	hook  *slowHook
	early atomic.Int32
}

func (w *eagerWriter) Write(p []byte) (int, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if !w.hook.done.Load() {
		w.early.Add(1)
	}
	return len(p), nil
}

func TestDeadlineCutsABlockedWrite(t *testing.T) {
	m := newWatch()
	blocked := make(chan error, 1)
	// Without TLS, whose goodbye would wait for the full connection.
	s := httptest.NewServer(m.Middleware(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		go func() {
			time.Sleep(50 * time.Millisecond)
			if err := http.NewResponseController(w).SetWriteDeadline(time.Now()); err != nil {
				blocked <- err
			}
		}()
		for {
			if _, err := w.Write(make([]byte, 1<<20)); err != nil {
				blocked <- err
				return
			}
		}
	})))
	defer s.Close()
	r, err := http.NewRequest("GET", s.URL, nil)
	require.NoError(t, err)
	w, err := s.Client().Do(r) // reads the header and no more
	require.NoError(t, err)
	defer w.Body.Close()
	select {
	case err := <-blocked:
		require.ErrorContains(t, err, "timeout")
	case <-time.After(10 * time.Second):
		t.Fatal("the deadline waited for the write")
	}
	o := m.result(t)
	require.True(t, o.WriteError)
	require.Equal(t, 200, o.Status)
}

// Deadlines and full duplex are reached, and nothing is sent by asking.
func TestUnwrapCommitsNothing(t *testing.T) {
	m := newWatch()
	s := server(t, m.Middleware(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		c := http.NewResponseController(w)
		if err := errors.Join(c.SetReadDeadline(time.Time{}), c.SetWriteDeadline(time.Time{}), c.EnableFullDuplex()); err != nil {
			t.Error(err)
		}
		if exchange.From(r.Context()).Committed() {
			t.Error("committed")
		}
		w.WriteHeader(418)
	})), false)
	w, _, _ := get(t, s)
	require.Equal(t, 418, w.StatusCode)
}

// A writer with a preset status (gin's has 404 where no route is found): what
// the handler names counts, and the preset where it names none.
func TestPresetStatus(t *testing.T) {
	for name, tt := range map[string]struct {
		do   http.HandlerFunc
		want int
	}{
		"named":     {func(w http.ResponseWriter, r *http.Request) { w.WriteHeader(200) }, 200},
		"not named": {func(w http.ResponseWriter, r *http.Request) { write(w, 0) }, 404},
		"nothing":   {func(w http.ResponseWriter, r *http.Request) {}, 404},
		"named twice": {func(w http.ResponseWriter, r *http.Request) {
			w.WriteHeader(201)
			w.WriteHeader(500)
		}, 500},
	} {
		t.Run(name, func(t *testing.T) {
			m := newWatch()
			m.Middleware(tt.do).ServeHTTP(&preset{httptest.NewRecorder(), 404}, httptest.NewRequest("GET", "/", nil))
			require.Equal(t, exchange.Outcome{Status: tt.want}, m.result(t))
			if name != "named twice" {
				require.Equal(t, []int{tt.want}, m.statuses)
			}
		})
	}
}

type preset struct {
	http.ResponseWriter
	status int
}

func (p *preset) Status() int       { return p.status }
func (p *preset) WriteHeader(s int) { p.status = s }
func (p *preset) WriteHeaderNow()   {}

// A Status that tells the last one asked for, as simple loggers have it, is not
// believed: the first one went out.
func TestStatusOfALogger(t *testing.T) {
	m := newWatch()
	rec := httptest.NewRecorder()
	m.Middleware(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.WriteHeader(103)
		w.WriteHeader(201)
		w.WriteHeader(500)
	})).ServeHTTP(&lastStatus{rec, 0}, httptest.NewRequest("GET", "/", nil))
	require.Equal(t, exchange.Outcome{Status: 201, Informational: 1}, m.result(t))
	require.Equal(t, 201, rec.Code)
}

type lastStatus struct {
	*httptest.ResponseRecorder
	status int
}

func (l *lastStatus) Status() int { return l.status }
func (l *lastStatus) WriteHeader(s int) {
	if l.status = s; s >= 200 {
		l.ResponseRecorder.WriteHeader(s)
	}
}

func TestContextIsTheRequests(t *testing.T) {
	type key struct{}
	m := newWatch()
	ctx, cancel := context.WithCancel(context.WithValue(t.Context(), key{}, "v"))
	r := httptest.NewRequestWithContext(ctx, "GET", "/", nil)
	m.Middleware(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		require.Equal(t, "v", r.Context().Value(key{}))
		require.NotNil(t, exchange.From(r.Context()))
		child, stop := context.WithTimeout(r.Context(), time.Minute)
		defer stop()
		cancel()
		<-child.Done()
		require.ErrorIs(t, r.Context().Err(), context.Canceled)
	})).ServeHTTP(httptest.NewRecorder(), r)
	require.Nil(t, exchange.From(ctx), "the caller's request is as it was")
	require.True(t, m.result(t).ClientGone)
}
