package promises_test

import (
	"context"
	"net/http"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/candorhttp/candor/consent"
	"github.com/candorhttp/candor/consent/analytics"
	"github.com/candorhttp/candor/cookies"
	"github.com/candorhttp/candor/logging"
)

func TestPromise_P01_CountsNameNobody(t *testing.T) {
	sentence(t, "P1: data aggregated so that nobody can be identified is outside the notice")
	s := open(t, nil)
	// Nobody was asked yet; the counter knows that pages were read, the sinks nothing.
	for range 3 {
		s.visitor().get("/")
	}
	s.flush()
	require.EqualValues(t, 3, s.events.Stats().Counted)
	require.Empty(t, s.own.events())
	require.Empty(t, s.abroad.events())
	// A count of three is less than five, so it is not published, today or later.
	counters, err := analytics.NewCounters(analytics.CountersConfig{Events: []analytics.Spec{analytics.PageViews()}})
	require.NoError(t, err)
	yesterday := time.Now().Add(-day)
	for i := range 43 {
		route := "/"
		if i < 3 {
			route = "/users/{id}"
		}
		counters.Count(yesterday, analytics.Cell{Event: analytics.PageView})
		counters.Count(yesterday, analytics.Cell{Event: analytics.PageView, Dimension: "route", Value: route})
	}
	shown := published(t, counters)
	require.Contains(t, shown, `"event":"page_view","count":43`)
	require.NotContains(t, shown, "/users/{id}", "a small cell")
	require.NotContains(t, shown, `"count":40`, "and what would give it away, next to the total")
}

func TestPromise_P02_ChangesAreAnnounced(t *testing.T) {
	sentence(t, "P2: significant changes are announced")
	before := open(t, nil)
	v := before.visitor()
	v.choose("accept")
	require.NotContains(t, v.get("/").body, `value="accept"`, "nobody is asked twice")

	var told sync.WaitGroup
	told.Add(1)
	var change consent.MaterialChange
	after := open(t, func(c *consent.Config) {
		c.Keys, c.Ledger = before.cfg.Keys, before.records
		c.Policy.Version = 2
		c.Policy.Changes = []consent.Change{{Version: 2, Effective: "2026-11-20", Summary: en("Numbers Inc. counts visits now.")}}
		for i := range c.Policy.Processing {
			if c.Policy.Processing[i].Purpose == consent.Analytics {
				c.Policy.Processing[i].GoodSince = 2
			}
		}
		c.OnMaterialChange = func(_ context.Context, m consent.MaterialChange) error { change = m; told.Done(); return nil }
	})
	w := after.visitor()
	w.client.Jar.SetCookies(mustURL(t, after.URL), v.client.Jar.Cookies(mustURL(t, before.URL)))
	require.Contains(t, w.get("/privacy/decision").body, `"analytics":"stale"`)
	require.Contains(t, w.get("/privacy/decision").body, `"preferences":"granted"`, "only what changed is asked again")
	require.Contains(t, w.get("/").body, `value="accept"`)
	require.Contains(t, w.get("/privacy/notice").body, "Numbers Inc. counts visits now.")
	told.Wait()
	require.Equal(t, []consent.Purpose{consent.Analytics}, change.Purposes, "and the site is told, to write to its customers")
}

func TestPromise_P03_AVisitIsNoConsent(t *testing.T) {
	sentence(t, "P3: visiting is consenting. Not here, unless a regime that allows silence is chosen, and then it is recorded as such")
	s := open(t, nil)
	v := s.visitor()
	for _, r := range routes {
		v.get(r)
	}
	require.Contains(t, v.get("/privacy/decision").body, `"source":"default"`)
	require.Contains(t, v.get("/privacy/decision").body, `"analytics":"unset"`)
	require.Empty(t, v.held())
	require.Empty(t, s.entries())

	out := open(t, func(c *consent.Config) { c.Regime = func(*http.Request) consent.Regime { return consent.OptOut } })
	w := out.visitor()
	w.get("/")
	require.Contains(t, w.held(), "visits", "chosen by the host, silence is enough")
	w.choose("refuse")
	require.NotContains(t, w.held(), "visits", "and a no still is a no")
	entries := out.entries()
	require.Equal(t, "opt-out", entries[len(entries)-1].Regime)
}

