package routers_test

import (
	"compress/gzip"
	"io"
	"net/http"
	"strings"
	"testing"

	"github.com/go-chi/chi/v5/middleware"
	"github.com/gorilla/handlers"
	"github.com/klauspost/compress/gzhttp"
	"github.com/stretchr/testify/require"

	"github.com/candorhttp/candor/examples/routers/blackbox"
	"github.com/candorhttp/candor/examples/routers/site"
)

// compressors differ in when they send the header: at once, with the first
// bytes, or when they know whether there is enough to compress.
var compressors = map[string]layer{
	"chi":       middleware.Compress(5, "text/plain", "text/html", "text/event-stream"),
	"gorilla":   handlers.CompressHandler,
	"klauspost": func(next http.Handler) http.Handler { return gzhttp.GzipHandler(next) },
}

const longPage = 50_000

// long is a page worth compressing, with a cookie before it and one in it.
func long(mux *http.ServeMux, _ *site.Site) {
	mux.HandleFunc("GET /long", func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "text/plain")
		http.SetCookie(w, &http.Cookie{Name: "visits", Value: "1"})
		_, _ = io.WriteString(w, strings.Repeat("x", longPage/2))
		http.SetCookie(w, &http.Cookie{Name: "late", Value: "1"})
		_, _ = io.WriteString(w, strings.Repeat("x", longPage/2))
	})
}

// compressed asks for the page compressed and returns its size on the wire.
func compressed(t *testing.T, s *blackbox.Running) int {
	t.Helper()
	v := s.Visitor()
	v.Header.Set("Accept-Encoding", "gzip") // asked for by hand, it is not undone
	a := v.Get("/long")
	require.Equal(t, "gzip", a.Header.Get("Content-Encoding"))
	require.Empty(t, a.Sets())
	undone, err := gzip.NewReader(strings.NewReader(a.Text))
	require.NoError(t, err)
	text, err := io.ReadAll(undone)
	require.NoError(t, err)
	require.Len(t, text, longPage)

	stream := v.Get("/stream")
	require.Empty(t, stream.Sets())
	require.Equal(t, "private", v.Get("/").Header.Get("Cache-Control"))
	return len(a.Text)
}

func compressInside(t *testing.T) {
	for name, c := range compressors {
		protocols(t, func(t *testing.T, http2 bool) {
			s := shop{inside: c, routes: long, http2: http2}.start(t)
			sent := compressed(t, s)
			require.EqualValues(t, sent, s.Lines()[0]["http.response.body.size"], name)
		})
	}
}

func compressAround(t *testing.T) {
	for name, c := range compressors {
		protocols(t, func(t *testing.T, http2 bool) {
			s := shop{around: c, routes: long, http2: http2}.start(t)
			sent := compressed(t, s)
			require.EqualValues(t, longPage, s.Lines()[0]["http.response.body.size"], name)
			require.Less(t, sent, longPage/10)
		})
	}
}
