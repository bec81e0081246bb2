package analytics

import (
	"context"
	"log/slog"
	"net/http"
	"sync"
	"time"

	"github.com/candorhttp/candor/consent"
	"github.com/candorhttp/candor/consent/exchange"
	"github.com/candorhttp/candor/iputil/pseudonym"
)

// Pipeline captures events, asks for each whether it may leave, and hands those
// that may to the sinks. Make it with New and end it with Shutdown; the zero
// Pipeline is not usable. It is safe for concurrent use.
type Pipeline struct {
	consent    *consent.Manager
	specs      map[string]*spec
	order      []*spec
	queues     []*queue
	tally      Tally
	pseudonyms *pseudonym.Keyring
	own        bool // the keyring
	links      *links
	prefix     string
	crossSite  *http.CrossOriginProtection
	country    func(*http.Request) string
	mux        *http.ServeMux
	logger     *slog.Logger
	counters   counters

	begun   time.Time
	ctx     context.Context // of every attempt
	cancel  context.CancelFunc
	workers sync.WaitGroup
	ending  sync.Once
	stir    chan struct{} // tells the sweeper that something is queued; holds one
	ended   chan struct{} // closed by Shutdown, for the sweeper
	lost    error         // what Shutdown returned first
}

// Track captures an event that a handler saw happen, for the visitor whose
// request ctx belongs to. It never blocks on a sink and never fails: what may
// not be kept is not, and Stats says how much of what and why.
//
// Without a Candor middleware around the handler nobody can be asked, and the
// event is dropped. A context that outlives the request is the visitor's still.
func (p *Pipeline) Track(ctx context.Context, e Event) {
	x := exchange.From(ctx)
	if x == nil {
		p.counters.withheld[NotMounted].Add(1)
		return
	}
	s := p.specs[e.Name]
	if s == nil {
		p.counters.withheld[Undeclared].Add(1)
		return
	}
	var d draft
	if n := s.fill(&d, e.Properties); n > 0 {
		p.counters.properties.Add(uint64(n))
	}
	p.capture(x, s, &d, routePath(x.Route()))
}

// capture asks the gate for each target of an event and does what it says.
func (p *Pipeline) capture(x *exchange.Exchange, s *spec, d *draft, route string) {
	v := viewOf(p.consent.Peek(x), s.Purpose)
	if s.byYesOnly && v.State != consent.Granted {
		p.counters.withheld[NoConsent].Add(1)
		return
	}
	count := p.tally != nil && Gate(v, Local) == Count
	var outcomes [maxSinks]Outcome
	sends := false
	for i := range s.targets {
		outcomes[i] = Gate(v, s.targets[i].to)
		sends = sends || outcomes[i] != Drop
	}
	if !count && !sends {
		p.counters.withheld[NoConsent].Add(1)
		return
	}
	// Only now, because it takes longer than the question above.
	f := p.factsOf(x)
	if why := f.noVisit; why != 0 {
		p.counters.withheld[why].Add(1)
		return
	}
	if p.consent.PrivacyLine(x) {
		p.counters.withheld[PrivacyPage].Add(1)
		return
	}
	now := time.Now()
	p.complete(x, s, d, f)
	if count {
		p.counters.counted.Add(1)
		p.count(now, s, d, route)
	}
	if !sends {
		return
	}
	permit := p.consent.Permit(x, s.Purpose)
	if !permit.Stands() {
		p.counters.withheld[NoConsent].Add(1)
		return
	}
	e := &captured{spec: s, permit: permit, since: now.Sub(p.begun), unix: now.Unix(), route: route, bare: permit.Bare()}
	e.pack(d)
	p.counters.captured.Add(1)
	for i := range s.targets {
		// The permit is newer than the view: where a yes ended in between, what
		// is left of it goes to nobody else.
		if outcomes[i] == SendBare || outcomes[i] == Send && !e.bare {
			s.targets[i].queue.put(e)
		}
	}
}

// complete fills in what the pipeline knows by itself.
func (p *Pipeline) complete(x *exchange.Exchange, s *spec, d *draft, f *facts) {
	for i := range s.properties {
		switch s.properties[i].filled {
		case byDevice:
			if n := s.properties[i].number(f.device); n >= 0 {
				d.set(i, uint64(n))
			}
		case byCountry:
			if p.country == nil {
				continue
			}
			if n := countryNumber(p.country(x.Request())); n >= 0 {
				d.set(i, uint64(n))
			}
		}
	}
}

// count adds an event to the local counters: as a whole, and by each declared
// dimension apart, never by two together.
func (p *Pipeline) count(now time.Time, s *spec, d *draft, route string) {
	p.tally.Count(now, Cell{Event: s.Name})
	if s.countRoute && route != "" {
		p.tally.Count(now, Cell{Event: s.Name, Dimension: "route", Value: route})
	}
	for i := range s.properties {
		if q := &s.properties[i]; q.counted && d.mask&(1<<i) != 0 {
			p.tally.Count(now, Cell{Event: s.Name, Dimension: q.Name, Value: q.class(d.values[i])})
		}
	}
}
