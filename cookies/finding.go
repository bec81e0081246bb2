package cookies

import (
	"cmp"
	"slices"
	"strings"
	"sync"

	"github.com/candorhttp/candor/consent/exchange"
)

const (
	// maxFindings bounds how many different findings are counted, and how many
	// one exchange may have: a table of 1024 rows of three short strings.
	maxFindings    = 1024
	maxPerExchange = 32
	// maxRoute cuts what a router calls a route.
	maxRoute = 128
)

// Finding is a cookie or a field that was withheld or, in Report mode, would
// have been. It never holds a value, nor a name that a client made up.
type Finding struct {
	// Route is the router's template, such as "GET /users/{id}"; "" where it is
	// not known.
	Route string
	// Name is the cookie's name as a handler set it, or the field's in lower
	// case. Of a cookie that was not shown it is the declared name ("_ga_*"), or
	// one that handlers were seen to set.
	Name string
	// Read is true of a cookie that a handler was not shown, and false of one
	// that was not set.
	Read   bool
	Reason Reason
	// Count is how often; in one exchange for [GateConfig.OnFinding], and in all
	// for [Survey].
	Count uint64
}

// trace is what the gate found in one exchange, kept until its route is known.
type trace struct {
	mu       sync.Mutex
	findings []Finding
	set      []string // names that were sighted
}

// tracing reports whether findings have anywhere to go.
func (g *Gate) tracing() bool { return g.report || g.onFinding != nil }

func (g *Gate) trace(x *exchange.Exchange) *trace {
	t := g.traces.Get(x)
	if t == nil {
		t = &trace{}
		g.traces.Set(x, t)
		x.OnEnd(g)
	}
	return t
}

// found notes a finding of an exchange.
func (g *Gate) found(x *exchange.Exchange, f Finding) {
	if !g.tracing() {
		return
	}
	t := g.trace(x)
	t.mu.Lock()
	defer t.mu.Unlock()
	for i := range t.findings {
		if o := &t.findings[i]; o.Name == f.Name && o.Read == f.Read && o.Reason == f.Reason {
			o.Count++
			return
		}
	}
	if len(t.findings) >= maxPerExchange-1 {
		// The last row is for all that come after.
		if f = (Finding{Name: otherNames}); len(t.findings) == maxPerExchange {
			t.findings[maxPerExchange-1].Count++
			return
		}
	}
	f.Count = 1
	f.Name = strings.Clone(f.Name)
	t.findings = append(t.findings, f)
}

// hidden notes a request cookie that was not shown, e being what is declared of
// it. A client makes up what names it likes, so only declared ones count, and
// those that handlers set.
func (g *Gate) hidden(x *exchange.Exchange, name string, e *entry) {
	switch {
	case !g.tracing():
	case e != nil:
		g.found(x, Finding{Name: e.Name, Read: true, Reason: NoConsent})
	case g.seen.has(name):
		g.found(x, Finding{Name: name, Read: true, Reason: NotDeclared})
	}
}

// AtEnd implements [exchange.EndHook]: now the route is known.
func (g *Gate) AtEnd(x *exchange.Exchange) {
	t := g.traces.Get(x)
	if t == nil {
		return
	}
	route := x.Route()
	if len(route) > maxRoute {
		route = route[:maxRoute]
	}
	t.mu.Lock()
	findings, set := t.findings, t.set
	t.findings, t.set = nil, nil
	t.mu.Unlock()
	g.seen.end(route, findings, set)
	if g.onFinding != nil {
		for _, f := range findings {
			f.Route = route
			g.onFinding(f)
		}
	}
}

// findings counts by route, name and reason, up to maxFindings.
type findings struct {
	counts map[Finding]uint64 // keyed with a Count of 0
	other  uint64
}

func (c *findings) add(f Finding) {
	n := f.Count
	f.Count = 0
	if _, known := c.counts[f]; !known && len(c.counts) >= maxFindings {
		c.other += n
		return
	}
	if c.counts == nil {
		c.counts = map[Finding]uint64{}
	}
	c.counts[f] += n
}

// list returns the findings, the most frequent first.
func (c *findings) list() []Finding {
	out := make([]Finding, 0, len(c.counts)+1)
	for f, n := range c.counts {
		f.Count = n
		out = append(out, f)
	}
	if c.other > 0 {
		out = append(out, Finding{Name: otherNames, Count: c.other})
	}
	slices.SortFunc(out, func(a, b Finding) int {
		return cmp.Or(cmp.Compare(b.Count, a.Count), cmp.Compare(a.Name, b.Name), cmp.Compare(a.Route, b.Route), cmp.Compare(a.Reason, b.Reason))
	})
	return out
}
