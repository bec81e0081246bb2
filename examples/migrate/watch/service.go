// Package watch is the first step: the chain around the router as it is, in report
// mode. Visitors notice nothing; the log no longer holds what it should not; and
// after a day the gate's survey is the inventory for the next step.
package watch

import (
	"html/template"
	"io"
	"net/http"

	"github.com/go-chi/chi/v5"
	"github.com/go-chi/chi/v5/middleware"
	"github.com/google/uuid"

	"github.com/candorhttp/candor/consent"
	"github.com/candorhttp/candor/consent/ledger"
	"github.com/candorhttp/candor/cookies"
	"github.com/candorhttp/candor/examples/migrate/roastery"
	"github.com/candorhttp/candor/logging"
)

// Service is the handler, and the gate that watches it.
type Service struct {
	http.Handler
	Gate *cookies.Gate
}

// New returns the service. It logs to out.
func New(secret []byte, keys consent.Keys, out io.Writer, collect roastery.Collector) (*Service, error) {
	shop := &roastery.Shop{
		Sessions: roastery.Sessions(secret),
		Track: func(w http.ResponseWriter, r *http.Request) {
			c, err := r.Cookie("_visitor")
			if err != nil {
				c = &http.Cookie{Name: "_visitor", Value: uuid.NewString(), Path: "/", MaxAge: 2 * 365 * 86400}
				http.SetCookie(w, c)
			}
			collect(roastery.View{Visitor: c.Value, Address: r.RemoteAddr, Page: r.URL.Path, Browser: r.UserAgent()})
		},
		Remember: func(w http.ResponseWriter, _ *http.Request, email string) {
			http.SetCookie(w, &http.Cookie{Name: "last_login", Value: email, Path: "/", MaxAge: 365 * 86400})
		},
		Remembered: func(r *http.Request) string {
			if c, err := r.Cookie("last_login"); err == nil {
				return c.Value
			}
			return ""
		},
		Banner: func(*http.Request) template.HTML { return "" },
	}
	router := chi.NewRouter()
	router.Use(logging.RouteFrom(func(r *http.Request) string { return chi.RouteContext(r.Context()).RoutePattern() }))
	router.Use(middleware.Recoverer)
	shop.Routes(router)

	policy, err := consent.ParsePolicy(roastery.PolicyJSON)
	if err != nil {
		return nil, err
	}
	manager, err := consent.New(consent.Config{Policy: policy, Keys: keys, Ledger: ledger.Memory(), Insecure: true})
	if err != nil {
		return nil, err
	}
	inventory, err := cookies.NewInventory(policy)
	if err != nil {
		return nil, err
	}
	gate, err := cookies.NewGate(cookies.GateConfig{Inventory: inventory, Consent: manager, Mode: cookies.Report, Insecure: true})
	if err != nil {
		return nil, err
	}
	access, err := logging.New(logging.Config{Output: out, Consent: manager})
	if err != nil {
		return nil, err
	}
	return &Service{access.Middleware(manager.Middleware(gate.Middleware(router))), gate}, nil
}
