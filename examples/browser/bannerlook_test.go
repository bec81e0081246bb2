package browser_test

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"testing"

	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/cdproto/page"
	"github.com/chromedp/chromedp"
	"github.com/stretchr/testify/require"
)

// watched measures what moves by itself and what keeps the page from answering.
const watched = `window.shifts = 0; window.longest = 0;
new PerformanceObserver(l => { for (const e of l.getEntries()) if (!e.hadRecentInput) shifts += e.value; }).observe({type: 'layout-shift', buffered: true});
new PerformanceObserver(l => { for (const e of l.getEntries()) longest = Math.max(longest, e.duration); }).observe({type: 'longtask', buffered: true});`

// measured opens a page with an empty jar and returns the layout shift and the
// longest task, in milliseconds, until the banner stands; then refuses, and
// returns the layout shift of that too.
func (b browser) measured(url string) (shift, longest float64) {
	b.t.Helper()
	b.forget()
	b.open(url)
	b.until(`document.querySelector('.candor-banner:not([hidden])')`)
	eval[bool](b, `new Promise(done => requestAnimationFrame(() => setTimeout(() => done(true), 400)))`)
	b.choose(refuse)
	eval[bool](b, `new Promise(done => requestAnimationFrame(() => setTimeout(() => done(true), 200)))`)
	return eval[float64](b, `shifts`), eval[float64](b, `longest`)
}

// Nothing moves by itself, and the page always answers within 50 ms. The machine
// may have had something else to do, so one undisturbed run of a few counts.
func TestBannerMovesNothing(t *testing.T) {
	b := chromium(t)
	b.before(watched)
	site := newBannerSite(t)
	for _, path := range []string{"/", "/cached"} {
		for _, width := range []int64{320, 768, 1440} {
			b.size(width, 900)
			name := fmt.Sprintf("%s at %d px", path, width)
			longest := 0.0
			for range 5 {
				var shift float64
				shift, longest = b.measured(site.URL + path)
				require.Zero(t, shift, name)
				if longest <= 50 {
					break
				}
			}
			require.LessOrEqual(t, longest, 50.0, name)
			t.Logf("%s: longest task %.0f ms", name, longest)
		}
	}
}

// What can be pressed is large enough (WCAG 2.2, 2.5.8; 44 px for what decides),
// and the two answers are the same in everything that can be seen.
func TestBannerTargets(t *testing.T) {
	b := chromium(t)
	site := newBannerSite(t)
	b.prefer("prefers-reduced-motion", "reduce")
	for _, language := range everyLanguage {
		b.speak(map[string]any{"Accept-Language": language})
		for _, width := range []int64{320, 768, 1440} {
			b.size(width, 900)
			paths := []string{"/privacy/", "/privacy/notice", "/privacy/records", "/"}
			if width != 320 {
				paths = paths[3:] // the pages are one column, whatever the width
			}
			for _, path := range paths {
				b.open(site.URL + path)
				name := fmt.Sprintf("%s%s at %d px", language, path, width)
				require.Empty(t, eval[[]string](b, `[...document.querySelectorAll('.candor :is(a,button,input)')].filter(e => {
					const r = e.getBoundingClientRect(), least = e.matches('button[name=action]') ? 44 : 24;
					const inSentence = e.matches('p a');
					return r.width && !inSentence && Math.min(r.width, r.height) < least;
				}).map(e => e.outerHTML + e.getBoundingClientRect().height)`), name)
				require.LessOrEqual(t, eval[int](b, `document.documentElement.scrollWidth - innerWidth`), 0, name+": nothing to scroll sideways to")
			}
			require.Empty(t, eval[[]string](b, differences), "%s at %d px", language, width)
		}
	}
}

// differences lists in what the two answers differ: not in any computed property,
// not in size, and not in their distance from what they are about.
const differences = `(() => {
	const [yes, no] = ['accept', 'refuse'].map(v => document.querySelector('.candor-banner [value=' + v + ']')), a = getComputedStyle(yes), b = getComputedStyle(no);
	const apart = (x, y) => Math.abs(parseFloat(x) - parseFloat(y)) > 0.1 || isNaN(parseFloat(x));
	return [...a].filter(p => a[p] != b[p] && apart(a[p], b[p]) && !/-origin$/.test(p)).map(p => p + ': ' + a[p] + ', ' + b[p]);
})()`

// The banner follows what the visitor told the system.
func TestBannerFollowsPreferences(t *testing.T) {
	b := chromium(t)
	site := newBannerSite(t)
	style := func(property string) string {
		return eval[string](b, `getComputedStyle(document.querySelector('.candor-banner'), null).getPropertyValue('`+property+`')`)
	}
	b.size(1440, 900)
	b.open(site.URL)
	require.Equal(t, "candor-rise", style("animation-name"))
	light := style("background-color")
	b.prefer("prefers-color-scheme", "dark", "prefers-reduced-motion", "reduce")
	require.NotEqual(t, light, style("background-color"))
	require.Equal(t, "none", style("animation-name"))
	// A host with one scheme says so, and one with its own switch too.
	eval[string](b, `document.documentElement.style.setProperty('--candor-scheme', 'light'), ''`)
	require.Equal(t, light, style("background-color"))
	eval[string](b, `document.documentElement.style.setProperty('--candor-paper', 'rgb(1, 2, 3)'), ''`)
	require.Equal(t, "rgb(1, 2, 3)", style("background-color"))

	b.prefer("forced-colors", "active")
	button := `getComputedStyle(document.querySelector('` + accept + `'))`
	require.NotEqual(t, "0px", style("border-top-width"))
	require.Equal(t, eval[string](b, `(() => { const e = document.createElement('i'); e.style.color = 'ButtonText'; document.body.append(e); return getComputedStyle(e).color; })()`), eval[string](b, button+`.borderTopColor`))

	// Text of twice the size and four times the zoom: still whole, still usable.
	b.prefer()
	b.size(320, 256)
	b.open(site.URL)
	require.Equal(t, "relative", style("position"), "in the page")
	require.Equal(t, "visible", eval[string](b, `getComputedStyle(document.querySelector('.candor-banner')).overflowY == 'auto' && document.querySelector('.candor-banner').scrollHeight > document.querySelector('.candor-banner').clientHeight ? 'cut' : 'visible'`))
}

