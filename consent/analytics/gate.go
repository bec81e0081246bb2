package analytics

import "github.com/candorhttp/candor/consent"

// View is what is known at one moment of the visitor an event is about, for the
// one purpose of the event.
type View struct {
	State   consent.State
	Allowed bool // Decision.Allows: what the basis and the regime make of the state
	GPC     bool // the request carried Sec-GPC: 1
	Knowing bool // the yes was given knowing of GPC
}

// viewOf takes a View from a decision.
func viewOf(d consent.Decision, p consent.Purpose) View {
	return View{State: d.State(p), Allowed: d.Allows(p), GPC: d.GPC(), Knowing: d.Knowing(p)}
}

// Target is where an event would go.
type Target uint8

const (
	Local      Target = iota // a counter in this process
	FirstParty               // a sink of the controller's own
	ThirdParty               // a sink of a recipient that the policy names for the purpose
)

// Outcome is what becomes of an event for one target. The zero Outcome is Drop.
type Outcome uint8

const (
	Drop     Outcome = iota
	Count            // in a local counter, and nothing leaves
	SendBare         // without a pseudonym, with a coarse time
	Send             // with a pseudonym for the visitor
)

// String returns "drop", "count", "send bare" or "send".
func (o Outcome) String() string {
	switch o {
	case Count:
		return "count"
	case SendBare:
		return "send bare"
	case Send:
		return "send"
	}
	return "drop"
}

// Gate is the whole decision about an event, as a pure function:
//
//	state of the purpose                            counter  first party  third party
//	granted                                         count    send         send
//	not refused, basis objection or regime opt-out  count    send bare    drop
//	stale, unset, unreadable                        count    drop         drop
//	denied, withdrawn                               drop     drop         drop
//	Sec-GPC, and no yes that knew of it             as the state says     drop
//
// What the policy says of GPC is in the state already: it denies the purposes
// that share data. What a third-party sink is to the policy is checked at
// construction, for each purpose by itself.
func Gate(v View, to Target) Outcome {
	if v.State == consent.Denied {
		return Drop
	}
	if to == Local {
		return Count
	}
	switch {
	case !v.Allowed || to == ThirdParty && v.GPC && !v.Knowing:
		return Drop
	case v.State == consent.Granted:
		return Send
	case to == FirstParty:
		return SendBare
	}
	return Drop
}