func TestPromise_P04_OnlyWhatIsDeclared(t *testing.T) {
	sentence(t, "P4: only what is necessary is collected")
	// Parts that were told nothing set, log and send nothing.
	empty, err := cookies.NewInventory(policy())
	require.NoError(t, err)
	gate, err := cookies.NewGate(cookies.GateConfig{Inventory: empty})
	require.NoError(t, err)
	log := &text{}
	access, err := logging.New(logging.Config{Output: log})
	require.NoError(t, err)
	defer access.Close()
	s := serveOnly(t, access.Middleware(gate.Middleware(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		http.SetCookie(w, &http.Cookie{Name: "id", Value: "4711"})
	}))))
	v := s.visitor()
	a := v.get("/users/4711?token=abc#x")
	require.Empty(t, a.Header["Set-Cookie"])
	for _, canary := range []string{"4711", "abc", "203.0.113", "Chrome/142.0.7444"} {
		require.NotContains(t, log.String(), canary)
	}

	full := open(t, nil)
	w := full.visitor()
	w.choose("accept")
	full.events.Track(context.Background(), analytics.Event{Name: "not declared"})
	w.get("/")
	full.flush()
	for _, d := range full.own.events() {
		require.Equal(t, analytics.PageView, d.Name)
	}
	require.NotContains(t, w.held(), "rogue")
}

func TestPromise_P05_NobodyIsNumberedBeforeAYes(t *testing.T) {
	sentence(t, "P5: one can browse without saying who one is")
	s := open(t, nil)
	v := s.visitor()
	for _, r := range routes {
		a := v.get(r)
		require.Empty(t, a.Header["Set-Cookie"], r)
		require.Equal(t, a.body, s.visitor().get(r).body, "%s: and there is nothing in the page that differs from visitor to visitor", r)
	}
	require.Empty(t, v.held())
	require.Empty(t, s.entries())
	s.flush()
	require.Empty(t, s.own.events())
	require.NotContains(t, s.log.String(), "client.pseudonym")

	// Who refuses is as everybody who refused: the cookie holds no number.
	one, other := s.visitor(), s.visitor()
	require.Equal(t, one.choose("refuse").Header["Set-Cookie"], other.choose("refuse").Header["Set-Cookie"])
	for _, e := range s.entries() {
		require.True(t, e.Subject.IsZero())
	}
}

func TestPromise_P07_DecliningIsNotUsingTheFeature(t *testing.T) {
	sentence(t, "P7: one can decline by not using the feature")
	v := open(t, nil).visitor()
	v.choose("refuse")
	a := v.get("/comments/new")
	require.Equal(t, http.StatusForbidden, a.StatusCode)
	require.Contains(t, a.body, "What comments is for.", "it says which purpose it needs")
	require.Contains(t, a.body, `href="/privacy/"`, "and where to change one's mind")
	require.Equal(t, 200, v.get("/comments").StatusCode, "all around it stays open")
	v.choose("save", "comments")
	require.Contains(t, v.get("/comments/new").body, "the form of comments")
}

func TestPromise_P15_CookiesCanBeOff(t *testing.T) {
	sentence(t, "P15: cookies can be refused in the browser")
	s := open(t, nil)
	v := s.visitor()
	v.client.Jar = nil
	for range 50 {
		require.Equal(t, 200, v.get("/").StatusCode)
		a := v.choose("accept")
		require.Equal(t, "/", a.Header.Get("Location"))
		require.Equal(t, 200, v.get("/").StatusCode, "no loop: the page, and the question again")
	}
	require.Zero(t, s.manager.Stats().SupersededSubjects, "and nothing grows but the record of what was said")

	w := s.visitor()
	w.header.Set("Sec-GPC", "1")
	require.Contains(t, w.get("/privacy/decision").body, `"marketing":"denied"`)
	require.Contains(t, w.get("/privacy/").body, "Global Privacy Control", "honoured, and said so")
	require.Empty(t, w.held())
}

func TestPromise_P16_NoWall(t *testing.T) {
	sentence(t, "P16: who rejects cookies may still use the site, some features limited")
	v := open(t, nil).visitor()
	v.choose("refuse")
	for _, r := range routes {
		a := v.get(r)
		require.Equal(t, 200, a.StatusCode, r)
		require.NotContains(t, a.body, `value="accept"`, "and is not asked again")
	}
	require.Equal(t, http.StatusForbidden, v.get("/comments/new").StatusCode)
}
