package browser_test

import (
	"bytes"
	"compress/gzip"
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/chromedp/cdproto/page"
	"github.com/chromedp/chromedp"
	"github.com/stretchr/testify/require"
)

// vanillaSite is the host page with vanilla-cookieconsent in it, set up as its
// documentation says, with the same purposes and texts, for a visitor who reads
// English. "/plain" is the page with nothing in it.
func vanillaSite(t *testing.T) *httptest.Server {
	t.Helper()
	policy := bannerPolicy()
	type section struct {
		Title       string `json:"title"`
		Description string `json:"description"`
		Category    string `json:"linkedCategory,omitempty"`
	}
	categories := map[string]any{}
	sections := []section{{Title: "Your privacy choices", Description: "Tick what you allow. What is not ticked is refused. You can change this at any time."}}
	purposes := ""
	for _, p := range policy.Processing {
		categories[string(p.Purpose)] = map[string]bool{"readOnly": p.Basis == "essential"}
		sections = append(sections, section{p.Title["en"], p.Text["en"], string(p.Purpose)})
		if p.Basis != "essential" {
			purposes += fmt.Sprintf("<br><b>%s</b> %s", p.Title["en"], p.Text["en"])
		}
	}
	config, err := json.Marshal(map[string]any{
		"hideFromBots": false, // a driven browser is one to it
		"categories":   categories,
		"language": map[string]any{"default": "en", "translations": map[string]any{"en": map[string]any{
			"consentModal": map[string]string{
				"title": "Your data, your choice", "description": "We would like to use data for these purposes. You decide; the site works either way." + purposes,
				"acceptAllBtn": "Accept all", "acceptNecessaryBtn": "Refuse all", "showPreferencesBtn": "Choose in detail",
			},
			"preferencesModal": map[string]any{
				"title": "Your privacy choices", "acceptAllBtn": "Accept all", "acceptNecessaryBtn": "Refuse all", "savePreferencesBtn": "Save this choice",
				"closeIconLabel": "Close", "sections": sections,
			},
		}}},
	})
	require.NoError(t, err)
	files := map[string][2]string{
		"/cookieconsent.css": {"text/css", fromNPM(t, "vanilla-cookieconsent/dist/cookieconsent.css")},
		"/cookieconsent.js":  {"text/javascript", fromNPM(t, "vanilla-cookieconsent/dist/cookieconsent.umd.js")},
		"/config.js":         {"text/javascript", "CookieConsent.run(" + string(config) + ")"},
		"/host.css":          {"text/css", hostCSS},
	}
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		f, ok := files[r.URL.Path]
		if !ok {
			http.SetCookie(w, &http.Cookie{Name: "visits", Value: "1", MaxAge: 86400})
			head := `<link rel="stylesheet" href="/cookieconsent.css"><script src="/cookieconsent.js" defer></script><script src="/config.js" defer></script>`
			change := `<button type="button" data-cc="show-preferencesModal">Privacy choices</button>`
			if r.URL.Path == "/plain" {
				head, change = "", ""
			}
			f = [2]string{"text/html; charset=utf-8", plainPage(head, change)}
		}
		w.Header().Set("Content-Type", f[0])
		w.Header().Set("Content-Encoding", "gzip")
		_, _ = w.Write(gzipped(f[1]))
	}))
	t.Cleanup(s.Close)
	return s
}

// plainPage is the page of hostPages without what waits for a yes.
func plainPage(head, change string) string {
	var b strings.Builder
	b.WriteString(`<!doctype html><html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1"><title>Teapots</title><link rel="stylesheet" href="/host.css">` +
		head + `</head><body><header><a href="/">Teapots</a></header><main><h1>Teapots</h1>`)
	for i := range 12 {
		fmt.Fprintf(&b, `<p>Number %d pours well, keeps warm and does not drip; <a href="/pot/%d">look at it</a>.</p>`, i, i)
	}
	b.WriteString(`</main><footer>` + change + `</footer></body></html>`)
	return b.String()
}

func gzipped(text string) []byte {
	var b bytes.Buffer
	z, _ := gzip.NewWriterLevel(&b, gzip.BestCompression)
	_, _ = z.Write([]byte(text))
	_ = z.Close()
	return b.Bytes()
}

// sample is what one banner comes to in one browser.
type sample struct {
	bytes, requests     int
	shift, longest      float64
	findings            int
	scriptless, firstNo bool
	held                []string // cookies before a choice
	stands, refuse      string   // expressions: the banner is there; it has a no
}

// measure visits the page as a newcomer does, several times where the machine
// may have been busy with something else.
func (b browser) measure(t *testing.T, url, plain, axe string, s sample) sample {
	t.Helper()
	const loaded = `[performance.getEntriesByType('navigation')[0], ...performance.getEntriesByType('resource')].filter(e => !/host.css|favicon/.test(e.name))`
	b.size(1440, 900)
	bare := 0
	if plain != "" {
		b.open(plain)
		bare = eval[int](b, loaded+`.reduce((sum, e) => sum + e.encodedBodySize, 0)`)
	}
	s.longest = -1
	for range 5 {
		b.forget()
		b.open("about:blank")
		b.open(url)
		b.until(s.stands)
		eval[bool](b, `new Promise(done => setTimeout(() => done(true), 600))`)
		s.shift = max(s.shift, eval[float64](b, `shifts`))
		if longest := eval[float64](b, `longest`); s.longest < 0 || longest < s.longest {
			s.longest = longest
		}
	}
	s.held = b.jar()
	s.bytes = eval[int](b, loaded+`.reduce((sum, e) => sum + e.encodedBodySize, 0)`) - bare
	s.requests = eval[int](b, loaded+`.length`) - 1
	s.firstNo = eval[bool](b, s.refuse)
	if found := b.axe(axe); found != "" {
		s.findings = strings.Count(found, "\n") + 1
	}
	return s
}

