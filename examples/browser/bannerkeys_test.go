package browser_test

import (
	"fmt"
	"testing"

	"github.com/chromedp/chromedp"
	"github.com/chromedp/chromedp/kb"
	"github.com/stretchr/testify/require"
)

// at says where the focus is: the text, label or name of the element.
func (b browser) at() string {
	b.t.Helper()
	return eval[string](b, `(e => e.getAttribute('aria-label') || e.value && e.type == 'checkbox' && e.value || e.innerText.trim() && e.tagName != 'BODY' && e.tagName != 'MAIN' && e.innerText.trim() || e.tagName)(document.activeElement)`)
}

// tab presses Tab and says where that leads.
func (b browser) tab() string {
	b.t.Helper()
	b.keys(kb.Tab)
	return b.at()
}

func (b browser) back() {
	b.t.Helper()
	run(b, chromedp.KeyEvent(kb.Tab, chromedp.KeyModifiers(chromedp.ModifierShift)))
}

// A walk with nothing but a keyboard: refuse, go on, choose in detail, withdraw.
func TestBannerKeyboardOnly(t *testing.T) {
	b := chromium(t)
	site := newBannerSite(t)
	b.size(1280, 900)
	b.open(site.URL)
	require.Equal(t, "Accept all", b.tab(), "the banner comes first")
	require.Equal(t, "Refuse all", b.tab())
	require.Equal(t, "Choose in detail", b.tab())
	require.Equal(t, "Decide later", b.tab())
	require.Equal(t, "Teapots", b.tab(), "and lets go of the focus")

	b.back()
	require.Equal(t, "Decide later", b.at())
	b.keys(kb.Enter)
	b.until(`document.querySelector('.candor-banner').hidden`)
	require.Equal(t, "Teapots", b.at(), "back where it was before")
	require.Empty(t, b.jar(), "closing is neither yes nor no")

	b.open(site.URL)
	b.tab()
	b.tab()
	b.listen()
	b.keys(kb.Enter)
	require.Equal(t, "Your choice is saved.", b.said())
	require.Equal(t, "MAIN", b.at(), "to what the page is about")
	require.Equal(t, "look at it", b.tab(), "and on from there")
	require.Zero(t, b.count(`main[tabindex]`), "nothing is left of it")
	require.Equal(t, []string{"consent"}, b.jar())

	// Choosing in detail, from the link that is on every page.
	run(b, chromedp.Focus(chromedp.CSS(`.candor-change a`)))
	require.Equal(t, "Privacy choices", b.at())
	_, err := chromedp.RunResponse(b.ctx, chromedp.KeyEvent(kb.Enter))
	require.NoError(t, err)
	require.Equal(t, "preferences", b.tab())
	require.Equal(t, "analytics", b.tab())
	b.keys(" ")
	require.Equal(t, "marketing", b.tab())
	require.Equal(t, "measurement", b.tab())
	b.keys(" ")
	require.Equal(t, "Save this choice", b.tab())
	b.listen()
	b.keys(kb.Enter)
	require.Equal(t, "Your choice is saved.", b.said())
	require.Equal(t, "Save this choice", b.at(), "the focus stays")
	states := func() string {
		return eval[string](b, `fetch('/privacy/decision').then(r => r.json()).then(s => Object.values(s.purposes).join(' '))`)
	}
	require.Equal(t, "denied granted denied granted", states())

	// Withdrawing is one step, from any page.
	b.open(site.URL)
	run(b, chromedp.Focus(chromedp.CSS(`.candor-withdraw`)))
	b.listen()
	b.keys(kb.Enter)
	require.Equal(t, "Everything is withdrawn.", b.said())
	require.Equal(t, "Privacy choices", b.at(), "the button is gone, so to its neighbour")
	require.Equal(t, "denied denied denied denied", states())
}

// Whatever has the focus can be seen whole, forwards and backwards, in large and
// small windows (WCAG 2.2, 2.4.11 and 2.4.12).
func TestBannerNeverCoversTheFocus(t *testing.T) {
	const covered = `(() => {
		const e = document.activeElement, r = e.getBoundingClientRect(), banner = document.querySelector('.candor-banner');
		if (e == document.body) return '';
		const inside = banner.contains(e), x = Math.min(Math.max(r.left + r.width / 2, 0), innerWidth - 1);
		for (const y of [r.top + 1, r.top + r.height / 2, r.bottom - 1]) {
			const top = document.elementFromPoint(x, y);
			if (!top || banner.contains(top) != inside) return e.outerHTML + ' at ' + y + ' of ' + innerHeight + ' under ' + (top && top.outerHTML.slice(0, 80));
		}
		return '';
	})()`
	b := chromium(t)
	site := newBannerSite(t)
	b.prefer("prefers-reduced-motion", "reduce")
	corner := newBannerSite(t)
	for _, tt := range []struct {
		site          *bannerSite
		path          string
		width, height int64
	}{
		{site, "/", 1440, 900}, {site, "/", 1024, 600}, {site, "/", 768, 1024}, {site, "/", 320, 256}, {site, "/", 390, 844},
		{site, "/cached", 1440, 900}, {site, "/cached", 320, 256}, {site, "/cached", 390, 844}, {corner, "/", 1440, 600},
	} {
		name := fmt.Sprintf("%s %d×%d", tt.path, tt.width, tt.height)
		b.size(tt.width, tt.height)
		b.open(tt.site.URL + tt.path)
		b.until(`document.querySelector('.candor-banner:not([hidden])')`)
		if tt.site == corner {
			eval[bool](b, inACorner)
		}
		stops := eval[int](b, `[...document.querySelectorAll('a,button')].filter(e => e.getClientRects()[0]).length`)
		require.Greater(t, stops, 20, name)
		for range stops {
			b.keys(kb.Tab)
			require.Empty(t, eval[string](b, covered), name)
		}
		for range stops {
			b.back()
			require.Empty(t, eval[string](b, covered), name+", backwards")
		}
	}
}

// Without scripts everything can be chosen, by the same buttons.
func TestBannerWithoutScripts(t *testing.T) {
	b := chromium(t)
	site := newBannerSite(t)
	b.scriptsOff()
	states := func() string {
		b.open(site.URL + "/privacy/decision")
		return b.text("body")
	}
	b.open(site.URL + "/other?a=b")
	b.press(refuse)
	require.Equal(t, site.URL+"/other?a=b", run(b, chromedp.Location()), "back to where it was asked")
	require.Zero(t, b.count(".candor-banner"))
	require.Contains(t, states(), `"analytics":"denied"`)

	b.open(site.URL + "/")
	_, err := chromedp.RunResponse(b.ctx, chromedp.Click(chromedp.CSS(".candor-change a")))
	require.NoError(t, err)
	run(b, chromedp.Click(chromedp.CSS("[value=analytics]")))
	b.press("[value=save]")
	require.Equal(t, site.URL+"/privacy/", run(b, chromedp.Location()))
	require.Contains(t, b.text(".candor-note"), "Your choice is saved.")
	require.Contains(t, states(), `"analytics":"granted"`)

	b.open(site.URL + "/")
	b.press(".candor-withdraw")
	require.Contains(t, b.text("main"), "Keep this receipt code.", "it was the last yes")
	require.Equal(t, 1, b.count(`a[href="/"]`), "back to where the button was")
	require.Contains(t, states(), `"analytics":"denied"`)
	b.forget()
	b.open(site.URL + "/cached")
	require.Zero(t, b.count(".candor-banner"), "what only the script shows is not there, and nothing was asked")
}
