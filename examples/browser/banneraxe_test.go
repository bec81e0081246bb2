package browser_test

import (
	"context"
	"testing"

	"github.com/chromedp/cdproto/page"
	"github.com/chromedp/chromedp"
	"github.com/stretchr/testify/require"
)

// axe runs every rule of axe-core on the page, best practices included, and
// returns what it finds or cannot decide. One doubt is not passed on: what a text
// stands on where it scrolls below the buttons of a banner that has little room.
// The same text is judged in a larger window.
func (b browser) axe(source string) string {
	b.t.Helper()
	run(b, chromedp.Evaluate[bool](source+";true"))
	return eval[string](b, `axe.run(document, {resultTypes: ['violations', 'incomplete']}).then(r => {
		const banner = document.querySelector('.candor-banner'), scrolls = banner && banner.scrollHeight > banner.clientHeight;
		const below = n => scrolls && banner.contains(document.querySelector(n.target[0])) && n.any.every(c => /^(bgOverlap|elmPartiallyObscur)/.test((c.data || {}).messageKey));
		return [...r.violations, ...r.incomplete.map(v => ({...v, nodes: v.nodes.filter(n => !below(n))}))]
			.flatMap(v => v.nodes.map(n => v.id + ': ' + n.target + ': ' + n.failureSummary)).join('\n');
	})`)
}

// axe-core finds nothing, and is in doubt about nothing, on any page, in any
// state, in each language.
func TestBannerAxe(t *testing.T) {
	source := fromNPM(t, "axe-core/axe.min.js")
	site := newBannerSite(t)
	pages := []string{"/", "/privacy/", "/privacy/notice"}
	sizes, schemes := []int64{1440, 768, 320}, []string{"light", "dark"}

	// start opens a browser in which check runs the checker.
	start := func(t *testing.T) (b browser, check func(state string)) {
		t.Parallel()
		b = chromium(t)
		run(b, chromedp.Func(func(ctx context.Context, _ *chromedp.Target) error {
			// The checker writes HTML to try things out; the policies are tested elsewhere.
			_, err := chromedp.Call(ctx, page.SetBypassCSP, page.SetBypassCSPParams{Enabled: true})
			return err
		}))
		return b, func(state string) {
			t.Helper()
			require.Empty(t, b.axe(source), "%s, %s", run(b, chromedp.Location()), state)
		}
	}
	languages := func(t *testing.T, from int, languages []string) {
		b, check := start(t)
		for i, language := range languages {
			b.forget()
			// Windows and schemes take turns.
			b.size(sizes[(from+i)%3], 900)
			b.prefer("prefers-reduced-motion", "reduce", "prefers-color-scheme", schemes[(from+i)%2])
			b.speak(map[string]any{"Accept-Language": language})
			in := func(path string) string { return site.URL + path + "?language=" + language }
			for _, path := range append(pages, "/cached") {
				b.open(in(path))
				if path == "/cached" {
					b.until(`document.querySelector('.candor-banner:not([hidden])')`)
				}
				check("undecided")
			}
			b.open(in("/privacy/"))
			require.NotEmpty(t, b.choose(`[value=save]`))
			check("refused, just now")
			b.grant("analytics", "preferences")
			for _, path := range pages {
				b.open(in(path))
				check("granted")
			}
			b.speak(map[string]any{"Accept-Language": language, "Sec-GPC": "1"})
			b.forget()
			for _, path := range pages[:2] {
				b.open(in(path))
				require.Contains(t, eval[string](b, `document.body.innerText`), "Global Privacy Control")
				check("with the signal")
			}
			b.open(in("/privacy/records"))
			check("nothing recorded")
			b.grant("analytics")
			for _, button := range []string{"receipt", "history", "erase"} {
				b.open(in("/privacy/records"))
				_, err := chromedp.RunResponse(b.ctx, chromedp.Click(chromedp.CSS(`:is(form[action$=`+button+`] button:not([formaction]), button[formaction$=`+button+`])[value=html]`)))
				require.NoError(t, err)
				check(button)
			}
		}
	}
	t.Run("one half of the languages", func(t *testing.T) { languages(t, 0, everyLanguage[:4]) })
	t.Run("the other half", func(t *testing.T) { languages(t, 5, everyLanguage[4:]) })
	t.Run("windows and schemes", func(t *testing.T) {
		b, check := start(t)
		for _, scheme := range schemes {
			b.prefer("prefers-reduced-motion", "reduce", "prefers-color-scheme", scheme)
			for _, width := range sizes {
				b.size(width, 900)
				for _, path := range pages[:2] {
					b.open(site.URL + path)
					check(scheme)
				}
			}
		}
		// The checker sees what is there to be seen.
		eval[bool](b, `!document.querySelector('label input').closest('label').replaceWith(document.querySelector('label input'))`)
		require.Contains(t, b.axe(source), "label: ")
	})
}
