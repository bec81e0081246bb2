// Package enforce is the second step: the inventory, begun from the survey of the
// first, with purposes and sentences; the gate enforces it; pages carry the banner.
package enforce

import (
	"io"
	"net/http"

	"github.com/go-chi/chi/v5"
	"github.com/go-chi/chi/v5/middleware"
	"github.com/google/uuid"

	"github.com/candorhttp/candor/consent"
	"github.com/candorhttp/candor/consent/banner"
	"github.com/candorhttp/candor/consent/ledger"
	"github.com/candorhttp/candor/cookies"
	"github.com/candorhttp/candor/examples/migrate/roastery"
	"github.com/candorhttp/candor/logging"
)

// New returns the service. It logs to out.
func New(secret []byte, keys consent.Keys, out io.Writer, collect roastery.Collector) (http.Handler, error) {
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
	pages, err := banner.New(manager, banner.Options{Parts: []consent.Describer{inventory, access, records}})
	if err != nil {
		return nil, err
	}

	shop := &roastery.Shop{
		Sessions: roastery.Sessions(secret),
		Track: func(w http.ResponseWriter, r *http.Request) {
			// The gate hides and withholds the cookie by itself; what is sent
			// elsewhere it cannot see, so that is asked for here.
			if !consent.Allowed(r.Context(), consent.Analytics) {
				return
			}
			c, err := r.Cookie("_visitor")
			if err != nil {
				c = &http.Cookie{Name: "_visitor", Value: uuid.NewString(), Path: "/", MaxAge: 30 * 86400}
				http.SetCookie(w, c)
			}
			collect(roastery.View{Visitor: c.Value, Page: r.URL.Path})
		},
		Remember: func(w http.ResponseWriter, _ *http.Request, email string) {
			http.SetCookie(w, &http.Cookie{Name: "last_login", Value: email, Path: "/", MaxAge: 90 * 86400})
		},
		Remembered: func(r *http.Request) string {
			if c, err := r.Cookie("last_login"); err == nil {
				return c.Value
			}
			return ""
		},
		Banner: pages.Fragment,
	}
	router := chi.NewRouter()
	router.Use(logging.RouteFrom(func(r *http.Request) string { return chi.RouteContext(r.Context()).RoutePattern() }))
	router.Use(middleware.Recoverer)
	shop.Routes(router)
	router.Mount("/privacy/", pages)
	router.Mount("/.well-known/gpc.json", pages)
	return access.Middleware(manager.Middleware(gate.Middleware(router))), nil
}
