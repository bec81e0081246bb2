package main

import (
	"log/slog"
	"net/http"
	"path/filepath"
	"time"

	"github.com/candorhttp/candor/consent"
	"github.com/candorhttp/candor/consent/analytics"
	"github.com/candorhttp/candor/consent/analytics/sink/slogsink"
	"github.com/candorhttp/candor/logging/retain"
)

// newEvents declares what the shop may learn of its visitors. Of those who
// agreed it goes to the sinks. The routes are for finding the page that a script
// or a link was on.
func newEvents(manager *consent.Manager, keys consent.Keys, routes *http.ServeMux, counters *analytics.Counters, logger *slog.Logger, sinks []analytics.Sink) (*analytics.Pipeline, error) {
	var names []string
	for _, s := range sinks {
		names = append(names, s.Destination().Name)
	}
	return analytics.New(analytics.Config{
		Consent: manager, Keys: keys, Mux: routes, Logger: logger, Sinks: sinks, Counters: counters, Events: declared(names...),
	})
}

// declared is what can be captured, and what of it is counted.
func declared(sinks ...string) []analytics.Spec {
	return []analytics.Spec{
		analytics.PageViews(sinks...),
		analytics.Vitals(sinks...),
		analytics.OutboundLinks([]string{"en.wikipedia.org"}, sinks...),
		{
			Name: "search", Sinks: sinks, Count: []string{"page"},
			Description: consent.Text{"en": "That something was searched for, not what.", "de": "Dass etwas gesucht wurde, nicht was."},
			Properties:  []analytics.PropertySpec{{Name: "page", Kind: analytics.KindInt, Min: 1, Max: 100, Bounds: []float64{1, 2, 5}}},
		},
	}
}

// eventsIn writes events to files of their own below the directory, for as long
// as the policy says. Without a directory nothing is sent anywhere.
func eventsIn(dir string) (sinks []analytics.Sink, end func() error, err error) {
	if dir == "" {
		return nil, func() error { return nil }, nil
	}
	file, err := retain.Open(retain.Config{Dir: filepath.Join(dir, "events"), Name: "events", Age: 29 * 24 * time.Hour})
	if err != nil {
		return nil, nil, err
	}
	to, err := slogsink.New(slogsink.Config{Handler: slog.NewJSONHandler(file, nil), Name: "events"})
	if err != nil {
		return nil, nil, err
	}
	return []analytics.Sink{to}, file.Close, nil
}