// Side by side in one Chromium: the table in the README of consent/banner. With
// CANDOR_SCREENSHOTS=1 the README is written anew.
func TestBannerCompared(t *testing.T) {
	axe := fromNPM(t, "axe-core/axe.min.js")
	b := chromium(t)
	b.before(watched)
	run(b, chromedp.Func(func(ctx context.Context, _ *chromedp.Target) error {
		_, err := chromedp.Call(ctx, page.SetBypassCSP, page.SetBypassCSPParams{Enabled: true})
		return err
	}))
	b.speak(map[string]any{"Accept-Language": "en"})
	vanilla := vanillaSite(t)
	ours := newBannerSite(t)
	with, without := ours.URL+"/compared", ours.URL+"/compared?plain"

	candor := b.measure(t, with, without, axe, sample{
		stands: `document.querySelector('.candor-banner:not([hidden])')`,
		refuse: `!!document.querySelector('.candor-banner [value=refuse]').getClientRects()[0]`,
	})
	other := b.measure(t, vanilla.URL, vanilla.URL+"/plain", axe, sample{
		stands: `document.querySelector('#cc-main .cm') && getComputedStyle(document.querySelector('#cc-main .cm')).visibility == 'visible'`,
		refuse: `!!document.querySelector('#cc-main .cm [data-role=necessary]').getClientRects()[0]`,
	})
	b.scriptsOff()
	for s, url := range map[*sample]string{&candor: with, &other: vanilla.URL} {
		b.forget()
		b.open(url)
		s.scriptless = b.count(`.candor-banner [value=refuse], #cc-main [data-role=necessary]`) == 1
	}

	require.Zero(t, candor.shift)
	require.Zero(t, candor.findings)
	require.True(t, candor.scriptless)
	require.Empty(t, candor.held)
	require.Less(t, candor.bytes, 8<<10)

	yes := func(v bool) string {
		if v {
			return "yes"
		}
		return "no"
	}
	steady := [][3]string{
		{"requests for it on a first visit", strconv.Itoa(candor.requests), strconv.Itoa(other.requests)},
		{"layout shift (CLS) until it stands", fmt.Sprintf("%.3f", candor.shift), fmt.Sprintf("%.3f", other.shift)},
		{"findings of axe-core with it open, doubts included", strconv.Itoa(candor.findings), strconv.Itoa(other.findings)},
		{"refusing on the first layer", yes(candor.firstNo), yes(other.firstNo)},
		{"can be refused without JavaScript", yes(candor.scriptless), yes(other.scriptless)},
		{"a cookie that the server sets before any choice is kept from the browser", yes(len(candor.held) == 0), yes(len(other.held) == 0)},
	}
	// What another version of Go's gzip or another load of the machine changes a
	// little is not compared with the README.
	noisy := [][3]string{
		{"bytes for the banner, gzipped: HTML, CSS, JS, configuration", strconv.Itoa(candor.bytes), strconv.Itoa(other.bytes)},
		{"longest task on the main thread above 50 ms, best of five visits", task(candor.longest), task(other.longest)},
	}
	row := func(r [3]string) string { return "| " + r[0] + " | " + r[1] + " | " + r[2] + " |\n" }
	table := "| | Candor | vanilla-cookieconsent " + version(t, "vanilla-cookieconsent") + " |\n|---|---|---|\n"
	for _, r := range slices.Concat(noisy[:1], steady, noisy[1:]) {
		table += row(r)
	}
	t.Log("\n" + table)

	file := filepath.Join("..", "..", "consent", "banner", "README.md")
	readme, err := os.ReadFile(file)
	require.NoError(t, err)
	if os.Getenv("CANDOR_SCREENSHOTS") == "1" {
		head, rest, ok := strings.Cut(string(readme), "<!-- compared -->\n")
		require.True(t, ok)
		_, tail, ok := strings.Cut(rest, "<!-- end -->\n")
		require.True(t, ok)
		require.NoError(t, os.WriteFile(file, []byte(head+"<!-- compared -->\n"+table+"<!-- end -->\n"+tail), 0o600))
		return
	}
	for _, r := range steady {
		require.Contains(t, string(readme), row(r), "the README is from before a change; see there how its table is made")
	}
}

func task(longest float64) string {
	if longest <= 50 {
		return "none"
	}
	return fmt.Sprintf("%.0f ms", longest)
}

// version returns the version of a package that is pinned.
func version(t *testing.T, name string) string {
	t.Helper()
	var lock struct {
		Packages map[string]struct{ Version string }
	}
	text, err := os.ReadFile("package-lock.json")
	require.NoError(t, err)
	require.NoError(t, json.Unmarshal(text, &lock))
	return lock.Packages["node_modules/"+name].Version
}
