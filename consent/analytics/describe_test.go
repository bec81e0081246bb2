package analytics_test

import (
	"encoding/json"
	"net/http/httptest"
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/candorhttp/candor/consent/analytics"
)

func TestManifest(t *testing.T) {
	m := newManager(t)
	own, theirs := firstParty("own", 1), thirdParty("theirs", 1)
	page := analytics.PageViews("own", "theirs")
	page.Properties = append(page.Properties, analytics.CountryCode())
	s := newSite(t, m, analytics.Config{Sinks: []analytics.Sink{own, theirs}, Events: []analytics.Spec{page, click(measurement, "own")}}, nil)
	text, err := json.Marshal(m.Manifest(s.events))
	require.NoError(t, err)
	var got struct {
		Events, Destinations []json.RawMessage
		Endpoints            []string
	}
	require.NoError(t, json.Unmarshal(text, &got))
	require.Len(t, got.Events, 2)
	require.Contains(t, string(got.Events[0]), `"name":"page_view","purpose":"analytics"`)
	require.Contains(t, string(got.Events[0]), `{"name":"status","kind":"enum","values":["2xx","3xx","4xx","5xx"]}`)
	require.Contains(t, string(got.Events[0]), `{"name":"country","kind":"enum","standard":"ISO 3166-1 alpha-2"}],"destinations":["own","theirs"]`)
	require.Contains(t, string(got.Events[1]), `{"name":"took","kind":"float","max":1000,"unit":"ms"}`)
	require.Len(t, got.Destinations, 2)
	require.Contains(t, string(got.Destinations[0]), `{"name":"own","purposes":["analytics","measurement"],"fields":[`)
	require.Contains(t, string(got.Destinations[1]), `{"name":"theirs","recipient":"Stats Ltd","country":"US","safeguard":"scc","host":"stats.example","purposes":["analytics"],"fields":[`)
	require.Subset(t, got.Endpoints, []string{"POST /privacy/events/beacon", "GET /privacy/events/script.js", "GET /privacy/events/out"})
}

func TestMetrics(t *testing.T) {
	own := firstParty("own", 10)
	s := newSite(t, newManager(t), analytics.Config{Sinks: []analytics.Sink{own}, Events: []analytics.Spec{click("", "own")}}, nil)
	s.track(s.choose("", `{"analytics":true}`), 3)
	s.track("", 2)
	s.flush()
	w := httptest.NewRecorder()
	s.events.Metrics().ServeHTTP(w, httptest.NewRequest("GET", "/metrics", nil))
	require.Equal(t, "text/plain; version=0.0.4; charset=utf-8", w.Header().Get("Content-Type"))
	// The exposition format: https://prometheus.io/docs/instrumenting/exposition_formats/
	line := regexp.MustCompile(`^(# (HELP|TYPE) candor_analytics_[a-z_]+ .+|candor_analytics_[a-z_]+(\{([a-z]+="[a-z_]+",?)+\})? [0-9]+)\n$`)
	types := map[string]bool{}
	for text := range strings.Lines(w.Body.String()) {
		require.Regexp(t, line, text)
		if name, ok := strings.CutPrefix(text, "# TYPE "); ok {
			require.False(t, types[name], "%s is there twice", name)
			types[name] = true
		}
	}
	for _, want := range []string{
		"candor_analytics_captured_total 3\n", `candor_analytics_withheld_total{reason="no_consent"} 2` + "\n",
		`candor_analytics_accepted_total{sink="own"} 3` + "\n", `candor_analytics_sent_total{sink="own"} 3` + "\n",
		`candor_analytics_dropped_total{sink="own",reason="withdrawn"} 0` + "\n", `candor_analytics_attempts_total{sink="own"} 1` + "\n",
		`candor_analytics_queued{sink="own"} 0` + "\n",
	} {
		require.Contains(t, w.Body.String(), want)
	}
}

func TestWords(t *testing.T) {
	seen := map[string]bool{}
	for w := analytics.NoConsent; w <= analytics.BadBeacon; w++ {
		seen[w.String()] = true
	}
	for r := analytics.Full; r <= analytics.Shut; r++ {
		seen[r.String()] = true
	}
	for _, k := range []analytics.FailureKind{analytics.Ambiguous, analytics.Temporary, analytics.Permanent} {
		seen[k.String()] = true
	}
	require.Len(t, seen, 7+8+3)
	require.NotContains(t, seen, "none")
	require.EqualError(t, &analytics.Failed{Kind: analytics.Permanent, Reason: "status 400"}, "analytics: permanent failure: status 400")
	require.EqualError(t, &analytics.Rejected{Indexes: []int{1, 2}, Reason: "invalid"}, "analytics: 2 events refused: invalid")
}
