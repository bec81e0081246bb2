package sink_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/candorhttp/candor/consent/analytics"
	"github.com/candorhttp/candor/consent/analytics/sink"
)

func TestParseEndpoint(t *testing.T) {
	for text, good := range map[string]bool{
		"https://stats.example":                true,
		"https://stats.example:8443/a/b":       true,
		"https://[2001:db8::1]/":               true,
		"http://localhost":                     true,
		"http://LOCALHOST:8000":                true,
		"http://127.8.9.1:8000/api":            true,
		"http://[::1]:8000":                    true,
		"http://[::ffff:127.0.0.1]":            true,
		"HTTPS://stats.example":                true,
		"":                                     false,
		"stats.example":                        false,
		"https://":                             false,
		"https://:443":                         false,
		"http://stats.example":                 false,
		"http://10.0.0.1":                      false,
		"http://localhost.example":             false,
		"http://127.0.0.1.example":             false,
		"http://0.0.0.0":                       false,
		"ftp://localhost":                      false,
		"https:stats.example":                  false,
		"https://user@stats.example":           false,
		"https://stats.example?":               false,
		"https://stats.example/?key=1":         false,
		"https://stats.example/#part":          false,
		"https://stats.example/%zz":            false,
		"https://" + strings.Repeat("s", 1024): false,
	} {
		_, err := sink.ParseEndpoint(text)
		require.Equal(t, good, err == nil, "%q: %v", text, err)
	}
}

func FuzzParseEndpoint(f *testing.F) {
	for _, s := range []string{"https://stats.example/a", "http://127.0.0.1:80", "http://localhost", "https://u:p@h/?q#f"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, text string) {
		u, err := sink.ParseEndpoint(text)
		if err != nil {
			require.NotContains(t, err.Error(), "://u")
			return
		}
		require.Nil(t, u.User)
		require.Empty(t, u.RawQuery+u.Fragment)
		if u.Scheme != "https" {
			host := u.Hostname()
			a, err := netip.ParseAddr(host)
			require.True(t, strings.EqualFold(host, "localhost") || err == nil && a.Unmap().IsLoopback(), host)
		}
		// What was accepted is still accepted when it is written out.
		_, err = sink.ParseEndpoint(u.String())
		require.NoError(t, err, u.String())
	})
}

func TestRetryAfter(t *testing.T) {
	now := time.Date(2026, 11, 20, 10, 0, 0, 0, time.UTC)
	for text, want := range map[string]time.Duration{
		"":                              0,
		"0":                             0,
		"120":                           2 * time.Minute,
		"86401":                         24 * time.Hour,
		"99999999999999999999":          0,
		"-1":                            0,
		"1.5":                           0,
		"soon":                          0,
		"Fri, 20 Nov 2026 10:01:00 GMT": time.Minute,
		"Fri, 20 Nov 2026 09:00:00 GMT": 0,
		"Fri, 20 Nov 2099 09:00:00 GMT": 24 * time.Hour,
		strings.Repeat("1", 65):         0,
	} {
		require.Equal(t, want, sink.RetryAfter(http.Header{"Retry-After": {text}}, now), text)
	}
}

func FuzzRetryAfter(f *testing.F) {
	f.Add("120")
	f.Add("Fri, 20 Nov 2026 10:01:00 GMT")
	f.Fuzz(func(t *testing.T, text string) {
		d := sink.RetryAfter(http.Header{"Retry-After": {text}}, time.Now())
		require.GreaterOrEqual(t, d, time.Duration(0))
		require.LessOrEqual(t, d, 24*time.Hour)
	})
}

func TestSecretIsNotPrinted(t *testing.T) {
	const text = "sesame-open"
	cfg := struct{ Token sink.Secret }{text}
	var log bytes.Buffer
	slog.New(slog.NewJSONHandler(&log, nil)).Info("starts", "config", cfg, "token", cfg.Token)
	slog.New(slog.NewTextHandler(&log, nil)).Info("starts", "config", cfg, "token", cfg.Token)
	encoded, err := json.Marshal(cfg)
	require.NoError(t, err)
	all := log.String() + string(encoded) + cfg.Token.String()
	for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%x", "%d"} {
		all += fmt.Sprintf(verb+verb+verb, cfg, cfg.Token, &cfg)
	}
	require.NotContains(t, all, text)
	require.NotContains(t, all, fmt.Sprintf("%x", text))
	require.Contains(t, all, "(secret)")
	require.Equal(t, "(none)", sink.Secret("").String())
	for s, good := range map[sink.Secret]bool{"a": true, "": false, "a b": false, "a\r\nX: y": false, "ä": false, sink.Secret(strings.Repeat("a", 513)): false} {
		require.Equal(t, good, s.Usable(), string(s))
	}
}

