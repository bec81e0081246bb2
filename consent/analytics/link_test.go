package analytics_test

import (
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/candorhttp/candor/consent"
	"github.com/candorhttp/candor/consent/analytics"
)

func linkSite(t testing.TB, keys consent.Keys) (*site, *sink, *tally) {
	own, counts := firstParty("own", 100), &tally{}
	s := newSite(t, newManager(t), analytics.Config{
		Sinks: []analytics.Sink{own}, Counters: counts, Keys: keys,
		Events: []analytics.Spec{analytics.OutboundLinks([]string{"partner.example", "other.example"}, "own")},
	}, map[string]http.HandlerFunc{"/shop/{item}": html})
	return s, own, counts
}

// The redirect works for everybody; the click is known of those who said yes,
// by the host that was declared, and nothing else of the address.
func TestLink(t *testing.T) {
	inTime(t, func(t *testing.T) {
		s, own, counts := linkSite(t, newKeys(t))
		const target = "https://Partner.example/deal?user=jane&x=%2F#top"
		link, err := s.events.Link(target)
		require.NoError(t, err)
		require.True(t, strings.HasPrefix(link, "/privacy/events/out?u="), link)
		yes := s.choose("", `{"analytics":true}`)
		for name, cookie := range map[string]string{"yes": yes, "silence": "", "no": s.choose("", `{"analytics":false}`), "unreadable": "consent=x"} {
			w := s.get(link, cookie, "Referer", "http://example.com/shop/teapot")
			require.Equal(t, 302, w.Code, name)
			require.Equal(t, http.Header{
				"Location": {target}, "Cache-Control": {"no-store"}, "Referrer-Policy": {"no-referrer"}, "X-Content-Type-Options": {"nosniff"},
			}, w.Result().Header, name)
		}
		s.do("HEAD", link, yes, "")
		s.get(link, yes, "Sec-Purpose", "prefetch")
		s.flush()
		require.Len(t, own.all(), 1)
		d := own.all()[0]
		require.Equal(t, "/shop/{item}", d.Route)
		require.Len(t, d.Properties, 1)
		require.Equal(t, "partner.example", d.Properties[0].Text())
		require.Equal(t, 1, counts.of(analytics.OutboundLink), "without a yes it is not even counted")

		again, err := s.events.Link(target)
		require.NoError(t, err)
		require.Equal(t, link, again, "the same for everybody")
		undeclared, err := s.events.Link("https://undeclared.example/")
		require.NoError(t, err)
		require.Equal(t, 302, s.get(undeclared, yes).Code)
		s.flush()
		require.Empty(t, own.all()[1].Properties)
	})
}

// Where silence is no refusal, a click is known of those alone who said yes.
func TestLinkUnderOptOut(t *testing.T) {
	own := firstParty("own", 1)
	m := newManager(t, func(c *consent.Config) { c.Regime = func(*http.Request) consent.Regime { return consent.OptOut } })
	s := newSite(t, m, analytics.Config{Sinks: []analytics.Sink{own}, Keys: newKeys(t), Events: []analytics.Spec{analytics.OutboundLinks([]string{"partner.example"}, "own"), click("", "own")}}, nil)
	link, err := s.events.Link("https://partner.example/")
	require.NoError(t, err)
	require.Equal(t, 302, s.get(link, "").Code)
	s.get("/track", "")
	s.flush()
	require.Len(t, own.all(), 1)
	require.Equal(t, "click", own.all()[0].Name)
}

func TestLinkTargets(t *testing.T) {
	s, _, _ := linkSite(t, newKeys(t))
	for _, bad := range []string{
		"", "/", "/page", "//evil.example", "//evil.example/x", `/\evil.example`, `\\evil.example`, `https:\\evil.example`, `https://evil.example\@good.example`, `https://good.example/\evil`,
		"https:evil.example", "https:/evil.example", "https://", "https:///x", "javascript:alert(1)", "JavaScript:alert(1)", "data:text/html,x", "vbscript:x", "ftp://x.example/", "mailto:jane@example.com",
		"https://jane@good.example/", "https://jane:secret@good.example/", "https://@good.example/",
		"https://good.example/\r\nSet-Cookie: x=1", "https://good.example/\n", "https://good.example/\t", "https://good.example/ x", " https://good.example/", "https://good.example/\x00", "https://good.example/\x7f",
		"https://good.example/\xff", "https://good.example/%zz", "https://good.example:port/", "https://:443/", "https://good.example/" + strings.Repeat("x", 2048),
		"HTTPS://good.example/",
	} {
		link, err := s.events.Link(bad)
		require.ErrorIs(t, err, analytics.ErrTarget, "%q", bad)
		require.Empty(t, link)
		require.NotContains(t, err.Error(), "good.example")
	}
	for _, good := range []string{"https://good.example", "http://good.example:8080/a?b=c&d=e#f", "https://xn--bcher-kva.example/", "https://[2001:db8::1]/", "https://good.example/ü"} {
		_, err := s.events.Link(good)
		require.NoError(t, err, good)
	}
	none, _, _ := linkSite(t, consent.Keys{})
	_, err := none.events.Link("https://good.example/")
	require.ErrorIs(t, err, analytics.ErrNoLinks)
}

