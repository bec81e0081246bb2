package consent

import (
	"iter"
	"time"
)

// Decision is what a visitor's choice, the browser's signals and the policy
// come to at one moment. It is immutable and cheap to copy. The zero Decision
// allows nothing.
type Decision struct {
	rules                  *Rules
	granted, denied, stale uint64
	allowed, knowing       uint64
	since                  int32
	source                 Source
	regime                 Regime
	gpc                    bool
}

// Signals is what a request says besides its cookie.
type Signals struct {
	GPC    bool // Sec-GPC: 1
	Regime Regime
}

// Decide is the whole decision, as a pure function: what was stored, what the
// request signals, the rules, and the time. A stored value that is marked
// unreadable decides nothing and turns off what would need no yes.
func Decide(stored *Stored, signals Signals, rules *Rules, now time.Time) Decision {
	d := Decision{rules: rules, regime: signals.Regime, gpc: signals.GPC}
	today := dayOf(now)
	// doubt holds purposes about which something was said that counts no more.
	// Silence may mean yes under some regimes, doubt never does.
	var doubt uint64
	if stored.Unreadable || stored.Version > rules.policy.Version {
		doubt = ^uint64(0)
	} else {
		if len(stored.Answers) > 0 {
			d.since = int32(stored.Version)
		}
		for _, a := range stored.Answers {
			i := rules.byNumber[a.Number]
			if i < 0 {
				continue // of a purpose that was removed
			}
			bit := uint64(1) << i
			if bit&rules.essential != 0 {
				continue
			}
			d.source = FromStored
			switch {
			case a.Day > today+1: // a day of slack for clocks
				doubt |= bit
			case a.expired(rules, today), int(a.Version) > rules.policy.Version:
				doubt |= bit // expired, or said to a text that this server does not have
			case !a.Granted:
				d.denied |= bit
			case int(a.Version) < rules.policy.Processing[i].GoodSince:
				d.stale |= bit
			default:
				d.granted |= bit
			}
			if a.KnowingGPC {
				d.knowing |= bit
			}
		}
	}
	if signals.GPC {
		signalled := rules.shares & rules.askable() &^ ((d.granted | d.stale) & d.knowing)
		if signalled&^d.denied != 0 && d.source == FromDefault {
			d.source = FromGPC
		}
		d.denied |= signalled
		d.granted &^= signalled
		d.stale &^= signalled
	}
	silent := rules.objection // allowed unless refused
	yes := rules.consent      // allowed only by a yes
	if signals.Regime == OptOut {
		silent, yes = silent|yes, 0
	}
	d.allowed = rules.essential | yes&d.granted | silent&^d.denied&^(doubt&^d.granted)
	return d
}

func (d Decision) bit(p Purpose) uint64 {
	if d.rules == nil {
		return 0
	}
	i, ok := d.rules.at(p)
	if !ok {
		return 0
	}
	return 1 << i
}

// State returns what the visitor said about p; Unset for an unknown purpose.
func (d Decision) State(p Purpose) State {
	bit := d.bit(p)
	switch {
	case bit&d.denied != 0:
		return Denied
	case bit&d.stale != 0:
		return Stale
	case bit&d.granted != 0:
		return Granted
	}
	return Unset
}

// Refuses reports whether anything at all was denied that is not allowed all the
// same: without it no cookie needs to be looked up to be expired.
func (d Decision) Refuses() bool { return d.denied&^d.allowed != 0 }

// Allows reports whether p may be used: essential purposes always, Consent
// purposes when granted, Objection purposes unless denied. An unknown purpose
// is never allowed.
func (d Decision) Allows(p Purpose) bool { return d.bit(p)&d.allowed != 0 }

// Knowing reports whether p was granted by a yes that was given while the
// browser sent Sec-GPC: 1 and the visitor was shown so.
func (d Decision) Knowing(p Purpose) bool { return d.bit(p)&d.granted&d.knowing != 0 }

// Decided reports whether nothing is left to ask: under OptIn, no Consent
// purpose is unset or stale; under OptOut nothing is ever asked.
func (d Decision) Decided() bool {
	if d.rules == nil {
		return false
	}
	return d.regime == OptOut || d.rules.consent&^(d.granted|d.denied) == 0
}

// Source says where the decision comes from.
func (d Decision) Source() Source { return d.source }

// Regime returns the regime the decision was made under.
func (d Decision) Regime() Regime { return d.regime }

// GPC reports whether the request carried Sec-GPC: 1.
func (d Decision) GPC() bool { return d.gpc }

// Version returns the version of the policy that decided; 0 for none.
func (d Decision) Version() int {
	if d.rules == nil {
		return 0
	}
	return d.rules.policy.Version
}

// Purposes yields the purposes that can be said something about, in the order
// of the policy, with their states. Essential ones are not among them.
func (d Decision) Purposes() iter.Seq2[Purpose, State] {
	return func(yield func(Purpose, State) bool) {
		if d.rules == nil {
			return
		}
		for i, p := range d.rules.policy.Processing {
			if d.rules.askable()&(1<<i) != 0 && !yield(p.Purpose, d.State(p.Purpose)) {
				return
			}
		}
	}
}

// purposes lists the purposes of a set, in the order of the policy.
func (r *Rules) purposes(set uint64) []Purpose {
	var out []Purpose
	for i, p := range r.policy.Processing {
		if set&(1<<i) != 0 {
			out = append(out, p.Purpose)
		}
	}
	return out
}

// set is the set of the purposes that the policy has.
func (r *Rules) set(purposes []Purpose) (set uint64) {
	for _, p := range purposes {
		if i, ok := r.index[p]; ok {
			set |= 1 << i
		}
	}
	return set
}
