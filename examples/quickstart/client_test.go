package main

import (
	"bytes"
	"context"
	"io"
	"log/slog"
	"net/http"
	"net/http/cookiejar"
	"net/http/httptest"
	"net/netip"
	"net/url"
	"strings"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/candorhttp/candor/consent"
	"github.com/candorhttp/candor/consent/ledger"
	"github.com/candorhttp/candor/iputil"
	"github.com/candorhttp/candor/logging"
)

// recorder keeps what a site writes.
type recorder struct {
	mu   sync.Mutex
	text bytes.Buffer
}

func (r *recorder) Write(p []byte) (int, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.text.Write(p)
}

func (r *recorder) String() string {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.text.String()
}

// running is the shop on a real server, behind a proxy on loopback.
type running struct {
	t      *testing.T
	site   *site
	log    *recorder
	stderr *recorder
	events *collector
	*httptest.Server
}

func newKeys(t testing.TB) consent.Keys {
	t.Helper()
	keys, err := consent.ParseKeys(consent.GenerateKey())
	require.NoError(t, err)
	return keys
}

func start(t *testing.T, keys consent.Keys, order ...int) *running {
	t.Helper()
	return startOn(t, keys, ledger.Memory(), order...)
}

// startOn is start with records kept elsewhere, which it closes if it can.
func startOn(t *testing.T, keys consent.Keys, records records, order ...int) *running {
	t.Helper()
	visitors, err := iputil.NewResolver(iputil.Proxies{Header: "X-Forwarded-For", Trusted: []netip.Prefix{netip.MustParsePrefix("127.0.0.0/8")}})
	require.NoError(t, err)
	r := &running{t: t, log: &recorder{}, stderr: &recorder{}, events: &collector{}}
	logger := slog.New(slog.NewJSONHandler(r.stderr, nil))
	r.site, err = newSite(keys, visitors, records, r.log, logger, r.events)
	require.NoError(t, err)
	layers := r.site.layers()
	handler := r.site.inner
	if len(order) == 0 {
		order = []int{0, 1, 2, 3}
	}
	for i := len(order) - 1; i >= 0; i-- {
		handler = layers[order[i]](handler)
	}
	r.Server = httptest.NewUnstartedServer(handler)
	r.Config.ErrorLog = logging.ErrorLog(logger)
	r.Start()
	t.Cleanup(func() {
		r.Close()
		require.NoError(t, r.site.close(context.Background()))
		if c, ok := records.(io.Closer); ok {
			require.NoError(t, c.Close())
		}
	})
	return r
}

// visitor is a browser: a jar, and no redirects followed unless asked.
type visitor struct {
	*running
	client *http.Client
	header http.Header
}

func (r *running) visitor() *visitor {
	jar, err := cookiejar.New(nil)
	require.NoError(r.t, err)
	return &visitor{r, &http.Client{Jar: jar, CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}, http.Header{}}
}

// answer is a response with its body read.
type answer struct {
	*http.Response
	body string
}

// names returns the names of the cookies that a response sets or removes.
func (a answer) names() []string {
	out := []string{}
	for _, c := range a.Cookies() {
		out = append(out, c.Name)
	}
	return out
}

func (v *visitor) do(method, path, kind, body string) answer {
	v.t.Helper()
	r, err := http.NewRequest(method, v.URL+path, strings.NewReader(body))
	require.NoError(v.t, err)
	for k, values := range v.header {
		r.Header[k] = values
	}
	if kind != "" {
		r.Header.Set("Content-Type", kind)
	}
	w, err := v.client.Do(r)
	require.NoError(v.t, err)
	defer w.Body.Close()
	text, err := io.ReadAll(w.Body)
	require.NoError(v.t, err)
	return answer{w, string(text)}
}

func (v *visitor) get(path string) answer { v.t.Helper(); return v.do("GET", path, "", "") }

func (v *visitor) form(path, body string) answer {
	v.t.Helper()
	return v.do("POST", path, "application/x-www-form-urlencoded", body)
}

func (v *visitor) json(path, body string) answer {
	v.t.Helper()
	return v.do("POST", path, "application/json", body)
}

// held returns the names and values of the visitor's cookies.
func (v *visitor) held() map[string]string {
	u, err := url.Parse(v.URL)
	require.NoError(v.t, err)
	out := map[string]string{}
	for _, c := range v.client.Jar.Cookies(u) {
		out[c.Name] = c.Value
	}
	return out
}

// panics asks for the page that panics, on a connection of its own: a client
// tries again when one that it kept breaks.
func (v *visitor) panics(path string) {
	v.t.Helper()
	client := &http.Client{Jar: v.client.Jar, Transport: &http.Transport{DisableKeepAlives: true}}
	r, err := http.NewRequest("GET", v.URL+path, nil)
	require.NoError(v.t, err)
	r.Header = v.header.Clone()
	_, err = client.Do(r)
	require.Error(v.t, err)
}
