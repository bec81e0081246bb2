package logging_test

import (
	"context"
	"errors"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/candorhttp/candor/logging"
	"github.com/candorhttp/candor/logging/async"
)

func TestFailures(t *testing.T) {
	for path, page := range map[string]http.HandlerFunc{
		"panic":           func(w http.ResponseWriter, r *http.Request) { panic("jane@example.com") },
		"abort":           func(w http.ResponseWriter, r *http.Request) { panic(http.ErrAbortHandler) },
		"abort by length": func(w http.ResponseWriter, r *http.Request) { w.Header().Set("Content-Length", "9") },
	} {
		t.Run(path, func(t *testing.T) {
			s := newSite(t, false, page)
			line, _ := s.do("GET", "/")
			require.Equal(t, strings.Fields(path)[0], line["error.type"])
			require.Equal(t, "/", line["http.route"])
			require.NotContains(t, s.out.text(), "jane")
		})
	}
}

// The writer beneath takes no more. net/http's own also cancel the request then,
// and the line says that the client is gone.
func TestWriteError(t *testing.T) {
	do, _ := alone(t, logging.Config{}, func(http.ResponseWriter, *http.Request) {})
	require.NotContains(t, do(get("/users/1")), "error.type")
	out := &output{}
	access, err := logging.New(logging.Config{Output: out})
	require.NoError(t, err)
	defer access.Close()
	access.Middleware(http.HandlerFunc(hello)).ServeHTTP(brokenWriter{httptest.NewRecorder()}, get("/"))
	require.Contains(t, out.text(), `"http.response.body.size":0,`)
	require.Contains(t, out.text(), `"error.type":"write_error"}`)
}

type brokenWriter struct{ http.ResponseWriter }

func (brokenWriter) Write([]byte) (int, error) { return 0, errors.New("broken pipe") }

// The client hangs up while the handler works.
func TestClientGone(t *testing.T) {
	for _, http2 := range []bool{false, true} {
		reached, heard := make(chan struct{}), make(chan struct{})
		s := newSite(t, http2, func(w http.ResponseWriter, r *http.Request) {
			close(reached)
			<-r.Context().Done()
			<-heard // or its answer could overtake the client's own notice
		})
		ctx, hangUp := context.WithCancel(t.Context())
		r, err := http.NewRequestWithContext(ctx, "GET", s.server.URL+"/", nil)
		require.NoError(t, err)
		go func() { <-reached; hangUp() }()
		_, err = s.server.Client().Do(r)
		close(heard)
		require.ErrorIs(t, err, context.Canceled)
		require.Eventually(t, func() bool { return strings.Contains(s.out.text(), `"error.type":"client_gone"}`) }, timeout, tick)
	}
}

// A timeout further out answered in the handler's place.
func TestSuperseded(t *testing.T) {
	out := &output{}
	access, err := logging.New(logging.Config{Output: out})
	require.NoError(t, err)
	defer access.Close()
	over := make(chan struct{})
	h := http.TimeoutHandler(access.Middleware(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		<-over
		hello(w, r)
	})), time.Millisecond, "late")
	w := httptest.NewRecorder()
	h.ServeHTTP(w, httptest.NewRequest("GET", "/", nil))
	require.Equal(t, 503, w.Code)
	close(over)
	require.Eventually(t, func() bool { return out.text() != "" }, timeout, tick)
	require.Contains(t, out.text(), `"error.type":"superseded"}`)
	require.NotContains(t, out.text(), "http.response.status_code", "nothing of it was sent")
}

func TestOutputThatFails(t *testing.T) {
	s := newSite(t, false, hello)
	s.out.fail = errors.New("disk full")
	r, err := s.server.Client().Get(s.server.URL + "/")
	require.NoError(t, err)
	r.Body.Close()
	require.Equal(t, 200, r.StatusCode, "the traffic goes on")
	require.Eventually(t, func() bool { return s.access.Stats().WriteErrors == 1 }, timeout, tick)
	require.Zero(t, s.access.Stats().Lines)
}

