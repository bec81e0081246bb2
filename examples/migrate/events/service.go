// Package events is the last step: the home-made statistics receive events that were
// declared and agreed to, and no address, path or identifier of a browser any more.
package events

import (
	"io"
	"net/http"

	"github.com/go-chi/chi/v5"
	"github.com/go-chi/chi/v5/middleware"

	"github.com/candorhttp/candor/consent"
	"github.com/candorhttp/candor/consent/analytics"
	"github.com/candorhttp/candor/consent/banner"
	"github.com/candorhttp/candor/consent/ledger"
	"github.com/candorhttp/candor/cookies"
	"github.com/candorhttp/candor/examples/migrate/roastery"
	"github.com/candorhttp/candor/logging"
)

// Service is the handler, and the pipeline to shut down when the server has ended.
type Service struct {
	http.Handler
	Events *analytics.Pipeline
}

// New returns the service. It logs to out.
func New(secret []byte, keys consent.Keys, out io.Writer, collect roastery.Collector) (*Service, error) {
	policy, err := consent.ParsePolicy(roastery.PolicyJSON)
	if err != nil {
		return nil, err
	}
	records := ledger.Memory()
	manager, err := consent.New(consent.Config{Policy: policy, Keys: keys, Ledger: records, Insecure: true})
	if err != nil {
		return nil, err
	}
	inventory, err := cookies.NewInventory(policy, inventory()...)
	if err != nil {
		return nil, err
	}
	gate, err := cookies.NewGate(cookies.GateConfig{Inventory: inventory, Consent: manager, Insecure: true})
	if err != nil {
		return nil, err
	}
	access, err := logging.New(logging.Config{Output: out, Consent: manager})
	if err != nil {
		return nil, err
	}
	pipeline, err := analytics.New(analytics.Config{
		Consent: manager, Sinks: []analytics.Sink{statistics{collect}},
		Events: []analytics.Spec{analytics.PageViews("statistics")},
	})
	if err != nil {
		return nil, err
	}
	pages, err := banner.New(manager, banner.Options{Parts: []consent.Describer{inventory, access, records, pipeline}})
	if err != nil {
		return nil, err
	}
	lastLogin, err := cookies.NewSealed[string](gate, keys, "last_login")
	if err != nil {
		return nil, err
	}

	shop := &roastery.Shop{
		Sessions: roastery.Sessions(secret),
		Track:    func(http.ResponseWriter, *http.Request) {}, // the pipeline sees page views by itself
		Remember: func(w http.ResponseWriter, r *http.Request, email string) {
			_ = lastLogin.Set(w, r, email) // without consent nothing is remembered
		},
		Remembered: func(r *http.Request) string {
			email, _ := lastLogin.Get(r) // one in clear, of the days before, is not read
			return email
		},
		Banner: pages.Fragment,
	}
	router := chi.NewRouter()
	router.Use(logging.RouteFrom(func(r *http.Request) string { return chi.RouteContext(r.Context()).RoutePattern() }))
	router.Use(middleware.Recoverer)
	shop.Routes(router)
	router.Mount("/privacy/", pages)
	router.Mount("/.well-known/gpc.json", pages)
	return &Service{access.Middleware(manager.Middleware(gate.Middleware(pipeline.Middleware(router)))), pipeline}, nil
}
