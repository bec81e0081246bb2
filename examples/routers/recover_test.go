package routers_test

import (
	"io"
	"log"
	"net/http"
	"testing"

	"github.com/gin-gonic/gin"
	"github.com/go-chi/chi/v5/middleware"
	"github.com/gorilla/handlers"
	"github.com/labstack/echo/v4"
	echomiddleware "github.com/labstack/echo/v4/middleware"
	"github.com/stretchr/testify/require"

	"github.com/candorhttp/candor/examples/routers/blackbox"
	"github.com/candorhttp/candor/examples/routers/site"
)

// quiet is the recoverer of gorilla/handlers without its print.
func quiet(next http.Handler) http.Handler {
	return handlers.RecoveryHandler(handlers.RecoveryLogger(log.New(io.Discard, "", 0)))(next)
}

func recoverInside(t *testing.T) {
	s := shop{inside: quiet}.start(t)
	a := s.Visitor().Get("/orders/7")
	require.Equal(t, 500, a.StatusCode)
	require.Empty(t, a.Sets())
	line := s.Lines()[0]
	require.EqualValues(t, 500, line["http.response.status_code"])
	require.Equal(t, "/orders/{id}", line["http.route"])
}

func recoverAround(t *testing.T) {
	s := shop{around: quiet}.start(t)
	v := s.Visitor()
	a := v.Get("/orders/7")
	require.Equal(t, 500, a.StatusCode)
	require.Empty(t, a.Sets(), "the cookie that the page set before is taken out all the same")
	line := s.Lines()[0]
	require.NotContains(t, line, "http.response.status_code")
	require.Equal(t, "panic", line["error.type"])
}

const address = "jane@shop.example"

// recoverPrints shows what recoverers print of a panic unless they are told
// otherwise.
func recoverPrints(t *testing.T) {
	fails := http.HandlerFunc(func(http.ResponseWriter, *http.Request) { panic(address) })
	gins := ginRouter()
	gins.Use(gin.Recovery())
	gins.GET("/orders/:id", gin.WrapH(fails))
	echos := echo.New()
	echos.Use(echomiddleware.Recover())
	echos.GET("/orders/:id", echo.WrapHandler(fails))
	gorilla := handlers.RecoveryHandler()
	for name, build := range map[string]func(*site.Site) http.Handler{
		"gin":            func(s *site.Site) http.Handler { return s.Middleware(gins) },
		"echo":           func(s *site.Site) http.Handler { return s.Middleware(echos) },
		"chi":            func(s *site.Site) http.Handler { return s.Middleware(middleware.Recoverer(fails)) },
		"chi around":     func(s *site.Site) http.Handler { return middleware.Recoverer(s.Middleware(fails)) },
		"gorilla":        func(s *site.Site) http.Handler { return s.Middleware(gorilla(fails)) },
		"gorilla around": func(s *site.Site) http.Handler { return gorilla(s.Middleware(fails)) },
	} {
		require.Contains(t, blackbox.Printed(t, func() { serveOnce(t, build) }), address, name)
	}
}

// serveOnce sends one request with an e-mail address to a site that fails;
// nothing of it is in the site's own logs.
func serveOnce(t *testing.T, build func(*site.Site) http.Handler) {
	t.Helper()
	s := blackbox.Start(t, false, build)
	require.Equal(t, 500, s.Visitor().Get("/orders/7?email="+address).StatusCode)
	s.Close()
	require.NotContains(t, s.Log.String()+s.Own.String(), "jane")
}

// recoverSwallows shows recoverers that take the sign by which net/http is told
// to break an answer off for a fault like others, or for nothing.
func recoverSwallows(t *testing.T) {
	aborts := http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		write(w, 10_000)
		panic(http.ErrAbortHandler)
	})
	gins := ginRouter()
	gins.Use(gin.CustomRecoveryWithWriter(nil, func(c *gin.Context, _ any) { c.AbortWithStatus(http.StatusInternalServerError) }))
	gins.GET("/", gin.WrapH(aborts))
	for name, h := range map[string]http.Handler{"gin": gins, "gorilla": quiet(aborts)} {
		s := blackbox.Start(t, false, func(s *site.Site) http.Handler { return s.Middleware(h) })
		require.Len(t, s.Visitor().Get("/").Text, 10_000, name)
		require.NotContains(t, s.Lines()[0], "error.type", name)
	}
	s := blackbox.Start(t, false, func(s *site.Site) http.Handler { return s.Middleware(middleware.Recoverer(site.Recover(aborts))) })
	w, err := s.Client().Get(s.URL)
	require.NoError(t, err)
	defer w.Body.Close()
	_, err = io.ReadAll(w.Body)
	require.Error(t, err, "chi's and the samples' pass it on")
	require.Equal(t, "abort", s.Lines()[0]["error.type"])
}

// Loggers of others write the path and the query of each request.
func otherLogs(t *testing.T) {
	printed := &blackbox.Text{}
	fails := http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusInternalServerError) })
	gins := ginRouter()
	gins.Use(gin.LoggerWithWriter(printed))
	gins.GET("/orders/:id", gin.WrapH(fails))
	chis := middleware.RequestLogger(&middleware.DefaultLogFormatter{Logger: log.New(printed, "", 0), NoColor: true})
	gorilla := func(next http.Handler) http.Handler { return handlers.CombinedLoggingHandler(printed, next) }
	for name, build := range map[string]func(*site.Site) http.Handler{
		"gin":            func(s *site.Site) http.Handler { return s.Middleware(gins) },
		"chi":            func(s *site.Site) http.Handler { return s.Middleware(chis(fails)) },
		"chi around":     func(s *site.Site) http.Handler { return chis(s.Middleware(fails)) },
		"gorilla":        func(s *site.Site) http.Handler { return s.Middleware(gorilla(fails)) },
		"gorilla around": func(s *site.Site) http.Handler { return gorilla(s.Middleware(fails)) },
	} {
		before := len(printed.String())
		serveOnce(t, build)
		require.Contains(t, printed.String()[before:], address, name)
	}
}
