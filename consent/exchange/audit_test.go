package exchange_test

import (
	"bytes"
	"context"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"runtime"
	"strings"
	"testing"
	"testing/iotest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/candorhttp/candor/consent/exchange"
)

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
		_ = http.NewResponseController(w).Flush()
		w.WriteHeader(500)
	})), false)
	_, err := s.Client().Get(s.URL)
	require.Error(t, err)
	require.Equal(t, exchange.Outcome{Status: 101, Hijacked: true}, m.result(t))
	require.Empty(t, m.statuses)
}

func TestUnwrappingToTheEnd(t *testing.T) {
	_, w, _ := exchange.Begin(httptest.NewRecorder(), httptest.NewRequest("GET", "/", nil))
	for {
		u, ok := w.(interface{ Unwrap() http.ResponseWriter })
		if !ok {
			break
		}
		w = u.Unwrap()
	}
	require.NotNil(t, w)
}

type nested struct{ inner *watch }

func (n nested) BeforeHeader(x *exchange.Exchange, _ int, _ http.Header) { x.OnHeader(n.inner) }

func TestHookRegisteredByAHook(t *testing.T) {
	m := newWatch()
	x, w, r := exchange.Begin(httptest.NewRecorder(), httptest.NewRequest("GET", "/", nil))
	x.OnHeader(nested{m})
	x.Serve(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { write(w, 1) }), w, r)
	require.Equal(t, []int{200}, m.statuses)
}

func TestStorageTakenAwayAfterTheHeader(t *testing.T) {
	m := newWatch()
	s := server(t, http.TimeoutHandler(m.Middleware(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Add("Set-Cookie", "good=1")
		write(w, 1)
		w.Header().Del("Set-Cookie")
	})), time.Minute, ""), false)
	w, _, _ := get(t, s)
	require.Equal(t, []string{"good=1"}, w.Header.Values("Set-Cookie"))
}

func TestTrailerLineStays(t *testing.T) {
	m := newWatch()
	s := server(t, m.Middleware(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Trailer", "A, B")
		write(w, 1)
		require.Equal(t, []string{"A, B"}, w.Header()["Trailer"])
	})), false)
	get(t, s)
	m.result(t)
}

func TestReadErrorWithData(t *testing.T) {
	w := httptest.NewRecorder()
	var called []string
	boom := errors.New("boom")
	_, ww, _ := exchange.Begin(subset(4, w, &called), httptest.NewRequest("GET", "/", nil))
	once := io.MultiReader(iotest.DataErrReader(bytes.NewReader([]byte("abc"))))
	n, err := io.Copy(ww, once)
	require.NoError(t, err)
	require.EqualValues(t, 3, n)
	_, ww, _ = exchange.Begin(subset(4, httptest.NewRecorder(), &called), httptest.NewRequest("GET", "/", nil))
	n, err = ww.(io.ReaderFrom).ReadFrom(&dataThenEOF{err: boom})
	require.EqualValues(t, 3, n)
	require.ErrorIs(t, err, boom)
}

type dataThenEOF struct {
	err  error
	done bool
}

func (d *dataThenEOF) Read(p []byte) (int, error) {
	if d.done {
		return 0, io.EOF
	}
	d.done = true
	return copy(p, "abc"), d.err
}

func TestCookieLinesStay(t *testing.T) {
	r := httptest.NewRequest("GET", "/", nil)
	r.Header.Set("Cookie", "a=1")
	x, _, r2 := exchange.Begin(httptest.NewRecorder(), r)
	r2.Header.Del("Cookie")
	require.Equal(t, []string{"a=1"}, x.CookieLines())
}

func TestCloseNotifyLeaksNothing(t *testing.T) {
	before := runtime.NumGoroutine()
	for range 10 {
		_, w, _ := exchange.Begin(httptest.NewRecorder(), httptest.NewRequest("GET", "/", nil).WithContext(context.Background()))
		w.(interface{ CloseNotify() <-chan bool }).CloseNotify()
	}
	require.Equal(t, before, runtime.NumGoroutine())
}

type preset struct {
	http.ResponseWriter
	status int
}

func (p *preset) Status() int       { return p.status }
func (p *preset) WriteHeader(s int) { p.status = s }

func TestExplicitStatusOverAPreset(t *testing.T) {
	m := newWatch()
	m.Middleware(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { w.WriteHeader(200) })).
		ServeHTTP(&preset{httptest.NewRecorder(), 404}, httptest.NewRequest("GET", "/", nil))
	require.Equal(t, []int{200}, m.statuses)
}

type blocking struct {
	http.ResponseWriter
	started, release chan struct{}
}

func (b *blocking) Write(p []byte) (int, error) { close(b.started); <-b.release; return len(p), nil }

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
