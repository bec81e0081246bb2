package experiment

import (
	"context"
	"net/http"
	"strings"
	"sync"

	"github.com/candorhttp/candor/consent"
	"github.com/candorhttp/candor/consent/exchange"
)

// shown is what one experiment did in one exchange.
type shown struct {
	e   *Experiment
	ctx context.Context
	mu  sync.Mutex
	arm int  // -1: control, outside the experiment
	due bool // an exposure is to be counted at the end
}

// Show returns the name of the arm to render, and counts that it was shown. Call
// it before the first byte of a response that shows the arm, as often as needed:
// within one exchange the answer stays.
//
// Where the visitor does not allow the purpose, or no arm can be assigned or
// kept, it is the control arm, and nothing is set or counted. The response is
// marked as dependent on consent as by [consent.Allowed].
func (e *Experiment) Show(w http.ResponseWriter, r *http.Request) string {
	if e == nil || e.now == nil {
		return ""
	}
	if !consent.Allowed(r.Context(), e.purpose) {
		e.control.Add(1)
		return e.arms[0].Name
	}
	// Allowed is true inside an exchange only.
	x := exchange.From(r.Context())
	s := e.state(x, r)
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.arm < 0 {
		s.arm, s.due = e.admit(w, r)
	}
	if s.arm < 0 {
		return e.arms[0].Name
	}
	if s.due {
		x.OnEnd(s)
	}
	return e.arms[s.arm].Name
}

// Arm returns the arm that the visitor was shown before, or "" for somebody who
// is not in the experiment: to say by which arm a purchase was made. It sets and
// counts nothing, and marks the response as Show does.
func (e *Experiment) Arm(r *http.Request) string {
	if e == nil || e.now == nil || !consent.Allowed(r.Context(), e.purpose) {
		return ""
	}
	if s := e.slot.Get(exchange.From(r.Context())); s != nil {
		s.mu.Lock()
		defer s.mu.Unlock()
		if s.arm >= 0 {
			return e.arms[s.arm].Name
		}
	}
	if t, ok := e.held(r); ok {
		return t.arm
	}
	return ""
}

func (e *Experiment) state(x *exchange.Exchange, r *http.Request) *shown {
	s := e.slot.Get(x)
	if s == nil {
		s = &shown{e: e, ctx: r.Context(), arm: -1}
		e.slot.Set(x, s)
	}
	return s
}

// admit returns the index of the visitor's arm, assigning one where there is
// none, and whether an exposure is due; -1 where nobody is admitted.
func (e *Experiment) admit(w http.ResponseWriter, r *http.Request) (arm int, due bool) {
	now := e.now()
	period := now.UnixNano() / int64(e.period)
	t, ok := e.held(r)
	fresh := !ok
	if fresh {
		t = ticket{unit: newUnit(), day: now.Unix() / 86400, period: -1}
		ctx, cancel := context.WithTimeout(r.Context(), assignFor)
		defer cancel()
		name, err := e.assigner.Assign(ctx, e.name, t.unit)
		if err != nil || e.arm(name) < 0 {
			e.failed.Add(1)
			return -1, false
		}
		t.arm = name
	}
	// What the browser fetches ahead may never be seen.
	due = t.period != period && r.Method != http.MethodHead && !ahead(r)
	if due {
		t.period = period
	}
	if fresh || due {
		if err := e.cookie.Set(w, r, t.String()); err != nil {
			e.failed.Add(1)
			if fresh {
				return -1, false // it could not be kept, so it is not begun
			}
			due = false
		}
	}
	if fresh {
		e.assigned.Add(1)
	}
	return e.arm(t.arm), due
}

// held returns what the visitor's cookie says, if it still counts.
func (e *Experiment) held(r *http.Request) (ticket, bool) {
	text, err := e.cookie.Get(r)
	if err != nil {
		return ticket{}, false
	}
	t, ok := parseTicket(text)
	today := e.now().Unix() / 86400
	days := int64(e.keep.Hours() / 24)
	if !ok || e.arm(t.arm) < 0 || t.day > today+1 || today >= t.day+days {
		return ticket{}, false
	}
	return t, true
}

// AtEnd implements [exchange.EndHook]: it counts the exposure, if the response
// went out whole and the visitor still allows it.
func (s *shown) AtEnd(x *exchange.Exchange) {
	s.mu.Lock()
	arm, due := s.arm, s.due
	s.due = false
	s.mu.Unlock()
	o := x.Outcome()
	if !due || o.Status < 200 || o.Status > 299 || o.Aborted || o.Panicked || o.Superseded || o.WriteError || o.Hijacked ||
		!consent.Allowed(s.ctx, s.e.purpose) {
		return
	}
	s.e.exposures[arm].Add(1)
	if s.e.exposed != nil {
		s.e.exposed(s.ctx, Exposure{s.e.name, s.e.arms[arm].Name})
	}
}

// ahead reports whether a browser asks before anybody wants to see the page
// (Fetch §2.2.5, Sec-Purpose; the others are older).
func ahead(r *http.Request) bool {
	for _, field := range []string{"Sec-Purpose", "Purpose", "X-Purpose", "X-Moz"} {
		for _, v := range r.Header[field] {
			v = strings.ToLower(v)
			if strings.HasPrefix(v, "prefetch") || strings.HasPrefix(v, "prerender") || strings.HasPrefix(v, "preview") {
				return true
			}
		}
	}
	return false
}
