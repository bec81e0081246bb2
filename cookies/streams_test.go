package cookies_test

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"runtime"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// Each event reaches the client before the next is made: case 43.
func TestEventsStreamThroughTheGate(t *testing.T) {
	step := make(chan struct{})
	onBoth(t, func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "text/event-stream")
		sets("_ga=1", "sid=1")(w, r)
		for i := range 3 {
			fmt.Fprintf(w, "data: %d\n\n", i)
			if err := http.NewResponseController(w).Flush(); err != nil {
				panic(err)
			}
			<-step
		}
	}, func(t *testing.T, s *site) {
		w, err := s.server.Client().Get(s.server.URL)
		require.NoError(t, err)
		defer w.Body.Close()
		require.Equal(t, []string{"sid"}, names(set(w)))
		lines := bufio.NewScanner(w.Body)
		for i := range 3 {
			require.True(t, lines.Scan())
			require.Equal(t, fmt.Sprintf("data: %d", i), lines.Text())
			require.True(t, lines.Scan())
			step <- struct{}{}
		}
		require.False(t, lines.Scan())
	})
}

// A large body copied by ReadFrom, and a part of it by range: case 43.
func TestBodiesPassWhole(t *testing.T) {
	body := strings.Repeat("0123456789abcdef", 1<<16)
	onBoth(t, func(w http.ResponseWriter, r *http.Request) {
		sets("_ga=1", "sid=1")(w, r)
		if r.URL.Path == "/copy" {
			_, _ = io.Copy(w, struct{ io.Reader }{strings.NewReader(body)})
			return
		}
		http.ServeContent(w, r, "x.txt", time.Unix(1, 0), strings.NewReader(body))
	}, func(t *testing.T, s *site) {
		for _, path := range []string{"/copy", "/content"} {
			w, got := s.get(path, "")
			require.Equal(t, []string{"sid"}, names(set(w)))
			require.True(t, body == got)
		}
		r := request(t, s.server.URL+"/content", "")
		r.Header.Set("Range", "bytes=16-31")
		w, err := s.server.Client().Do(r)
		require.NoError(t, err)
		part, _ := io.ReadAll(w.Body)
		w.Body.Close()
		require.Equal(t, 206, w.StatusCode)
		require.Equal(t, "0123456789abcdef", string(part))
		require.Equal(t, []string{"sid"}, names(set(w)))
	})
}

// A timeout answers for the handler; what the handler set by then, or sets
// later, is not in its answer: case 43.
func TestTimeouts(t *testing.T) {
	release := make(chan struct{})
	page := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		sets("_ga=1", "sid=1")(w, r)
		if r.URL.Path == "/slow" {
			<-r.Context().Done()
			sets("fbp=1")(w, r)
			<-release
			_, _ = w.Write([]byte("too late"))
		}
	})
	defer close(release)
	const limit = 50 * time.Millisecond
	for _, place := range []string{"inside", "between", "outside"} {
		t.Run(place, func(t *testing.T) {
			s := newSite(t, options{}, nil)
			handler := map[string]http.Handler{
				"inside":  s.manager.Middleware(s.gate.Middleware(http.TimeoutHandler(page, limit, "timeout"))),
				"between": s.manager.Middleware(http.TimeoutHandler(s.gate.Middleware(page), limit, "timeout")),
				"outside": http.TimeoutHandler(s.manager.Middleware(s.gate.Middleware(page)), limit, "timeout"),
			}[place]
			server := httptest.NewServer(handler)
			defer server.Close()
			for path, want := range map[string][]string{"/fast": {"sid"}, "/slow": nil} {
				w, err := server.Client().Get(server.URL + path)
				require.NoError(t, err)
				text, _ := io.ReadAll(w.Body)
				w.Body.Close()
				require.Equal(t, want, names(set(w)), path)
				require.Equal(t, path == "/slow", string(text) == "timeout")
			}
		})
	}
}

