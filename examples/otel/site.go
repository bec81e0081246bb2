package main

import (
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"net/netip"

	"go.opentelemetry.io/contrib/bridges/otelslog"
	"go.opentelemetry.io/contrib/instrumentation/net/http/otelhttp"
	"go.opentelemetry.io/otel/sdk/log"

	"github.com/candorhttp/candor/consent"
	"github.com/candorhttp/candor/consent/ledger"
	"github.com/candorhttp/candor/cookies"
	"github.com/candorhttp/candor/iputil"
	"github.com/candorhttp/candor/logging"
)

// layer is one middleware.
type layer = func(http.Handler) http.Handler

// site is a small service, its layers not yet put together.
type site struct {
	access, manager, gate layer
	tracing               layer // otelhttp
	pages                 http.Handler
	close                 func()
}

func newSite(t *telemetry) (*site, error) {
	visitors, err := iputil.NewResolver(iputil.Proxies{Header: "X-Forwarded-For", Trusted: []netip.Prefix{netip.MustParsePrefix("127.0.0.1/32")}})
	if err != nil {
		return nil, err
	}
	keys, err := consent.ParseKeys(consent.GenerateKey())
	if err != nil {
		return nil, err
	}
	manager, err := consent.New(consent.Config{Policy: policy, Keys: keys, Ledger: ledger.Memory(), Visitors: visitors, Insecure: true})
	if err != nil {
		return nil, err
	}
	inventory, err := cookies.NewInventory(policy)
	if err != nil {
		return nil, err
	}
	gate, err := cookies.NewGate(cookies.GateConfig{Inventory: inventory, Consent: manager, Insecure: true})
	if err != nil {
		return nil, err
	}
	// The access log's records take the way of all others; the declared fields
	// are the attributes.
	bridge := otelslog.NewHandler("shop", otelslog.WithLoggerProvider(t.logger))
	access, err := logging.New(logging.Config{Handler: bridge, Visitors: visitors, Consent: manager})
	if err != nil {
		return nil, err
	}
	logger := slog.New(logging.Correlate(bridge))
	mux := http.NewServeMux()
	mux.Handle("/privacy/", manager.Handler(inventory, access))
	mux.HandleFunc("GET /users/{id}", func(w http.ResponseWriter, r *http.Request) {
		// A host's own record, which is the host's to answer for.
		logger.InfoContext(r.Context(), "account shown", "peer", r.RemoteAddr, "forwarded", r.Header.Get("X-Forwarded-For"))
		fmt.Fprintln(w, "account")
	})
	return &site{
		access: access.Middleware, manager: manager.Middleware, gate: gate.Middleware,
		tracing: otelhttp.NewMiddleware("shop",
			otelhttp.WithTracerProvider(t.tracer), otelhttp.WithMeterProvider(t.meter),
			// What a visitor's browser says of traces is not believed.
			otelhttp.WithPublicEndpointFn(func(r *http.Request) bool { return !visitors.TrustedPeer(r) })),
		pages: mux, close: access.Close,
	}, nil
}

// withoutForwarding hides from what is inside the fields in which proxies name
// the visitor. The resolver reads the request as it came to the outermost layer
// of Candor, and still finds them there.
func withoutForwarding(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		inner := r.Clone(r.Context())
		for _, name := range []string{"Forwarded", "X-Forwarded-For", "X-Real-Ip", "True-Client-Ip", "Cf-Connecting-Ip"} {
			inner.Header.Del(name)
		}
		next.ServeHTTP(w, inner)
	})
}

// wrap puts layers around a handler, the first outermost.
func wrap(h http.Handler, layers ...layer) http.Handler {
	for i := len(layers) - 1; i >= 0; i-- {
		h = layers[i](h)
	}
	return h
}

// line is a log record as text.
func line(r log.Record) string {
	text := r.Body().String()
	for kv := range r.WalkAttributes {
		text += " " + kv.Key + "=" + kv.Value.String()
	}
	return text
}

var errStatus = errors.New("the site did not answer")

var policy = consent.Policy{
	Version: 1, Effective: "2026-11-01", Languages: []string{"en"},
	Controller: consent.Controller{Name: "Teapot Shop", Address: "1 Kettle Lane, Dublin", Email: "privacy@shop.example"},
	Authority:  consent.Authority{Name: "Data Protection Commission", URL: "https://www.dataprotection.ie/"},
	Processing: []consent.Processing{
		{Purpose: consent.Authentication, Number: 1, Basis: consent.Essential, Title: en("Signing in"), Text: en("Keeps you signed in."), Retention: en("Until you sign out.")},
		{Purpose: consent.Analytics, Number: 2, Basis: consent.Consent, Title: en("Statistics"), Text: en("Counts visits."), Retention: en("30 days.")},
	},
}

func en(text string) consent.Text { return consent.Text{"en": text} }
