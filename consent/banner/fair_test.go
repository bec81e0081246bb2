package banner_test

import (
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/candorhttp/candor/consent"
	"github.com/candorhttp/candor/consent/banner"
)

// Yes and no are the same element, side by side, and nothing is ticked.
func TestBannerIsFair(t *testing.T) {
	s := newSite(t)
	w, page := s.do("GET", "/shop?page=2", "")
	require.Equal(t, "private", w.Header.Get("Cache-Control"), "asked before the first byte")
	require.Contains(t, w.Header.Values("Vary"), "Cookie")
	buttons := regexp.MustCompile(`<button type="submit" name[^>]*>`).FindAllString(page, -1)
	require.Equal(t, []string{`<button type="submit" name="action" value="accept">`, `<button type="submit" name="action" value="refuse">`}, buttons)
	require.Contains(t, page, "value=\"refuse\">Refuse all</button>\n<a href=\"/privacy/\">", "choosing in detail is one step away")
	require.Contains(t, page, `<input type="hidden" name="return" value="/shop?page=2">`)
	require.NotContains(t, page, "checked")
	require.NotContains(t, page, "style=")
	require.Contains(t, page, "&lt;b&gt;analytics&lt;/b&gt;", "texts are escaped")
	require.NotContains(t, page, "authentication", "what cannot be refused is not asked")
	require.Contains(t, page, "page false /privacy/ ")
	require.Regexp(t, `<button type="button" class="candor-later" aria-label="Decide later" hidden>`, page, "closing is a script's, and neither yes nor no")
	require.Regexp(t, `class="candor-withdraw" hidden>`, page, "nothing to withdraw")

	for _, form := range []string{"action=accept", "action=refuse"} {
		_, page = s.do("GET", "/", "", "Cookie", s.choose(form))
		require.NotContains(t, page, "candor-banner", "asked once, whatever the answer")
		require.Contains(t, page, `<a href="/privacy/">Privacy choices</a>`, "and can be changed from every page")
	}
	_, page = s.do("GET", "/", "", "Cookie", s.choose("action=accept"))
	require.Contains(t, page, "page true")
	require.Regexp(t, `class="candor-withdraw">Withdraw everything`, page, "withdrawing is one step, as accepting was")
}

// No rule of the style sheet tells one choice from the other.
func TestStyleKnowsNoValueOfAButton(t *testing.T) {
	s := newSite(t)
	_, css := s.do("GET", "/privacy/candor.css", "")
	for _, word := range []string{"accept", "refuse", "value", "name=", "nth", "first-child", "last-child", "-of-type", "button+", "button~"} {
		require.NotContains(t, css, word)
	}
	require.NotContains(t, css, "url(", "nothing is loaded from anywhere")
	require.NotContains(t, css, "@import")
}

func TestBannerShowsThatTheSignalIsHonoured(t *testing.T) {
	s := newSite(t)
	_, page := s.do("GET", "/", "", "Sec-GPC", "1")
	require.Contains(t, page, "Global Privacy Control")
	for _, path := range []string{"/privacy/", "/privacy/parts"} {
		_, page = s.do("GET", path, "", "Sec-GPC", "1")
		require.Contains(t, page, "We honour that", path)
		_, page = s.do("GET", path, "")
		require.NotContains(t, page, "We honour that", path)
	}
}

// Where a material change made a yes stale, the visitor is told what changed.
func TestAskedAgainWithTheReason(t *testing.T) {
	first := newSite(t, func(c *consent.Config, _ *banner.Options) {
		c.Policy.Version, c.Policy.Changes = 1, nil
	})
	cookie := first.choose("action=accept")
	_, page := first.do("GET", "/privacy/", "", "Cookie", cookie)
	require.NotContains(t, page, "New since your choice")

	keys, err := consent.ParseKeys(consent.GenerateKey())
	require.NoError(t, err)
	serve := func(version int) site {
		return newSite(t, func(c *consent.Config, _ *banner.Options) {
			c.Keys = keys
			c.Policy.Version = version
			if version == 1 {
				c.Policy.Changes = nil
				return
			}
			c.Policy.Processing[2].GoodSince = 2
		})
	}
	cookie = serve(1).choose("action=accept")
	now := serve(2)
	_, page = now.do("GET", "/", "", "Cookie", cookie)
	require.Contains(t, page, "We ask again because this changed")
	require.Contains(t, page, "<li>Adverts are new.</li>")
	_, page = now.do("GET", "/privacy/", "", "Cookie", cookie)
	require.Equal(t, 1, strings.Count(page, "New since your choice"), "at the purpose that changed")
	require.Regexp(t, `marketing&lt;/b&gt; <mark`, page)
	_, page = now.do("GET", "/privacy/notice", "", "Cookie", cookie)
	require.Equal(t, 2, strings.Count(page, "New since your choice"), "at the purpose and in the history")
	require.Contains(t, page, "Your choice was made under version 1.")
	_, page = now.do("GET", "/", "")
	require.NotContains(t, page, "We ask again", "who never chose is not asked again")
}