// A certificate that nobody vouches for is no connection, so nothing was sent.
func TestCertificateIsChecked(t *testing.T) {
	asked := false
	s := httptest.NewTLSServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { asked = true }))
	defer s.Close()
	s.Config.ErrorLog = slog.NewLogLogger(slog.DiscardHandler, slog.LevelInfo)
	c, err := sink.NewClient(s.URL)
	require.NoError(t, err)
	_, err = c.Post(t.Context(), nil, []byte("{}"))
	require.Equal(t, &analytics.Failed{Kind: analytics.Temporary, Reason: "no connection"}, err)
	require.False(t, asked)
}

func TestPost(t *testing.T) {
	var got *http.Request
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		got = r
		w.Header().Set("X-Answer", "yes")
		w.WriteHeader(201)
		_, _ = w.Write([]byte("thanks"))
	}))
	defer s.Close()
	c, err := sink.NewClient(s.URL + "/in")
	require.NoError(t, err)
	require.Equal(t, s.URL+"/in", c.Endpoint())
	header := http.Header{"Content-Type": {"application/json"}}
	a, err := c.Post(t.Context(), header, []byte(`{"a":1}`))
	require.NoError(t, err)
	require.Equal(t, 201, a.Status)
	require.Equal(t, "thanks", string(a.Body))
	require.Equal(t, "yes", a.Header.Get("X-Answer"))
	require.Equal(t, http.Header{"Content-Type": {"application/json"}, "User-Agent": {"Candor/1"}, "Content-Length": {"7"}}, got.Header, "nothing beside it")
	require.Equal(t, http.Header{"Content-Type": {"application/json"}}, header, "the caller's own")
}

// Half an answer is none.
func TestAnswerIsWholeOrNone(t *testing.T) {
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		switch r.URL.Path {
		case "/cut":
			w.Header().Set("Content-Length", "100")
			_, _ = w.Write([]byte(`{"status":"success"}`))
		case "/long":
			_, _ = w.Write(make([]byte, 64<<10+1))
		case "/limit":
			_, _ = w.Write(make([]byte, 64<<10))
		}
	}))
	defer s.Close()
	for path, want := range map[string]int{"/cut": -1, "/long": -1, "/limit": 64 << 10, "/empty": 0} {
		c, err := sink.NewClient(s.URL + path)
		require.NoError(t, err)
		a, err := c.Post(t.Context(), nil, nil)
		require.NoError(t, err, path)
		require.Equal(t, 200, a.Status)
		if want < 0 {
			require.Nil(t, a.Body, path)
		} else {
			require.Len(t, a.Body, want, path)
			require.NotNil(t, a.Body, path)
		}
	}
}

func TestConnect(t *testing.T) {
	c, d, err := sink.Common{Server: "https://stats.example/below/", Recipient: "Stats Ltd"}.Connect("mine", "api/event", 7)
	require.NoError(t, err)
	require.Equal(t, "https://stats.example/below/api/event", c.Endpoint())
	require.Equal(t, analytics.Destination{Name: "mine", Recipient: "Stats Ltd", Endpoint: "https://stats.example/below/api/event", MaxEvents: 7}, d)

	for _, server := range []string{"https://plausible.io", "https://PLAUSIBLE.io.", "https://shop.goatcounter.com", "https://shop.matomo.cloud"} {
		_, _, err := sink.Common{Server: server}.Connect("mine", "api", 1)
		require.ErrorContains(t, err, "mine: config: Recipient: is missing", server)
		_, _, err = sink.Common{Server: server, Recipient: "Somebody"}.Connect("mine", "api", 1)
		require.NoError(t, err)
	}
	_, _, err = sink.Common{Server: "https://notplausible.io"}.Connect("mine", "api", 1)
	require.NoError(t, err)
}

func TestPagesAndVisitors(t *testing.T) {
	site, err := sink.ParseSite("https://shop.example")
	require.NoError(t, err)
	for route, want := range map[string]string{
		"/":                "https://shop.example/",
		"":                 "https://shop.example/%28none%29",
		"/users/{id}":      "https://shop.example/users/%7Bid%7D",
		"/files/{path...}": "https://shop.example/files/%7Bpath...%7D",
		"/a?b#c d":         "https://shop.example/a%3Fb%23c%20d",
	} {
		require.Equal(t, want, sink.PageURL(site, analytics.Delivery{Route: route}))
	}
	_, err = sink.ParseSite("https://shop.example/below")
	require.ErrorContains(t, err, "has a path")

	one, two := analytics.Delivery{Pseudonym: "p1:20261120:00"}, analytics.Delivery{Pseudonym: "p1:20261121:00"}
	require.Len(t, sink.Visitor(one, 8), 16)
	require.Equal(t, sink.Visitor(one, 8), sink.Visitor(one, 16)[:16])
	require.NotEqual(t, sink.Visitor(one, 8), sink.Visitor(two, 8), "another day, another visitor")
	require.Empty(t, sink.Visitor(analytics.Delivery{}, 8))
}