// Expired, forged and changed links are 400, and redirect nowhere.
func TestLinkForgeries(t *testing.T) {
	inTime(t, func(t *testing.T) {
		keys := newKeys(t)
		s, own, _ := linkSite(t, keys)
		other, _, _ := linkSite(t, newKeys(t))
		yes := s.choose("", `{"analytics":true}`)
		link, err := s.events.Link("https://partner.example/a")
		require.NoError(t, err)
		second, err := s.events.Link("https://partner.example/b")
		require.NoError(t, err)
		foreign, err := other.events.Link("https://partner.example/a")
		require.NoError(t, err)
		u, err := url.Parse(link)
		require.NoError(t, err)
		with := func(name, value string) string {
			q := u.Query()
			q.Set(name, value)
			return u.Path + "?" + q.Encode()
		}
		v, err := url.Parse(second)
		require.NoError(t, err)
		for name, bad := range map[string]string{
			"no query": u.Path, "other target": with("u", "https://evil.example/"), "//": with("u", "//evil.example"),
			"script": with("u", "javascript:alert(1)"), "later": with("p", "9999"), "not a number": with("p", "x"), "no period": with("p", ""),
			"no tag": with("s", ""), "short tag": with("s", u.Query().Get("s")[:10]), "tag of another": with("s", v.Query().Get("s")),
			"foreign": foreign, "twice": link + "&u=https://evil.example/", "more": link + "&x=1", "broken": link + "&%zz", "long": link + strings.Repeat("x", 9000),
		} {
			w := s.get(bad, yes)
			require.Equal(t, 400, w.Code, name)
			require.Empty(t, w.Header().Get("Location"), name)
			require.NotContains(t, w.Body.String(), "evil", name)
		}
		// Signed by a version that let it pass.
		require.Equal(t, 302, s.get(u.Path+"?"+analytics.SignTarget(s.events, "https://partner.example/", time.Now()), yes).Code)
		for _, target := range []string{"//evil.example", "javascript:alert(1)", `https://evil.example/\x`, "https://a@evil.example/"} {
			require.Equal(t, 400, s.get(u.Path+"?"+analytics.SignTarget(s.events, target, time.Now()), yes).Code, target)
		}
		require.Equal(t, 405, s.do("POST", link, yes, "").Code)
		none, _, _ := linkSite(t, consent.Keys{})
		require.Equal(t, 400, none.get(link, "").Code)

		time.Sleep(30 * 24 * time.Hour)
		require.Equal(t, 302, s.get(link, yes).Code, "good for 30 days")
		time.Sleep(31 * 24 * time.Hour)
		require.Equal(t, 400, s.get(link, yes).Code, "and at most 60")
		s.flush()
		require.Len(t, own.all(), 2)
	})
}

// A key that was moved back still opens the links that it signed.
func TestLinkAfterARotation(t *testing.T) {
	old, young := consent.GenerateKey(), consent.GenerateKey()
	before, err := consent.ParseKeys(old)
	require.NoError(t, err)
	after, err := consent.ParseKeys(young + " " + old)
	require.NoError(t, err)
	s, _, _ := linkSite(t, before)
	link, err := s.events.Link("https://partner.example/")
	require.NoError(t, err)
	rotated, _, _ := linkSite(t, after)
	require.Equal(t, 302, rotated.get(link, "").Code)
}

// Nothing that was not signed redirects.
func FuzzLink(f *testing.F) {
	s, _, _ := linkSite(f, newKeys(f))
	link, err := s.events.Link("https://partner.example/a")
	require.NoError(f, err)
	_, query, _ := strings.Cut(link, "?")
	f.Add(query)
	f.Add("u=https://partner.example/a&p=1&s=x")
	f.Add("u=//evil.example&p=9999&s=")
	signed, err := url.ParseQuery(query)
	require.NoError(f, err)
	f.Fuzz(func(t *testing.T, query string) {
		s.t = t
		r, err := http.NewRequest("GET", "http://example.com/privacy/events/out", nil)
		require.NoError(t, err)
		r.URL.RawQuery = query
		w := httptest.NewRecorder()
		s.events.Handler().ServeHTTP(w, r)
		got, err := url.ParseQuery(query)
		if w.Code != 302 {
			require.Equal(t, 400, w.Code)
			return
		}
		require.NoError(t, err)
		require.Equal(t, signed, got)
	})
}