// An upgrade works; its 101 is judged where it goes through the writer, and
// after a hijack the connection is the handler's own: case 45.
func TestUpgrades(t *testing.T) {
	s := newSite(t, options{}, func(w http.ResponseWriter, r *http.Request) {
		sets("_ga=1", "sid=1")(w, r)
		w.Header().Set("Connection", "Upgrade")
		w.Header().Set("Upgrade", "echo")
		if r.URL.Path == "/announced" {
			w.WriteHeader(http.StatusSwitchingProtocols)
		}
		conn, rw, err := http.NewResponseController(w).Hijack()
		if err != nil {
			panic(err)
		}
		defer conn.Close()
		if r.URL.Path == "/own" {
			_, _ = rw.WriteString("HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: echo\r\nSet-Cookie: _ga=own\r\n\r\n")
			_ = rw.Flush()
		}
		text, _ := rw.ReadString('\n')
		_, _ = rw.WriteString("echo " + text)
		_ = rw.Flush()
	})
	server := httptest.NewServer(s.handler)
	defer server.Close()
	for path, want := range map[string][]string{"/announced": {"sid"}, "/own": {"_ga"}} {
		conn, err := net.Dial("tcp", server.Listener.Addr().String())
		require.NoError(t, err)
		fmt.Fprintf(conn, "GET %s HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: echo\r\n\r\n", path)
		from := bufio.NewReader(conn)
		w, err := http.ReadResponse(from, nil)
		require.NoError(t, err)
		require.Equal(t, 101, w.StatusCode)
		require.Equal(t, want, names(set(w)), path)
		fmt.Fprint(conn, "hello\n")
		text, err := from.ReadString('\n')
		require.NoError(t, err)
		require.Equal(t, "echo hello\n", text)
		conn.Close()
	}
}

// What the server's writer can do, the handler's can: case 53.
func TestTheWritersAbilitiesStay(t *testing.T) {
	abilities := func(w http.ResponseWriter) (out []string) {
		note := func(name string, ok bool) {
			if ok {
				out = append(out, name)
			}
		}
		_, ok := w.(http.Flusher)
		note("flush", ok)
		_, ok = w.(http.Hijacker)
		note("hijack", ok)
		_, ok = w.(io.ReaderFrom)
		note("read from", ok)
		_, ok = w.(http.Pusher)
		note("push", ok)
		c := http.NewResponseController(w)
		note("read deadline", c.SetReadDeadline(time.Time{}) == nil)
		note("write deadline", c.SetWriteDeadline(time.Time{}) == nil)
		note("full duplex", c.EnableFullDuplex() == nil)
		conn, _, err := c.Hijack()
		note("no hijack", errors.Is(err, http.ErrNotSupported))
		if err == nil {
			conn.Close()
		}
		return out
	}
	onBoth(t, func(w http.ResponseWriter, r *http.Request) {}, func(t *testing.T, s *site) {
		found := make(chan []string, 2)
		page := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { found <- abilities(w) })
		for _, handler := range []http.Handler{page, s.gate.Middleware(page)} {
			server := httptest.NewUnstartedServer(handler)
			server.EnableHTTP2 = s.server.EnableHTTP2
			server.StartTLS()
			// A hijacked connection is closed unanswered.
			if w, err := server.Client().Get(server.URL); err == nil {
				w.Body.Close()
			}
			server.Close()
		}
		bare := <-found
		require.NotEmpty(t, bare)
		require.Equal(t, bare, <-found)
	})
}

// A hundred visitors at once, each with a choice of his own: case 52.
func TestVisitorsDoNotMix(t *testing.T) {
	before := runtime.NumGoroutine()
	t.Run("at once", func(t *testing.T) {
		s := newSite(t, options{http2: true}, func(w http.ResponseWriter, r *http.Request) {
			sets("_ga=1", "sid=1", "fbp=1", "theme=1")(w, r)
			shows(w, r)
		})
		choices := []struct{ cookie, sets, sees string }{
			{"", "sid", "sid=1"},
			{s.choose("", `{"analytics":true}`), "_ga sid", "_ga=1; sid=1"},
			{s.choose("", `{"marketing":true}`), "sid fbp", "sid=1; fbp=1"},
			{s.choose("", `{"analytics":true,"marketing":true,"preferences":true}`), "_ga sid fbp theme", "_ga=1; sid=1; fbp=1"},
		}
		var all sync.WaitGroup
		for i := range 100 {
			all.Go(func() {
				c := choices[i%len(choices)]
				for range 5 {
					w, body := s.get("/", c.cookie+"; _ga=1; sid=1; fbp=1")
					if got := strings.Join(names(set(w)), " "); got != c.sets {
						t.Errorf("%q is set and not %q", got, c.sets)
					}
					if !strings.HasSuffix(strings.TrimSpace(body), c.sees+`"]`) {
						t.Errorf("%q is seen and not %q", body, c.sees)
					}
				}
			})
		}
		all.Wait()
	})
	require.Eventually(t, func() bool { return runtime.NumGoroutine() <= before+2 }, 5*time.Second, 10*time.Millisecond, "goroutines are left")
}
