package analytics_test

import (
	"testing"
	"time"

	"net/http"

	"github.com/stretchr/testify/require"

	"github.com/candorhttp/candor/consent"
	"github.com/candorhttp/candor/consent/analytics"
)

// The design's table, as a pure function and on a running handler: each row is a
// state, and what becomes of one event for a counter, a first-party sink and a
// third-party sink.
func TestGate(t *testing.T) {
	const drop, count, bare, send = analytics.Drop, analytics.Count, analytics.SendBare, analytics.Send
	none := func(*site) (cookie string) { return "" }
	saying := func(grants string, header ...string) func(*site) string {
		return func(s *site) string { return s.choose("", grants, header...) }
	}
	newer := func(cfg *consent.Config) {
		cfg.Policy.Version++
		for i := range cfg.Policy.Processing {
			cfg.Policy.Processing[i].GoodSince = cfg.Policy.Version
		}
	}
	optOut := func(cfg *consent.Config) { cfg.Regime = func(*http.Request) consent.Regime { return consent.OptOut } }
	day := func(n int) func(*consent.Config) {
		return func(cfg *consent.Config) { cfg.Now = func() time.Time { return time.Now().AddDate(0, 0, n) } }
	}
	granted, denied, stale := consent.Granted, consent.Denied, consent.Stale

	for _, tt := range []struct {
		name                string
		purpose             consent.Purpose
		before              func(*site) string    // what the visitor did, and the cookie of it
		edit                func(*consent.Config) // of the manager that is asked then
		header              []string
		view                analytics.View
		local, first, third analytics.Outcome
	}{
		{name: "never asked", before: none, local: count},
		{
			name: "granted", before: saying(`{"analytics":true}`),
			view: analytics.View{State: granted, Allowed: true}, local: count, first: send, third: send,
		},
		{name: "denied", before: saying(`{"analytics":false}`), view: analytics.View{State: denied}},
		{
			name: "withdrawn", before: func(s *site) string { return s.withdraw(s.choose("", `{"analytics":true}`)) },
			view: analytics.View{State: denied},
		},
		{
			name: "the cookie of before a withdrawal", local: count,
			before: func(s *site) string {
				cookie := s.choose("", `{"analytics":true}`)
				s.withdraw(cookie)
				return cookie
			},
		},
		{name: "unreadable", before: func(*site) string { return "consent=IAmATeapot" }, local: count},
		{name: "stale", before: saying(`{"analytics":true}`), edit: newer, view: analytics.View{State: stale}, local: count},
		{name: "expired", before: saying(`{"analytics":true}`), edit: day(181), local: count},
		{name: "another purpose granted", before: saying(`{"marketing":true}`), local: count},

		{name: "objection, silence", purpose: measurement, before: none, view: analytics.View{Allowed: true}, local: count, first: bare},
		{
			name: "objection, a yes all the same", purpose: measurement, before: saying(`{"measurement":true}`),
			view: analytics.View{State: granted, Allowed: true}, local: count, first: send, third: send,
		},
		{name: "objection, refused", purpose: measurement, before: saying(`{"measurement":false}`), view: analytics.View{State: denied}},
		{name: "objection, unreadable", purpose: measurement, before: func(*site) string { return "consent=x" }, local: count},
		{
			name: "objection, stale", purpose: measurement, before: saying(`{"measurement":true}`), edit: newer,
			view: analytics.View{State: stale, Allowed: true}, local: count, first: bare,
		},

		{name: "opt-out, silence", edit: optOut, before: none, view: analytics.View{Allowed: true}, local: count, first: bare},
		{
			name: "opt-out, a yes", edit: optOut, before: saying(`{"analytics":true}`),
			view: analytics.View{State: granted, Allowed: true}, local: count, first: send, third: send,
		},
		{name: "opt-out, refused", edit: optOut, before: saying(`{"analytics":false}`), view: analytics.View{State: denied}},
		{name: "opt-out, unreadable", edit: optOut, before: func(*site) string { return "consent=x" }, local: count},

		{
			name: "signal, purpose that shares", purpose: consent.Marketing, before: none, header: []string{"Sec-GPC", "1"},
			view: analytics.View{State: denied, GPC: true},
		},
		{
			name: "signal, purpose that shares, a yes that did not know", purpose: consent.Marketing, before: saying(`{"marketing":true}`),
			header: []string{"Sec-GPC", "1"}, view: analytics.View{State: denied, GPC: true},
		},
		{
			name: "signal, purpose that shares, a knowing yes", purpose: consent.Marketing, before: saying(`{"marketing":true}`, "Sec-GPC", "1"),
			header: []string{"Sec-GPC", "1"}, view: analytics.View{State: granted, Allowed: true, GPC: true, Knowing: true},
			local: count, first: send, third: send,
		},
		{name: "signal, purpose that does not share", before: none, header: []string{"Sec-GPC", "1"}, view: analytics.View{GPC: true}, local: count},
		{
			name: "signal, a yes that did not know", before: saying(`{"analytics":true}`), header: []string{"Sec-GPC", "1"},
			view: analytics.View{State: granted, Allowed: true, GPC: true}, local: count, first: send,
		},
		{
			name: "signal, a knowing yes", before: saying(`{"analytics":true}`, "Sec-GPC", "1"), header: []string{"Sec-GPC", "1"},
			view:  analytics.View{State: granted, Allowed: true, GPC: true, Knowing: true},
			local: count, first: send, third: send,
		},
		{
			name: "signal, objection", purpose: measurement, before: none, header: []string{"Sec-GPC", "1"},
			view: analytics.View{Allowed: true, GPC: true}, local: count, first: bare,
		},
	} {
		t.Run(tt.name, func(t *testing.T) {
			require.Equal(t, tt.local, analytics.Gate(tt.view, analytics.Local), "counter")
			require.Equal(t, tt.first, analytics.Gate(tt.view, analytics.FirstParty), "first party")
			require.Equal(t, tt.third, analytics.Gate(tt.view, analytics.ThirdParty), "third party")

			inTime(t, func(t *testing.T) {
				keys := newKeys(t)
				own, theirs, counts := firstParty("own", 10), thirdParty("theirs", 10), &tally{}
				cfg := analytics.Config{Sinks: []analytics.Sink{own, theirs}, Counters: counts, Events: []analytics.Spec{click(tt.purpose, "own", "theirs")}}
				plain := newManager(t, func(cfg *consent.Config) { cfg.Keys = keys })
				s := newSite(t, plain, cfg, nil)
				cookie := tt.before(s)
				if tt.edit != nil {
					s = newSite(t, newManager(t, func(cfg *consent.Config) { cfg.Keys = keys }, tt.edit), cfg, nil)
				}
				s.get("/track", cookie, tt.header...)
				s.flush()
				require.Equal(t, tt.local == count, counts.of("click") == 1, "counter")
				for _, o := range []struct {
					sink *sink
					want analytics.Outcome
				}{{own, tt.first}, {theirs, tt.third}} {
					got := o.sink.all()
					require.Equal(t, o.want != drop, len(got) == 1, "%s has %d", o.sink.to.Name, len(got))
					for _, d := range got {
						require.Equal(t, o.want == bare, d.Bare)
						require.Equal(t, o.want == send, d.Pseudonym != "")
						unit := time.Minute
						if o.want == bare {
							unit = time.Hour
						}
						require.Equal(t, time.Now().Truncate(unit).UTC(), d.Time)
					}
				}
			})
		})
	}
}

func TestOutcomesInWords(t *testing.T) {
	words := ""
	for _, o := range []analytics.Outcome{analytics.Drop, analytics.Count, analytics.SendBare, analytics.Send} {
		words += o.String() + ", "
	}
	require.Equal(t, "drop, count, send bare, send, ", words)
	require.Equal(t, analytics.Drop, analytics.Outcome(0), "the zero Outcome lets nothing out")
	require.Equal(t, analytics.Count, analytics.Gate(analytics.View{}, analytics.Local))
}
