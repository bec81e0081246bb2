package cookies

import (
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"time"

	"golang.org/x/time/rate"

	"github.com/candorhttp/candor/consent"
	"github.com/candorhttp/candor/consent/exchange"
)

// Mode says whether a Gate acts or only counts. The zero Mode is Enforce.
type Mode int

const (
	// Enforce withholds what is not declared or not allowed.
	Enforce Mode = iota
	// Report changes nothing and counts what Enforce would do, for the first
	// days on an existing site. [Gate.Survey] says what was seen.
	Report
)

// GateConfig configures a [Gate]. It is copied by NewGate.
type GateConfig struct {
	// Inventory is required, and may be empty in Report mode.
	Inventory *Inventory
	// Consent knows what the visitor allowed; without it only essential
	// purposes are allowed. Its policy must agree with the inventory's.
	Consent *consent.Manager
	Mode    Mode
	// Logger is told once of each cookie name that handlers tried to set and
	// that was withheld, at most one a second after the first 20; nil discards
	// it.
	Logger *slog.Logger
	// OnFinding is told, at the end of an exchange, of each cookie that was
	// withheld in it or, in Report mode, would have been. It is called by the
	// goroutine that serves the request, so it must be quick and safe for
	// concurrent use. nil means nobody is told.
	OnFinding func(Finding)
	// Insecure does not add the Secure attribute: for local development on
	// plain http, where browsers would drop the cookies. Where browsers refuse
	// a cookie without Secure (SameSite=None, Partitioned, a __Host- or
	// __Secure- name) it is added all the same.
	Insecure bool
	// Now is the clock; nil means time.Now.
	Now func() time.Time
}

// Gate lets cookies pass by declaration and consent, in both directions. Make
// it with NewGate; a zero Gate is not usable. It is safe for concurrent use.
type Gate struct {
	inventory *Inventory
	consent   *consent.Manager
	report    bool
	insecure  bool
	logger    *slog.Logger
	onFinding func(Finding)
	now       func() time.Time
	natural   bool // now is time.Now
	counters  counters
	names     nameCounts
	traces    exchange.Slot[trace]
	seen      sightings
}

// NewGate returns a Gate, or one error that names every fault of cfg.
func NewGate(cfg GateConfig) (*Gate, error) {
	var faults []error
	fault := func(format string, args ...any) {
		faults = append(faults, fmt.Errorf("cookies: gate: "+format, args...))
	}
	if cfg.Inventory == nil {
		fault("Inventory: is missing; make one with cookies.NewInventory")
	} else if cfg.Consent != nil {
		agree(cfg.Inventory, cfg.Consent.Policy(), fault)
	}
	if cfg.Mode != Enforce && cfg.Mode != Report {
		fault("Mode: is %d; choose cookies.Enforce or cookies.Report", cfg.Mode)
	}
	if err := errors.Join(faults...); err != nil {
		return nil, err
	}
	g := &Gate{
		inventory: cfg.Inventory, consent: cfg.Consent, report: cfg.Mode == Report, insecure: cfg.Insecure,
		logger: cfg.Logger, onFinding: cfg.OnFinding, now: cfg.Now,
		names: nameCounts{lines: rate.NewLimiter(rate.Every(time.Second), 20)},
	}
	if g.logger == nil {
		g.logger = slog.New(slog.DiscardHandler)
	}
	if g.now == nil {
		g.now, g.natural = time.Now, true
	}
	return g, nil
}

// agree holds the purposes of the inventory against the policy that decides:
// what is essential to one must be so to the other.
func agree(inv *Inventory, policy consent.Policy, fault func(string, ...any)) {
	basis := map[consent.Purpose]consent.Basis{}
	for _, p := range policy.Processing {
		basis[p.Purpose] = p.Basis
	}
	said := map[consent.Purpose]bool{}
	for i := range inv.entries {
		p := inv.entries[i].Purpose
		if inv.basis[p] != basis[p] && !said[p] {
			said[p] = true
			fault("Consent: its policy and the inventory's differ on purpose %s; give both the same policy", quoteName(string(p)))
		}
	}
}

// Describe implements [consent.Describer]: it notes where the gate does less than
// the inventory says. The cookies are the [Inventory]'s to describe.
func (g *Gate) Describe(m *consent.Manifest) {
	if g.report {
		m.Notes = append(m.Notes, "The cookie gate is in report mode: cookies that are not declared or not allowed are counted, and set and read all the same.")
	}
	if g.insecure {
		m.Notes = append(m.Notes, "The cookie gate is made for plain http: it does not add Secure to cookies.")
	}
}

// Middleware hides from next the cookies that it may not read, and judges those
// that it sets when the response header goes out.
func (g *Gate) Middleware(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		x, w, r := exchange.Begin(w, r)
		r, asks := g.filter(x, r)
		if asks {
			x.OnHeader(g)
		} else {
			x.OnHeader(unasked{g})
		}
		x.Serve(next, w, r)
	})
}

// unasked is the hook of a Gate where the browser showed nothing that a visitor
// could have refused.
type unasked struct{ g *Gate }

// BeforeHeader implements [exchange.HeaderHook].
func (u unasked) BeforeHeader(x *exchange.Exchange, status int, h http.Header) {
	u.g.beforeHeader(x, status, h, false)
}

// BeforeHeader implements [exchange.HeaderHook].
func (g *Gate) BeforeHeader(x *exchange.Exchange, status int, h http.Header) {
	g.beforeHeader(x, status, h, true)
}

func (g *Gate) beforeHeader(x *exchange.Exchange, status int, h http.Header, asks bool) {
	j := judge{gate: g, x: x}
	for key, lines := range h {
		switch {
		case key == "Set-Cookie", len(key) == len("set-cookie") && equalFold(key, "set-cookie"):
			g.judgeLines(&j, h, key, lines)
		case isStoredField(key):
			g.judgeField(&j, h, key)
		}
	}
	if g.report {
		return
	}
	if status != 0 && g.consent != nil {
		g.expire(&j, h, asks)
	}
	if j.personal {
		g.consent.MarkPrivate(x, h)
	}
}

// judge answers for one moment of one exchange. The decision is made only when
// it is asked for something that is not essential.
type judge struct {
	gate     *Gate
	x        *exchange.Exchange
	decided  bool
	decision consent.Decision
	personal bool // what goes out depends on the decision
	clock    time.Time
}

// allows reports whether what is declared may be set and read now.
func (j *judge) allows(e *entry) bool {
	return e.essential || j.gate.consent != nil && j.decide().Allows(e.Purpose)
}

// denies reports whether the visitor refused, which is more than not being
// asked.
func (j *judge) denies(e *entry) bool {
	return !j.allows(e) && j.gate.consent != nil && j.decide().State(e.Purpose) == consent.Denied
}

func (j *judge) decide() *consent.Decision {
	if !j.decided {
		j.decided, j.decision = true, j.gate.consent.Peek(j.x)
	}
	return &j.decision
}

// begun is a moment before now that costs nothing to know.
func (j *judge) begun() time.Time {
	if j.gate.natural && j.x != nil {
		return j.x.Start()
	}
	return j.now()
}

func (j *judge) now() time.Time {
	if j.clock.IsZero() {
		j.clock = j.gate.now()
	}
	return j.clock
}

// isStoredField is asked of every field, so it looks at the length first.
func isStoredField(key string) bool {
	switch len(key) {
	case len("nel"), len("report-to"), len("critical-ch"), len("reporting-endpoints"):
	default:
		return false
	}
	for _, f := range storedFields {
		if len(key) == len(f) && equalFold(key, f) {
			return true
		}
	}
	return false
}
