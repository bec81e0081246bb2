package banner_test

import (
	"html/template"
	"io"
	"net/http"
	"net/http/httptest"
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
	pages *banner.Pages
}

// newSite is a page with everything on it around the privacy pages.
func newSite(t *testing.T, change ...func(*consent.Config, *banner.Options)) site {
	t.Helper()
	keys, err := consent.ParseKeys(consent.GenerateKey())
	require.NoError(t, err)
	records := ledger.Memory()
	cfg := consent.Config{Policy: policy(), Keys: keys, Ledger: records, Insecure: true}
	options := banner.Options{Parts: []consent.Describer{records}}
	for _, c := range change {
		c(&cfg, &options)
	}
	m, err := consent.New(cfg)
	require.NoError(t, err)
	pages, err := banner.New(m, options)
	require.NoError(t, err)
	mux := http.NewServeMux()
	mux.Handle("/privacy/", pages)
	mux.Handle("/.well-known/gpc.json", pages)
	tmpl := template.Must(template.New("").Funcs(pages.Funcs(nil)).Parse(`page {{consentAllowed "analytics"}} {{consentLink}} {{consentBanner}} {{consentChange}}`))
	mux.HandleFunc("/", func(w http.ResponseWriter, r *http.Request) {
		require.NoError(t, template.Must(tmpl.Clone()).Funcs(pages.Funcs(r)).Execute(w, nil))
	})
	mux.HandleFunc("/cached", func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Cache-Control", "public, max-age=60")
		require.NoError(t, template.Must(tmpl.Clone()).Execute(w, nil))
	})
	s := httptest.NewServer(m.Middleware(mux))
	t.Cleanup(s.Close)
	return site{t, s, pages}
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
