package browser_test

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/chromedp"
	"github.com/stretchr/testify/require"
)

// seen makes Chromium say that somebody sees it: headless, it names itself a
// robot, and robots make no events.
var seen = chromedp.UserAgent("Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/140.0.0.0 Safari/537.36")

// events returns what stands in the shop's event files, as "name route
// properties", where numbers are only "…".
func events(t *testing.T, dir string) (lines []string) {
	t.Helper()
	files, err := filepath.Glob(filepath.Join(dir, "events", "events-*.log"))
	require.NoError(t, err)
	for _, name := range files {
		text, err := os.ReadFile(name)
		require.NoError(t, err)
		for line := range strings.Lines(string(text)) {
			var e struct {
				Name       string         `json:"event.name"`
				Route      string         `json:"http.route"`
				Pseudonym  string         `json:"client.pseudonym"`
				Properties map[string]any `json:"event.properties"`
			}
			require.NoError(t, json.Unmarshal([]byte(line), &e), line)
			require.NotEmpty(t, e.Pseudonym, line)
			said := []string{}
			for k, v := range e.Properties {
				if _, ok := v.(float64); ok {
					v = "…"
				}
				said = append(said, fmt.Sprint(k, "=", v))
			}
			slices.Sort(said)
			lines = append(lines, e.Name+" "+e.Route+" "+strings.Join(said, " "))
		}
	}
	return lines
}

// settled waits until the shop has written as many events as are wanted, and a
// while longer for those that are not.
func settled(t *testing.T, dir string, n int) []string {
	t.Helper()
	require.Eventually(t, func() bool { return len(events(t, dir)) >= n }, 10*time.Second, 50*time.Millisecond)
	time.Sleep(1500 * time.Millisecond)
	return events(t, dir)
}

// The script measures for those who agreed, and the server learns where links
// led.
func TestQuickstartEvents(t *testing.T) {
	b, data := chromium(t, seen), t.TempDir()
	url, _ := quickstart(t, "-data", data)
	b.open(url + "/")
	require.Zero(t, b.count(`script[src*="events"]`), "nothing is measured before a yes")
	b.open(url + "/users/42")
	b.open(url + "/")
	b.press(accept)
	require.Empty(t, events(t, data), "and nothing of before is told after it")

	b.open(url + "/users/42")
	require.Equal(t, 1, b.count(`script[src="/privacy/events/script.js"]`))
	painted := func() {
		run(b, chromedp.Evaluate[bool](`new Promise(done => new PerformanceObserver(() => done(true)).observe({type: 'paint', buffered: true}))`, chromedp.EvalAwaitPromise))
	}
	painted()
	b.open(url + "/")
	painted()
	run(b, chromedp.Evaluate[bool](`fetch(document.querySelector('.goods a').href, {redirect: 'manual'}).then(r => r.type === 'opaqueredirect')`, chromedp.EvalAwaitPromise))
	b.open("about:blank")
	said := settled(t, data, 5)
	var pages, vitals, links int
	measured := false
	for _, line := range said {
		switch {
		case strings.HasPrefix(line, "page_view "):
			pages++
			require.Contains(t, line, "device=desktop status=2xx")
		case strings.HasPrefix(line, "web_vitals "):
			vitals++
			require.Contains(t, line, "cls=… ")
			require.Contains(t, line, "ttfb=…")
			measured = measured || strings.Contains(line, "fcp=… ") && strings.Contains(line, "lcp=… ")
			require.NotContains(t, line, "web_vitals  ", "the page's route is known")
		case line == "outbound_link / host=en.wikipedia.org":
			links++
		default:
			t.Errorf("unexpected: %s", line)
		}
	}
	require.GreaterOrEqual(t, pages, 2, said)
	require.GreaterOrEqual(t, vitals, 2, said)
	require.True(t, measured, said)
	require.Equal(t, 1, links, said)
	require.Contains(t, said, "page_view /users/{id} device=desktop status=2xx")

	b.open(url + "/privacy/")
	b.press(withdraw)
	b.open(url + "/users/42")
	b.open("about:blank")
	time.Sleep(1500 * time.Millisecond)
	require.Len(t, events(t, data), len(said), "after a withdrawal there is nothing")
}

// What a browser asks for before anybody looks is no visit.
func TestQuickstartPrefetch(t *testing.T) {
	b, data := chromium(t, seen), t.TempDir()
	url, log := quickstart(t, "-data", data)
	b.open(url + "/")
	b.press(accept)
	b.open(url + "/login")
	run(b, chromedp.Evaluate[bool](`(() => {
		const link = document.createElement('link');
		link.rel = 'prefetch'; link.href = '/users/1';
		const rules = document.createElement('script');
		rules.type = 'speculationrules';
		rules.textContent = JSON.stringify({prefetch: [{urls: ['/users/2'], eagerness: 'immediate'}], prerender: [{urls: ['/users/3'], eagerness: 'immediate'}]});
		document.head.append(link, rules);
		return true;
	})()`))
	require.Eventually(t, func() bool { return strings.Count(log(), `"http.route":"/users/{id}"`) >= 2 }, 10*time.Second, 50*time.Millisecond, "the browser looks ahead")
	t.Logf("%d requests ahead of anybody", strings.Count(log(), `"http.route":"/users/{id}"`))
	for _, line := range settled(t, data, 1) {
		require.NotContains(t, line, "/users/")
	}
}
