package browser_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/chromedp/chromedp"
	"github.com/stretchr/testify/require"

	"github.com/candorhttp/candor/consent"
	"github.com/candorhttp/candor/consent/banner"
)

// heard notes every candor:change and every breach of a page's policy.
const heard = `window.heard = []; window.breaches = [];
document.addEventListener('candor:change', e => heard.push(e.detail));
document.addEventListener('securitypolicyviolation', e => breaches.push(e.violatedDirective + ' ' + e.blockedURI + ' ' + e.sample));`

// ran returns which scripts that wait for a yes have run, in order.
func (b browser) ran() string {
	b.t.Helper()
	return strings.TrimSpace(eval[string](b, `document.documentElement.dataset.ran || ''`))
}

// untilRan waits until as many of them have.
func (b browser) untilRan(scripts int) {
	b.t.Helper()
	b.until(fmt.Sprintf(`(document.documentElement.dataset.ran || '').trim().split(' ').length >= %d`, scripts))
}

func (b browser) banner() bool {
	b.t.Helper()
	return eval[bool](b, `!!document.querySelector('.candor-banner:not([hidden])')`)
}

// Scripts run when, and only when, each purpose they name is allowed; and they
// do so under a policy that allows no inline script and no Trusted Types policy.
func TestBannerStartsScripts(t *testing.T) {
	b := chromium(t)
	b.before(heard)
	site := newBannerSite(t)
	for _, path := range []string{"/", "/cached"} {
		b.forget()
		b.open(site.URL + path)
		b.until(`heard.length == 1 && document.documentElement.dataset.ran`)
		require.Equal(t, "objection", b.ran(), "only what needs no yes")
		require.Equal(t, []string{"measurement"}, eval[[]string](b, `heard[0].allowed`))
		b.until(`document.querySelector('.candor-banner:not([hidden])')`)

		b.choose(accept)
		b.untilRan(6)
		require.Equal(t, "objection 1 2 both unmarked module", sortModule(b.ran()), "in order, with nothing loaded twice")
		require.Equal(t, "granted", eval[string](b, `heard[1].purposes.analytics`))
		require.Equal(t, []string{"preferences", "analytics", "marketing", "measurement"}, eval[[]string](b, `window.candor.allowed`))
		require.Empty(t, eval[string](b, `document.documentElement.dataset.inline || ''`), "the page's policy still forbids inline scripts")

		b.open(site.URL + path)
		b.untilRan(6)
		require.Len(t, eval[[]any](b, `heard`), 1, "once a page")
		require.False(t, b.banner())
		if path == "/" {
			require.Equal(t, "Everything is withdrawn.", b.choose(".candor-withdraw"))
			require.Equal(t, []string{}, eval[[]string](b, `heard[1].allowed`), "client code is told to stop")
			require.Regexp(t, `^[\w.-]{20,}$`, b.text(".candor-token code"), "the key to the records of it")
		}
	}
	b.forget()
	b.open(site.URL)
	b.choose(refuse)
	require.Equal(t, "objection", b.ran())
	require.Equal(t, `["denied","denied","denied","denied"]`, eval[string](b, `JSON.stringify(Object.values(heard[1].purposes))`))
}

// sortModule puts the module, which comes when it has come, last.
func sortModule(ran string) string {
	return strings.Join(strings.Fields(strings.Replace(ran+" ", "module ", "", 1)), " ") + " module"
}

// Where the page's scripts carry a nonce, those that wait need it too: text in a
// page is not made a script by being marked as one.
func TestBannerUnderANonce(t *testing.T) {
	b := chromium(t)
	b.before(heard)
	site := newBannerSite(t, nonced)
	site.policy = noncePolicy
	b.open(site.URL)
	b.until(`heard.length == 1`)
	b.choose(accept)
	b.untilRan(5)
	b.until(`document.documentElement.dataset.inline`)
	require.Equal(t, "objection 1 2 both module", sortModule(b.ran()))
	require.Empty(t, eval[[]string](b, `breaches`))
}

