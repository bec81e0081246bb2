package routers_test

import (
	"bufio"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/gin-gonic/gin"
	"github.com/go-chi/chi/v5"
	"github.com/gorilla/websocket"
	"github.com/labstack/echo/v4"
	"github.com/r3labs/sse/v2"
	"github.com/stretchr/testify/require"

	"github.com/candorhttp/candor/consent/exchange"
)

// around mounts h in a router, and the middleware around the router.
func around(mount func(http.Handler) http.Handler) func(*gate, http.Handler) http.Handler {
	return func(g *gate, h http.Handler) http.Handler { return g.Middleware(mount(h)) }
}

// inside mounts the middleware in the router, next to h.
func inside(mount func(http.Handler) http.Handler) func(*gate, http.Handler) http.Handler {
	return func(g *gate, h http.Handler) http.Handler { return mount(g.Middleware(h)) }
}

// everywhere is the middleware inside and around each router, and without one.
func everywhere() map[string]func(*gate, http.Handler) http.Handler {
	all := map[string]func(*gate, http.Handler) http.Handler{
		"net/http": func(g *gate, h http.Handler) http.Handler { return g.Middleware(h) },
	}
	for name, mount := range mounts {
		all["inside "+name], all["around "+name] = inside(mount), around(mount)
	}
	return all
}

// gorilla/websocket asserts http.Hijacker and does not unwrap.
func TestWebsocket(t *testing.T) {
	for name, mount := range everywhere() {
		t.Run(name, func(t *testing.T) {
			g := newGate()
			upgrader := websocket.Upgrader{}
			s := httptest.NewServer(mount(g, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				conn, err := upgrader.Upgrade(w, r, nil)
				if err != nil {
					t.Error(err)
					return
				}
				defer conn.Close()
				kind, message, err := conn.ReadMessage()
				if err == nil {
					err = conn.WriteMessage(kind, append(message, " back"...))
				}
				if err != nil {
					t.Error(err)
				}
			})))
			defer s.Close()
			conn, answer, err := websocket.DefaultDialer.Dial("ws"+strings.TrimPrefix(s.URL, "http")+"/", nil)
			require.NoError(t, err)
			defer conn.Close()
			require.Equal(t, http.StatusSwitchingProtocols, answer.StatusCode)
			require.NoError(t, conn.WriteMessage(websocket.TextMessage, []byte("there and")))
			_, message, err := conn.ReadMessage()
			require.NoError(t, err)
			require.Equal(t, "there and back", string(message))
			require.Equal(t, exchange.Outcome{Status: 101, Hijacked: true}, g.result(t))
		})
	}
}

// A request that is no upgrade is refused by the upgrader, and judged as every
// other answer.
func TestWebsocketRefused(t *testing.T) {
	for name, mount := range everywhere() {
		t.Run(name, func(t *testing.T) {
			g := newGate()
			upgrader := websocket.Upgrader{}
			got := get(t, server(t, mount(g, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				w.Header().Set("Set-Cookie", "bad=1")
				_, _ = upgrader.Upgrade(w, r, nil)
			})), false), "GET")
			require.Equal(t, http.StatusBadRequest, got.status)
			require.Empty(t, got.header.Values("Set-Cookie"))
			require.Equal(t, exchange.Outcome{Status: 400, Bytes: int64(len(got.body))}, g.result(t))
		})
	}
}

// r3labs/sse asserts http.Flusher and does not unwrap. Each event arrives while
// the handler runs.
func TestServerSentEvents(t *testing.T) {
	for name, mount := range everywhere() {
		for protocol, http2 := range map[string]bool{"HTTP1": false, "HTTP2": true} {
			t.Run(name+"/"+protocol, func(t *testing.T) {
				events := sse.New()
				events.CreateStream("news")
				g := newGate()
				s := server(t, mount(g, events), http2)
				w, err := s.Client().Get(s.URL + "/?stream=news")
				require.NoError(t, err)
				defer w.Body.Close()
				require.Equal(t, "text/event-stream", w.Header.Get("Content-Type"))
				require.Equal(t, "200", w.Header.Get("X-Judged"))
				lines := bufio.NewScanner(w.Body)
				for _, want := range []string{"one", "two"} {
					events.Publish("news", &sse.Event{Data: []byte(want)})
					for lines.Scan() && !strings.HasPrefix(lines.Text(), "data:") {
					}
					require.Equal(t, "data: "+want, lines.Text())
				}
				events.RemoveStream("news")
				_, err = io.Copy(io.Discard, w.Body)
				require.NoError(t, err)
				o := g.result(t)
				require.Equal(t, 200, o.Status)
				require.Positive(t, o.Bytes)
			})
		}
	}
}

