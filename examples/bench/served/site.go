package main

import (
	"context"
	"html/template"
	"io"
	"net/http"
	"net/netip"
	"time"

	"github.com/candorhttp/candor/consent"
	"github.com/candorhttp/candor/consent/ledger"
	"github.com/candorhttp/candor/cookies"
	"github.com/candorhttp/candor/iputil"
	"github.com/candorhttp/candor/logging"
)

// site is Candor as a service has it.
type site struct {
	manager *consent.Manager
	gate    *cookies.Gate
	access  *logging.Access
}

func newSite(lines io.Writer) (*site, error) {
	policy := newPolicy()
	keys, err := consent.ParseKeys(consent.GenerateKey())
	if err != nil {
		return nil, err
	}
	visitors, err := iputil.NewResolver(iputil.Proxies{Header: "X-Forwarded-For", Trusted: []netip.Prefix{netip.MustParsePrefix("127.0.0.0/8")}})
	if err != nil {
		return nil, err
	}
	s := &site{}
	if s.manager, err = consent.New(consent.Config{Policy: policy, Keys: keys, Ledger: ledger.Memory(), Visitors: visitors, Insecure: true}); err != nil {
		return nil, err
	}
	const day = 24 * time.Hour
	text := consent.Text{"en": "A cookie."}
	inventory, err := cookies.NewInventory(policy,
		cookies.Spec{Name: "session", Purpose: consent.Authentication, Description: text},
		cookies.Spec{Name: "theme", Purpose: consent.Preferences, Lifetime: 90 * day, Description: text},
		cookies.Spec{Name: "lang", Purpose: consent.Preferences, Lifetime: 90 * day, Description: text},
		cookies.Spec{Name: "visits", Purpose: consent.Analytics, Lifetime: 30 * day, Description: text},
	)
	if err != nil {
		return nil, err
	}
	if s.gate, err = cookies.NewGate(cookies.GateConfig{Inventory: inventory, Consent: s.manager}); err != nil {
		return nil, err
	}
	s.access, err = logging.New(logging.Config{Output: lines, Visitors: visitors, Consent: s.manager, Query: []string{"page"}})
	return s, err
}

func (s *site) close() {
	s.access.Close()
	_ = s.manager.Close(context.Background())
}

func newPolicy() consent.Policy {
	declare := func(p consent.Purpose, n int, b consent.Basis) consent.Processing {
		t := consent.Text{"en": string(p)}
		return consent.Processing{Purpose: p, Number: n, Basis: b, Title: t, Text: t, Retention: t}
	}
	return consent.Policy{
		Version: 1, Effective: "2026-01-01", Languages: []string{"en"},
		Controller: consent.Controller{Name: "Shop", Address: "1 Road", Email: "privacy@shop.example"},
		Authority:  consent.Authority{Name: "Authority", URL: "https://authority.example"},
		Processing: []consent.Processing{
			declare(consent.Authentication, 1, consent.Essential), declare(consent.Preferences, 2, consent.Consent),
			declare(consent.Analytics, 3, consent.Consent),
		},
	}
}

const setLine = "visits=8; Path=/; Max-Age=2592000; HttpOnly; Secure; SameSite=Lax"

// personal is what both pages do of the visitor: ask for consent, set a cookie.
func personal(w http.ResponseWriter, r *http.Request) bool {
	yes := consent.Allowed(r.Context(), consent.Analytics)
	w.Header()["Set-Cookie"] = []string{setLine}
	return yes
}

func hello(w http.ResponseWriter, r *http.Request) {
	personal(w, r)
	_, _ = io.WriteString(w, "<!doctype html><title>Teapots</title><p>Short and stout.\n")
}

// pot is a row of the rendered page.
type pot struct {
	Name, Text string
	Price      float64
	InStock    bool
}

var shelf = func() (all []pot) {
	for i := range 30 {
		all = append(all, pot{"Teapot & cosy", "Short, stout and <warm>", 9.99 + float64(i), i%3 > 0})
	}
	return all
}()

var shop = template.Must(template.New("shop").Parse(`<!doctype html><title>Teapots</title><h1>Teapots</h1>
{{if .Known}}<p>Welcome back.</p>{{end}}<ul>
{{range .Pots}}<li><a href="/pots/{{.Name}}">{{.Name}}</a> <em>{{.Text}}</em> {{printf "%.2f" .Price}} {{if .InStock}}in stock{{else}}soon{{end}}</li>
{{end}}</ul>
`))

func rendered(w http.ResponseWriter, r *http.Request) {
	known := personal(w, r)
	w.Header()["Content-Type"] = []string{"text/html; charset=utf-8"}
	_ = shop.Execute(w, struct {
		Known bool
		Pots  []pot
	}{known, shelf})
}
