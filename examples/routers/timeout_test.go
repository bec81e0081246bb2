package routers_test

import (
	"io"
	"net/http"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/candorhttp/candor/examples/routers/site"
	"github.com/candorhttp/candor/logging"
)

// limit is http.TimeoutHandler with a short patience.
func limit(next http.Handler) http.Handler {
	return http.TimeoutHandler(next, 30*time.Millisecond, "too slow")
}

// slow is a page that takes too long: it sets a cookie first, and goes on when
// it was given up.
func slow(wrap layer) func(*http.ServeMux, *site.Site) {
	return func(mux *http.ServeMux, _ *site.Site) {
		mux.Handle("GET /slow/{id}", wrap(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			http.SetCookie(w, &http.Cookie{Name: "session", Value: "s1"})
			<-r.Context().Done()
			time.Sleep(5 * time.Millisecond)
			_, _ = io.WriteString(w, "late")
		})))
	}
}

func asIs(next http.Handler) http.Handler { return next }

func timeoutInRouter(t *testing.T) {
	protocols(t, func(t *testing.T, http2 bool) {
		s := shop{routes: slow(limit), http2: http2}.start(t)
		a := s.Visitor().Get("/slow/7")
		require.Equal(t, 503, a.StatusCode)
		require.Equal(t, "too slow", a.Text)
		require.Empty(t, a.Sets())
		line := s.Lines()[0]
		require.EqualValues(t, 503, line["http.response.status_code"])
		require.EqualValues(t, 8, line["http.response.body.size"])
		require.Equal(t, "/slow/{id}", line["http.route"])
	})
}

// Between the chain and the router, the status is right and the route unknown:
// the line is written when the router has not answered. With RouteFrom next to
// the router at least the pages that are in time have theirs.
func timeoutAroundRouter(t *testing.T) {
	s := shop{inside: limit, routes: slow(asIs)}.start(t)
	v := s.Visitor()
	require.Equal(t, 503, v.Get("/slow/7").StatusCode)
	require.Equal(t, 200, v.Get("/users/42").StatusCode)
	lines := s.Lines()
	require.EqualValues(t, 503, lines[0]["http.response.status_code"])
	require.NotContains(t, lines[0], "http.route")
	require.NotContains(t, lines[1], "http.route")

	inner := logging.RouteFrom(func(r *http.Request) string { return r.Pattern })
	s = shop{inside: func(next http.Handler) http.Handler { return limit(inner(next)) }, routes: slow(asIs)}.start(t)
	s.Visitor().Get("/users/42")
	require.Contains(t, s.Lines()[0]["http.route"], "/users/{id}")
}

// Around the chain it answers without it: the line has no status, and is written
// when the page came to its end.
func timeoutAround(t *testing.T) {
	s := shop{around: limit, routes: slow(asIs)}.start(t)
	a := s.Visitor().Get("/slow/7")
	require.Equal(t, 503, a.StatusCode)
	require.Empty(t, a.Sets())
	require.Eventually(t, func() bool { return s.Log.String() != "" }, 10*time.Second, time.Millisecond)
	line := s.Lines()[0]
	require.NotContains(t, line, "http.response.status_code")
	require.Equal(t, "superseded", line["error.type"])
}

// It keeps everything back, wherever it is mounted: events do not flow.
func timeoutOnStream(t *testing.T) {
	for _, s := range []shop{{inside: limit}, {around: limit}} {
		a := s.start(t).Visitor().Get("/stream")
		require.NotContains(t, a.Text, "data: 1", "Flush fails, and the page gives up")
	}
}
