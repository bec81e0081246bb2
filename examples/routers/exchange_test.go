package routers_test

import (
	"io"
	"log"
	"maps"
	"net/http"
	"net/http/httptest"
	"net/http/httptrace"
	"net/textproto"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/gin-gonic/gin"
	"github.com/go-chi/chi/v5"
	chimiddleware "github.com/go-chi/chi/v5/middleware"
	"github.com/labstack/echo/v4"
	"github.com/stretchr/testify/require"

	"github.com/candorhttp/candor/consent/exchange"
)

// gate is a middleware of the tests: it removes the cookie "bad", and keeps the
// outcome.
type gate struct{ outcome chan exchange.Outcome }

func newGate() *gate { return &gate{make(chan exchange.Outcome, 1)} }

func (g *gate) BeforeHeader(_ *exchange.Exchange, status int, h http.Header) {
	for key, lines := range h {
		if !strings.EqualFold(key, "Set-Cookie") {
			continue
		}
		delete(h, key)
		for _, line := range lines {
			if !strings.HasPrefix(line, "bad=") {
				h[key] = append(h[key], line)
			}
		}
	}
	if status != 0 {
		h.Set("X-Judged", strconv.Itoa(status))
	}
}

func (g *gate) AtEnd(x *exchange.Exchange) { g.outcome <- x.Outcome() }

func (g *gate) Middleware(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		x, w, r := exchange.Begin(w, r)
		x.OnHeader(g)
		x.OnEnd(g)
		x.Serve(next, w, r)
	})
}

// result waits for the end and returns the outcome without its durations.
func (g *gate) result(t *testing.T) exchange.Outcome {
	t.Helper()
	select {
	case o := <-g.outcome:
		o.FirstByte, o.Duration = 0, 0
		return o
	case <-time.After(10 * time.Second):
		t.Fatal("the exchange does not end")
		return exchange.Outcome{}
	}
}

// mounts are the routers, each with a handler inside it that is given the
// router's own writer.
var mounts = map[string]func(http.Handler) http.Handler{
	"gin": func(h http.Handler) http.Handler {
		router := ginRouter()
		router.Any("/", gin.WrapH(h))
		return router
	},
	"chi": func(h http.Handler) http.Handler {
		router := chi.NewRouter()
		router.Use(func(next http.Handler) http.Handler {
			return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				next.ServeHTTP(chimiddleware.NewWrapResponseWriter(w, r.ProtoMajor), r)
			})
		})
		router.Handle("/", h)
		return router
	},
	"echo": func(h http.Handler) http.Handler {
		router := echo.New()
		router.Logger.SetOutput(io.Discard)
		router.Any("/", echo.WrapHandler(h))
		return router
	},
}

func ginRouter() *gin.Engine {
	gin.SetMode(gin.ReleaseMode)
	return gin.New()
}

func server(t *testing.T, h http.Handler, http2 bool) *httptest.Server {
	t.Helper()
	s := httptest.NewUnstartedServer(h)
	s.EnableHTTP2 = http2
	s.Config.ErrorLog = log.New(io.Discard, "", 0)
	s.StartTLS()
	t.Cleanup(s.Close)
	return s
}

// answer is what a client received.
type answer struct {
	status          int
	body            string
	header, trailer http.Header
	early           []http.Header
	broken          bool
}

func get(t *testing.T, s *httptest.Server, method string) (a answer) {
	t.Helper()
	ctx := httptrace.WithClientTrace(t.Context(), &httptrace.ClientTrace{
		Got1xxResponse: func(_ int, h textproto.MIMEHeader) error { a.early = append(a.early, http.Header(h)); return nil },
	})
	r, err := http.NewRequestWithContext(ctx, method, s.URL, nil)
	require.NoError(t, err)
	w, err := s.Client().Do(r)
	if err != nil {
		return answer{broken: true}
	}
	defer w.Body.Close()
	body, err := io.ReadAll(w.Body)
	if err != nil {
		return answer{broken: true}
	}
	a.status, a.body, a.header, a.trailer = w.StatusCode, string(body), w.Header, w.Trailer
	a.header.Del("Date")
	return a
}

// gin's writer sends the header with the first byte, compressing ones when they
// know whether to compress: what a handler adds to the cookies meanwhile was
// judged by nobody, and does not go out.
func TestCookieBetweenHeaderAndBody(t *testing.T) {
	late := maps.Clone(mounts)
	maps.Copy(late, compressors)
	for name, send := range map[string]func(http.ResponseWriter){
		"write":        func(w http.ResponseWriter) { _, _ = w.Write([]byte("x")) },
		"write string": func(w http.ResponseWriter) { write(w, 1) },
		"flush":        func(w http.ResponseWriter) { w.(http.Flusher).Flush() },
		"flush error":  func(w http.ResponseWriter) { _ = http.NewResponseController(w).Flush() },
		"return":       func(w http.ResponseWriter) {},
	} {
		for router, mount := range late {
			t.Run(router+"/"+name, func(t *testing.T) {
				g := newGate()
				got := get(t, server(t, mount(g.Middleware(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
					w.Header().Add("Set-Cookie", "good=1")
					w.WriteHeader(200)
					w.Header().Add("Set-Cookie", "bad=1")
					w.Header().Set("NEL", "late")
					send(w)
				}))), false), "GET")
				require.Equal(t, []string{"good=1"}, got.header.Values("Set-Cookie"))
				require.Empty(t, got.header.Values("NEL"))
			})
		}
	}
}