// Nothing of the banner's breaks a policy, the host's or its own.
func TestBannerBreaksNoPolicy(t *testing.T) {
	b := chromium(t)
	b.before(heard)
	site := newBannerSite(t)
	for _, path := range []string{"/", "/cached", "/privacy/", "/privacy/notice"} {
		b.forget()
		b.open(site.URL + path)
		if path == "/cached" {
			b.until(`document.querySelector('.candor-banner:not([hidden])')`)
		}
		if path != "/privacy/notice" {
			b.choose(`[value=refuse]`)
		}
		require.NotEqual(t, "rgba(0, 0, 0, 0)", eval[string](b, `getComputedStyle(document.querySelector('.candor')).backgroundColor`), "the style is there")
		require.Empty(t, eval[[]string](b, `breaches`), path)
	}
	// A policy that allows the banner nothing but its forms.
	site.policy = "default-src 'none'; form-action 'self'"
	b.forget()
	b.open(site.URL + "/")
	_, err := chromedp.RunResponse(b.ctx, chromedp.Click(chromedp.CSS(refuse)))
	require.NoError(t, err)
	require.Equal(t, []string{"consent"}, b.jar())
	require.Zero(t, b.count(".candor-banner"))
}

// A page that is the same for everybody shows the banner to whom it concerns,
// also when it comes back from the browser's cache.
func TestBannerOnCachedPages(t *testing.T) {
	b := chromium(t)
	b.before(`addEventListener('pageshow', e => { window.persisted = e.persisted; })`)
	site := newBannerSite(t)
	b.open(site.URL + "/cached")
	b.until(`document.querySelector('.candor-banner:not([hidden])')`)
	require.Equal(t, 1, b.count(".candor-change"), "and gets a way to change the choice")
	requests := site.requests()
	require.Contains(t, requests, "GET /privacy/decision")
	require.Contains(t, requests, "GET /privacy/parts?language=en")
	require.Equal(t, "Your choice is saved.", b.choose(refuse))
	require.False(t, b.banner())
	require.NotContains(t, site.requests(), "GET /cached", "no reload")

	b.open(site.URL + "/cached")
	b.until(`window.candor && window.candor.source == 'stored' && document.querySelector('.candor-change')`)
	require.False(t, b.banner())
	requests = site.requests()
	require.NotContains(t, requests, "GET /cached", "from the cache")
	require.Contains(t, requests, "GET /privacy/decision", "whose answer is not")
	require.NotContains(t, requests, "GET /privacy/parts?language=en", "kept for an hour")

	for _, path := range []string{"/cached", "/"} {
		b.forget()
		b.open(site.URL + path)
		b.until(`document.querySelector('.candor-banner:not([hidden])')`)
		b.open(site.URL + "/other")
		b.choose(accept)
		site.requests()
		eval[bool](b, `history.back(), true`)
		b.until(`location.pathname == '` + path + `' && window.candor && window.candor.source == 'stored'`)
		require.False(t, b.banner(), "a page from before the choice")
		require.Contains(t, site.requests(), "GET /privacy/decision")
		t.Logf("%s: persisted %v", path, eval[bool](b, `!!window.persisted`))
		b.open(site.URL + path)
		b.until(`document.querySelector('.candor-withdraw:not([hidden])')`)
	}
	// As the browser says it when it kept the page whole.
	b.forget()
	site.requests()
	eval[bool](b, `dispatchEvent(new PageTransitionEvent('pageshow', {persisted: true}))`)
	b.until(`document.querySelector('.candor-banner:not([hidden])')`)
	require.Contains(t, site.requests(), "GET /privacy/decision")
}

// An answer from before the choice, which comes after it, changes nothing.
func TestBannerOvertaken(t *testing.T) {
	b := chromium(t)
	site := newBannerSite(t)
	b.open(site.URL + "/other")
	eval[bool](b, `(real => { window.fetch = (to, o) => o.method == 'POST' ? real(to, o) : real(to, o).then(r => new Promise(done => { window.late = () => done(r); })); return true; })(window.fetch)`)
	eval[bool](b, `dispatchEvent(new PageTransitionEvent('pageshow', {persisted: true}))`)
	b.until(`window.late`)
	b.choose(refuse)
	eval[bool](b, `(late(), new Promise(done => setTimeout(() => done(true), 200)))`)
	require.False(t, b.banner())
}

