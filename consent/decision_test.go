package consent_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/candorhttp/candor/consent"
)

func dayOf(t time.Time) int32 { return int32(t.Unix() / 86400) }

func yes(number uint8, at time.Time, version int32) consent.Answer {
	return consent.Answer{Number: number, Granted: true, Day: dayOf(at), Version: version}
}

func no(number uint8, month time.Time) consent.Answer {
	return consent.Answer{Number: number, Day: dayOf(time.Date(month.Year(), month.Month(), 1, 0, 0, 0, 0, time.UTC))}
}

func TestDecide(t *testing.T) {
	const (
		pref, stat, ads, meas = consent.Preferences, consent.Analytics, consent.Marketing, consent.Purpose("measurement")
	)
	days := func(n int) time.Time { return noon.AddDate(0, 0, -n) }
	knowing := yes(4, noon, 3)
	knowing.KnowingGPC = true
	gpc := consent.Signals{GPC: true}
	optOut := consent.Signals{Regime: consent.OptOut}
	stale := func(p *consent.Policy) { p.Processing[2].GoodSince = 3 }

	for _, tt := range []struct {
		name    string
		stored  consent.Stored
		signals consent.Signals
		policy  func(*consent.Policy)
		state   map[consent.Purpose]consent.State
		allowed []consent.Purpose // beside authentication
		decided bool
		source  consent.Source
	}{
		{name: "nothing said", allowed: []consent.Purpose{meas}},
		{
			name:   "one yes",
			stored: consent.Stored{Version: 3, Answers: []consent.Answer{yes(3, noon, 3)}},
			state:  map[consent.Purpose]consent.State{stat: consent.Granted}, allowed: []consent.Purpose{stat, meas},
			source: consent.FromStored,
		},
		{
			name:   "everything refused",
			stored: consent.Stored{Version: 3, Answers: []consent.Answer{no(2, noon), no(3, noon), no(4, noon), no(5, noon)}},
			state:  map[consent.Purpose]consent.State{pref: consent.Denied, stat: consent.Denied, ads: consent.Denied, meas: consent.Denied},
			source: consent.FromStored, decided: true,
		},
		{
			name:   "a yes on its last day",
			stored: consent.Stored{Answers: []consent.Answer{yes(3, days(179), 3)}},
			state:  map[consent.Purpose]consent.State{stat: consent.Granted}, allowed: []consent.Purpose{stat, meas},
			source: consent.FromStored,
		},
		{
			name:    "a yes past its last day",
			stored:  consent.Stored{Answers: []consent.Answer{yes(3, days(180), 3)}},
			allowed: []consent.Purpose{meas}, source: consent.FromStored,
		},
		{
			name:   "a no is counted from the end of its month",
			stored: consent.Stored{Answers: []consent.Answer{no(3, noon.AddDate(0, -6, 0))}}, // May; expires 180 days after 1 June
			state:  map[consent.Purpose]consent.State{stat: consent.Denied}, allowed: []consent.Purpose{meas}, source: consent.FromStored,
		},
		{
			name:    "a no long ago",
			stored:  consent.Stored{Answers: []consent.Answer{no(3, noon.AddDate(0, -8, 0))}},
			allowed: []consent.Purpose{meas}, source: consent.FromStored,
		},
		{
			name:   "tomorrow is a clock that differs",
			stored: consent.Stored{Answers: []consent.Answer{yes(3, days(-1), 3)}},
			state:  map[consent.Purpose]consent.State{stat: consent.Granted}, allowed: []consent.Purpose{stat, meas}, source: consent.FromStored,
		},
		{
			name:    "from the future",
			stored:  consent.Stored{Answers: []consent.Answer{yes(3, days(-2), 3)}},
			allowed: []consent.Purpose{meas}, source: consent.FromStored,
		},
		{
			name: "a material change since", policy: stale,
			stored:  consent.Stored{Version: 2, Answers: []consent.Answer{yes(2, noon, 2), yes(3, noon, 2)}},
			state:   map[consent.Purpose]consent.State{pref: consent.Granted, stat: consent.Stale},
			allowed: []consent.Purpose{pref, meas}, source: consent.FromStored,
		},
		{
			name: "a no is not asked again by a material change", policy: stale,
			stored: consent.Stored{Version: 2, Answers: []consent.Answer{no(3, noon)}},
			state:  map[consent.Purpose]consent.State{stat: consent.Denied}, allowed: []consent.Purpose{meas}, source: consent.FromStored,
		},
		{
			name:   "only a minor change since",
			stored: consent.Stored{Version: 1, Answers: []consent.Answer{yes(3, noon, 1)}},
			state:  map[consent.Purpose]consent.State{stat: consent.Granted}, allowed: []consent.Purpose{stat, meas}, source: consent.FromStored,
		},
		{
			name:   "of a policy this server does not know yet",
			stored: consent.Stored{Version: 4, Answers: []consent.Answer{yes(3, noon, 4)}},
		},
		{
			name:   "of a purpose that was removed",
			stored: consent.Stored{Version: 3, Answers: []consent.Answer{yes(77, noon, 3)}}, allowed: []consent.Purpose{meas},
		},
		{
			name:   "a no to the essential purpose",
			stored: consent.Stored{Version: 3, Answers: []consent.Answer{no(1, noon)}}, allowed: []consent.Purpose{meas},
		},
		{
			name: "unreadable turns off what needs no yes", stored: consent.Stored{Unreadable: true, Answers: []consent.Answer{yes(3, noon, 3)}},
		},
		{
			name: "a signal", signals: gpc,
			state: map[consent.Purpose]consent.State{ads: consent.Denied}, allowed: []consent.Purpose{meas}, source: consent.FromGPC,
		},
		{
			name: "a signal after a yes that did not know of it", signals: gpc,
			stored: consent.Stored{Version: 3, Answers: []consent.Answer{yes(3, noon, 3), yes(4, noon, 3)}},
			state:  map[consent.Purpose]consent.State{stat: consent.Granted, ads: consent.Denied}, allowed: []consent.Purpose{stat, meas}, source: consent.FromStored,
		},
		{
			name: "a knowing yes under the signal", signals: gpc,
			stored: consent.Stored{Version: 3, Answers: []consent.Answer{knowing}},
			state:  map[consent.Purpose]consent.State{ads: consent.Granted}, allowed: []consent.Purpose{ads, meas}, source: consent.FromStored,
		},
		{
			name: "opt-out: silence", signals: optOut,
			allowed: []consent.Purpose{pref, stat, ads, meas}, decided: true,
		},
		{
			name: "opt-out: a no", signals: optOut,
			stored: consent.Stored{Version: 3, Answers: []consent.Answer{no(4, noon)}},
			state:  map[consent.Purpose]consent.State{ads: consent.Denied}, allowed: []consent.Purpose{pref, stat, meas}, decided: true, source: consent.FromStored,
		},
		{
			name: "opt-out: a signal", signals: consent.Signals{GPC: true, Regime: consent.OptOut},
			state: map[consent.Purpose]consent.State{ads: consent.Denied}, allowed: []consent.Purpose{pref, stat, meas}, decided: true, source: consent.FromGPC,
		},
		{name: "opt-out: unreadable is not silence", signals: optOut, stored: consent.Stored{Unreadable: true}, decided: true},
		{
			name: "opt-out: a no that expired is not silence either", signals: optOut,
			stored:  consent.Stored{Answers: []consent.Answer{no(3, noon.AddDate(-1, 0, 0))}},
			allowed: []consent.Purpose{pref, ads, meas}, decided: true, source: consent.FromStored,
		},
	} {
		t.Run(tt.name, func(t *testing.T) {
			p := policy()
			if tt.policy != nil {
				tt.policy(&p)
			}
			d := consent.Decide(&tt.stored, tt.signals, rules(t, p), noon)
			allowed := map[consent.Purpose]bool{consent.Authentication: true}
			for _, p := range tt.allowed {
				allowed[p] = true
			}
			for _, p := range []consent.Purpose{consent.Authentication, pref, stat, ads, meas, "unheard_of", ""} {
				require.Equal(t, tt.state[p], d.State(p), "state of %q", p)
				require.Equal(t, allowed[p], d.Allows(p), "allows %q", p)
				require.Equal(t, tt.name == "a knowing yes under the signal" && p == ads, d.Knowing(p), "knowing %q", p)
			}
			require.Equal(t, tt.decided, d.Decided(), "decided")
			require.Equal(t, tt.source, d.Source(), "source")
		})
	}
}

