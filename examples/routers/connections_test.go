package routers_test

import (
	"bufio"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/candorhttp/candor/consent/exchange"
)

// The rows of the exchange that need more than a handler and its answer: the
// connection, a timeout, a goroutine that goes on.

// A hijack by whichever way, in each router's writer: row 14.
func TestHijackInRouters(t *testing.T) {
	for way, hijack := range map[string]func(http.ResponseWriter) (net.Conn, *bufio.ReadWriter, error){
		"by assertion": func(w http.ResponseWriter) (net.Conn, *bufio.ReadWriter, error) { return w.(http.Hijacker).Hijack() },
		"by ResponseController": func(w http.ResponseWriter) (net.Conn, *bufio.ReadWriter, error) {
			return http.NewResponseController(w).Hijack()
		},
	} {
		for name, mount := range everywhere() {
			t.Run(name+"/"+way, func(t *testing.T) {
				g := newGate()
				s := server(t, mount(g, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
					conn, rw, err := hijack(w)
					if err != nil {
						t.Error(err)
						return
					}
					defer conn.Close()
					_, _ = rw.WriteString("HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: echo\r\n\r\nhello")
					_ = rw.Flush()
				})), false)
				r, err := http.NewRequest("GET", s.URL, nil)
				require.NoError(t, err)
				r.Header.Set("Connection", "Upgrade")
				r.Header.Set("Upgrade", "echo")
				w, err := s.Client().Do(r)
				require.NoError(t, err)
				defer w.Body.Close()
				text, err := io.ReadAll(w.Body)
				require.NoError(t, err)
				require.Equal(t, "101 hello", fmt.Sprint(w.StatusCode, " ", string(text)))
				require.Equal(t, exchange.Outcome{Status: 101, Hijacked: true}, g.result(t))
			})
		}
	}
}

// A 101 by hand is final in HTTP/1.1 and one more 1xx in HTTP/2: row 18.
func TestSwitchingByHand(t *testing.T) {
	for name, mount := range everywhere() {
		for protocol, http2 := range map[string]bool{"HTTP1": false, "HTTP2": true} {
			t.Run(name+"/"+protocol, func(t *testing.T) {
				g := newGate()
				h := mount(g, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
					w.Header().Add("Set-Cookie", "bad=1")
					w.WriteHeader(101)
					write(w, 2)
				}))
				if http2 {
					got := get(t, server(t, h, true), "GET")
					require.Equal(t, 200, got.status)
					require.Empty(t, got.header.Values("Set-Cookie"))
					o := g.result(t)
					require.Equal(t, 200, o.Status)
					require.EqualValues(t, 2, o.Bytes)
					return
				}
				s := httptest.NewServer(h)
				defer s.Close()
				conn, err := net.Dial("tcp", s.Listener.Addr().String())
				require.NoError(t, err)
				defer conn.Close()
				_, err = io.WriteString(conn, "GET / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
				require.NoError(t, err)
				text, err := io.ReadAll(conn)
				require.NoError(t, err)
				require.Contains(t, string(text), "HTTP/1.1 101 ")
				require.NotContains(t, string(text), "bad=1")
				require.Equal(t, exchange.Outcome{Status: 101}, g.result(t))
			})
		}
	}
}

// A timeout inside a router's writer and around the router: rows 15, 16, 25.
func TestTimeoutsInRouters(t *testing.T) {
	for router, mount := range mounts {
		for _, writes := range []bool{true, false} {
			slow := func(done chan struct{}) http.Handler {
				return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
					defer close(done)
					<-r.Context().Done()
					time.Sleep(20 * time.Millisecond)
					if writes {
						_, _ = w.Write([]byte("late"))
					}
				})
			}
			t.Run(fmt.Sprintf("%s/15 timeout outside/writes=%v", router, writes), func(t *testing.T) {
				g, done := newGate(), make(chan struct{})
				h := mount(http.TimeoutHandler(g.Middleware(slow(done)), 20*time.Millisecond, "sorry"))
				require.Equal(t, 503, get(t, server(t, h, false), "GET").status)
				<-done
				require.Equal(t, exchange.Outcome{Superseded: true}, g.result(t))
			})
			t.Run(fmt.Sprintf("%s/16 timeout inside/writes=%v", router, writes), func(t *testing.T) {
				g, done := newGate(), make(chan struct{})
				h := mount(g.Middleware(http.TimeoutHandler(slow(done), 20*time.Millisecond, "sorry")))
				require.Equal(t, 503, get(t, server(t, h, false), "GET").status)
				require.Equal(t, exchange.Outcome{Status: 503, Bytes: 5}, g.result(t))
				<-done
			})
		}
		t.Run(router+"/25 a cookie after the first write", func(t *testing.T) {
			g := newGate()
			got := get(t, server(t, mount(http.TimeoutHandler(g.Middleware(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				w.Header().Add("Set-Cookie", "good=1")
				write(w, 1)
				w.Header().Add("Set-Cookie", "bad=1")
			})), time.Minute, "")), false), "GET")
			require.Equal(t, []string{"good=1"}, got.header.Values("Set-Cookie"))
			require.Equal(t, exchange.Outcome{Status: 200, Bytes: 1}, g.result(t))
		})
	}
}