// A single-page app on another host of the site, with one line: it must be among
// the manager's TrustedOrigins.
func TestBannerInAnAppOnASiblingHost(t *testing.T) {
	b := chromium(t)
	var script string
	app := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "text/html")
		fmt.Fprintf(w, `<!doctype html><html lang="de"><title>App</title><h1>App</h1><script src="%s" defer></script>`, script)
	}))
	t.Cleanup(app.Close)
	site := newBannerSite(t, func(c *consent.Config, _ *banner.Options) { c.TrustedOrigins = []string{app.URL} })
	script = site.URL + "/privacy/candor.js"
	b.open(app.URL)
	b.until(`document.querySelector('.candor-banner:not([hidden])')`)
	require.Contains(t, b.text(".candor-banner"), "Ihre Daten, Ihre Wahl", "in the language of the page")
	require.Equal(t, site.URL+"/privacy/", eval[string](b, `document.querySelector('.candor-banner a').href`))
	require.Equal(t, "Ihre Auswahl ist gespeichert.", b.choose(accept))
	require.Equal(t, "Alles ist widerrufen.", b.choose(".candor-withdraw"))
	b.open(site.URL + "/other")
	require.Contains(t, eval[string](b, `fetch('/privacy/decision').then(r => r.text())`), `"analytics":"denied"`)

	untrusted := newBannerSite(t)
	script = untrusted.URL + "/privacy/candor.js"
	b.open(app.URL)
	eval[bool](b, `new Promise(done => setTimeout(() => done(true), 300))`)
	require.False(t, b.banner(), "a host that is not trusted learns nothing")
}

// Under the opt-out regime nothing is asked, and what is not refused runs.
func TestBannerUnderOptOut(t *testing.T) {
	b := chromium(t)
	b.before(heard)
	site := newBannerSite(t, func(c *consent.Config, _ *banner.Options) {
		c.Regime = func(*http.Request) consent.Regime { return consent.OptOut }
	})
	for _, path := range []string{"/", "/cached"} {
		b.open(site.URL + path)
		b.untilRan(6)
		require.Equal(t, "1 2 both objection unmarked module", sortModule(b.ran()))
		require.False(t, b.banner())
	}
	b.speak(map[string]any{"Sec-GPC": "1"})
	b.open(site.URL + "/cached")
	b.untilRan(5)
	require.Equal(t, "1 2 objection unmarked module", sortModule(b.ran()), "the signal refuses what shares data")
}

// A server that does not answer takes nothing from the visitor: it is said, the
// banner stays, and what was granted before is as it was.
func TestBannerWhenAChoiceFails(t *testing.T) {
	b := chromium(t)
	site := newBannerSite(t)
	b.open(site.URL)
	eval[bool](b, `!!(window.fetch = () => Promise.resolve(new Response('{}', {status: 503})))`)
	require.Equal(t, "That did not work, and nothing was changed. Please try again.", b.choose(accept))
	require.True(t, b.banner())
	require.Equal(t, "That did not work, and nothing was changed. Please try again.", b.text(".candor-banner .candor-said"))
	require.Empty(t, b.jar())
}

// The dialog of one's own: the two requests of the package comment.
func TestBannerAPI(t *testing.T) {
	b := chromium(t)
	site := newBannerSite(t)
	b.open(site.URL + "/other")
	var state struct {
		Policy   int
		Source   string
		Purposes map[string]string
		Recorded bool
	}
	require.NoError(t, json.Unmarshal([]byte(eval[string](b, `fetch('/privacy/decision', {method: 'POST', headers: {'Content-Type': 'application/json'},
		body: JSON.stringify({grants: {analytics: true, preferences: false}, language: 'en'})}).then(r => r.text())`)), &state))
	require.True(t, state.Recorded)
	require.Equal(t, map[string]string{"analytics": "granted", "preferences": "denied", "marketing": "unset", "measurement": "unset"}, state.Purposes)
	require.NoError(t, json.Unmarshal([]byte(eval[string](b, `fetch('/privacy/withdraw', {method: 'POST', headers: {'Content-Type': 'application/json'}, body: '{"purposes":["analytics"]}'}).then(r => r.text())`)), &state))
	require.Equal(t, "denied", state.Purposes["analytics"])
}
