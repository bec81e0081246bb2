package main

import (
	"bufio"
	"encoding/json"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/candorhttp/candor/consent"
)

const undecided = `{"policy":1,"source":"default","purposes":{"preferences":"unset","login_memory":"unset","experiments":"unset","analytics":"unset","marketing":"unset"}}` + "\n"

// A first visit to every route sets essential cookies only.
func TestFirstVisit(t *testing.T) {
	s := start(t, newKeys(t))
	for _, tt := range []struct {
		method, path, body string
		status             int
		sets               []string
	}{
		{"GET", "/", "", 200, []string{}},
		{"POST", "/settings", "theme=dark", 303, []string{}},
		{"GET", "/login", "", 200, []string{}},
		{"POST", "/login", "email=jane%40example.com", 303, []string{"session"}},
		{"POST", "/login", "email=", 400, []string{}},
		{"POST", "/login/forget", "", 303, []string{"last_login"}}, // a deletion
		{"POST", "/logout", "", 303, []string{"session"}},          // a deletion
		{"GET", "/users/42", "", 200, []string{}},
		{"GET", "/search?q=shoes&page=2", "", 200, []string{}},
		{"GET", "/download", "", 200, []string{}},
		{"GET", "/style.css", "", 200, []string{}},
		{"GET", "/privacy/", "", 200, []string{}},
		{"GET", "/privacy/notice", "", 200, []string{}},
		{"GET", "/privacy/decision", "", 200, []string{}},
		{"GET", "/privacy/manifest.json", "", 200, []string{}},
		{"GET", "/.well-known/gpc.json", "", 200, []string{}},
		{"GET", "/nothing", "", 404, []string{}},
	} {
		v := s.visitor()
		kind := ""
		if tt.method == "POST" {
			kind = "application/x-www-form-urlencoded"
		}
		a := v.do(tt.method, tt.path, kind, tt.body)
		require.Equal(t, tt.status, a.StatusCode, tt.path)
		require.Equal(t, tt.sets, a.names(), "%s %s", tt.method, tt.path)
	}
	require.EqualValues(t, 1, s.site.gate.Stats().Withheld["rogue"])
	require.Contains(t, s.stderr.String(), `withheld \"rogue\": not declared`)
	require.Equal(t, undecided, s.visitor().get("/privacy/decision").body)
}

func TestAcceptUseWithdraw(t *testing.T) {
	s := start(t, newKeys(t))
	v := s.visitor()
	require.Contains(t, v.get("/").body, `<button type="submit" name="action" value="refuse">`)
	a := v.form("/privacy/decision", "action=accept&return=%2Fsearch%3Fpage%3D2")
	require.Equal(t, 303, a.StatusCode)
	require.Equal(t, "/search?page=2", a.Header.Get("Location"))

	require.Contains(t, v.get("/").body, `<output id="visits">0</output>`)
	home := v.get("/")
	require.Contains(t, home.body, `<output id="visits">1</output>`)
	require.NotContains(t, home.body, `value="refuse"`)
	require.Equal(t, []string{"visits"}, home.names(), "never rogue")
	v.form("/settings", "theme=dark")
	require.Contains(t, v.get("/").body, `<html lang="en" data-theme="dark">`)
	v.form("/login", "email=jane%40example.com")
	require.Contains(t, v.get("/login").body, `value="jane@example.com"`)
	require.NotContains(t, v.held()["session"]+v.held()["last_login"], "jane")
	first := v.held()["session"]
	v.form("/login", "email=jane%40example.com")
	require.NotEqual(t, first, v.held()["session"])

	a = v.form("/privacy/withdraw", "")
	require.ElementsMatch(t, []string{"consent", "theme", "last_login", "visits", "exp_goods"}, a.names(), "expired in the same response")
	require.Len(t, v.held(), 2)
	require.Contains(t, v.held(), "session", "the login survives")
	home = v.get("/")
	require.Contains(t, home.body, `data-theme="light"`)
	require.Contains(t, home.body, `<output id="visits">0</output>`)
	require.Contains(t, home.body, "Signed in")
	require.Contains(t, v.get("/login").body, `value=""`)
}

