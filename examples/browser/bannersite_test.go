package browser_test

import (
	"fmt"
	"html/template"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/candorhttp/candor/consent"
	"github.com/candorhttp/candor/consent/banner"
	"github.com/candorhttp/candor/consent/ledger"
	"github.com/candorhttp/candor/cookies"
	"github.com/candorhttp/candor/logging"
)

// strictPolicy is what a host sends that allows no more than it needs.
const strictPolicy = "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; form-action 'self'; base-uri 'none'; " +
	"frame-ancestors 'none'; require-trusted-types-for 'script'; trusted-types 'none'"

// noncePolicy is what a host sends that trusts marked elements alone.
const noncePolicy = "default-src 'none'; script-src 'nonce-n0nce' 'strict-dynamic'; style-src 'nonce-n0nce'; connect-src 'self'; form-action 'self'; base-uri 'none'; " +
	"require-trusted-types-for 'script'; trusted-types 'none'"

// hostPages are pages of a host's, each with a banner of another kind.
const hostPages = `{{define "page"}}<!doctype html>
<html lang="{{.Language}}"{{if eq .Language "ar"}} dir="rtl"{{end}}>
<head><meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1">
<title>Teapots</title><link rel="stylesheet" href="/host.css" nonce="n0nce">
{{if .Cached}}{{consentScript}}{{end}}</head>
<body>
{{if not .Cached}}{{consentBanner}}{{end}}
<header><a href="/">Teapots</a> <a href="/other">Other</a> <a href="/cached">Cached</a></header>
<main><h1>Teapots</h1>
{{range .Rows}}<p>Number {{.}} pours well, keeps warm and does not drip; <a href="/pot/{{.}}">look at it</a> or <button type="button">remember {{.}}</button>.</p>
{{end}}</main>
<footer>{{if .Cached}}<p>The end.</p>{{else}}{{consentChange}}{{end}}</footer>
<script type="text/plain" data-consent="analytics" src="/ran.js?1"{{.Mark}}></script>
<script type="text/plain" data-consent="analytics" src="/ran.js?2"{{.Mark}}></script>
<script type="text/plain" data-consent="analytics" data-type="module" src="/ran.js?module"{{.Mark}}></script>
<script type="text/plain" data-consent="analytics marketing" src="/ran.js?both"{{.Mark}}></script>
<script type="text/plain" data-consent="measurement" src="/ran.js?objection"{{.Mark}}></script>
<script type="text/plain" data-consent="analytics" src="/ran.js?unmarked"></script>
<script type="text/plain" data-consent="analytics"{{.Mark}}>document.documentElement.dataset.inline = 'ran'</script>
<script type="text/plain" data-consent="nothing" src="/ran.js?never"{{.Mark}}></script>
</body></html>{{end}}`

const hostCSS = `:root{color-scheme:light dark}
body{margin:0;font:1rem/1.6 system-ui,sans-serif;color:light-dark(#222,#eee);background:light-dark(#fbfaf7,#1b1a18)}
header,main,footer{max-width:60rem;margin:0 auto;padding:1rem}
header a{display:inline-block;padding:.25rem .5rem}
main a{color:light-dark(#7a4b2a,#e2b38d)}
button{font:inherit}`

// bannerSite is a host of every language with everything of the banner's in it.
type bannerSite struct {
	*httptest.Server
	mu     sync.Mutex
	asked  []string // paths and queries requested, in order
	policy string   // Content-Security-Policy of the host's own pages
}

// requests returns what was asked for since the last time.
func (s *bannerSite) requests() []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	out := s.asked
	s.asked = nil
	return out
}

