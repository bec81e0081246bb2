package routers_test

import (
	"net/http"
	"testing"

	"github.com/gin-gonic/gin"
	"github.com/go-chi/chi/v5"
	"github.com/gorilla/mux"
	"github.com/labstack/echo/v4"
	"github.com/stretchr/testify/require"

	"github.com/candorhttp/candor/examples/routers/blackbox"
	"github.com/candorhttp/candor/examples/routers/site"
)

// lost is what a site says where there is nothing, and sets while it says so.
func lost(w http.ResponseWriter, _ *http.Request) {
	http.SetCookie(w, &http.Cookie{Name: "rogue", Value: "1"})
	w.WriteHeader(http.StatusNotFound)
	write(w, 4)
}

// lostIn builds each router with such a page, to be wrapped, and with the chain
// mounted inside it, by its own means.
var lostIn = map[string]struct {
	around func() http.Handler
	inside func(layer) http.Handler
}{
	"chi": {
		func() http.Handler { r := chi.NewRouter(); r.NotFound(lost); return r },
		func(chain layer) http.Handler {
			r := chi.NewRouter()
			r.Use(chain)
			r.NotFound(lost)
			r.Get("/", lost) // without any route it calls none of its middlewares
			return r
		},
	},
	"mux": {
		func() http.Handler { r := mux.NewRouter(); r.NotFoundHandler = http.HandlerFunc(lost); return r },
		func(chain layer) http.Handler {
			r := mux.NewRouter()
			r.Use(mux.MiddlewareFunc(chain))
			r.NotFoundHandler = http.HandlerFunc(lost)
			return r
		},
	},
	"gin": {
		func() http.Handler { r := ginRouter(); r.NoRoute(gin.WrapF(lost)); return r },
		func(chain layer) http.Handler {
			r := ginRouter()
			// As the adapters do it that can be found for gin.
			r.Use(func(c *gin.Context) {
				chain(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) { c.Request = r; c.Next() })).ServeHTTP(c.Writer, c.Request)
			})
			r.NoRoute(gin.WrapF(lost))
			return r
		},
	},
	"echo": {
		func() http.Handler { return echoLost() },
		func(chain layer) http.Handler { e := echoLost(); e.Use(echo.WrapMiddleware(chain)); return e },
	},
}

// echoLost answers in echo's error handler, as one does there.
func echoLost() *echo.Echo {
	e := echo.New()
	e.HTTPErrorHandler = func(_ error, c echo.Context) { lost(c.Response(), c.Request()) }
	return e
}

// visitLost asks for what is not there, and returns the answer and the lines.
func visitLost(t *testing.T, build func(*site.Site) http.Handler) (blackbox.Answer, []blackbox.Line) {
	t.Helper()
	s := blackbox.Start(t, false, build)
	return s.Visitor().Get("/nothing"), s.Lines()
}

// Around each router every answer is judged and has its line.
func chainAround(t *testing.T) {
	for name, build := range lostIn {
		a, lines := visitLost(t, func(s *site.Site) http.Handler { return s.Middleware(build.around()) })
		require.Equal(t, 404, a.StatusCode, name)
		require.Len(t, a.Text, 4, name)
		require.Empty(t, a.Names(), name)
		require.Len(t, lines, 1, name)
		require.EqualValues(t, 404, lines[0]["http.response.status_code"], name)
		require.NotContains(t, lines[0], "http.route", name)
	}
}

func lostInside(t *testing.T, router string) (blackbox.Answer, []blackbox.Line) {
	t.Helper()
	return visitLost(t, func(s *site.Site) http.Handler { return lostIn[router].inside(s.Middleware) })
}

// In chi it is as good, and the route comes by itself.
func chainInChi(t *testing.T) {
	a, lines := lostInside(t, "chi")
	require.Equal(t, 404, a.StatusCode)
	require.Empty(t, a.Names())
	require.EqualValues(t, 404, lines[0]["http.response.status_code"])
	require.NotContains(t, lines[0], "http.route")
	blackbox.Run(t, func(s *site.Site) http.Handler {
		r := chi.NewRouter()
		r.Use(s.Middleware, site.Recover)
		r.Handle("/privacy/*", s.Pages)
		r.Handle("/.well-known/gpc.json", s.Pages)
		r.Get("/", s.Home)
		r.Get("/users/{id}", site.User)
		r.Route("/orders", func(r chi.Router) { r.Get("/{id}", site.Order) })
		r.Get("/stream", site.Stream)
		return r
	}, "{id}")
}

// gorilla/mux calls its middlewares only where a route matches.
func chainInMux(t *testing.T) {
	a, lines := lostInside(t, "mux")
	require.Equal(t, []string{"rogue"}, a.Names())
	require.Empty(t, lines)
}

// gin's handlers write to gin's own writer, whatever an adapter passes on: the
// header went out before it was looked at.
func chainInGin(t *testing.T) {
	a, lines := lostInside(t, "gin")
	require.Equal(t, []string{"rogue"}, a.Names())
	require.NotEqualValues(t, 4, lines[0]["http.response.body.size"])
}

// echo's error handler answers when the chain is over, to a writer that takes
// nothing any more.
func chainInEcho(t *testing.T) {
	a, lines := lostInside(t, "echo")
	require.Equal(t, 200, a.StatusCode, "in place of 404")
	require.Empty(t, a.Text)
	require.Empty(t, a.Names())
	require.EqualValues(t, 200, lines[0]["http.response.status_code"])
}
