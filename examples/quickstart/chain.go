package main

import (
	"context"
	_ "embed"
	"errors"
	"io"
	"log/slog"
	"net/http"
	"time"

	"github.com/candorhttp/candor/consent"
	"github.com/candorhttp/candor/consent/analytics"
	"github.com/candorhttp/candor/consent/banner"
	"github.com/candorhttp/candor/consent/experiment"
	"github.com/candorhttp/candor/cookies"
	"github.com/candorhttp/candor/iputil"
	"github.com/candorhttp/candor/logging"
)

//go:embed policy.json
var policyJSON []byte

// site is the shop and everything around it.
type site struct {
	manager *consent.Manager
	gate    *cookies.Gate
	access  *logging.Access
	events  *analytics.Pipeline
	records records
	goods   *experiment.Experiment
	counts  *analytics.Counters
	inner   http.Handler // the shop's router and the privacy pages
}

// newSite builds the site. Log lines go to out, events to the sinks, what
// operators should know to logger.
func newSite(keys consent.Keys, visitors *iputil.Resolver, records records, out io.Writer, logger *slog.Logger, sinks ...analytics.Sink) (*site, error) {
	policy, err := consent.ParsePolicy(policyJSON)
	if err != nil {
		return nil, err
	}
	manager, err := consent.New(consent.Config{
		Policy: policy, Keys: keys, Ledger: records, Visitors: visitors, Logger: logger,
		Insecure: true, // the sample is opened on plain http
	})
	if err != nil {
		return nil, err
	}
	inventory, err := cookies.NewInventory(policy, inventory()...)
	if err != nil {
		return nil, err
	}
	gate, err := cookies.NewGate(cookies.GateConfig{Inventory: inventory, Consent: manager, Logger: logger, Insecure: true})
	if err != nil {
		return nil, err
	}
	routes := http.NewServeMux()
	access, err := logging.New(logging.Config{Output: out, Visitors: visitors, Consent: manager, Query: []string{"page"}, Mux: routes})
	if err != nil {
		return nil, err
	}
	session, errSession := cookies.NewSealed[session](gate, keys, "session")
	lastLogin, errLast := cookies.NewSealed[string](gate, keys, "last_login")
	if err := errors.Join(errSession, errLast); err != nil {
		return nil, err
	}
	counts, err := newCounters()
	if err != nil {
		return nil, err
	}
	goods, err := newGoodsTrial(gate, keys, counts)
	if err != nil {
		return nil, err
	}
	events, err := newEvents(manager, keys, routes, counts, logger, sinks)
	if err != nil {
		return nil, err
	}
	pages, err := banner.New(manager, banner.Options{Parts: []consent.Describer{inventory, gate, access, records, goods, events, counts}})
	if err != nil {
		return nil, err
	}
	stats, err := newStats(counts, goods, session)
	if err != nil {
		return nil, err
	}
	shop, err := newShop(pages, session, lastLogin, goods, events)
	if err != nil {
		return nil, err
	}
	shop.serve(routes)
	mux := http.NewServeMux()
	mux.Handle("/privacy/", pages)
	mux.Handle(events.Prefix(), events.Handler())
	mux.Handle("/privacy/stats", manager.PrivacyPage(stats))
	mux.Handle("/privacy/stats.json", manager.PrivacyPage(stats))
	mux.Handle("/.well-known/gpc.json", pages)
	mux.Handle("/", http.NewCrossOriginProtection().Handler(routes))
	return &site{manager: manager, gate: gate, access: access, events: events, records: records, goods: goods, counts: counts, inner: mux}, nil
}

// layers are the middlewares, outermost first. Every order works the same.
func (s *site) layers() []func(http.Handler) http.Handler {
	return []func(http.Handler) http.Handler{s.access.Middleware, s.manager.Middleware, s.gate.Middleware, s.events.Middleware}
}

// wrap puts the layers around a handler, the first outermost.
func wrap(h http.Handler, layers ...func(http.Handler) http.Handler) http.Handler {
	for i := len(layers) - 1; i >= 0; i-- {
		h = layers[i](h)
	}
	return h
}

// close ends what the site holds.
func (s *site) close(ctx context.Context) error {
	err := s.events.Shutdown(ctx)
	s.access.Close()
	return errors.Join(err, s.manager.Close(ctx))
}

// inventory declares every cookie that the shop may set. "rogue" is not here.
func inventory() []cookies.Spec {
	const day = 24 * time.Hour
	return []cookies.Spec{
		{
			Name: "session", Purpose: consent.Authentication,
			Description: consent.Text{"en": "Says who is signed in.", "de": "Sagt, wer angemeldet ist."},
		},
		{
			Name: "theme", Purpose: consent.Preferences, Lifetime: 180 * day,
			Description: consent.Text{"en": "Light or dark.", "de": "Hell oder dunkel."},
		},
		{
			Name: "last_login", Purpose: consent.LoginMemory, Lifetime: 90 * day,
			Description: consent.Text{"en": "Your e-mail address, sealed.", "de": "Ihre E-Mail-Adresse, verschlüsselt."},
		},
		{
			Name: "visits", Purpose: consent.Analytics, Lifetime: 30 * day,
			Description: consent.Text{"en": "How often you were here.", "de": "Wie oft Sie hier waren."},
		},
		{
			Name: "exp_*", Purpose: consent.Experiments, Lifetime: 30 * day,
			Description: consent.Text{"en": "Which page you were shown in a test, sealed.", "de": "Welche Seite Sie in einem Versuch sahen, verschlüsselt."},
		},
	}
}