// gin's Stream asserts http.CloseNotifier on the writer beneath its own, and
// panics where that is missing: a server's writers have it, a recorder has not.
func TestGinStream(t *testing.T) {
	for protocol, http2 := range map[string]bool{"HTTP1": false, "HTTP2": true} {
		t.Run(protocol, func(t *testing.T) {
			router := ginRouter()
			router.GET("/", func(c *gin.Context) {
				left := 3
				c.Stream(func(w io.Writer) bool {
					left--
					c.SSEvent("tick", left)
					return left > 0
				})
			})
			g := newGate()
			got := get(t, server(t, g.Middleware(router), http2), "GET")
			require.Equal(t, 3, strings.Count(got.body, "event:tick"))
			require.Equal(t, exchange.Outcome{Status: 200, Bytes: int64(len(got.body))}, g.result(t))
		})
	}
	t.Run("over a writer without it", func(t *testing.T) {
		router := ginRouter()
		router.GET("/", func(c *gin.Context) { c.Stream(func(w io.Writer) bool { return false }) })
		rec := httptest.NewRecorder()
		require.NotPanics(t, func() { newGate().Middleware(router).ServeHTTP(rec, httptest.NewRequest("GET", "/", nil)) })
	})
}

// gin presets 404 where it finds no route, and sends it with the first byte.
func TestGinNoRoute(t *testing.T) {
	for name, do := range map[string]http.HandlerFunc{
		"nothing": func(http.ResponseWriter, *http.Request) {},
		"a page":  func(w http.ResponseWriter, r *http.Request) { write(w, 3) },
	} {
		t.Run(name, func(t *testing.T) {
			g := newGate()
			router := ginRouter()
			router.NoRoute(gin.WrapH(g.Middleware(do)))
			got := get(t, server(t, router, false), "GET")
			require.Equal(t, 404, got.status)
			o := g.result(t)
			require.Equal(t, 404, o.Status)
			require.Equal(t, "404", got.header.Get("X-Judged"))
		})
	}
}

// A recoverer of the router, inside the middleware, answers for a panic; the
// exchange goes on with what it answers.
func TestRecoverersOfRouters(t *testing.T) {
	fails := func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Set-Cookie", "bad=1")
		panic("x")
	}
	gins := ginRouter()
	gins.Use(gin.CustomRecoveryWithWriter(io.Discard, func(c *gin.Context, _ any) { c.AbortWithStatus(500) }))
	gins.GET("/", gin.WrapF(fails))
	chis := chi.NewRouter()
	chis.Use(func(next http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			defer func() {
				if recover() != nil {
					w.WriteHeader(500)
				}
			}()
			next.ServeHTTP(w, r)
		})
	})
	chis.Get("/", fails)
	echos := echo.New()
	echos.Logger.SetOutput(io.Discard)
	echos.Use(func(next echo.HandlerFunc) echo.HandlerFunc {
		return func(c echo.Context) error {
			defer func() {
				if recover() != nil {
					_ = c.NoContent(500)
				}
			}()
			return next(c)
		}
	})
	echos.GET("/", echo.WrapHandler(http.HandlerFunc(fails)))
	for name, router := range map[string]http.Handler{"gin": gins, "chi": chis, "echo": echos} {
		t.Run(name, func(t *testing.T) {
			g := newGate()
			got := get(t, server(t, g.Middleware(router), false), "GET")
			require.Equal(t, 500, got.status)
			require.Empty(t, got.header.Values("Set-Cookie"))
			require.Equal(t, exchange.Outcome{Status: 500, Bytes: int64(len(got.body))}, g.result(t))
		})
	}
}

// Inside a router, the wrapper offers what the router's writer offers.
func TestInterfacesInRouters(t *testing.T) {
	offered := func(w http.ResponseWriter) [4]bool {
		_, f := w.(http.Flusher)
		_, h := w.(http.Hijacker)
		_, r := w.(io.ReaderFrom)
		_, p := w.(http.Pusher)
		return [4]bool{f, h, r, p}
	}
	for router, mount := range mounts {
		for protocol, http2 := range map[string]bool{"HTTP1": false, "HTTP2": true} {
			t.Run(router+"/"+protocol, func(t *testing.T) {
				var want, got [4]bool
				get(t, server(t, mount(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
					want = offered(w)
					_, w, _ = exchange.Begin(w, r)
					got = offered(w)
				})), http2), "GET")
				require.Equal(t, want, got)
				require.Contains(t, want, true)
			})
		}
	}
}