// A cookie that somebody kept from before the withdrawal counts for nothing.
func TestReplay(t *testing.T) {
	s := start(t, newKeys(t))
	v := s.visitor()
	v.form("/privacy/decision", "action=accept")
	kept := v.held()["consent"]
	v.form("/privacy/withdraw", "purpose=marketing")
	thief := s.visitor()
	thief.header.Set("Cookie", "consent="+kept+"; visits=41; theme=dark")
	require.Equal(t, undecided, thief.get("/privacy/decision").body)
	a := thief.get("/")
	require.Empty(t, a.names())
	require.Contains(t, a.body, `<output id="visits">0</output>`)
	require.Contains(t, a.body, `data-theme="light"`)
	require.Contains(t, v.get("/privacy/decision").body, `"analytics":"granted","marketing":"denied"`, "the rest of the choice stands")
}

func TestRefusalIsTheSameForTwo(t *testing.T) {
	s := start(t, newKeys(t))
	one, two := s.visitor(), s.visitor()
	a, b := one.form("/privacy/decision", "action=refuse"), two.form("/privacy/decision", "action=refuse")
	require.Equal(t, a.Header["Set-Cookie"], b.Header["Set-Cookie"])
	require.Equal(t, []string{"consent"}, a.names())
	require.NotContains(t, one.get("/").body, `value="accept"`, "asked once")
}

// What read consent is private, what did not is left alone.
func TestCacheHeaders(t *testing.T) {
	s := start(t, newKeys(t))
	v := s.visitor()
	for _, path := range []string{"/", "/login", "/users/42", "/search"} {
		a := v.get(path)
		require.Equal(t, "private", a.Header.Get("Cache-Control"), path)
		require.Contains(t, a.Header.Values("Vary"), "Cookie", path)
	}
	for _, path := range []string{"/download", "/style.css", "/nothing"} {
		a := v.get(path)
		require.Empty(t, a.Header.Get("Cache-Control"), path)
		require.Empty(t, a.Header.Get("Vary"), path)
	}
}

func TestBadInput(t *testing.T) {
	s := start(t, newKeys(t))
	v := s.visitor()
	v.form("/privacy/decision", "action=accept")
	before := v.get("/privacy/decision").body

	v.header.Set("Sec-Fetch-Site", "cross-site")
	require.Equal(t, 403, v.form("/privacy/withdraw", "").StatusCode)
	require.Equal(t, 403, v.form("/settings", "theme=light").StatusCode, "the shop's own forms as well")
	v.header.Del("Sec-Fetch-Site")
	require.Equal(t, 413, v.form("/privacy/decision", "return="+strings.Repeat("x", 9000)).StatusCode)
	require.Equal(t, 415, v.do("POST", "/privacy/decision", "text/plain", "action=refuse").StatusCode)
	for body, name := range map[string]string{
		`{"grants":{"spying":true}}`: "spying", `{"colour":1}`: "colour",
	} {
		a := v.json("/privacy/decision", body)
		require.Equal(t, 400, a.StatusCode)
		require.Contains(t, a.body, name)
	}
	require.Equal(t, 405, v.get("/privacy/withdraw").StatusCode)
	require.Equal(t, before, v.get("/privacy/decision").body, "nothing changed")

	good := v.held()["consent"]
	other := start(t, newKeys(t)).visitor()
	other.form("/privacy/decision", "action=accept")
	for name, cookie := range map[string]string{
		"tampered": "consent=" + good[:len(good)-2] + "AA", "cut": "consent=" + good[:20],
		"doubled": "consent=" + good + "; consent=" + other.held()["consent"], "foreign": "consent=" + other.held()["consent"],
	} {
		bad := s.visitor()
		bad.header.Set("Cookie", cookie)
		a := bad.get("/")
		require.Equal(t, 200, a.StatusCode, name)
		require.Empty(t, a.names(), name)
		require.Equal(t, undecided, bad.get("/privacy/decision").body, name)
	}
}

