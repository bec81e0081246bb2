package statspage_test

import (
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/candorhttp/candor/consent"
	"github.com/candorhttp/candor/consent/analytics"
	"github.com/candorhttp/candor/consent/analytics/statspage"
	"github.com/candorhttp/candor/consent/experiment"
)

var today = time.Date(2026, 11, 20, 10, 0, 0, 0, time.UTC)

type noCookie struct{ experiment.Cookie }

func newTrial(t testing.TB, name string) *experiment.Experiment {
	t.Helper()
	keys, err := consent.ParseKeys(consent.GenerateKey())
	require.NoError(t, err)
	e, err := experiment.New(experiment.Config{
		Name: name, Arms: []experiment.Arm{{Name: "list"}, {Name: "cards"}}, Keys: keys, Cookie: noCookie{},
	})
	require.NoError(t, err)
	return e
}

func newCounters(t testing.TB, bucket time.Duration) *analytics.Counters {
	t.Helper()
	c, err := analytics.NewCounters(analytics.CountersConfig{
		Events: []analytics.Spec{analytics.PageViews(), {Name: "gift_card-sent"}}, Experiments: []string{"goods"},
		Bucket: bucket, Now: func() time.Time { return today },
	})
	require.NoError(t, err)
	return c
}

func count(c *analytics.Counters, daysAgo, n int, event, dimension, value string) {
	for range n {
		c.Count(today.AddDate(0, 0, -daysAgo), analytics.Cell{Event: event, Dimension: dimension, Value: value})
	}
}

// signedIn is who may see the page.
func signedIn(r *http.Request) bool { return r.Header.Get("Authorization") == "owner" }

func newPage(t testing.TB, c *analytics.Counters, e ...*experiment.Experiment) *statspage.Page {
	t.Helper()
	p, err := statspage.New(statspage.Config{Counters: c, Experiments: e, Allow: signedIn})
	require.NoError(t, err)
	return p
}

func get(p *statspage.Page, method, path, who string) *httptest.ResponseRecorder {
	r := httptest.NewRequest(method, path, nil)
	r.Header.Set("Authorization", who)
	w := httptest.NewRecorder()
	p.ServeHTTP(w, r)
	return w
}

// As with the notice, Accept chooses too.
func TestJSONByAccept(t *testing.T) {
	p := newPage(t, newCounters(t, 0))
	for accept, want := range map[string]string{
		"application/json":                  "application/json",
		"text/html,application/xhtml+xml":   "text/html; charset=utf-8",
		"application/json, text/html;q=0.9": "text/html; charset=utf-8",
		"*/*":                               "text/html; charset=utf-8",
	} {
		r := httptest.NewRequest("GET", "/privacy/stats", nil)
		r.Header.Set("Authorization", "owner")
		r.Header.Set("Accept", accept)
		w := httptest.NewRecorder()
		p.ServeHTTP(w, r)
		require.Equal(t, want, w.Header().Get("Content-Type"), accept)
		require.Equal(t, "Accept", w.Header().Get("Vary"))
	}
}

func TestWhoMaySee(t *testing.T) {
	c := newCounters(t, 0)
	count(c, 1, 50, "page_view", "", "")
	p := newPage(t, c)
	for _, path := range []string{"/privacy/stats", "/privacy/stats.json"} {
		for _, method := range []string{"GET", "POST"} {
			w := get(p, method, path, "somebody")
			require.Equal(t, 404, w.Code)
			require.NotContains(t, w.Body.String(), "50")
			require.Equal(t, "no-store", w.Header().Get("Cache-Control"))
		}
		require.Equal(t, 200, get(p, "GET", path, "owner").Code)
		require.Equal(t, 200, get(p, "HEAD", path, "owner").Code)
		w := get(p, "POST", path, "owner")
		require.Equal(t, 405, w.Code)
		require.Equal(t, "GET, HEAD", w.Header().Get("Allow"))
	}
}

func TestHeaders(t *testing.T) {
	w := get(newPage(t, newCounters(t, 0)), "GET", "/privacy/stats", "owner")
	style := regexp.MustCompile(`(?s)<style>(.*)</style>`).FindStringSubmatch(w.Body.String())
	sum := sha256.Sum256([]byte(style[1]))
	require.Equal(t, http.Header{
		"Cache-Control": {"no-store"}, "Content-Type": {"text/html; charset=utf-8"}, "Referrer-Policy": {"no-referrer"}, "X-Content-Type-Options": {"nosniff"}, "Vary": {"Accept"},
		"Content-Security-Policy": {"default-src 'none'; style-src 'sha256-" + base64.StdEncoding.EncodeToString(sum[:]) + "'; frame-ancestors 'none'; base-uri 'none'; form-action 'none'"},
	}, w.Header())
	require.NotRegexp(t, `<script|style=|src=|http:|https:`, w.Body.String(), "nothing from elsewhere")
	require.Contains(t, w.Body.String(), "Nothing to show yet. Counts appear when a day is over and something happened at least 5 times in it.")
}

