package cookies

import (
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"time"

	"github.com/candorhttp/candor/consent"
	"github.com/candorhttp/candor/consent/exchange"
)

// Mode says whether a Gate acts or only counts. The zero Mode is Enforce.
type Mode int

const (
	// Enforce withholds what is not declared or not allowed.
	Enforce Mode = iota
	// Report changes nothing and counts what Enforce would do: for the first
	// days on an existing site.
	Report
)

// GateConfig configures a [Gate]. It is copied by NewGate.
type GateConfig struct {
	// Inventory is required, and may be empty in Report mode.
	Inventory *Inventory
	// Consent knows what the visitor allowed; without it only essential
	// purposes are allowed.
	Consent *consent.Manager
	Mode    Mode
	// Logger is told once of each cookie name that handlers tried to set and
	// that was withheld; nil discards it.
	Logger *slog.Logger
	// Insecure does not add the Secure attribute: for local development on
	// plain http, where browsers would drop the cookies.
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
	now       func() time.Time
	counters  counters
	names     nameCounts
}

// NewGate returns a Gate, or one error that names every fault of cfg.
func NewGate(cfg GateConfig) (*Gate, error) {
	var faults []error
	if cfg.Inventory == nil {
		faults = append(faults, errors.New("cookies: gate: Inventory: is missing; make one with cookies.NewInventory"))
	}
	if cfg.Mode != Enforce && cfg.Mode != Report {
		faults = append(faults, fmt.Errorf("cookies: gate: Mode: is %d; choose cookies.Enforce or cookies.Report", cfg.Mode))
	}
	if err := errors.Join(faults...); err != nil {
		return nil, err
	}
	g := &Gate{
		inventory: cfg.Inventory, consent: cfg.Consent, report: cfg.Mode == Report, insecure: cfg.Insecure,
		logger: cfg.Logger, now: cfg.Now,
	}
	if g.logger == nil {
		g.logger = slog.New(slog.DiscardHandler)
	}
	if g.now == nil {
		g.now = time.Now
	}
	return g, nil
}

// Middleware hides from next the cookies that it may not read, and judges those
// that it sets when the response header goes out.
func (g *Gate) Middleware(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		x, w, r := exchange.Begin(w, r)
		x.OnHeader(g)
		x.Serve(next, w, g.filter(x, r))
	})
}

// BeforeHeader implements [exchange.HeaderHook].
func (g *Gate) BeforeHeader(x *exchange.Exchange, status int, h http.Header) {
	judge := g.judge(x)
	for key, lines := range h {
		switch {
		case len(key) == len("Set-Cookie") && equalFold(key, "set-cookie"):
			g.judgeLines(x, judge, h, key, lines)
		case isStoredField(key):
			g.judgeField(judge, h, key)
		}
	}
	if status != 0 && !g.report {
		g.expire(x, judge, h)
	}
}

// judge answers for one moment of one exchange.
type judge struct {
	decision consent.Decision
	manager  *consent.Manager
	basis    map[consent.Purpose]consent.Basis
}

func (g *Gate) judge(x *exchange.Exchange) judge {
	j := judge{manager: g.consent}
	if g.consent != nil {
		j.decision = g.consent.Peek(x)
	} else if g.inventory != nil {
		j.basis = g.inventory.basis
	}
	return j
}

// allows reports whether the purpose of a spec is allowed now.
func (j judge) allows(s *Spec) bool {
	if j.manager != nil {
		return j.decision.Allows(s.Purpose)
	}
	return j.basis[s.Purpose] == consent.Essential
}

// denied reports whether the visitor refused, which is more than not being
// asked.
func (j judge) denied(s *Spec) bool {
	return j.manager != nil && j.decision.State(s.Purpose) == consent.Denied && !j.decision.Allows(s.Purpose)
}

// equalFold compares a key with a lower-case ASCII name of the same length.
func equalFold(key, lower string) bool {
	for i := range len(key) {
		c := key[i]
		if c >= 'A' && c <= 'Z' {
			c += 'a' - 'A'
		}
		if c != lower[i] {
			return false
		}
	}
	return true
}

func isStoredField(key string) bool {
	for _, f := range storedFields {
		if len(key) == len(f) && equalFold(key, f) {
			return true
		}
	}
	return false
}