func newBannerSite(t *testing.T, change ...func(*consent.Config, *banner.Options)) *bannerSite {
	t.Helper()
	const day = 24 * time.Hour
	policy := bannerPolicy()
	keys, err := consent.ParseKeys(consent.GenerateKey())
	require.NoError(t, err)
	records := ledger.Memory()
	cfg := consent.Config{Policy: policy, Keys: keys, Ledger: records, Insecure: true}
	options := banner.Options{}
	for _, c := range change {
		c(&cfg, &options)
	}
	manager, err := consent.New(cfg)
	require.NoError(t, err)
	inventory, err := cookies.NewInventory(cfg.Policy,
		cookies.Spec{Name: "session", Purpose: consent.Authentication, Description: say(5, 0)},
		cookies.Spec{Name: "theme", Purpose: consent.Preferences, Lifetime: 180 * day, Description: say(5, 1)},
		cookies.Spec{Name: "visits", Purpose: consent.Analytics, Lifetime: 395 * day, Description: say(5, 2), Provider: "Example Hosting GmbH", Recipient: "Example Hosting GmbH"},
		cookies.Spec{Name: "ad_*", Purpose: consent.Marketing, Lifetime: 90 * day, Description: say(5, 3), Provider: "Example Adverts Inc.", Recipient: "Example Adverts Inc."},
		cookies.Spec{Name: "NEL", Field: true, Purpose: "measurement", Description: say(4, 1)},
	)
	require.NoError(t, err)
	gate, err := cookies.NewGate(cookies.GateConfig{Inventory: inventory, Consent: manager, Insecure: true})
	require.NoError(t, err)
	access, err := logging.New(logging.Config{Output: io.Discard, Consent: manager})
	require.NoError(t, err)
	t.Cleanup(access.Close)
	options.Parts = []consent.Describer{inventory, access, records}
	pages, err := banner.New(manager, options)
	require.NoError(t, err)

	site := &bannerSite{policy: strictPolicy}
	host := template.Must(template.New("").Funcs(pages.Funcs(nil)).Parse(hostPages))
	page := func(w http.ResponseWriter, r *http.Request, cached bool, rows int) {
		h := w.Header()
		h.Set("Content-Type", "text/html; charset=utf-8")
		site.mu.Lock()
		h.Set("Content-Security-Policy", site.policy)
		site.mu.Unlock()
		data := struct {
			Language string
			Cached   bool
			Rows     []int
			Mark     template.HTMLAttr
		}{"en", cached, make([]int, rows), ` nonce="n0nce"`}
		for i := range data.Rows {
			data.Rows[i] = i + 1
		}
		if l := r.URL.Query().Get("language"); l != "" {
			data.Language = l
		}
		if cached {
			h.Set("Cache-Control", "public, max-age=600")
			r = nil
		}
		bound := template.Must(host.Clone()).Funcs(pages.Funcs(r))
		require.NoError(t, bound.ExecuteTemplate(w, "page", data))
	}
	mux := http.NewServeMux()
	mux.Handle("/privacy/", pages)
	mux.HandleFunc("/{$}", func(w http.ResponseWriter, r *http.Request) {
		http.SetCookie(w, &http.Cookie{Name: "visits", Value: "1", MaxAge: 86400})
		page(w, r, false, 12)
	})
	mux.HandleFunc("/other", func(w http.ResponseWriter, r *http.Request) { page(w, r, false, 1) })
	mux.HandleFunc("/cached", func(w http.ResponseWriter, r *http.Request) { page(w, r, true, 12) })
	mux.HandleFunc("/compared", func(w http.ResponseWriter, r *http.Request) {
		http.SetCookie(w, &http.Cookie{Name: "visits", Value: "1", MaxAge: 86400})
		banner, change := "", ""
		if r.URL.RawQuery != "plain" {
			banner, change = string(pages.Fragment(r)), string(pages.Change(r))
		}
		w.Header().Set("Content-Type", "text/html; charset=utf-8")
		w.Header().Set("Content-Encoding", "gzip")
		_, _ = w.Write(gzipped(strings.Replace(plainPage("", change), "<body>", "<body>"+banner, 1)))
	})
	mux.HandleFunc("/host.css", func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "text/css")
		fmt.Fprint(w, hostCSS)
	})
	mux.HandleFunc("/ran.js", func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "text/javascript")
		fmt.Fprintf(w, "document.documentElement.dataset.ran = (document.documentElement.dataset.ran || '') + ' %s'", template.JSEscapeString(r.URL.RawQuery))
	})
	chain := manager.Middleware(gate.Middleware(mux))
	site.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		site.mu.Lock()
		site.asked = append(site.asked, r.Method+" "+r.URL.RequestURI())
		site.mu.Unlock()
		chain.ServeHTTP(w, r)
	}))
	t.Cleanup(site.Close)
	return site
}

// nonced makes the banner carry the nonce of noncePolicy.
func nonced(_ *consent.Config, o *banner.Options) {
	o.Nonce = func(*http.Request) string { return "n0nce" }
}