func TestPage(t *testing.T) {
	c := newCounters(t, 0)
	for day, n := range map[int]int{1: 1200, 2: 30, 4: 6} {
		count(c, day, n, "page_view", "", "")
		count(c, day, n, "page_view", "status", "2xx")
	}
	count(c, 1, 1100, "page_view", "route", "/")
	count(c, 1, 97, "page_view", "route", "/a<script>&")
	count(c, 1, 3, "page_view", "route", "/rare")
	count(c, 1, 5, "gift_card-sent", "", "")
	count(c, 1, 4, "page_view", "device", "bot-canary")
	body := get(newPage(t, c), "GET", "/privacy/stats", "owner").Body.String()
	for _, want := range []string{
		"16 Nov 2026 to 19 Nov 2026, by the day, in UTC.",
		"<h2>Page views <small>1\u202f236</small></h2>", "<h2>Gift card sent <small>5</small></h2>",
		"<title>19 Nov 2026: 1\u202f200</title>", "<title>18 Nov 2026: 30</title>", "<title>16 Nov 2026: 6</title>",
		`<caption>Page</caption>`, `<caption>Answer</caption>`,
		`<tr><th scope="row">/</th><td class="bar"><svg viewBox="0 0 100 10" preserveAspectRatio="none" aria-hidden="true"><rect width="100.0" height="10"/></svg></td><td>1` + "\u202f" + `100</td><td>89 %</td></tr>`,
		`<tr class="several"><th scope="row">too few to name</th>`, `<a href="/privacy/stats.json">`,
	} {
		require.Contains(t, body, want)
	}
	require.NotContains(t, body, "<script>")
	require.NotContains(t, body, "/rare")
	require.NotContains(t, body, "canary")
	require.Equal(t, 3, strings.Count(body, "Nov 2026: "), "three bars, none for the day between, none for the one day of the other event")
}

func TestJSON(t *testing.T) {
	c := newCounters(t, 0)
	count(c, 1, 40, "page_view", "", "")
	count(c, 1, 40, "page_view", "status", "2xx")
	count(c, 1, 300, "exposure", "goods", "list")
	count(c, 1, 300, "exposure", "goods", "cards")
	w := get(newPage(t, c, newTrial(t, "goods")), "GET", "/privacy/stats.json", "owner")
	require.Equal(t, "application/json", w.Header().Get("Content-Type"))
	require.Equal(t, `{"bucket_seconds":86400,"smallest":5,"buckets":[{"begins":"2026-11-19T00:00:00Z","events":[`+
		`{"event":"page_view","count":40,"dimensions":[{"dimension":"route","rows":[{"value":"(none)","count":40}]},{"dimension":"status","rows":[{"value":"2xx","count":40}]},{"dimension":"device","rows":[{"value":"(none)","count":40}]}]},`+
		`{"event":"exposure","dimensions":[{"dimension":"goods","rows":[{"value":"cards","count":300},{"value":"list","count":300}]}]}]}],`+
		`"experiments":[{"name":"goods","arms":[{"name":"list","weight":1,"exposures":300},{"name":"cards","weight":1,"exposures":300}],"sample_ratio":1,"mismatch":false}]}`+"\n", w.Body.String())
	require.True(t, json.Valid(w.Body.Bytes()))

	empty := get(newPage(t, newCounters(t, time.Hour)), "GET", "/privacy/stats.json", "owner")
	require.Equal(t, `{"bucket_seconds":3600,"smallest":5,"buckets":[],"experiments":[]}`+"\n", empty.Body.String())
}

func TestSplitOfAnExperiment(t *testing.T) {
	for _, tt := range []struct {
		name string
		days [][2]int // of list and cards
		want string
	}{
		{"nobody", nil, "Too few to say"},
		{"one arm", [][2]int{{100, 3}}, "Too few to say"},
		{"as planned", [][2]int{{100, 110}, {80, 75}}, "The split is as planned"},
		{"not as planned", [][2]int{{100, 60}, {110, 70}}, "The split is not as planned"},
		{"as planned, and a day of which one arm is not known", [][2]int{{100, 110}, {80, 1}}, "The split is as planned"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			c := newCounters(t, 0)
			for i, day := range tt.days {
				count(c, i+1, day[0], "exposure", "goods", "list")
				count(c, i+1, day[1], "exposure", "goods", "cards")
			}
			body := get(newPage(t, c, newTrial(t, "goods")), "GET", "/privacy/stats", "owner").Body.String()
			require.Contains(t, body, tt.want)
			require.Equal(t, 1, strings.Count(body, "plit is"), "one verdict")
		})
	}
}

// However much there is, the page stays one that can be looked at.
func TestLongPage(t *testing.T) {
	c := newCounters(t, time.Hour)
	for h := range 700 {
		at := today.Add(-time.Duration(h+1) * time.Hour)
		for i := range 6 * 30 {
			c.Count(at, analytics.Cell{Event: "page_view"})
			c.Count(at, analytics.Cell{Event: "page_view", Dimension: "route", Value: fmt.Sprint("/page/", i%30)})
		}
	}
	body := get(newPage(t, c), "GET", "/privacy/stats", "owner").Body.String()
	require.Contains(t, body, "22 Oct 06:00 to 20 Nov 09:00, by the hour, in UTC.")
	require.Equal(t, 62, strings.Count(body, "<title>")-1, "bars")
	require.Contains(t, body, "and 10 more")
	require.Less(t, len(body), 40_000)
}

func TestNewFaults(t *testing.T) {
	_, err := statspage.New(statspage.Config{})
	require.EqualError(t, err, "statspage: config: Counters: is missing; make them with analytics.NewCounters\n"+
		"statspage: config: Allow: is missing; say who may see the page")
}

func Example() {
	counters, err := analytics.NewCounters(analytics.CountersConfig{Events: []analytics.Spec{analytics.PageViews()}})
	if err != nil {
		panic(err)
	}
	page, err := statspage.New(statspage.Config{
		Counters: counters,
		Allow:    func(r *http.Request) bool { return r.Header.Get("Authorization") == "owner" },
	})
	if err != nil {
		panic(err)
	}
	mux := http.NewServeMux()
	mux.Handle("GET /privacy/stats", page)
	mux.Handle("GET /privacy/stats.json", page)
	w := httptest.NewRecorder()
	mux.ServeHTTP(w, httptest.NewRequest("GET", "/privacy/stats", nil))
	fmt.Println(w.Code)
	// Output: 404
}
