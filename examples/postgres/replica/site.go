package main

import (
	"context"
	"database/sql"
	_ "embed"
	"errors"
	"html/template"
	"io"
	"log/slog"
	"net/http"
	"strconv"
	"time"

	"github.com/candorhttp/candor/consent"
	"github.com/candorhttp/candor/consent/analytics"
	"github.com/candorhttp/candor/consent/analytics/sink"
	"github.com/candorhttp/candor/consent/analytics/sink/matomo"
	"github.com/candorhttp/candor/consent/banner"
	"github.com/candorhttp/candor/consent/ledger"
	"github.com/candorhttp/candor/cookies"
	"github.com/candorhttp/candor/iputil"
	"github.com/candorhttp/candor/iputil/pseudonym"
	"github.com/candorhttp/candor/logging"
)

//go:embed policy.json
var policyJSON []byte

//go:embed page.html
var pageHTML string

// migrateAll makes the tables of what replicas share.
func migrateAll(ctx context.Context, db *sql.DB) error {
	records, err := ledger.Postgres(db, ledger.PostgresConfig{})
	if err != nil {
		return err
	}
	names, err := pseudonym.NewPostgres(db)
	if err != nil {
		return err
	}
	return errors.Join(records.Migrate(ctx), names.Migrate(ctx), records.Close())
}

// siteConfig is what differs from replica to replica, and what all share.
type siteConfig struct {
	db       *sql.DB
	keys     consent.Keys
	visitors *iputil.Resolver
	log      io.Writer // of the access log
	logger   *slog.Logger
	matomo   string
}

// site is a small site and everything around it.
type site struct {
	records *ledger.InPostgres
	names   *pseudonym.Keyring
	manager *consent.Manager
	access  *logging.Access
	events  *analytics.Pipeline
	page    *template.Template
	pages   *banner.Pages
	handler http.Handler
}

// newSite builds the site. What makes it one of several is in three places: the
// ledger is in the database and is followed there, so that a withdrawal at
// another replica counts here; the keys are everybody's; and the pseudonyms of
// the access log and of the events are those of one keyring whose keys are in
// the database too.
func newSite(cfg siteConfig) (s *site, err error) {
	s = &site{}
	defer func() {
		if err != nil {
			err = errors.Join(err, s.close(context.Background()))
		}
	}()
	policy, err := consent.ParsePolicy(policyJSON)
	if err != nil {
		return nil, err
	}
	if s.records, err = ledger.Postgres(cfg.db, ledger.PostgresConfig{}); err != nil {
		return nil, err
	}
	epochs, err := pseudonym.NewPostgres(cfg.db)
	if err != nil {
		return nil, err
	}
	if s.names, err = pseudonym.New(pseudonym.Config{Store: epochs}); err != nil {
		return nil, err
	}
	if s.manager, err = consent.New(consent.Config{
		Policy: policy, Keys: cfg.keys, Ledger: s.records, Visitors: cfg.visitors, Logger: cfg.logger,
		Insecure: true, // the sample is opened on plain http
	}); err != nil {
		return nil, err
	}
	inventory, err := cookies.NewInventory(policy, cookies.Spec{
		Name: "visits", Purpose: consent.Analytics, Lifetime: 30 * 24 * time.Hour, Description: consent.Text{"en": "How often you were here."},
	})
	if err != nil {
		return nil, err
	}
	gate, err := cookies.NewGate(cookies.GateConfig{Inventory: inventory, Consent: s.manager, Logger: cfg.logger, Insecure: true})
	if err != nil {
		return nil, err
	}
	if s.access, err = logging.New(logging.Config{Output: cfg.log, Visitors: cfg.visitors, Consent: s.manager, Pseudonyms: s.names}); err != nil {
		return nil, err
	}
	routes := http.NewServeMux()
	var sinks []analytics.Sink
	declared := analytics.PageViews()
	if cfg.matomo != "" {
		to, err := matomo.New(matomo.Config{Common: sink.Common{Server: cfg.matomo}, Site: "https://shop.example", SiteID: 1})
		if err != nil {
			return nil, err
		}
		sinks, declared = append(sinks, to), analytics.PageViews("matomo")
	}
	if s.events, err = analytics.New(analytics.Config{
		Consent: s.manager, Keys: cfg.keys, Pseudonyms: s.names, Mux: routes, Logger: cfg.logger,
		Events: []analytics.Spec{declared}, Sinks: sinks,
	}); err != nil {
		return nil, err
	}
	if s.pages, err = banner.New(s.manager, banner.Options{Parts: []consent.Describer{inventory, s.access, s.records, s.events}}); err != nil {
		return nil, err
	}
	if s.page, err = template.New("page").Parse(pageHTML); err != nil {
		return nil, err
	}
	routes.HandleFunc("GET /{$}", s.show)
	routes.HandleFunc("GET /goods/{id}", s.show)
	routes.Handle("/privacy/", s.pages)
	routes.Handle("/.well-known/gpc.json", s.pages)

	// The load balancer's question is outside: it is nobody's visit. It asks for
	// the process, not for the database: pages are served without one, with
	// everything off that a new yes would be needed for.
	outer := http.NewServeMux()
	outer.HandleFunc("GET /healthz", func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusNoContent) })
	outer.Handle("/", s.access.Middleware(s.manager.Middleware(gate.Middleware(s.events.Middleware(routes)))))
	s.handler = outer
	return s, nil
}

// show is every page of the site. It counts visits without asking; the gate
// withholds the cookie from those who did not agree.
func (s *site) show(w http.ResponseWriter, r *http.Request) {
	visits := 0
	if c, err := r.Cookie("visits"); err == nil {
		visits, _ = strconv.Atoi(c.Value)
	}
	http.SetCookie(w, &http.Cookie{Name: "visits", Value: strconv.Itoa(visits + 1), Path: "/", MaxAge: 30 * 86400})
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	// An error here is one of the connection; there is nobody left to tell.
	_ = s.page.Execute(w, struct {
		Visits  int
		Consent banner.Bound
	}{visits, s.pages.Bind(r)})
}

// close ends what the site holds, in the order in which one part needs another.
func (s *site) close(ctx context.Context) (err error) {
	if s.events != nil {
		// First, because only while the manager follows the ledger do events hear of
		// withdrawals; not for the whole time, because noes must still be written.
		some, cancel := context.WithTimeout(ctx, 8*time.Second)
		defer cancel()
		err = s.events.Shutdown(some)
	}
	if s.access != nil {
		s.access.Close()
	}
	if s.manager != nil {
		err = errors.Join(err, s.manager.Close(ctx))
	}
	s.names.Close()
	if s.records != nil {
		err = errors.Join(err, s.records.Close())
	}
	return err
}
