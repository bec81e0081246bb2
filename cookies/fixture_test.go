package cookies_test

import (
	"io"
	"log"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/candorhttp/candor/consent"
	"github.com/candorhttp/candor/consent/ledger"
	"github.com/candorhttp/candor/cookies"
)

const (
	necessary consent.Purpose = "necessary"
	year                      = 365 * 24 * time.Hour
)

func policy() consent.Policy {
	declare := func(p consent.Purpose, n int, b consent.Basis) consent.Processing {
		t := consent.Text{"en": string(p)}
		return consent.Processing{Purpose: p, Number: n, Basis: b, Title: t, Text: t, Retention: t}
	}
	marketing := declare(consent.Marketing, 4, consent.Consent)
	marketing.Recipients = []string{"Adverts Inc."}
	return consent.Policy{
		Version: 1, Effective: "2026-01-01", Languages: []string{"en"},
		Controller: consent.Controller{Name: "Shop", Address: "1 Road", Email: "privacy@shop.example"},
		Authority:  consent.Authority{Name: "Authority", URL: "https://authority.example"},
		Recipients: []consent.Recipient{{Name: "Adverts Inc.", Country: "DE", Safeguard: "none"}},
		Processing: []consent.Processing{
			declare(necessary, 1, consent.Essential), declare(consent.Preferences, 2, consent.Consent),
			declare(consent.Analytics, 3, consent.Consent), marketing,
		},
	}
}

func spec(name string, p consent.Purpose) cookies.Spec {
	return cookies.Spec{Name: name, Purpose: p, Description: consent.Text{"en": "-"}}
}

func specs() []cookies.Spec {
	ga := spec("_ga", consent.Analytics)
	ga.Lifetime = 395 * 24 * time.Hour
	ga.Variants = []cookies.Variant{{}, {Domain: "example.com"}, {Domain: "www.example.com"}}
	theme := spec("theme", consent.Preferences)
	theme.Lifetime = year
	return []cookies.Spec{spec("sid", necessary), theme, ga, spec("_ga_*", consent.Analytics), spec("fbp", consent.Marketing)}
}

// site is a site with a manager, a gate and pages.
type site struct {
	t       testing.TB
	manager *consent.Manager
	gate    *cookies.Gate
	keys    consent.Keys
	log     *strings.Builder
	server  *httptest.Server
	handler http.Handler
}

type options struct {
	specs  []cookies.Spec
	config func(*cookies.GateConfig)
	http2  bool
}

func newSite(t testing.TB, o options, page http.HandlerFunc) *site {
	t.Helper()
	s := &site{t: t, log: &strings.Builder{}}
	var err error
	s.keys, err = consent.ParseKeys(consent.GenerateKey())
	require.NoError(t, err)
	s.manager, err = consent.New(consent.Config{Policy: policy(), Keys: s.keys, Ledger: ledger.Memory()})
	require.NoError(t, err)
	if o.specs == nil {
		o.specs = specs()
	}
	inventory, err := cookies.NewInventory(policy(), o.specs...)
	require.NoError(t, err)
	cfg := cookies.GateConfig{Inventory: inventory, Consent: s.manager, Logger: slog.New(slog.NewTextHandler(s.log, nil))}
	if o.config != nil {
		o.config(&cfg)
	}
	s.gate, err = cookies.NewGate(cfg)
	require.NoError(t, err)
	mux := http.NewServeMux()
	mux.Handle("/privacy/", s.manager.Handler())
	if page != nil {
		mux.HandleFunc("/", page)
	}
	s.handler = s.manager.Middleware(s.gate.Middleware(mux))
	s.server = httptest.NewUnstartedServer(s.handler)
	s.server.EnableHTTP2 = o.http2
	s.server.Config.ErrorLog = log.New(io.Discard, "", 0)
	s.server.StartTLS()
	t.Cleanup(s.server.Close)
	return s
}

// get requests a page with a Cookie header and returns the answer, body read.
func (s *site) get(path, cookie string) (*http.Response, string) {
	s.t.Helper()
	return s.do("GET", path, cookie, "")
}

func (s *site) do(method, path, cookie, body string) (*http.Response, string) {
	s.t.Helper()
	r, err := http.NewRequest(method, s.server.URL+path, strings.NewReader(body))
	require.NoError(s.t, err)
	if cookie != "" {
		r.Header.Set("Cookie", cookie)
	}
	if body != "" {
		r.Header.Set("Content-Type", "application/json")
	}
	client := *s.server.Client()
	client.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	w, err := client.Do(r)
	require.NoError(s.t, err)
	defer w.Body.Close()
	text, _ := io.ReadAll(w.Body)
	return w, string(text)
}

// choose makes a choice and returns the Cookie pair to send from then on.
func (s *site) choose(cookie string, grants string) string {
	s.t.Helper()
	w, body := s.do("POST", "/privacy/decision", cookie, `{"grants":`+grants+`}`)
	require.Equal(s.t, 200, w.StatusCode, body)
	for _, c := range w.Cookies() {
		if c.Name == "__Host-consent" {
			return c.Name + "=" + c.Value
		}
	}
	s.t.Fatal("no consent cookie")
	return ""
}

// set returns the Set-Cookie lines of an answer.
func set(w *http.Response) []string { return w.Header.Values("Set-Cookie") }

// names returns the names of the lines.
func names(lines []string) (out []string) {
	for _, l := range lines {
		name, _, _ := strings.Cut(l, "=")
		out = append(out, name)
	}
	return out
}

// sets is a page that sets the lines as they are.
func sets(lines ...string) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		for _, l := range lines {
			w.Header().Add("Set-Cookie", l)
		}
	}
}
