package blackbox

import (
	"bufio"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/candorhttp/candor/examples/routers/site"
)

const (
	session = "session=s1; Path=/; HttpOnly; SameSite=Lax"
	visits  = "visits=%d; Path=/; Max-Age=2592000; HttpOnly; SameSite=Lax" // a year, cut to the declared 30 days
	gone    = "visits=; Path=/; Expires=Thu, 01 Jan 1970 00:00:00 GMT; Max-Age=0; HttpOnly; SameSite=Lax"
)

// Run tests a program by its handler. Its routes are written with a parameter
// in the router's own way: "{id}" or ":id".
func Run(t *testing.T, build func(*site.Site) http.Handler, parameter string) {
	for protocol, http2 := range map[string]bool{"HTTP1": false, "HTTP2": true} {
		t.Run(protocol, func(t *testing.T) {
			for name, test := range map[string]func(*testing.T, *Running, string){
				"first visit": firstVisit, "accept and withdraw": acceptAndWithdraw, "refuse": refuse, "undeclared": undeclared,
				"stream": stream, "panic": panics, "routes": routes, "caches": caches,
			} {
				t.Run(name, func(t *testing.T) { test(t, Start(t, http2, build), parameter) })
			}
		})
	}
	t.Run("flushes", func(t *testing.T) { flushes(t, Start(t, false, build)) })
	t.Run("nothing leaks", func(t *testing.T) { nothingLeaks(t, build) })
}

// Before a choice nothing but the essential is set.
func firstVisit(t *testing.T, s *Running, _ string) {
	for path, want := range map[string][]string{
		"/": {session}, "/users/42": nil, "/orders/7": nil, "/stream": nil, "/nothing/here": nil,
		"/privacy/": nil, "/privacy/decision": nil, "/privacy/manifest.json": nil, "/.well-known/gpc.json": nil,
	} {
		require.Equal(t, want, s.Visitor().Get(path).Sets(), path)
	}
	require.Contains(t, s.Visitor().Get("/").Text, `value="refuse"`, "the banner is there")
}

// With a yes the site works as it was written, and a withdrawal ends it in the
// same response.
func acceptAndWithdraw(t *testing.T, s *Running, _ string) {
	v := s.Visitor()
	v.Get("/")
	require.Equal(t, 303, v.Post("/privacy/decision", "action=accept").StatusCode)
	a := v.Get("/")
	require.Contains(t, a.Text, "<p>0 visits, 2 cookies seen</p>")
	require.NotContains(t, a.Text, `value="refuse"`, "asked once")
	require.Equal(t, []string{session, fmt.Sprintf(visits, 1)}, a.Sets())
	a = v.Get("/")
	require.Contains(t, a.Text, "<p>1 visits, 3 cookies seen</p>")
	require.Equal(t, []string{session, fmt.Sprintf(visits, 2)}, a.Sets())

	old := v.Client.Jar.Cookies(a.Request.URL)
	a = v.Post("/privacy/withdraw", "")
	require.Equal(t, 303, a.StatusCode)
	require.Len(t, a.Sets(), 2)
	require.Contains(t, a.Sets(), gone)
	require.ElementsMatch(t, []string{"consent", "session"}, v.Holds())
	a = v.Get("/")
	require.Contains(t, a.Text, "<p>0 visits, 2 cookies seen</p>")
	require.Equal(t, []string{session}, a.Sets())

	// Who kept the cookies from before has no consent with them.
	thief := s.Visitor()
	for _, c := range old {
		thief.Header.Add("Cookie", c.Name+"="+c.Value)
	}
	a = thief.Get("/")
	require.Contains(t, a.Text, "<p>0 visits, 2 cookies seen</p>")
	require.NotContains(t, a.Names(), "visits")
}

// After a no nothing is set or shown, and what is still there is removed.
func refuse(t *testing.T, s *Running, _ string) {
	v := s.Visitor()
	require.Equal(t, 303, v.Post("/privacy/decision", "action=refuse").StatusCode)
	a := v.Get("/")
	require.Equal(t, []string{session}, a.Sets())
	require.NotContains(t, a.Text, `value="accept"`, "a no is remembered")
	v.Header.Set("Cookie", "visits=41")
	a = v.Get("/")
	require.Contains(t, a.Text, "<p>0 visits, 2 cookies seen</p>", "hidden")
	require.Equal(t, []string{session, gone}, a.Sets())
}

