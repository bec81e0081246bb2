package banner_test

import (
	"html/template"
	"io"
	"net/http"
	"net/http/httptest"
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/candorhttp/candor/consent"
	"github.com/candorhttp/candor/consent/banner"
	"github.com/candorhttp/candor/consent/ledger"
)

func policy() consent.Policy {
	declare := func(p consent.Purpose, n int, b consent.Basis) consent.Processing {
		t := consent.Text{"en": "<b>" + string(p) + "</b>", "de": string(p) + " auf Deutsch"}
		return consent.Processing{Purpose: p, Number: n, Basis: b, Title: t, Text: t, Retention: t}
	}
	marketing := declare(consent.Marketing, 3, consent.Consent)
	marketing.SharesData, marketing.Recipients = true, []string{"Adverts Inc."}
	return consent.Policy{
		Version: 2, Effective: "2026-10-01", Languages: []string{"en", "de"},
		Controller: consent.Controller{Name: "Shop <&>", Address: "1 Road", Email: "privacy@shop.example"},
		Authority:  consent.Authority{Name: "The Authority", URL: "https://authority.example/complain"},
		Recipients: []consent.Recipient{{Name: "Adverts Inc.", Country: "US", Safeguard: "dpf"}},
		Processing: []consent.Processing{
			declare(consent.Authentication, 1, consent.Essential), declare(consent.Analytics, 2, consent.Consent), marketing,
			declare("measurement", 4, consent.Objection),
		},
		Changes: []consent.Change{{Version: 2, Effective: "2026-10-01", Summary: consent.Text{"en": "Adverts are new.", "de": "Werbung ist neu."}}},
	}
}

type site struct {
	t *testing.T
	*httptest.Server
}

func newSite(t *testing.T) site {
	t.Helper()
	keys, err := consent.ParseKeys(consent.GenerateKey())
	require.NoError(t, err)
	records := ledger.Memory()
	m, err := consent.New(consent.Config{Policy: policy(), Keys: keys, Ledger: records, Insecure: true})
	require.NoError(t, err)
	pages, err := banner.New(m, banner.Options{Parts: []consent.Describer{records}})
	require.NoError(t, err)
	mux := http.NewServeMux()
	mux.Handle("/privacy/", pages)
	mux.Handle("/.well-known/gpc.json", pages)
	tmpl := template.Must(template.New("").Funcs(template.FuncMap{
		"consentBanner": func() template.HTML { return "" }, "consentAllowed": func(string) bool { return false }, "consentLink": func() string { return "" },
	}).Parse(`page {{consentAllowed "analytics"}} {{consentLink}} {{consentBanner}}`))
	mux.HandleFunc("/", func(w http.ResponseWriter, r *http.Request) {
		require.NoError(t, template.Must(tmpl.Clone()).Funcs(pages.Funcs(r)).Execute(w, nil))
	})
	s := httptest.NewServer(m.Middleware(mux))
	t.Cleanup(s.Close)
	return site{t, s}
}

func (s site) do(method, path, body string, header ...string) (*http.Response, string) {
	s.t.Helper()
	r, err := http.NewRequest(method, s.URL+path, strings.NewReader(body))
	require.NoError(s.t, err)
	if body != "" {
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	}
	for i := 0; i < len(header); i += 2 {
		r.Header.Set(header[i], header[i+1])
	}
	client := s.Client()
	client.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	w, err := client.Do(r)
	require.NoError(s.t, err)
	defer w.Body.Close()
	text, err := io.ReadAll(w.Body)
	require.NoError(s.t, err)
	return w, string(text)
}

// choose posts a form and returns the Cookie to send from then on.
func (s site) choose(form string) string {
	s.t.Helper()
	w, _ := s.do("POST", "/privacy/decision", form)
	require.Equal(s.t, 303, w.StatusCode)
	return "consent=" + w.Cookies()[0].Value
}

