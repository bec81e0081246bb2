package banner_test

import (
	"encoding/json"
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

func TestPreferencesPage(t *testing.T) {
	s := newSite(t)
	w, page := s.do("GET", "/privacy/", "")
	require.Equal(t, "no-store", w.Header.Get("Cache-Control"))
	require.Equal(t, "no-referrer", w.Header.Get("Referrer-Policy"))
	require.Equal(t, "nosniff", w.Header.Get("X-Content-Type-Options"))
	require.Equal(t, "default-src 'none'; style-src 'self'; script-src 'self'; connect-src 'self'; form-action 'self'; frame-ancestors 'none'; base-uri 'none'; "+
		"require-trusted-types-for 'script'; trusted-types 'none'", w.Header.Get("Content-Security-Policy"))
	boxes := func(page string) []string {
		return regexp.MustCompile(`<input type="checkbox"[^>]*>`).FindAllString(page, -1)
	}
	require.Equal(t, []string{
		`<input type="checkbox" name="purpose" value="analytics">`, `<input type="checkbox" name="purpose" value="marketing">`,
		`<input type="checkbox" name="purpose" value="measurement" checked>`,
	}, boxes(page), "nothing that needs a yes is ticked in advance")
	require.Contains(t, page, "<dd><bdi>Adverts Inc.</bdi> · United States · certified under the EU-US Data Privacy Framework</dd>")
	require.Contains(t, page, "You have not chosen yet")
	require.Less(t, strings.Index(page, `value="save"`), strings.Index(page, `value="accept"`), "Enter saves what is ticked")

	cookie := s.choose("action=save&purpose=analytics")
	_, page = s.do("GET", "/privacy/", "", "Cookie", cookie)
	require.Equal(t, []string{
		`<input type="checkbox" name="purpose" value="analytics" checked>`, `<input type="checkbox" name="purpose" value="marketing">`,
		`<input type="checkbox" name="purpose" value="measurement">`,
	}, boxes(page))
	require.Contains(t, page, "Your choice is saved")
	for _, path := range []string{"/privacy/", "/privacy/notice", "/privacy/parts", "/privacy/candor.js"} {
		w, _ = s.do("POST", path, "x=y")
		require.Equal(t, 405, w.StatusCode, path)
		require.Equal(t, "GET, HEAD", w.Header.Get("Allow"), path)
	}
}

// Whatever a form is told to lead back to, it stays on the site.
func TestReturnPathsStayOnTheSite(t *testing.T) {
	s := newSite(t)
	for given, want := range map[string]string{
		"/shop?a=b": "/shop?a=b", "//evil.example": "/", `/\evil.example`: "/", "https://evil.example/": "/",
		"javascript:alert(1)": "/", "/a\tb": "/", "": "/",
	} {
		w, _ := s.do("POST", "/privacy/decision", "action=refuse&return="+strings.NewReplacer("\\", "%5C", "\t", "%09", "?", "%3F", "=", "%3D").Replace(given))
		require.Equal(t, 303, w.StatusCode)
		require.Equal(t, want, w.Header.Get("Location"), given)
	}
	_, page := s.do("GET", `/"><script>alert(1)</script>`, "")
	require.NotContains(t, page, "<script>alert")
}

// Texts of a policy are text, wherever they stand.
func TestHostileTextsStayText(t *testing.T) {
	const hostile = `"><script>alert(1)</script><img src=x onerror=alert(2)>'{{.}}`
	s := newSite(t, func(c *consent.Config, o *banner.Options) {
		for i := range c.Policy.Processing {
			text := consent.Text{"en": hostile, "de": hostile}
			p := &c.Policy.Processing[i]
			p.Title, p.Text, p.Retention = text, text, text
		}
		c.Policy.Controller.Name, c.Policy.Controller.Address, c.Policy.Authority.Name = hostile, hostile, hostile
		c.Policy.Recipients[0].Name, c.Policy.Processing[2].Recipients = hostile, []string{hostile}
		c.Policy.Changes[0].Summary = consent.Text{"en": hostile, "de": hostile}
		o.Texts = map[string]map[string]string{"en": {"accept": hostile, "saved": hostile, "change": hostile}}
	})
	for _, path := range []string{"/", "/privacy/", "/privacy/notice", "/privacy/parts"} {
		_, page := s.do("GET", path, "")
		require.NotContains(t, page, "<script>", path)
		require.NotContains(t, page, "<img", path)
		require.Contains(t, page, "&lt;img", path)
	}
}

func TestNoticeIsGeneratedFromWhatRuns(t *testing.T) {
	s := newSite(t)
	_, page := s.do("GET", "/privacy/notice", "")
	for _, text := range []string{
		"Shop &lt;&amp;&gt;", "1 Road", `href="mailto:privacy@shop.example"`, `<a href="https://authority.example/complain" rel="noreferrer"><bdi>The Authority</bdi></a>`,
		"Adverts Inc.", "Adverts are new.", "<code>consent</code>", "211 days", "until the process ends",
		`<time datetime="2026-10-01">Version 2, in force since 1 October 2026.</time>`,
	} {
		require.Contains(t, page, text)
	}
	require.NotContains(t, page, "<no value>")
	_, page = s.do("GET", "/privacy/notice", "", "Accept-Language", "de")
	require.Contains(t, page, "Fassung 2, gültig seit 1. Oktober 2026.")
	require.Contains(t, page, `<dd lang="en" dir="ltr">until the process ends</dd>`, "what a part says in English is marked as English")
}

func TestNoticeAsJSON(t *testing.T) {
	s := newSite(t)
	w, body := s.do("GET", "/privacy/notice", "", "Accept", "application/json", "Cookie", s.choose("action=refuse"))
	require.Equal(t, "application/json", w.Header.Get("Content-Type"))
	require.Equal(t, "no-store", w.Header.Get("Cache-Control"))
	require.Contains(t, w.Header.Values("Vary"), "Accept")
	var notice struct {
		consent.Manifest
		Decision json.RawMessage `json:"decision"`
	}
	require.NoError(t, json.Unmarshal([]byte(body), &notice))
	require.Equal(t, 2, notice.Policy.Version)
	require.Len(t, notice.Purposes, 4)
	require.Contains(t, body, `"decision_since": 2`)
	require.JSONEq(t, `{"policy":2,"source":"stored","purposes":{"analytics":"denied","marketing":"denied","measurement":"denied"}}`, string(notice.Decision))
	w, _ = s.do("GET", "/privacy/notice", "", "Accept", "text/html, application/json;q=0.5")
	require.Equal(t, "text/html; charset=utf-8", w.Header.Get("Content-Type"))
	w, _ = s.do("POST", "/privacy/notice", "x=y", "Accept", "application/json")
	require.Equal(t, 405, w.StatusCode)
}

// A page that does not ask stays cacheable, and its parts are the same for all.
func TestPagesCachedForEverybody(t *testing.T) {
	s := newSite(t)
	w, page := s.do("GET", "/cached", "")
	require.Equal(t, "public, max-age=60", w.Header.Get("Cache-Control"))
	require.Empty(t, w.Header.Values("Vary"))
	require.Regexp(t, `^page false /privacy/ <script src="/privacy/candor\.[0-9a-f]{12}\.js" defer></script>`, page)

	w, parts := s.do("GET", "/privacy/parts?language=de-AT", "", "Cookie", s.choose("action=accept"))
	require.Equal(t, "private, max-age=3600", w.Header.Get("Cache-Control"))
	require.Equal(t, "Accept-Language, Sec-GPC", w.Header.Get("Vary"))
	require.Contains(t, parts, `<html class="candor-root" lang="de"`)
	require.Contains(t, parts, "candor-banner")
	require.Contains(t, parts, "candor-change")
	require.NotContains(t, parts, "data-state")
	_, again := s.do("GET", "/privacy/parts?language=DE", "")
	require.Equal(t, parts, again, "whoever asks")
	_, other := s.do("GET", "/privacy/parts?language=xx", "")
	require.Contains(t, other, `lang="en"`)
}

func TestNonceOfTheHost(t *testing.T) {
	s := newSite(t, func(_ *consent.Config, o *banner.Options) {
		o.Nonce = func(*http.Request) string { return "n0nce" }
	})
	_, page := s.do("GET", "/", "")
	require.Regexp(t, `<link rel="stylesheet" href="[^"]+" nonce="n0nce">`, page)
	require.Regexp(t, `<script src="[^"]+" defer data-state="[^"]+" nonce="n0nce">`, page)
	_, page = s.do("GET", "/privacy/", "")
	require.NotContains(t, page, "n0nce", "pages of its own have a policy of their own")
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
	for _, endpoint := range []string{"POST /privacy/erase", "GET /privacy/", "GET /privacy/notice", "GET /privacy/candor.js"} {
		require.Equal(t, 1, strings.Count(body, `"`+endpoint+`"`), endpoint)
	}
	w, _ = s.do("GET", "/privacy/nothing", "")
	require.Equal(t, 404, w.StatusCode)
}

// What is made is counted, and so is what a template of the host's breaks.
func TestStats(t *testing.T) {
	s := newSite(t, func(_ *consent.Config, o *banner.Options) {
		o.Templates = `{{define "change"}}{{if eq .Return "/breaks"}}{{index .Changes 99}}{{end}}{{end}}`
	})
	s.do("GET", "/", "")
	s.do("GET", "/", "", "Cookie", s.choose("action=refuse"))
	require.Equal(t, banner.Stats{Banners: 1}, s.pages.Stats())
	w, page := s.do("GET", "/breaks", "")
	require.Equal(t, 200, w.StatusCode)
	require.Contains(t, page, "candor-banner")
	require.Equal(t, banner.Stats{Banners: 2, Failed: 1}, s.pages.Stats())
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
		if body := w.Body.String(); !strings.Contains(body, `lang="en" dir="ltr">`) && !strings.Contains(body, `lang="de" dir="ltr">`) {
			t.Fatalf("%q is answered in neither language", accept)
		}
	})
}