// Where lines are missing the log says how many, once the output takes some
// again.
func TestMissingLinesAreTold(t *testing.T) {
	for name, tt := range map[string]struct {
		cfg  logging.Config
		took int // bytes of the lines that failed
		want string
	}{
		"nothing was taken": {want: "LINE\n" + `{"time":"T","candor.log.dropped":3}` + "\nLINE\n"},
		"a part was": {took: 7, want: `{"time"` + strings.Repeat("\n"+`{"time{"time"`, 2) + "\n" +
			`{"time":"T","candor.log.dropped":3}` + "\nLINE\nLINE\n"},
		"combined has none": {cfg: logging.Config{Format: logging.Combined}, want: "LINE\nLINE\n"},
	} {
		t.Run(name, func(t *testing.T) {
			var out strings.Builder
			failing := true
			tt.cfg.Output = writerFunc(func(p []byte) (int, error) {
				if failing {
					out.Write(p[:tt.took])
					return tt.took, errors.New("no space left on device")
				}
				return out.Write(p)
			})
			access, err := logging.New(tt.cfg)
			require.NoError(t, err)
			defer access.Close()
			h := access.Middleware(http.HandlerFunc(hello))
			for i := range 5 {
				failing = i < 3
				h.ServeHTTP(httptest.NewRecorder(), get("/"))
			}
			require.Equal(t, logging.Stats{Lines: 2, WriteErrors: 3}, access.Stats())
			got := regexp.MustCompile(`"time":"[-0-9TZ:]+"(,"candor)`).ReplaceAllString(out.String(), `"time":"T"$1`)
			got = regexp.MustCompile(`(?m)^(\{"time":"2.*"GET".*\}|[0-9.]+ - - \[.*"-")$`).ReplaceAllString(got, "LINE")
			require.Equal(t, tt.want, got)
		})
	}
	// A queue that counts for itself is not counted for.
	var took strings.Builder
	held := make(chan struct{})
	queue, err := async.New(async.Config{Lines: 1, Dropped: logging.Dropped, Output: writerFunc(func(p []byte) (int, error) {
		<-held
		return took.Write(p)
	})})
	require.NoError(t, err)
	access, err := logging.New(logging.Config{Output: queue})
	require.NoError(t, err)
	defer access.Close()
	h := access.Middleware(http.HandlerFunc(hello))
	for range 50 {
		h.ServeHTTP(httptest.NewRecorder(), get("/"))
	}
	close(held)
	require.Eventually(t, func() bool { return queue.Stats().Queued == 0 }, timeout, tick)
	h.ServeHTTP(httptest.NewRecorder(), get("/"))
	require.NoError(t, queue.Close(t.Context()))
	lost := 0
	for _, m := range regexp.MustCompile(`"candor.log.dropped":(\d+)`).FindAllStringSubmatch(took.String(), -1) {
		n, err := strconv.Atoi(m[1])
		require.NoError(t, err)
		lost += n
	}
	require.EqualValues(t, access.Stats().WriteErrors, lost)
	require.NotZero(t, lost)
}

type writerFunc func(p []byte) (int, error)

func (f writerFunc) Write(p []byte) (int, error) { return f(p) }

// A field that would let something out is an error at construction, which names
// the field and not what it found.
func TestSelfTest(t *testing.T) {
	leaks := map[string]func(r *http.Request) string{
		"user agent":    func(r *http.Request) string { return r.UserAgent() },
		"referrer":      func(r *http.Request) string { return r.Referer() },
		"path":          func(r *http.Request) string { return r.URL.Path },
		"query":         func(r *http.Request) string { return r.URL.RawQuery },
		"target":        func(r *http.Request) string { return r.RequestURI },
		"method":        func(r *http.Request) string { return strings.ToLower(r.Method) },
		"cookie":        func(r *http.Request) string { return r.Header.Get("Cookie") },
		"authorization": func(r *http.Request) string { return r.Header.Get("Authorization") },
		"request id":    func(r *http.Request) string { return r.Header.Get("X-Request-Id") },
		"address":       func(r *http.Request) string { return r.RemoteAddr },
	}
	for name, leak := range leaks {
		for format, cfg := range map[string]logging.Config{"json": {}, "combined": {Format: logging.Combined}, "slog": {Handler: slog.DiscardHandler}} {
			err := logging.SelfTestWith(cfg, "shop.note", leak)
			require.EqualError(t, err, "logging: self-test: field shop.note lets through what a visitor sent; remove it", name+" "+format)
		}
	}
	require.NoError(t, logging.SelfTestWith(logging.Config{}, "shop.note", func(*http.Request) string { return "nothing of it" }))
}