// Yes and no are the same element, side by side, and nothing is ticked.
func TestBannerIsFair(t *testing.T) {
	s := newSite(t)
	w, page := s.do("GET", "/shop?page=2", "")
	require.Equal(t, "private", w.Header.Get("Cache-Control"), "asked before the first byte")
	require.Contains(t, w.Header.Values("Vary"), "Cookie")
	buttons := regexp.MustCompile(`<button[^>]*>`).FindAllString(page, -1)
	require.Equal(t, []string{`<button type="submit" name="action" value="accept">`, `<button type="submit" name="action" value="refuse">`}, buttons)
	require.Contains(t, page, `<input type="hidden" name="return" value="/shop?page=2">`)
	require.NotContains(t, page, "checked")
	require.NotContains(t, page, "<script")
	require.NotContains(t, page, "style=")
	require.Contains(t, page, "&lt;b&gt;analytics&lt;/b&gt;", "texts are escaped")
	require.NotContains(t, page, "authentication", "what cannot be refused is not asked")
	require.Contains(t, page, "page false /privacy/ ")

	for _, form := range []string{"action=accept", "action=refuse"} {
		_, page = s.do("GET", "/", "", "Cookie", s.choose(form))
		require.NotContains(t, page, "candor-banner", "asked once, whatever the answer")
	}
	_, page = s.do("GET", "/", "", "Cookie", s.choose("action=accept"))
	require.Contains(t, page, "page true")
}

func TestBannerShowsThatTheSignalIsHonoured(t *testing.T) {
	s := newSite(t)
	_, page := s.do("GET", "/", "", "Sec-GPC", "1")
	require.Contains(t, page, "Global Privacy Control")
	_, page = s.do("GET", "/privacy/", "", "Sec-GPC", "1")
	require.Contains(t, page, "We honour that")
	_, page = s.do("GET", "/", "")
	require.NotContains(t, page, "Global Privacy Control")
}

func TestPreferencesPage(t *testing.T) {
	s := newSite(t)
	w, page := s.do("GET", "/privacy/", "")
	require.Equal(t, "no-store", w.Header.Get("Cache-Control"))
	require.Equal(t, "default-src 'none'; style-src 'self'; form-action 'self'; frame-ancestors 'none'; base-uri 'none'", w.Header.Get("Content-Security-Policy"))
	boxes := func(page string) []string {
		return regexp.MustCompile(`<input type="checkbox"[^>]*>`).FindAllString(page, -1)
	}
	require.Equal(t, []string{
		`<input type="checkbox" name="purpose" value="analytics">`, `<input type="checkbox" name="purpose" value="marketing">`,
		`<input type="checkbox" name="purpose" value="measurement" checked>`,
	}, boxes(page), "nothing that needs a yes is ticked in advance")
	require.Contains(t, page, "Adverts Inc. (US, EU-US Data Privacy Framework)")
	require.Contains(t, page, "You have not chosen yet")
	require.Less(t, strings.Index(page, `value="save"`), strings.Index(page, `value="accept"`), "Enter saves what is ticked")

	cookie := s.choose("action=save&purpose=analytics")
	_, page = s.do("GET", "/privacy/", "", "Cookie", cookie)
	require.Equal(t, []string{
		`<input type="checkbox" name="purpose" value="analytics" checked>`, `<input type="checkbox" name="purpose" value="marketing">`,
		`<input type="checkbox" name="purpose" value="measurement">`,
	}, boxes(page))
	require.Contains(t, page, "Your choice is saved")
	w, _ = s.do("POST", "/privacy/", "x=y")
	require.Equal(t, 405, w.StatusCode)
}

func TestNoticeIsGeneratedFromWhatRuns(t *testing.T) {
	s := newSite(t)
	_, page := s.do("GET", "/privacy/notice", "")
	for _, text := range []string{
		"Shop &lt;&amp;&gt;", "privacy@shop.example", "The Authority", "https://authority.example/complain", "Adverts Inc.", "Adverts are new.",
		"<code>consent</code>", "211 days", "random subject (not in refusals)", "Version 2",
	} {
		require.Contains(t, page, text)
	}
	require.NotContains(t, page, "<no value>")
}

