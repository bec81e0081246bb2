package plausible

import (
	"context"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/netip"
	"net/url"

	"github.com/candorhttp/candor/consent/analytics"
	"github.com/candorhttp/candor/consent/analytics/sink"
)

// Config configures a [Sink]. It is copied by New.
type Config struct {
	sink.Common
	// Site is required: the address of the site, without a path.
	Site string
	// Domain is the site's name in Plausible; "" means the host of Site.
	Domain string
}

// Sink hands events to Plausible. Make it with New; the zero Sink refuses. It is
// safe for concurrent use.
type Sink struct {
	client      *sink.Client
	destination analytics.Destination
	site        *url.URL
	domain      string
}

// New returns a Sink, or one error that names every fault of cfg.
func New(cfg Config) (*Sink, error) {
	client, destination, err := cfg.Connect("plausible", "api/event", 1)
	faults := []error{err}
	site, err := sink.ParseSite(cfg.Site)
	if err != nil {
		faults = append(faults, fmt.Errorf("plausible: config: Site: %w", err))
	} else if cfg.Domain == "" {
		cfg.Domain = site.Host
	}
	if len(cfg.Domain) > 255 {
		faults = append(faults, errors.New("plausible: config: Domain: is longer than 255 bytes; write the site's name in Plausible"))
	}
	if err := errors.Join(faults...); err != nil {
		return nil, err
	}
	return &Sink{client, destination, site, cfg.Domain}, nil
}

// Destination implements [analytics.Sink].
func (s *Sink) Destination() analytics.Destination { return s.destination }

// event is the body of POST /api/event.
type event struct {
	Name   string            `json:"name"`
	URL    string            `json:"url"`
	Domain string            `json:"domain"`
	Props  map[string]string `json:"props,omitempty"`
}

// Send implements [analytics.Sink].
func (s *Sink) Send(ctx context.Context, batch []analytics.Delivery) error {
	if s.client == nil || len(batch) != 1 {
		return &analytics.Failed{Kind: analytics.Permanent, Reason: "not one event"}
	}
	d := batch[0]
	e := event{Name: d.Name, URL: sink.PageURL(s.site, d), Domain: s.domain}
	switch d.Name {
	case analytics.PageView:
		e.Name = "pageview"
	case "pageview", "engagement":
		return &analytics.Rejected{Indexes: []int{0}, Reason: "reserved name"}
	}
	for _, p := range d.Properties {
		if e.Props == nil {
			e.Props = make(map[string]string, len(d.Properties))
		}
		e.Props[p.Name()] = p.Text()
	}
	body, err := json.Marshal(e)
	if err != nil {
		return &analytics.Failed{Kind: analytics.Permanent, Reason: "event not encoded"}
	}
	answer, err := s.client.Post(ctx, http.Header{
		"Content-Type":    {"application/json"},
		"X-Forwarded-For": {standIn(d)},
	}, body)
	if err != nil {
		return err
	}
	if dropped := answer.Header.Get("X-Plausible-Dropped"); dropped != "" && dropped != "0" {
		return &analytics.Rejected{Indexes: []int{0}, Reason: "dropped"}
	}
	return nil
}

// standIn returns the address that stands for an event's pseudonym. The last
// group is the same for all: some versions cut it off.
func standIn(d analytics.Delivery) string {
	a := [16]byte{0x20, 0x01, 0x0d, 0xb8, 15: 1}
	if d.Pseudonym != "" {
		sum := sha256.Sum256([]byte(d.Pseudonym))
		copy(a[4:14], sum[:])
	}
	return netip.AddrFrom16(a).String()
}