func TestZeroDecisionAllowsNothing(t *testing.T) {
	var d consent.Decision
	require.False(t, d.Allows(consent.Authentication))
	require.False(t, d.Decided())
	require.Equal(t, consent.Unset, d.State(consent.Analytics))
	require.Zero(t, d.Version())
	for range d.Purposes() {
		t.Fatal("a purpose of no policy")
	}
}

// Whatever is stored, nothing is allowed that a reader of the policy would not
// allow: a Consent purpose only by a good yes, an essential one always.
func FuzzDecide(f *testing.F) {
	f.Add(uint8(3), true, int32(0), int32(3), 3, false, false, false)
	f.Add(uint8(4), true, int32(1), int32(1), 3, true, true, true)
	f.Add(uint8(5), false, int32(-200), int32(0), 9, false, true, false)
	base := rules(f, policy())
	f.Fuzz(func(t *testing.T, number uint8, granted bool, ago, version int32, cookieVersion int, gpc, knowing, unreadable bool) {
		a := consent.Answer{Number: number, Granted: granted, Day: dayOf(noon) - ago%100000, Version: version, KnowingGPC: knowing}
		s := consent.Stored{Version: cookieVersion, Answers: []consent.Answer{a}, Unreadable: unreadable}
		d := consent.Decide(&s, consent.Signals{GPC: gpc}, base, noon)
		if !d.Allows(consent.Authentication) {
			t.Fatal("essential is not allowed")
		}
		for i, p := range []consent.Purpose{consent.Preferences, consent.Analytics, consent.Marketing} {
			good := number == uint8(i+2) && granted && !unreadable && cookieVersion <= 3 && version >= 0 &&
				ago%100000 < 180 && ago%100000 >= -1 && (p != consent.Marketing || !gpc || knowing)
			if d.Allows(p) && !good {
				t.Fatalf("%s is allowed by %+v", p, s)
			}
			if d.Allows(p) != (d.State(p) == consent.Granted) {
				t.Fatalf("%s: state and permission differ", p)
			}
		}
	})
}
