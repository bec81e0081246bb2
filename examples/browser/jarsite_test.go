package browser_test

import (
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/chromedp/chromedp"
	"github.com/stretchr/testify/require"

	"github.com/candorhttp/candor/consent"
	"github.com/candorhttp/candor/consent/banner"
	"github.com/candorhttp/candor/consent/ledger"
	"github.com/candorhttp/candor/cookies"
)

// The hosts of the sites; the browser is told that they are here.
const (
	shopHost   = "www.shop.example"
	widgetHost = "widget.example"
)

const day = 24 * time.Hour

// inventory declares one cookie of each sort that browsers treat differently.
func inventory() []cookies.Spec {
	text := consent.Text{"en": "-"}
	return []cookies.Spec{
		{Name: "__Host-session", Purpose: consent.Authentication, Description: text},
		{Name: "__Host-seat", Purpose: consent.Authentication, Description: text, Partitioned: true, SameSite: http.SameSiteNoneMode},
		{Name: "xsrf", Purpose: consent.Authentication, Description: text, ScriptReadable: true, SameSite: http.SameSiteStrictMode},
		{Name: "__Host-last", Purpose: consent.Preferences, Description: text, Lifetime: 90 * day, SameSite: http.SameSiteStrictMode},
		{
			Name: "__Secure-theme", Purpose: consent.Preferences, Description: text, Lifetime: 180 * day,
			Variants: []cookies.Variant{{Domain: "shop.example"}},
		},
		{
			Name: "_ga", Purpose: consent.Analytics, Description: text, Lifetime: 395 * day,
			Variants: []cookies.Variant{{}, {Path: "/shop"}, {Domain: "shop.example"}, {Domain: "www.shop.example", Path: "/shop"}},
		},
		{Name: "_ga_*", Purpose: consent.Analytics, Description: text, Lifetime: 30 * day},
		{Name: "__Host-chips", Purpose: consent.Analytics, Description: text, Lifetime: 30 * day, Partitioned: true, SameSite: http.SameSiteNoneMode},
		{Name: "short", Purpose: consent.Analytics, Description: text, Lifetime: shortLife},
	}
}

// shortLife is long enough to be seen and short enough to be waited for.
const shortLife = 10 * time.Second

// shop is a site over https that sets its whole inventory with every page, and
// more.
type shop struct {
	*httptest.Server
	port string
	// ahead moves the site's clock; the browser has its own.
	ahead atomic.Int64
}

func newShop(t *testing.T) *shop {
	t.Helper()
	s := &shop{}
	now := func() time.Time { return time.Now().Add(time.Duration(s.ahead.Load())) }
	text := consent.Text{"en": "-"}
	policy := consent.Policy{
		Version: 1, Effective: "2026-01-01", Languages: []string{"en"},
		Controller: consent.Controller{Name: "Shop", Address: "1 Road", Email: "privacy@shop.example"},
		Authority:  consent.Authority{Name: "Authority", URL: "https://authority.example"},
	}
	for i, p := range []consent.Purpose{consent.Authentication, consent.Preferences, consent.Analytics} {
		basis := consent.Consent
		if i == 0 {
			basis = consent.Essential
		}
		policy.Processing = append(policy.Processing, consent.Processing{Purpose: p, Number: i + 1, Basis: basis, Title: text, Text: text, Retention: text})
	}
	keys, err := consent.ParseKeys(consent.GenerateKey())
	require.NoError(t, err)
	manager, err := consent.New(consent.Config{Policy: policy, Keys: keys, Ledger: ledger.Memory(), Now: now})
	require.NoError(t, err)
	declared, err := cookies.NewInventory(policy, inventory()...)
	require.NoError(t, err)
	gate, err := cookies.NewGate(cookies.GateConfig{Inventory: declared, Consent: manager, Now: now})
	require.NoError(t, err)
	pages, err := banner.New(manager, banner.Options{Parts: []consent.Describer{declared}})
	require.NoError(t, err)
	mux := http.NewServeMux()
	mux.Handle("/privacy/", pages)
	mux.HandleFunc("/{$}", func(w http.ResponseWriter, r *http.Request) { s.page(w, r, pages) })
	mux.HandleFunc("/frame", s.frame)
	s.Server = httptest.NewUnstartedServer(manager.Middleware(gate.Middleware(mux)))
	s.Config.ErrorLog = log.New(io.Discard, "", 0)
	s.StartTLS()
	_, s.port, err = net.SplitHostPort(s.Listener.Addr().String())
	require.NoError(t, err)
	t.Cleanup(func() {
		s.Close()
		require.NoError(t, manager.Close(t.Context()))
	})
	return s
}

func (s *shop) url(host, path string) string { return "https://" + host + ":" + s.port + path }

// setAll sets everything for two years and as carelessly as can be; what the
// attributes must be is the gate's to see to.
func setAll(w http.ResponseWriter) {
	for _, spec := range inventory() {
		variants := spec.Variants
		if len(variants) == 0 {
			variants = []cookies.Variant{{}}
		}
		for _, v := range variants {
			c := http.Cookie{Name: strings.ReplaceAll(spec.Name, "*", "X"), Value: "1", Path: v.Path, Domain: v.Domain}
			if c.Path == "" {
				c.Path = "/"
			}
			if spec.Lifetime > 0 {
				c.MaxAge = int(2 * 365 * day / time.Second)
			}
			if spec.SameSite == http.SameSiteNoneMode {
				c.SameSite = http.SameSiteNoneMode // which the gate does not choose for a handler
			}
			w.Header().Add("Set-Cookie", c.String())
		}
	}
	w.Header().Add("Set-Cookie", "rogue=1; Path=/; Max-Age=1000000")
}

// page shows which cookies the handler was shown, the banner, and a frame of
// another site if one is asked for.
func (s *shop) page(w http.ResponseWriter, r *http.Request, pages *banner.Pages) {
	setAll(w)
	names := []string{}
	for _, c := range r.Cookies() {
		names = append(names, c.Name)
	}
	slices.Sort(names)
	body := `<output id="seen">` + strings.Join(slices.Compact(names), " ") + `</output>` + string(pages.Fragment(r))
	if r.URL.Query().Has("frame") {
		body = `<script>addEventListener("message", e => document.title = e.data)</script><iframe src="` + s.url(widgetHost, "/frame") + `"></iframe>`
	}
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	_, _ = fmt.Fprint(w, `<!doctype html><html lang="en"><title>shop</title>`+body)
}

// frame is a page that others embed. It says yes to everything by itself, which
// no page should do, and tells the page around it what became of that.
func (s *shop) frame(w http.ResponseWriter, _ *http.Request) {
	setAll(w)
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	_, _ = fmt.Fprint(w, `<!doctype html><html lang="en"><title>widget</title><script>
fetch("/privacy/decision", {method: "POST", headers: {"Content-Type": "application/json"}, body: '{"grants":{"analytics":true}}'})
  .then(first => fetch("/frame").then(again => parent.postMessage("answered " + first.status + " " + again.status, "*")))
</script>`)
}

// visitorOf is a browser that finds the sites' hosts here and takes their
// certificate.
func visitorOf(t *testing.T) browser {
	t.Helper()
	return chromium(t, chromedp.Flag("ignore-certificate-errors", true), chromedp.Flag("host-resolver-rules", "MAP *.example 127.0.0.1"))
}