// What is declared nowhere is not set, not shown, and named to the operator.
func undeclared(t *testing.T, s *Running, _ string) {
	v := s.Visitor()
	v.Post("/privacy/decision", "action=accept")
	v.Header.Set("Cookie", "rogue=1; other=2")
	a := v.Get("/")
	require.Contains(t, a.Text, "<p>0 visits, 1 cookies seen</p>")
	require.NotContains(t, a.Names(), "rogue")
	stats := s.Site.Gate.Stats()
	require.EqualValues(t, 1, stats.Withheld["rogue"])
	require.EqualValues(t, 2, stats.HiddenUndeclared)
	require.Contains(t, s.Own.String(), `withheld \"rogue\": not declared`)
}

// A stream arrives, without its cookie.
func stream(t *testing.T, s *Running, _ string) {
	a := s.Visitor().Get("/stream")
	require.Equal(t, "text/event-stream", strings.Split(a.Header.Get("Content-Type"), ";")[0])
	require.Equal(t, 3, strings.Count(a.Text, "data:"))
	require.Empty(t, a.Sets())
	line := s.Lines()[0]
	require.Equal(t, "/stream", line["http.route"])
	require.EqualValues(t, len(a.Text), line["http.response.body.size"])
}

// flushes counts the chunks of a stream: what is flushed is a chunk, what is
// only written waits for the next.
func flushes(t *testing.T, s *Running) {
	conn, err := net.Dial("tcp", s.Listener.Addr().String())
	require.NoError(t, err)
	defer conn.Close()
	_, err = io.WriteString(conn, "GET /stream HTTP/1.1\r\nHost: shop.example\r\nConnection: close\r\n\r\n")
	require.NoError(t, err)
	raw := bufio.NewReader(conn)
	for line := ""; line != "\r\n"; {
		line, err = raw.ReadString('\n')
		require.NoError(t, err)
	}
	chunks := 0
	for {
		var size int
		_, err := fmt.Fscanf(raw, "%x\r\n", &size)
		require.NoError(t, err)
		if size == 0 {
			break
		}
		_, err = raw.Discard(size + len("\r\n"))
		require.NoError(t, err)
		chunks++
	}
	require.Equal(t, 3, chunks)
}

// A page that panics is answered inside the chain: the line says what the
// visitor got, and the cookie that was set before is withheld.
func panics(t *testing.T, s *Running, parameter string) {
	v := s.Visitor()
	v.Post("/privacy/decision", "action=refuse")
	a := v.Get("/orders/7")
	require.Equal(t, 500, a.StatusCode)
	require.Empty(t, a.Sets())
	require.NotContains(t, a.Text, "7")
	line := s.Lines()[1]
	require.EqualValues(t, 500, line["http.response.status_code"])
	require.Equal(t, "/orders/"+parameter, line["http.route"])
	require.NotContains(t, line, "error.type")
}

// The log has the template of the route, and nothing where there is none.
func routes(t *testing.T, s *Running, parameter string) {
	v := s.Visitor()
	paths := []string{"/", "/users/jane", "/stream", "/nothing/jane", "/users/jane/more", "/users", "/orders", "/.well-known/gpc.json", "/privacy/"}
	for _, path := range paths {
		v.Get(path)
	}
	v.Post("/users/jane", "")
	lines := s.Lines()
	require.Len(t, lines, len(paths)+1)
	for i, want := range []any{"/", "/users/" + parameter, "/stream"} {
		require.Equal(t, want, lines[i]["http.route"])
	}
	require.Contains(t, lines[7]["http.route"], "/.well-known/gpc.json")
	require.NotContains(t, lines[3], "http.route", "nothing is there")
	require.NotContains(t, s.Log.String(), "jane")
	require.NotContains(t, lines[8], "client.address", "a privacy page")
}

// A page that read consent is not for others, one that did not stays as it is.
func caches(t *testing.T, s *Running, _ string) {
	v := s.Visitor()
	a := v.Get("/")
	require.Equal(t, "private", a.Header.Get("Cache-Control"))
	require.Equal(t, "Cookie", a.Header.Get("Vary"))
	a = v.Get("/users/42")
	require.Empty(t, a.Header.Values("Cache-Control"))
	require.Empty(t, a.Header.Values("Vary"))
}