// A file reaches the server's own ReadFrom through a router's writer that leads
// there (chi's in HTTP/1.1), and once: row 17.
func TestSendfileInRouters(t *testing.T) {
	name := filepath.Join(t.TempDir(), "file")
	require.NoError(t, os.WriteFile(name, make([]byte, 100_000), 0o600))
	for place, put := range everywhere() {
		t.Run(place, func(t *testing.T) {
			var offered bool
			calls := 0
			g := newGate()
			h := put(g, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				_, offered = w.(io.ReaderFrom)
				f, err := os.Open(name)
				if err != nil {
					t.Error(err)
					return
				}
				defer f.Close()
				_, _ = io.Copy(w, f)
			}))
			s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				h.ServeHTTP(counting{w, w.(http.Flusher), w.(http.Hijacker), &calls}, r)
			}))
			defer s.Close()
			require.Len(t, get(t, s, "GET").body, 100_000)
			require.Equal(t, exchange.Outcome{Status: 200, Bytes: 100_000}, g.result(t))
			want := 0
			if offered {
				want = 1
			}
			require.Equal(t, want, calls)
		})
	}
}

// counting is the server's writer, whose ReadFrom is counted.
type counting struct {
	http.ResponseWriter
	http.Flusher
	http.Hijacker
	calls *int
}

func (c counting) ReadFrom(src io.Reader) (int64, error) {
	*c.calls++
	return c.ResponseWriter.(io.ReaderFrom).ReadFrom(src)
}

// The client goes in the middle of a body: row 20.
func TestClientGoneInRouters(t *testing.T) {
	for name, mount := range everywhere() {
		for protocol, http2 := range map[string]bool{"HTTP1": false, "HTTP2": true} {
			t.Run(name+"/"+protocol, func(t *testing.T) {
				g, flushed := newGate(), make(chan struct{})
				s := server(t, mount(g, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
					write(w, 10)
					w.(http.Flusher).Flush()
					close(flushed)
					<-r.Context().Done()
				})), http2)
				w, err := s.Client().Get(s.URL)
				require.NoError(t, err)
				<-flushed
				w.Body.Close()
				s.Client().CloseIdleConnections()
				require.Equal(t, exchange.Outcome{Status: 200, Bytes: 10, ClientGone: true}, g.result(t))
			})
		}
	}
}

// A goroutine that goes on after the handler returned, when gin and echo have
// long given their writers to the next request: row 24. Under the race detector
// this also shows that nothing of the response is touched.
func TestGoroutineAfterReturnInRouters(t *testing.T) {
	for router, mount := range mounts {
		for protocol, http2 := range map[string]bool{"HTTP1": false, "HTTP2": true} {
			t.Run(router+"/"+protocol, func(t *testing.T) {
				g := newGate()
				next, finished := make(chan struct{}), make(chan error, 3)
				first := true
				s := server(t, mount(g.Middleware(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
					if write(w, 1); !first {
						return
					}
					first = false
					go func() {
						<-next
						w.Header().Set("Set-Cookie", "late=1")
						w.WriteHeader(500)
						_, err := w.Write([]byte("late"))
						finished <- err
						_, err = io.WriteString(w, "late")
						finished <- err
						finished <- http.NewResponseController(w).Flush()
					}()
				}))), http2)
				require.Equal(t, "x", get(t, s, "GET").body)
				require.Equal(t, exchange.Outcome{Status: 200, Bytes: 1}, g.result(t))
				close(next)
				got := get(t, s, "GET")
				require.Equal(t, "x", got.body)
				require.Empty(t, got.header.Values("Set-Cookie"))
				require.Equal(t, exchange.Outcome{Status: 200, Bytes: 1}, g.result(t))
				for range 3 {
					require.Error(t, <-finished)
				}
			})
		}
	}
}

// Deadlines and full duplex are reached through each router's writer and the
// wrapper, and nothing is sent by that.
func TestControllerInRouters(t *testing.T) {
	for name, mount := range everywhere() {
		for protocol, http2 := range map[string]bool{"HTTP1": false, "HTTP2": true} {
			t.Run(name+"/"+protocol, func(t *testing.T) {
				g := newGate()
				errs := make(chan error, 4)
				got := get(t, server(t, mount(g, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
					c := http.NewResponseController(w)
					errs <- c.SetReadDeadline(time.Now().Add(time.Minute))
					errs <- c.SetWriteDeadline(time.Now().Add(time.Minute))
					errs <- c.EnableFullDuplex()
					w.Header().Add("Set-Cookie", "bad=1")
					w.WriteHeader(418)
				})), http2), "GET")
				for range 3 {
					require.NoError(t, <-errs)
				}
				require.Equal(t, 418, got.status)
				require.Empty(t, got.header.Values("Set-Cookie"))
				require.Equal(t, exchange.Outcome{Status: 418}, g.result(t))
			})
		}
	}
}

// A write to a client that does not read is cut by a deadline that another
// goroutine sets.
func TestDeadlineCutsAWriteInRouters(t *testing.T) {
	for name, mount := range everywhere() {
		t.Run(name, func(t *testing.T) {
			g := newGate()
			s := httptest.NewServer(mount(g, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				blocked := make(chan struct{})
				go func() {
					<-blocked
					_ = http.NewResponseController(w).SetWriteDeadline(time.Now())
				}()
				block := make([]byte, 1<<20)
				for i := range 1000 {
					if i == 1 {
						close(blocked)
					}
					if _, err := w.Write(block); err != nil {
						return
					}
				}
			})))
			defer s.Close()
			conn, err := net.Dial("tcp", s.Listener.Addr().String())
			require.NoError(t, err)
			defer conn.Close()
			_, err = io.WriteString(conn, "GET / HTTP/1.1\r\nHost: x\r\n\r\n")
			require.NoError(t, err)
			o := g.result(t)
			require.Equal(t, 200, o.Status)
			require.True(t, o.WriteError)
			require.Less(t, o.Bytes, int64(1000<<20))
		})
	}
}