// On paper the notice is its text: black on white, nothing to press.
func TestNoticeOnPaper(t *testing.T) {
	b := chromium(t)
	site := newBannerSite(t)
	b.prefer("prefers-color-scheme", "dark")
	b.open(site.URL + "/privacy/notice")
	run(b, chromedp.Func(func(ctx context.Context, _ *chromedp.Target) error {
		_, err := chromedp.Call(ctx, emulation.SetEmulatedMedia, emulation.SetEmulatedMediaParams{Media: "print"})
		return err
	}))
	require.Equal(t, "rgb(0, 0, 0) on rgb(255, 255, 255)", eval[string](b, `(s => s.color + ' on ' + s.backgroundColor)(getComputedStyle(document.body))`))
	require.Zero(t, eval[int](b, `[...document.querySelectorAll('nav, button')].filter(e => e.getClientRects()[0]).length`))
	require.Contains(t, b.text("main"), "What our log holds")
}

// In a corner, on the side where lines of the language end.
func TestBannerInACorner(t *testing.T) {
	b := chromium(t)
	site := newBannerSite(t)
	b.prefer("prefers-reduced-motion", "reduce")
	b.size(1440, 900)
	for language, side := range map[string]string{"en": "right", "ar": "left"} {
		b.forget()
		b.speak(map[string]any{"Accept-Language": language})
		b.open(site.URL + "?language=" + language)
		eval[bool](b, inACorner)
		require.InDelta(t, 16, eval[float64](b, `(r => '`+side+`' == 'left' ? r.left : document.documentElement.clientWidth - r.right)(document.querySelector('.candor-banner').getBoundingClientRect())`), 1, language)
		require.InDelta(t, 416, eval[float64](b, `document.querySelector('.candor-banner').offsetWidth`), 1, language)
	}
}

// inACorner sets the custom properties of the package comment.
const inACorner = `(s => { for (const [k, v] of Object.entries({start: 'auto', end: '1rem', bottom: '1rem', width: '26rem', 'banner-radius': '.5rem'})) s.setProperty('--candor-' + k, v); return true; })(document.documentElement.style)`

// screenshots are those in the README of consent/banner.
var screenshots = []struct {
	name, path, language, scheme string
	width, height                int64
	prepare                      string
}{
	{name: "banner-1440-light", path: "/", language: "en", scheme: "light", width: 1440, height: 900},
	{name: "banner-1440-dark-ar", path: "/", language: "ar", scheme: "dark", width: 1440, height: 900},
	{name: "banner-768-corner-fr", path: "/", language: "fr", scheme: "light", width: 768, height: 900, prepare: inACorner},
	{name: "banner-320-light-pl", path: "/", language: "pl", scheme: "light", width: 320, height: 720},
	{name: "cached-320-dark-de", path: "/cached", language: "de", scheme: "dark", width: 320, height: 720},
	{name: "preferences-768-light", path: "/privacy/", language: "en", scheme: "light", width: 768, height: 1100},
	{name: "preferences-320-dark-ar", path: "/privacy/", language: "ar", scheme: "dark", width: 320, height: 900},
	{name: "notice-1440-light-es", path: "/privacy/notice", language: "es", scheme: "light", width: 1440, height: 1100},
}

// The screenshots are made by this test, with CANDOR_SCREENSHOTS=1 in the place
// where the README shows them from.
func TestBannerScreenshots(t *testing.T) {
	b := chromium(t)
	site := newBannerSite(t)
	dir := t.TempDir()
	if os.Getenv("CANDOR_SCREENSHOTS") == "1" {
		dir = filepath.Join("..", "..", "consent", "banner", "screenshots")
		require.NoError(t, os.MkdirAll(dir, 0o755))
	}
	for _, s := range screenshots {
		b.forget()
		b.prefer("prefers-reduced-motion", "reduce", "prefers-color-scheme", s.scheme)
		b.size(s.width, s.height)
		b.speak(map[string]any{"Accept-Language": s.language})
		b.open(site.URL + s.path + "?language=" + s.language)
		if s.path == "/" || s.path == "/cached" {
			b.until(`document.querySelector('.candor-banner:not([hidden])')`)
		}
		if s.prepare != "" {
			eval[bool](b, s.prepare)
		}
		b.save(filepath.Join(dir, s.name+".png"))
	}
}

// save writes what the window shows.
func (b browser) save(file string) {
	b.t.Helper()
	shot := run(b, func(ctx context.Context, _ *chromedp.Target) (page.CaptureScreenshotResult, error) {
		return chromedp.Call(ctx, page.CaptureScreenshot, page.CaptureScreenshotParams{})
	})
	require.NoError(b.t, os.WriteFile(file, shot.Data, 0o600))
	require.Less(b.t, len(shot.Data), 200<<10, "small enough to be kept")
}
