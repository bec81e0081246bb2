package consent

// Purpose names a use of data that a visitor can say yes or no to. It is an
// open vocabulary: a policy may declare any purpose made of 1 to 32 lower-case
// ASCII letters, digits, '_' and '-', beginning with a letter.
type Purpose string

// The purposes most sites have. A policy declares those it uses; the constants
// only save spelling.
const (
	Authentication Purpose = "authentication" // keep somebody signed in; usually Essential
	Preferences    Purpose = "preferences"    // remember settings
	LoginMemory    Purpose = "login_memory"   // remember the login address
	Experiments    Purpose = "experiments"    // A/B tests
	Analytics      Purpose = "analytics"      // measure use
	Marketing      Purpose = "marketing"      // advertising, usually shared
)

// Basis is the ground on which a purpose is used (GDPR Art. 6 and ePrivacy
// Art. 5(3), in the three forms that matter to a switch).
type Basis string

const (
	// Essential purposes are needed for what the visitor asked for. They are
	// always allowed and cannot be refused.
	Essential Basis = "essential"
	// Objection purposes are on until the visitor refuses, for uses that a
	// regime exempts from consent.
	Objection Basis = "objection"
	// Consent purposes are off until the visitor says yes.
	Consent Basis = "consent"
)

// State is what a visitor said about one purpose. The zero State is Unset.
// Whether a purpose is allowed is a different question: see [Decision.Allows].
type State uint8

const (
	Unset   State = iota // never asked, unreadable, or expired
	Granted              // a yes that is still good
	Denied               // a no, or a no by signal (Sec-GPC)
	Stale                // a yes from before the purpose changed materially; ask again
)

// String returns the word used in JSON and logs.
func (s State) String() string {
	switch s {
	case Granted:
		return "granted"
	case Denied:
		return "denied"
	case Stale:
		return "stale"
	}
	return "unset"
}

// Regime says what silence means. The zero Regime is OptIn.
type Regime uint8

const (
	OptIn  Regime = iota // silence is no; the default, and what unknown means
	OptOut               // Consent purposes behave as Objection purposes
)

// String returns "opt-in" or "opt-out".
func (r Regime) String() string {
	if r == OptOut {
		return "opt-out"
	}
	return "opt-in"
}

// Source says where a decision comes from. The zero Source is FromDefault.
type Source uint8

const (
	FromDefault Source = iota // nothing was stored or signalled
	FromGPC                   // the Sec-GPC signal decided something, and nothing is stored
	FromStored                // the visitor's own choice
)

// String returns "default", "gpc" or "stored".
func (s Source) String() string {
	switch s {
	case FromGPC:
		return "gpc"
	case FromStored:
		return "stored"
	}
	return "default"
}
