package experiment

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"sync/atomic"
	"time"

	"github.com/candorhttp/candor/consent"
	"github.com/candorhttp/candor/consent/exchange"
)

// Limits of a configuration.
const (
	maxArms   = 8
	maxWeight = 1_000_000
	maxName   = 32
	// assignFor is how long an Assigner may take; a page waits for it.
	assignFor = 250 * time.Millisecond
)

// Arm is one variant.
type Arm struct {
	Name string // 1 to 32 lower-case letters, digits, '_' and '-', beginning with a letter
	// Weight is the arm's share among those of all arms; 0 means 1.
	Weight int
}

// Cookie keeps a text with the visitor, unreadable and unchangeable for them.
// *cookies.Sealed[string] is one.
type Cookie interface {
	// Get returns what Set kept, or an error when there is nothing to believe.
	Get(r *http.Request) (string, error)
	// Set keeps the text, before the first byte of the response. When it fails
	// nothing was kept.
	Set(w http.ResponseWriter, r *http.Request, text string) error
}

// Assigner chooses an arm. Implementations are safe for concurrent use and give
// the same arm for the same unit as long as they can.
type Assigner interface {
	// Assign returns the name of an arm. The unit is random text of this
	// experiment alone and says nothing of the visitor. An error, a name that
	// is not an arm, or no answer by the time ctx ends (250 ms) gives the
	// control arm, and the visitor is not in the experiment this time.
	Assign(ctx context.Context, experiment, unit string) (arm string, err error)
}

// Exposure says that an arm was shown to somebody. It holds nothing of whom.
type Exposure struct {
	Experiment, Arm string
}

// Config configures an [Experiment]. It is copied by New.
type Config struct {
	// Name is required: 1 to 32 lower-case letters, digits, '_' and '-',
	// beginning with a letter.
	Name string
	// Arms are 2 to 8; the first is the control arm, what visitors get who are
	// not asked, have not answered or said no.
	Arms []Arm
	// Keys is required. The newest assigns; what is assigned stays.
	Keys consent.Keys
	// Cookie is required: the experiment's own, declared with Purpose.
	Cookie Cookie
	// Purpose is what the visitor must allow; empty means consent.Experiments.
	Purpose consent.Purpose
	// Period is how often one visitor's exposure counts again, from a minute to
	// Keep; 0 means 24 hours, which are UTC days.
	Period time.Duration
	// Keep is how long a visitor keeps an arm, from a day to 400 days; 0 means
	// 30 days. Visits do not extend it.
	Keep time.Duration
	// Assigner chooses the arm of a new unit; nil chooses by the weights.
	Assigner Assigner
	// Exposed is told of each exposure, at the end of the exchange, with the
	// request's context. It must not block. Nil only counts it in Stats.
	Exposed func(context.Context, Exposure)
	// Now is the clock; nil means time.Now.
	Now func() time.Time
}

// Experiment assigns visitors to arms. Make it with New; the zero Experiment
// and a nil one show the arm "". It is safe for concurrent use.
type Experiment struct {
	name     string
	arms     []Arm
	cookie   Cookie
	purpose  consent.Purpose
	period   time.Duration
	keep     time.Duration
	assigner Assigner
	exposed  func(context.Context, Exposure)
	now      func() time.Time

	exposures                 []atomic.Uint64 // by arm
	assigned, control, failed atomic.Uint64
	slot                      exchange.Slot[shown]
}

// New returns an Experiment, or one error that names every fault of cfg.
func New(cfg Config) (*Experiment, error) {
	e := &Experiment{
		name: cfg.Name, cookie: cfg.Cookie, purpose: cfg.Purpose, period: cfg.Period, keep: cfg.Keep,
		assigner: cfg.Assigner, exposed: cfg.Exposed, now: cfg.Now,
	}
	if e.purpose == "" {
		e.purpose = consent.Experiments
	}
	if e.period == 0 {
		e.period = 24 * time.Hour
	}
	if e.keep == 0 {
		e.keep = 30 * 24 * time.Hour
	}
	if e.now == nil {
		e.now = time.Now
	}
	var faults []error
	fault := func(format string, args ...any) {
		faults = append(faults, fmt.Errorf("experiment: config: "+format, args...))
	}
	if !isName(cfg.Name) {
		fault("Name: is not a name; write 1 to %d lower-case letters, digits, '_' and '-', beginning with a letter", maxName)
	}
	if len(cfg.Arms) < 2 || len(cfg.Arms) > maxArms {
		fault("Arms: are %d; declare 2 to %d, the control arm first", len(cfg.Arms), maxArms)
	}
	for i, a := range cfg.Arms {
		if !isName(a.Name) {
			fault("Arms[%d]: Name: is not a name; write 1 to %d lower-case letters, digits, '_' and '-', beginning with a letter", i, maxName)
		} else if e.arm(a.Name) >= 0 {
			fault("Arms[%d]: Name: is there twice; drop one", i)
		}
		if a.Weight < 0 || a.Weight > maxWeight {
			fault("Arms[%d]: Weight: is %d; choose 1 to %d, or 0 for 1", i, a.Weight, maxWeight)
		}
		e.arms = append(e.arms, Arm{a.Name, max(a.Weight, 1)})
	}
	if cfg.Keys.IsZero() {
		fault("Keys: no key; read them with consent.KeysFromEnv or make one with consent.GenerateKey")
	}
	if cfg.Cookie == nil {
		fault("Cookie: is missing; make one with cookies.NewSealed")
	}
	if e.keep < 24*time.Hour || e.keep > 400*24*time.Hour {
		fault("Keep: is %v; choose a day to 400 days, or 0 for 30 days", cfg.Keep)
	}
	if e.period < time.Minute || e.period > e.keep {
		fault("Period: is %v; choose a minute to Keep, or 0 for a day", cfg.Period)
	}
	if err := errors.Join(faults...); err != nil {
		return nil, err
	}
	e.exposures = make([]atomic.Uint64, len(e.arms))
	if e.assigner == nil {
		e.assigner = newWeighted(cfg.Keys, e.name, e.arms)
	}
	return e, nil
}

// arm returns the index of an arm, or -1.
func (e *Experiment) arm(name string) int {
	for i := range e.arms {
		if e.arms[i].Name == name {
			return i
		}
	}
	return -1
}

func isName(s string) bool {
	if s == "" || len(s) > maxName || s[0] < 'a' || s[0] > 'z' {
		return false
	}
	for i := range len(s) {
		c := s[i]
		if (c < 'a' || c > 'z') && (c < '0' || c > '9') && c != '_' && c != '-' {
			return false
		}
	}
	return true
}