func TestLanguages(t *testing.T) {
	s := newSite(t)
	for accept, want := range map[string]string{
		"": "en", "de": "de", "DE-at": "de", "fr, de;q=0.5, en;q=0.4": "de", "fr": "en", "en;q=0.1, de;q=0.2": "de",
		"de;q=0": "en", "de;q=x, en": "en", "*": "en", ",,;;=": "en", strings.Repeat("fr,", 40) + "de": "en",
	} {
		w, page := s.do("GET", "/privacy/", "", "Accept-Language", accept)
		require.Contains(t, page, `<html lang="`+want+`"`, accept)
		require.Contains(t, w.Header.Values("Vary"), "Accept-Language")
	}
	_, page := s.do("GET", "/", "", "Accept-Language", "de")
	require.Contains(t, page, ">Ablehnen</button>")
	require.Contains(t, page, "analytics auf Deutsch")
}

func TestLanguageWithoutTextsIsAFault(t *testing.T) {
	p := policy()
	p.Languages = []string{"en", "de-AT"}
	keys, err := consent.ParseKeys(consent.GenerateKey())
	require.NoError(t, err)
	for i := range p.Processing {
		for _, text := range []consent.Text{p.Processing[i].Title, p.Processing[i].Text, p.Processing[i].Retention} {
			text["de-AT"], text["nl"] = "x", "x"
		}
	}
	p.Changes = nil
	build := func() error {
		m, err := consent.New(consent.Config{Policy: p, Keys: keys, Ledger: ledger.Memory(), Insecure: true})
		require.NoError(t, err)
		_, err = banner.New(m, banner.Options{})
		return err
	}
	require.NoError(t, build(), "a variety of German is German")
	p.Languages = []string{"en", "nl"}
	require.ErrorContains(t, build(), `banner: language "nl" of the policy has no texts`)
	_, err = banner.New(nil, banner.Options{})
	require.ErrorContains(t, err, "manager: is missing")
}

func TestStyleIsKeptForEver(t *testing.T) {
	s := newSite(t)
	_, page := s.do("GET", "/", "")
	href := regexp.MustCompile(`href="(/privacy/style\.[0-9a-f]{12}\.css)"`).FindStringSubmatch(page)
	require.Len(t, href, 2)
	w, css := s.do("GET", href[1], "")
	require.Equal(t, "text/css; charset=utf-8", w.Header.Get("Content-Type"))
	require.Equal(t, "public, max-age=31536000, immutable", w.Header.Get("Cache-Control"))
	require.Empty(t, w.Header.Get("Vary"))
	require.Contains(t, css, "prefers-color-scheme")
	require.NotContains(t, css, "url(")
}

func TestTheRestAreTheManagersEndpoints(t *testing.T) {
	s := newSite(t)
	w, body := s.do("GET", "/privacy/decision", "")
	require.Equal(t, 200, w.StatusCode)
	require.Contains(t, body, `"source":"default"`)
	w, body = s.do("GET", "/.well-known/gpc.json", "")
	require.Equal(t, 200, w.StatusCode)
	require.Contains(t, body, `"gpc": true`)
	w, body = s.do("GET", "/privacy/manifest.json", "")
	require.Equal(t, 200, w.StatusCode)
	require.Contains(t, body, `"store": "memory"`)
	w, _ = s.do("GET", "/privacy/nothing", "")
	require.Equal(t, 404, w.StatusCode)
}

func FuzzAcceptLanguage(f *testing.F) {
	f.Add("de-AT;q=0.5, en")
	f.Add(";q=,*;q=1.5,-")
	keys, err := consent.ParseKeys(consent.GenerateKey())
	require.NoError(f, err)
	m, err := consent.New(consent.Config{Policy: policy(), Keys: keys, Ledger: ledger.Memory(), Insecure: true})
	require.NoError(f, err)
	pages, err := banner.New(m, banner.Options{})
	require.NoError(f, err)
	f.Fuzz(func(t *testing.T, accept string) {
		r := httptest.NewRequest("GET", "/privacy/", nil)
		r.Header["Accept-Language"] = []string{accept}
		w := httptest.NewRecorder()
		pages.ServeHTTP(w, r)
		if body := w.Body.String(); !strings.Contains(body, `<html lang="en"`) && !strings.Contains(body, `<html lang="de"`) {
			t.Fatalf("%q is answered in neither language", accept)
		}
	})
}