func TestGPC(t *testing.T) {
	v := start(t, newKeys(t)).visitor()
	v.header.Set("Sec-GPC", "1")
	require.Contains(t, v.get("/privacy/decision").body, `"source":"gpc"`)
	require.Contains(t, v.get("/privacy/decision").body, `"marketing":"denied"`)
	require.Contains(t, v.get("/").body, "Global Privacy Control")
	require.Empty(t, v.held(), "the signal writes no cookie")
}

func TestStreamAndDownload(t *testing.T) {
	s := start(t, newKeys(t))
	w, err := http.Get(s.URL + "/stream")
	require.NoError(t, err)
	defer w.Body.Close()
	begun := time.Now()
	lines := bufio.NewScanner(w.Body)
	require.True(t, lines.Scan())
	require.True(t, strings.HasPrefix(lines.Text(), "data: "))
	require.Less(t, time.Since(begun), 900*time.Millisecond, "the first event is not held back")

	v := s.visitor()
	all := v.get("/download")
	require.Len(t, all.body, 5<<20)
	v.header.Set("Range", "bytes=100-199")
	part := v.get("/download")
	require.Equal(t, 206, part.StatusCode)
	require.Equal(t, all.body[100:200], part.body)
	require.Equal(t, "bytes 100-199/5242880", part.Header.Get("Content-Range"))
	v.header.Set("If-Modified-Since", all.Header.Get("Last-Modified"))
	v.header.Del("Range")
	require.Equal(t, 304, v.get("/download").StatusCode)
}

// Every key of every line is declared in the manifest that the site serves, and
// the contract's are among them.
func TestLogKeys(t *testing.T) {
	s := start(t, newKeys(t))
	v := s.visitor()
	v.header.Set("X-Forwarded-For", "198.51.100.77")
	v.form("/privacy/decision", "action=accept")
	v.header.Set("Referer", "https://search.example/?q=x")
	for _, path := range []string{"/", "/users/42", "/search?q=shoes&page=2", "/nothing/secret"} {
		v.get(path)
	}
	v.header.Set("Referer", s.URL+"/users/jane@example.com?token=secret")
	v.panics("/panic")
	s.Close()
	var manifest consent.Manifest
	s.site.access.Describe(&manifest)
	keys := map[string]bool{}
	for _, f := range manifest.Log {
		keys[f.Name] = true
	}
	for _, name := range []string{
		"time", "http.request.method", "http.route", "url.scheme", "url.query", "http.response.status_code",
		"http.response.body.size", "http.server.request.duration", "network.protocol.version", "client.address",
		"client.pseudonym", "user_agent.name", "user_agent.version", "user_agent.device", "http.request.referrer",
		"consent.state", "request.id", "error.type",
	} {
		require.True(t, keys[name], name)
	}
	var lines []map[string]any
	for text := range strings.Lines(s.log.String()) {
		var line map[string]any
		require.NoError(t, json.Unmarshal([]byte(text), &line))
		for k := range line {
			require.True(t, keys[k], k)
		}
		lines = append(lines, line)
	}
	require.Len(t, lines, 6)
	require.Equal(t, "/users/{id}", lines[2]["http.route"])
	require.Equal(t, "page=2", lines[3]["url.query"])
	require.NotContains(t, lines[4], "http.route")
	require.Equal(t, "panic", lines[5]["error.type"])
	require.Equal(t, "/panic", lines[5]["http.route"])
	require.Equal(t, "https://search.example", lines[4]["http.request.referrer"])
	require.Equal(t, "/users/{id}", lines[5]["http.request.referrer"], "from a page of its own: its route")
	require.Equal(t, "198.51.100.0", lines[1]["client.address"])
	require.NotContains(t, lines[0], "client.address", "the choice itself")
	require.Contains(t, s.stderr.String(), "http: panic serving")
}
