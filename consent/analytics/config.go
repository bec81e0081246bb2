package analytics

import (
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"strings"

	"github.com/candorhttp/candor/consent"
	"github.com/candorhttp/candor/iputil/pseudonym"
)

// Sharing says whether events may go to anybody but the controller. The zero
// Sharing is Listed.
type Sharing uint8

const (
	// Listed allows the recipients that the policy names for the purpose of the
	// event, with the country and safeguard that it names.
	Listed Sharing = iota
	// Forbidden makes a sink with a recipient an error at construction: nothing
	// about visitors is shared with anybody (P23).
	Forbidden
)

const (
	defaultEvents, maxEvents = 8192, 1 << 20
	defaultBytes, maxBytes   = 4 << 20, 1 << 30
	maxBatch                 = 10_000
	maxSinks                 = 16
	maxSpecs                 = 256
)

// Config configures a [Pipeline]. It is copied by New.
type Config struct {
	// Consent is required: its policy says what events may be for and who may
	// receive them, its visitors are asked.
	Consent *consent.Manager
	// Events declares what can be captured, at most 256. Empty, nothing is.
	Events []Spec
	// Sinks are the destinations, at most 16.
	Sinks []Sink
	// ThirdPartySinks may be Forbidden; default Listed.
	ThirdPartySinks Sharing
	// Counters counts events in this process; nil counts nothing.
	Counters Tally
	// Pseudonyms makes the pseudonyms that events are sent with; nil makes a
	// keyring of the pipeline's own, with a key for each UTC day. Replicas share
	// one through a pseudonym.Store.
	Pseudonyms *pseudonym.Keyring
	// Keys signs the links of Pipeline.Link, which fails without.
	Keys consent.Keys
	// Prefix is where Pipeline.Handler is mounted; default the manager's own
	// prefix and "events/", that is "/privacy/events/".
	Prefix string
	// Country returns the visitor's country as an ISO 3166-1 alpha-2 code, for
	// events that declare CountryCode: from a field that a proxy of the host's
	// sets and clients cannot, or from a list of the host's own. Anything else
	// it returns is no country. Nil knows none.
	Country func(*http.Request) string
	// Mux, given, finds the route of the page that a script or a link was on.
	// Its handlers are not called. Without it those events have no route.
	Mux *http.ServeMux
	// QueueEvents and QueueBytes bound the queue of each sink; 0 means 8,192
	// events and 4 MiB. When it is full the newest is dropped and counted.
	QueueEvents, QueueBytes int
	// Logger receives what operators should know: a sink that refuses, in words
	// of the sink's and this package's making. Nil discards it.
	Logger *slog.Logger
}

// New returns a running Pipeline, or one error that names every fault of cfg.
// End it with Shutdown.
func New(cfg Config) (*Pipeline, error) {
	v := validator{cfg: &cfg}
	if cfg.Consent == nil {
		v.fault("Consent: is missing; give the manager, without one nothing is allowed")
		return nil, errors.Join(v.faults...)
	}
	v.policy = cfg.Consent.Policy()
	v.limits()
	v.sinks()
	v.events()
	if len(v.faults) > 0 {
		return nil, errors.Join(v.faults...)
	}
	p := &Pipeline{
		consent: cfg.Consent, tally: cfg.Counters, pseudonyms: cfg.Pseudonyms, prefix: cfg.Prefix,
		country: cfg.Country, mux: cfg.Mux, logger: cfg.Logger, specs: make(map[string]*spec, len(cfg.Events)),
		links: newLinks(cfg.Keys), crossSite: http.NewCrossOriginProtection(),
	}
	if p.logger == nil {
		p.logger = slog.New(slog.DiscardHandler)
	}
	if p.pseudonyms == nil {
		keyring, err := pseudonym.New(pseudonym.Config{})
		if err != nil {
			return nil, fmt.Errorf("analytics: %w", err)
		}
		p.pseudonyms, p.own = keyring, true
	}
	for i, s := range cfg.Sinks {
		p.queues = append(p.queues, newQueue(p, s, v.destinations[i], cfg.QueueEvents, cfg.QueueBytes))
	}
	for _, s := range cfg.Events {
		p.declare(s)
	}
	p.start()
	return p, nil
}

// declare compiles a valid declaration.
func (p *Pipeline) declare(declared Spec) {
	s := &spec{Spec: declared, byYesOnly: declared.Name == OutboundLink}
	for _, d := range declared.Properties {
		counted := false
		for _, c := range declared.Count {
			counted = counted || c == d.Name
		}
		s.properties = append(s.properties, compileProperty(d, counted))
	}
	for _, c := range declared.Count {
		s.countRoute = s.countRoute || c == "route"
	}
	for _, name := range declared.Sinks {
		for _, q := range p.queues {
			if q.to.Name == name {
				to := FirstParty
				if q.to.Recipient != "" {
					to = ThirdParty
				}
				s.targets = append(s.targets, target{to, q})
				q.serves(s)
			}
		}
	}
	p.specs[s.Name] = s
	p.order = append(p.order, s)
}

// isName reports whether s is 1 to 32 of a-z, 0-9, '_', '-', '.', beginning
// with a letter.
func isName(s string) bool {
	return s != "" && len(s) <= 32 && s[0] >= 'a' && s[0] <= 'z' && strings.Trim(s, "abcdefghijklmnopqrstuvwxyz0123456789_-.") == ""
}
