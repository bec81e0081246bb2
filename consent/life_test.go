package consent_test

import (
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/candorhttp/candor/consent"
)

// newerPolicy is the policy of fixture_test.go one version on: a material change
// of analytics, a new purpose, and a sentence about it.
func newerPolicy() consent.Policy {
	p := policy()
	p.Version, p.Processing[2].GoodSince = 4, 4
	p.Processing = append(p.Processing, declare("maps", 6, consent.Consent))
	p.Changes = []consent.Change{
		{Version: 3, Effective: "2026-10-01", Summary: consent.Text{"en": "older", "de": "älter"}},
		{Version: 4, Effective: "2026-11-01", Summary: consent.Text{"en": "newer", "de": "neuer"}},
	}
	return p
}

// askedAgain counts the days from now on which visits show no banner, and fails
// if a visit sets a cookie.
func (s *site) askedAgain(cookie string, now *time.Time) (days int) {
	s.t.Helper()
	for *now = now.AddDate(0, 0, 1); ; *now = now.AddDate(0, 0, 1) {
		days++
		a := s.do("GET", "/", "", "Cookie", cookie)
		require.Empty(s.t, a.Header["Set-Cookie"], "a visit extends nothing")
		if a.body == "banner" {
			return days
		}
	}
}

func banner(w http.ResponseWriter, r *http.Request) {
	if !consent.Decided(r.Context()) {
		_, _ = w.Write([]byte("banner"))
	}
}

// Whoever visits every day is asked again when a yes ends, and after a no not
// before a yes would be, whatever changes meanwhile.
func TestDailyVisits(t *testing.T) {
	for _, tt := range []struct {
		name, body string
		days       int
	}{
		{"yes to everything", "action=accept", 180},
		{"no to everything", "action=refuse", 16 + 180}, // from the month's end
		{"some", "action=save&purpose=analytics", 180},
	} {
		t.Run(tt.name, func(t *testing.T) {
			cfg := config(t)
			now := noon
			cfg.Now = func() time.Time { return now }
			s := serve(t, newManager(t, cfg), map[string]http.HandlerFunc{"/": banner})
			c := s.form("/privacy/decision", "", tt.body).cookie()
			require.GreaterOrEqual(t, c.MaxAge, tt.days*86400, "the browser keeps it at least as long")
			require.Equal(t, tt.days, s.askedAgain("consent="+c.Value, &now))
		})
	}
}

func TestPromise_P02_MaterialChangeAsksAgain(t *testing.T) {
	cfg := config(t)
	s := serve(t, newManager(t, cfg), map[string]http.HandlerFunc{"/": banner})
	yes := "consent=" + s.form("/privacy/decision", "", "action=accept").cookie().Value
	no := "consent=" + s.form("/privacy/decision", "", "action=refuse").cookie().Value
	require.Empty(t, s.do("GET", "/", "", "Cookie", yes).body)

	cfg.Policy = newerPolicy()
	var changes []consent.Change
	s = serve(t, newManager(t, cfg), map[string]http.HandlerFunc{
		"/": func(w http.ResponseWriter, r *http.Request) {
			banner(w, r)
			changes = consent.From(r.Context()).Changes()
		},
	})
	require.Contains(t, s.states(yes), `"preferences":"granted","analytics":"stale","marketing":"granted","measurement":"granted","maps":"unset"},"since":3`)
	require.Equal(t, "banner", s.do("GET", "/", "", "Cookie", yes).body)
	require.Len(t, changes, 1)
	require.Equal(t, "newer", changes[0].Summary["en"])
	require.Contains(t, s.states(no), `"analytics":"denied","marketing":"denied","measurement":"denied","maps":"unset"`, "a no stays a no")
	s.do("GET", "/", "")
	require.Empty(t, changes, "to a newcomer all is new")

	again := s.choose(yes, `{"analytics":true,"maps":false}`)
	require.Contains(t, s.states(again), `"preferences":"granted","analytics":"granted","marketing":"granted","measurement":"granted","maps":"denied"}`)
	require.NotContains(t, s.states(again), "since")
	require.Empty(t, s.do("GET", "/", "", "Cookie", again).body)
	require.Empty(t, changes)
}

