package exchange_test

import (
	"io"
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

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
			h.Set("Critical-CH", "x")
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

// An announcement with nothing forbidden in it stays as it was written.
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

// TimeoutHandler copies its header map when the handler returned: row 25.
func TestStorageAddedAfterTheHeader(t *testing.T) {
	m := newWatch()
	s := server(t, http.TimeoutHandler(m.Middleware(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Add("Set-Cookie", "good=1")
		write(w, 1)
		lines := w.Header()["Set-Cookie"]
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

// What was judged goes out also when the handler takes it away too late: it may
// be the line that expires a cookie.
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

// A writer that sends the header later than it was told, with the map as it is
// then: what is added between is taken away before each thing handed on, until
// a flush says that the header is out.
func TestStorageAddedBeforeALateHeader(t *testing.T) {
	for name, send := range map[string]func(http.ResponseWriter){
		"write":        func(w http.ResponseWriter) { write(w, 1) },
		"second write": func(w http.ResponseWriter) { write(w, 0); spoil(w); write(w, 1) },
		"changed in place": func(w http.ResponseWriter) {
			write(w, 0)
			w.Header()["Set-Cookie"][0] = "bad=3"
			write(w, 1)
		},
		"write string":  func(w http.ResponseWriter) { _, _ = io.WriteString(w, "x") },
		"flush":         func(w http.ResponseWriter) { _ = http.NewResponseController(w).Flush() },
		"copy":          func(w http.ResponseWriter) { _, _ = io.Copy(w, io.LimitReader(zeros{}, 1)) },
		"return":        func(http.ResponseWriter) {},
		"second header": func(w http.ResponseWriter) { w.WriteHeader(500) },
	} {
		t.Run(name, func(t *testing.T) {
			late := &lateWriter{ResponseWriter: httptest.NewRecorder()}
			m := newWatch()
			m.Middleware(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				w.Header().Add("Set-Cookie", "good=1")
				w.WriteHeader(200)
				spoil(w)
				send(w)
			})).ServeHTTP(late, httptest.NewRequest("GET", "/", nil))
			late.now()
			require.Equal(t, http.Header{"Set-Cookie": {"good=1"}, "X-Judged": {"200"}}, late.sent)
		})
	}
}

func spoil(w http.ResponseWriter) {
	w.Header().Add("Set-Cookie", "bad=1")
	w.Header()["set-cookie"] = []string{"bad=2"}
	w.Header().Set("Accept-CH", "late")
}

// lateWriter takes its header map as it is when the first byte comes.
type lateWriter struct {
	http.ResponseWriter
	sent http.Header
}

func (l *lateWriter) now() {
	if l.sent == nil {
		l.sent = l.Header().Clone()
	}
}
func (l *lateWriter) WriteHeader(int) {}
func (l *lateWriter) Flush()          { l.now() }
func (l *lateWriter) Write(p []byte) (int, error) {
	if len(p) > 0 {
		l.now()
	}
	return len(p), nil
}
func (l *lateWriter) ReadFrom(src io.Reader) (int64, error) {
	l.now()
	return io.Copy(io.Discard, src)
}
