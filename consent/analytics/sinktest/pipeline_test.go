package sinktest_test

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"net/http/cookiejar"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/candorhttp/candor/consent"
	"github.com/candorhttp/candor/consent/analytics"
	"github.com/candorhttp/candor/consent/analytics/sink"
	"github.com/candorhttp/candor/consent/analytics/sink/goatcounter"
	"github.com/candorhttp/candor/consent/analytics/sink/matomo"
	"github.com/candorhttp/candor/consent/analytics/sink/plausible"
	"github.com/candorhttp/candor/consent/analytics/sinktest"
	"github.com/candorhttp/candor/consent/ledger"
)

func newManager(t *testing.T) *consent.Manager {
	t.Helper()
	declare := func(p consent.Purpose, n int, b consent.Basis) consent.Processing {
		text := consent.Text{"en": string(p)}
		return consent.Processing{Purpose: p, Number: n, Basis: b, Title: text, Text: text, Retention: text, Recipients: []string{"Stats Ltd"}}
	}
	keys, err := consent.ParseKeys(consent.GenerateKey())
	require.NoError(t, err)
	m, err := consent.New(consent.Config{
		Keys: keys, Ledger: ledger.Memory(), Insecure: true,
		Policy: consent.Policy{
			Version: 1, Effective: "2026-01-01", Languages: []string{"en"},
			Controller: consent.Controller{Name: "Shop", Address: "1 Road", Email: "privacy@shop.example"},
			Authority:  consent.Authority{Name: "Authority", URL: "https://authority.example"},
			Recipients: []consent.Recipient{{Name: "Stats Ltd", Country: "DE", Safeguard: consent.SafeguardNone}},
			Processing: []consent.Processing{declare(consent.Authentication, 1, consent.Essential), declare(consent.Analytics, 2, consent.Consent)},
		},
	})
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, m.Close(context.Background())) })
	return m
}

// The real pipeline with the real sinks and strict destinations that fail now
// and then: what it says was sent is what arrived, of those who agreed alone,
// and nothing of anybody is in it.
func TestPipelineWithSinks(t *testing.T) {
	stubs := map[string]*sinktest.Stub{
		"plausible": sinktest.Plausible(t, "shop.example"), "matomo": sinktest.Matomo(t, 3, "canary-token-matomo"), "goatcounter": sinktest.GoatCounter(t, "canary-token-goat"),
	}
	to := func(name string) sink.Common { return sink.Common{Server: stubs[name].URL, Recipient: "Stats Ltd"} }
	one, err1 := plausible.New(plausible.Config{Common: to("plausible"), Site: "https://shop.example"})
	two, err2 := matomo.New(matomo.Config{
		Common: to("matomo"), Site: "https://shop.example", SiteID: 3, Token: "canary-token-matomo", Dimensions: map[string]int{"device": 1},
	})
	three, err3 := goatcounter.New(goatcounter.Config{Common: to("goatcounter"), Token: "canary-token-goat"})
	require.NoError(t, err1)
	require.NoError(t, err2)
	require.NoError(t, err3)

	manager := newManager(t)
	views := analytics.PageViews("plausible", "matomo", "goatcounter")
	views.Properties = append(views.Properties, analytics.CountryCode())
	events, err := analytics.New(analytics.Config{
		Consent: manager, Sinks: []analytics.Sink{one, two, three}, Events: []analytics.Spec{views},
		Country: func(r *http.Request) string { return r.Header.Get("X-Country") },
	})
	require.NoError(t, err)
	mux := http.NewServeMux()
	mux.Handle("/privacy/", manager.Handler(events))
	mux.HandleFunc("GET /users/{id}", func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "text/html")
		_, _ = io.WriteString(w, "hello")
	})
	server := httptest.NewServer(manager.Middleware(events.Middleware(mux)))
	defer server.Close()

	visit := func(client *http.Client, method, path, body string, n int) {
		r, err := http.NewRequest(method, server.URL+path, strings.NewReader(body))
		require.NoError(t, err)
		r.Header = http.Header{
			"Content-Type": {"application/json"}, "X-Country": {"DE"},
			"User-Agent":      {fmt.Sprintf("Mozilla/5.0 (X11; Linux x86_64; rv:130.0) Gecko/20100101 Firefox/130.0 canary-agent-%d", n)},
			"X-Forwarded-For": {fmt.Sprintf("203.0.113.%d", n)}, "Referer": {fmt.Sprintf("https://canary.example/%d", n)},
		}
		w, err := client.Do(r)
		require.NoError(t, err)
		_ = w.Body.Close()
		require.Equal(t, 200, w.StatusCode)
	}
	const visitors, pages = 20, 3
	for _, stub := range stubs {
		stub.Fail(sinktest.Slow, sinktest.Reset, sinktest.BadRequest, sinktest.Refuse, sinktest.Nonsense)
	}
	for n := range 2 * visitors {
		jar, err := cookiejar.New(nil)
		require.NoError(t, err)
		client := &http.Client{Jar: jar}
		if n%2 == 0 {
			visit(client, "POST", "/privacy/decision", `{"grants":{"analytics":true}}`, n)
		}
		for range pages {
			visit(client, "GET", fmt.Sprintf("/users/canary-id-%d?q=canary-query", n), "", n)
		}
		require.NoError(t, events.Flush(t.Context()))
	}
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	defer cancel()
	_ = events.Shutdown(ctx) // it says that some were lost

	stats := events.Stats()
	require.EqualValues(t, visitors*pages, stats.Captured, "of those who agreed")
	for name, stub := range stubs {
		s := stats.Sinks[name]
		require.EqualValues(t, visitors*pages, s.Accepted, name)
		lost := s.Dropped[analytics.Unknown] + s.Dropped[analytics.Refused] + s.Dropped[analytics.Invalid]
		require.Equal(t, s.Accepted, s.Sent+lost, "%s: %+v", name, s)
		// Of what nobody knows of, the stub took everything.
		require.EqualValues(t, stub.Taken(), s.Sent+s.Dropped[analytics.Unknown], "%s: %+v", name, s)
		require.NotZero(t, s.Dropped[analytics.Unknown], name)
		require.NotZero(t, s.Dropped[analytics.Refused], name)
		require.NotZero(t, s.Dropped[analytics.Invalid], name)
		for _, r := range stub.Requests() {
			r.Header.Del("Authorization")
			text := strings.ReplaceAll(fmt.Sprint(r.Header, string(r.Body)), "canary-token-matomo", "")
			for _, personal := range []string{"canary", "203.0.113.", "Firefox", "p1:"} {
				require.NotContains(t, text, personal, name)
			}
		}
	}
}