func TestChangesAreCopies(t *testing.T) {
	d := consent.Decide(&consent.Stored{Version: 3, Answers: []consent.Answer{yes(3, noon, 3)}}, consent.Signals{}, rules(t, newerPolicy()), noon)
	require.Equal(t, 3, d.Since())
	d.Changes()[0].Summary["en"] = "spoilt"
	require.Equal(t, "newer", d.Changes()[0].Summary["en"])
	require.Empty(t, consent.Decision{}.Changes())
	require.Zero(t, consent.Decide(&consent.Stored{Unreadable: true, Version: 3}, consent.Signals{}, rules(t, newerPolicy()), noon).Since())
}

// Two servers with different versions of the policy behind one balancer, as in
// every rolling deployment.
func TestRollingDeployment(t *testing.T) {
	cfg := config(t)
	l := newSharedLedger()
	cfg.Ledger = l
	start := func(p consent.Policy) *site {
		cfg.Policy = p
		m := newManager(t, cfg)
		t.Cleanup(func() { require.NoError(t, m.Close(t.Context())) })
		return serve(t, m, map[string]http.HandlerFunc{"/": banner})
	}
	older, newer := start(policy()), start(newerPolicy())

	// A choice made on the newer one: the older asks, and leaves it alone.
	c := newer.choose("", `{"analytics":true,"marketing":true,"maps":true,"preferences":false}`)
	for range 3 {
		for _, s := range []*site{older, newer} {
			require.Empty(t, s.do("GET", "/", "", "Cookie", c).Header["Set-Cookie"])
		}
	}
	require.Equal(t, doubtful, older.states(c))
	require.Contains(t, newer.states(c), `"preferences":"denied","analytics":"granted","marketing":"granted","measurement":"unset","maps":"granted"`)

	// A partial save on the older one names one purpose. The others come back on
	// the newer one as they were, the one that the older does not have included.
	saved := older.choose(c, `{"preferences":true}`)
	soon(t, func() bool { return !strings.Contains(newer.states(c), "granted") }, "replaced")
	require.Contains(t, newer.states(saved), `"preferences":"granted","analytics":"granted","marketing":"granted","measurement":"unset","maps":"granted"`)
	// Yeses to a text that the older one does not have do not count there.
	require.Contains(t, older.states(saved), `"preferences":"granted","analytics":"unset","marketing":"unset"`)

	// Withdrawing everything on the older one is everything.
	none := "consent=" + older.form("/privacy/withdraw", saved, "").cookie().Value
	require.Contains(t, older.states(none), `"preferences":"denied","analytics":"denied","marketing":"denied","measurement":"denied"`)
	soon(t, func() bool { return !strings.Contains(newer.states(saved), "granted") }, "nothing of it counts on the newer one")
	require.Contains(t, newer.states(none), `"preferences":"denied","analytics":"denied","marketing":"denied","measurement":"denied","maps":"unset"`)

	// Taking back one purpose on the older one touches nothing else.
	c = newer.choose("", `{"analytics":true,"maps":true}`)
	less := "consent=" + older.form("/privacy/withdraw", c, "purpose=analytics").cookie().Value
	require.Contains(t, newer.states(less), `"analytics":"denied","marketing":"unset","measurement":"unset","maps":"granted"`)

	// A choice from before is asked about on the newer one only, and a choice on
	// the older one goes on counting for what did not change.
	c = older.choose("", `{"analytics":true,"marketing":true}`)
	require.Contains(t, newer.states(c), `"analytics":"stale","marketing":"granted"`)
	require.Contains(t, older.states(c), `"analytics":"granted","marketing":"granted"`)
}
