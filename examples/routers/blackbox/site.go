package blackbox

import (
	"bytes"
	"encoding/json"
	"io"
	"log/slog"
	"net/http"
	"net/http/cookiejar"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/candorhttp/candor/examples/routers/site"
	"github.com/candorhttp/candor/logging"
)

// Running is a site on a real server.
type Running struct {
	*httptest.Server
	Site *site.Site
	// Log is the access log, Own what the site's own parts told operators.
	Log, Own *Text

	t *testing.T
}

// Start serves a site, over HTTP/2 with TLS or over plain HTTP/1.1, until the
// test ends.
func Start(t *testing.T, http2 bool, build func(*site.Site) http.Handler) *Running {
	t.Helper()
	return StartWith(t, http2, site.Config{}, build)
}

// StartWith is Start for a site that is configured; its outputs are Log and Own.
func StartWith(t *testing.T, http2 bool, cfg site.Config, build func(*site.Site) http.Handler) *Running {
	t.Helper()
	r := &Running{Log: &Text{}, Own: &Text{}, t: t}
	logger := slog.New(slog.NewJSONHandler(r.Own, nil))
	cfg.Output, cfg.Logger = r.Log, logger
	var err error
	r.Site, err = site.New(cfg)
	require.NoError(t, err)
	r.Server = httptest.NewUnstartedServer(build(r.Site))
	r.Config.ErrorLog = logging.ErrorLog(logger)
	if r.EnableHTTP2 = http2; http2 {
		r.StartTLS()
	} else {
		r.Start()
	}
	t.Cleanup(func() {
		r.Close()
		require.NoError(t, r.Site.Close(t.Context()))
	})
	return r
}

// Line is one line of the access log.
type Line map[string]any

// Lines ends the server, so that every request has its line, and returns them.
func (r *Running) Lines() []Line {
	r.t.Helper()
	r.Close()
	var out []Line
	for text := range strings.Lines(r.Log.String()) {
		var line Line
		require.NoError(r.t, json.Unmarshal([]byte(text), &line))
		out = append(out, line)
	}
	return out
}

// Visitor is a browser as far as cookies go. It follows no redirects.
type Visitor struct {
	Client *http.Client
	// Header is sent with every request.
	Header http.Header

	r *Running
}

// Visitor returns a new one, with an empty jar.
func (r *Running) Visitor() *Visitor {
	jar, err := cookiejar.New(nil)
	require.NoError(r.t, err)
	return &Visitor{r: r, Header: http.Header{}, Client: &http.Client{
		Jar: jar, Transport: r.Client().Transport,
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}}
}

// Answer is a response with its body read.
type Answer struct {
	*http.Response
	Text string
}

// Sets returns the Set-Cookie lines.
func (a Answer) Sets() []string { return a.Header.Values("Set-Cookie") }

// Names returns the names of the cookies that are set or removed.
func (a Answer) Names() []string {
	names := []string{}
	for _, line := range a.Sets() {
		name, _, _ := strings.Cut(line, "=")
		names = append(names, name)
	}
	return names
}

// Get asks for a page.
func (v *Visitor) Get(path string) Answer {
	v.r.t.Helper()
	return v.Do(http.MethodGet, path, "")
}

// Post sends a form.
func (v *Visitor) Post(path, form string) Answer {
	v.r.t.Helper()
	return v.Do(http.MethodPost, path, form)
}

// Do sends a request, with a form if there is one.
func (v *Visitor) Do(method, path, form string) Answer {
	v.r.t.Helper()
	r, err := http.NewRequest(method, v.r.URL+path, strings.NewReader(form))
	require.NoError(v.r.t, err)
	for key, values := range v.Header {
		r.Header[key] = values
	}
	if method == http.MethodPost {
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	}
	w, err := v.Client.Do(r)
	require.NoError(v.r.t, err)
	defer w.Body.Close()
	text, err := io.ReadAll(w.Body)
	require.NoError(v.r.t, err)
	return Answer{w, string(text)}
}

// Holds returns the names of the cookies that the visitor's jar would send.
func (v *Visitor) Holds() []string {
	u, err := url.Parse(v.r.URL)
	require.NoError(v.r.t, err)
	names := []string{}
	for _, c := range v.Client.Jar.Cookies(u) {
		names = append(names, c.Name)
	}
	return names
}

// Text is a bytes.Buffer that several goroutines may use.
type Text struct {
	mu  sync.Mutex
	buf bytes.Buffer
}

// Write implements io.Writer.
func (t *Text) Write(p []byte) (int, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.buf.Write(p)
}

// Bytes returns a copy of what was written.
func (t *Text) Bytes() []byte { return []byte(t.String()) }

// String returns what was written.
func (t *Text) String() string {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.buf.String()
}
