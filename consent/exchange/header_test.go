package exchange_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
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

func TestEarlyHintsCarryNoStorage(t *testing.T) { // row 19
	for _, http2 := range []bool{false, true} {
		m := newWatch()
		s := server(t, m.Middleware(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			h := w.Header()
			h.Set("Link", "</a>")
			h.Add("Set-Cookie", "good=1")
			h.Set("NEL", `{"max_age":1}`)
			h["report-to"] = []string{"x"}
			h.Set("Reporting-Endpoints", "x")
			h.Set("Accept-CH", "x")
			w.WriteHeader(103)
			h.Set("Link", "</b>")
			w.WriteHeader(103)
			w.WriteHeader(200)
		})), http2)
		w, _, early := get(t, s)
		require.Len(t, early, 2)
		require.Equal(t, http.Header{"Link": {"</a>"}}, early[0])
		require.Equal(t, http.Header{"Link": {"</b>"}}, early[1])
		require.Equal(t, []string{"good=1"}, w.Header.Values("Set-Cookie"), "put back")
		require.Equal(t, "x", w.Header.Get("Report-To"))
		require.Equal(t, []int{200}, m.statuses)
	}
}

func TestTrailers(t *testing.T) { // rows 22, 23
	for _, http2 := range []bool{false, true} {
		m := newWatch()
		s := server(t, m.Middleware(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			h := w.Header()
			h.Set("Trailer", "Checksum, Set-Cookie")
			h.Add("Trailer", "NEL")
			write(w, 1)
			w.(http.Flusher).Flush()
			h.Set("Checksum", "abc")
			h.Set("Set-Cookie", "late=1")
			h.Set("NEL", "late")
			h.Set(http.TrailerPrefix+"Server-Timing", "db;dur=1")
			h.Set(http.TrailerPrefix+"Set-Cookie", "late=2")
			h[http.TrailerPrefix+"set-cookie"] = []string{"late=3"}
			h.Set(http.TrailerPrefix+"Cache-Control", "public")
			h.Set(http.TrailerPrefix+"Nel", "late")
		})), http2)
		w, body, _ := get(t, s)
		require.Equal(t, "x", body)
		require.Equal(t, http.Header{"Checksum": {"abc"}, "Server-Timing": {"db;dur=1"}}, w.Trailer, "http2=%v", http2)
		require.Empty(t, w.Header.Values("Set-Cookie"))
	}
}

// TimeoutHandler copies its header map when the handler returned: row 25.
func TestStorageAddedAfterTheHeader(t *testing.T) {
	m := newWatch()
	s := server(t, http.TimeoutHandler(m.Middleware(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Add("Set-Cookie", "good=1")
		lines := w.Header()["Set-Cookie"]
		write(w, 1)
		lines[0] = "bad=0"
		w.Header().Add("Set-Cookie", "bad=1")
		w.Header()["set-cookie"] = []string{"bad=2"}
		w.Header().Set("NEL", "late")
		w.Header().Set("X-Other", "stays")
	})), time.Minute, ""), false)
	w, _, _ := get(t, s)
	require.Equal(t, []string{"good=1"}, w.Header.Values("Set-Cookie"))
	require.Empty(t, w.Header.Values("NEL"))
	require.Equal(t, "stays", w.Header.Get("X-Other"))
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

// Two goroutines of one handler that write at once: the second waits until the
// hook has looked at the header.
func TestConcurrentFirstWrites(t *testing.T) {
	for range 20 {
		hook := &slowHook{}
		s := server(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			x, w, r := exchange.Begin(w, r)
			x.OnHeader(hook)
			x.Serve(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				w.Header().Set("Set-Cookie", "bad=1")
				var wg sync.WaitGroup
				var serial sync.Mutex
				for range 4 {
					wg.Go(func() {
						_ = http.NewResponseController(w)
						serial.Lock()
						defer serial.Unlock()
						_, _ = w.Write([]byte("x"))
					})
				}
				wg.Go(func() { x.Committed(); x.Outcome() })
				wg.Wait()
			}), w, r)
		}), false)
		w, body, _ := get(t, s)
		require.Equal(t, "xxxx", body)
		require.Empty(t, w.Header.Values("Set-Cookie"))
		require.Equal(t, 1, hook.runs)
		s.Close()
	}
}

type slowHook struct{ runs int }

func (h *slowHook) BeforeHeader(_ *exchange.Exchange, _ int, header http.Header) {
	h.runs++
	time.Sleep(time.Millisecond)
	header.Del("Set-Cookie")
}

func TestDeadlineCutsABlockedWrite(t *testing.T) {
	m := newWatch()
	blocked := make(chan error, 1)
	s := server(t, m.Middleware(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
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
	})), false)
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

// A source that flushes while it is read (a proxy of a stream) does not block.
func TestSourceThatFlushes(t *testing.T) {
	m := newWatch()
	s := server(t, m.Middleware(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		_, _ = io.Copy(w, &flushingReader{w: w, left: 3})
	})), false)
	_, body, _ := get(t, s)
	require.Equal(t, "xxx", body)
}

type flushingReader struct {
	w    http.ResponseWriter
	left int
}

func (f *flushingReader) Read(p []byte) (int, error) {
	if f.left == 0 {
		return 0, io.EOF
	}
	f.left--
	if err := http.NewResponseController(f.w).Flush(); err != nil {
		return 0, err
	}
	p[0] = 'x'
	return 1, nil
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
