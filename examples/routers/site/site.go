// Package site is what the programs beside it have in common: a policy, the
// cookies that the site may set, and the middlewares that hold it to both. What
// differs from router to router is in the programs.
package site

import (
	"context"
	_ "embed"
	"io"
	"log/slog"
	"net/http"
	"time"

	"github.com/candorhttp/candor/consent"
	"github.com/candorhttp/candor/consent/banner"
	"github.com/candorhttp/candor/consent/ledger"
	"github.com/candorhttp/candor/cookies"
	"github.com/candorhttp/candor/logging"
)

//go:embed policy.json
var policyJSON []byte

// Site is the middlewares and the privacy pages of one site. Make it with New.
type Site struct {
	Consent *consent.Manager
	Gate    *cookies.Gate
	Access  *logging.Access
	// Pages serves /privacy/ and /.well-known/gpc.json.
	Pages *banner.Pages
}

// Config is what differs from site to site.
type Config struct {
	Output io.Writer    // receives the lines of the access log
	Logger *slog.Logger // receives what operators should know
	// Cookies declares what is set besides the cookies of the pages here.
	Cookies []cookies.Spec
	// TrustedOrigins may post decisions: consent.Config has more of it.
	TrustedOrigins []string
}

// New returns a Site.
func New(cfg Config) (*Site, error) {
	policy, err := consent.ParsePolicy(policyJSON)
	if err != nil {
		return nil, err
	}
	keys, err := consent.ParseKeys(consent.GenerateKey()) // a real site keeps its keys
	if err != nil {
		return nil, err
	}
	records := ledger.Memory()
	manager, err := consent.New(consent.Config{
		Policy: policy, Keys: keys, Ledger: records, Logger: cfg.Logger, TrustedOrigins: cfg.TrustedOrigins,
		Insecure: true, // the samples are opened on plain http
	})
	if err != nil {
		return nil, err
	}
	inventory, err := cookies.NewInventory(policy, append(cfg.Cookies,
		cookies.Spec{Name: "session", Purpose: consent.Authentication, Description: consent.Text{"en": "Says who is signed in."}},
		cookies.Spec{Name: "visits", Purpose: consent.Analytics, Lifetime: 30 * 24 * time.Hour, Description: consent.Text{"en": "How often you were here."}},
	)...)
	if err != nil {
		return nil, err
	}
	gate, err := cookies.NewGate(cookies.GateConfig{Inventory: inventory, Consent: manager, Logger: cfg.Logger, Insecure: true})
	if err != nil {
		return nil, err
	}
	access, err := logging.New(logging.Config{Output: cfg.Output, Consent: manager})
	if err != nil {
		return nil, err
	}
	pages, err := banner.New(manager, banner.Options{Parts: []consent.Describer{inventory, access, records}})
	if err != nil {
		return nil, err
	}
	return &Site{Consent: manager, Gate: gate, Access: access, Pages: pages}, nil
}

// Middleware is the whole chain, to be mounted around a router.
func (s *Site) Middleware(next http.Handler) http.Handler {
	return s.Access.Middleware(s.Consent.Middleware(s.Gate.Middleware(next)))
}

// Close ends what the site holds.
func (s *Site) Close(ctx context.Context) error {
	s.Access.Close()
	return s.Consent.Close(ctx)
}
