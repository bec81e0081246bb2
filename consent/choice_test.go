package consent_test

import (
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/candorhttp/candor/consent"
	"github.com/candorhttp/candor/consent/ledger"
)

func TestPromise_P03_VisitIsUndecided(t *testing.T) {
	s := serve(t, newManager(t, config(t)), nil)
	a := s.do("GET", "/privacy/decision", "")
	require.Equal(t, undecided, a.body)
	require.Equal(t, "application/json", a.Header.Get("Content-Type"))
	require.Equal(t, "no-store", a.Header.Get("Cache-Control"))
	require.Empty(t, a.Header["Set-Cookie"])
}

func TestChoiceAsJSON(t *testing.T) {
	cfg := config(t)
	s := serve(t, newManager(t, cfg), nil)
	a := s.json("/privacy/decision", "", `{"grants":{"analytics":true,"preferences":false}}`)
	require.Equal(t, 200, a.StatusCode)
	require.Equal(t, `{"policy":3,"source":"stored","purposes":{"preferences":"denied","analytics":"granted","marketing":"unset","measurement":"unset"},"allowed":["analytics","measurement"],"recorded":true}`+"\n", a.body)
	c := a.cookie()
	require.Equal(t, "consent", c.Name)
	require.Equal(t, "/", c.Path)
	require.True(t, c.HttpOnly)
	require.False(t, c.Secure, "plain http under Insecure")
	require.Equal(t, http.SameSiteLaxMode, c.SameSite)
	require.Equal(t, (16+180)*86400, c.MaxAge, "the no is the longest lived answer: 180 days from 1 December")
	require.NotContains(t, c.Value, "analytics")

	held := entries(t, cfg.Ledger)
	require.Len(t, held, 1)
	e := held[0]
	require.Equal(t, consent.EntryGrant, e.Kind)
	require.Equal(t, []consent.Purpose{consent.Analytics}, e.Granted)
	require.Equal(t, []consent.Purpose{consent.Preferences}, e.Denied)
	require.Equal(t, noon, e.Time)
	require.Equal(t, consent.MethodJSON, e.Method)
	require.Equal(t, 3, e.Policy)
	require.Equal(t, "en", e.Language)
	require.Equal(t, "opt-in", e.Regime)
	require.Len(t, e.TextHash, 64)
	require.False(t, e.Subject.IsZero())
	require.EqualValues(t, 1, e.Revision)

	require.Contains(t, s.states(c.Name+"="+c.Value), `"source":"stored"`)
	require.Contains(t, s.states(c.Name+"="+c.Value), `"analytics":"granted"`)
}

func TestChoiceAsForm(t *testing.T) {
	for _, tt := range []struct {
		name, body, want string
		kind             consent.EntryKind
	}{
		{"accept", "action=accept", `"preferences":"granted","analytics":"granted","marketing":"granted","measurement":"granted"`, consent.EntryGrant},
		{"refuse", "action=refuse", `"preferences":"denied","analytics":"denied","marketing":"denied","measurement":"denied"`, consent.EntryRefusal},
		{"save some", "action=save&purpose=analytics&purpose=preferences", `"preferences":"granted","analytics":"granted","marketing":"denied","measurement":"denied"`, consent.EntryGrant},
		{"save none", "action=save", `"preferences":"denied","analytics":"denied","marketing":"denied","measurement":"denied"`, consent.EntryRefusal},
		{"essential may be ticked", "action=save&purpose=authentication", `"preferences":"denied"`, consent.EntryRefusal},
	} {
		t.Run(tt.name, func(t *testing.T) {
			cfg := config(t)
			s := serve(t, newManager(t, cfg), nil)
			a := s.form("/privacy/decision", "", tt.body+"&return=/shop?page=2&language=de")
			require.Equal(t, http.StatusSeeOther, a.StatusCode)
			require.Equal(t, "/shop?page=2", a.Header.Get("Location"))
			require.Contains(t, s.states("consent="+a.cookie().Value), tt.want)
			e := entries(t, cfg.Ledger)
			require.Len(t, e, 1)
			require.Equal(t, tt.kind, e[0].Kind)
			require.Equal(t, "de", e[0].Language)
			require.Equal(t, tt.kind == consent.EntryRefusal, e[0].Subject.IsZero())

			a = s.form("/privacy/decision", "", tt.body, "Accept", "application/json")
			require.Equal(t, 200, a.StatusCode, "the same form, asked for as JSON")
			require.Contains(t, a.body, tt.want)
		})
	}
}

func TestReturnPath(t *testing.T) {
	for path, want := range map[string]string{
		"/":                             "/",
		"/a/b?c=d&e=%20":                "/a/b?c=d&e=%20",
		"":                              "/",
		"//evil.example":                "/",
		`/\evil.example`:                "/",
		`\\evil.example`:                "/",
		"https:evil":                    "/",
		"https://evil.example/":         "/",
		"javascript:alert(1)":           "/",
		"/\tx":                          "/",
		"/\r\nSet-Cookie: x=y":          "/",
		"/\n/evil.example":              "/",
		"evil":                          "/",
		"/ü":                            "/",
		"/" + strings.Repeat("a", 3000): "/",
	} {
		require.Equal(t, want, consent.LocalPath(path), "%q", path)
	}
	s := serve(t, newManager(t, config(t)), nil)
	a := s.form("/privacy/decision", "", "action=refuse&return=%2F%2Fevil.example")
	require.Equal(t, "/", a.Header.Get("Location"))
}

func TestRefusalIsTheSameForEverybody(t *testing.T) {
	cfg := config(t)
	s := serve(t, newManager(t, cfg), nil)
	one := s.form("/privacy/decision", "", "action=refuse").cookie()
	two := s.json("/privacy/withdraw", "", "").cookie()
	require.Equal(t, one.Raw, two.Raw)
	e := entries(t, cfg.Ledger)
	require.Equal(t, e[0].Time, e[1].Time)
	require.Equal(t, time.Date(2026, 11, 1, 0, 0, 0, 0, time.UTC), e[0].Time, "no finer than the month")
	require.Contains(t, s.states("consent="+one.Value), `"analytics":"denied"`)
}

func TestWithdrawal(t *testing.T) {
	for _, tt := range []struct{ name, body, want string }{
		{"everything", "", `"preferences":"denied","analytics":"denied","marketing":"denied","measurement":"denied"`},
		{"one purpose", "purpose=analytics", `"preferences":"granted","analytics":"denied","marketing":"unset"`},
	} {
		t.Run(tt.name, func(t *testing.T) {
			cfg := config(t)
			s := serve(t, newManager(t, cfg), nil)
			before := s.choose("", `{"analytics":true,"preferences":true}`)
			a := s.form("/privacy/withdraw", before, tt.body, "Accept", "application/json")
			require.Equal(t, 200, a.StatusCode)
			require.Contains(t, a.body, tt.want)
			after := "consent=" + a.cookie().Value
			require.Contains(t, s.states(after), tt.want)
			require.Equal(t, doubtful, s.states(before), "a copy of the earlier cookie counts for nothing")
			require.EqualValues(t, 1, s.m.Stats().Withdrawn)
			require.Positive(t, s.m.Stats().Superseded)

			e := entries(t, cfg.Ledger)
			require.Len(t, e, 2)
			require.Equal(t, consent.EntryWithdrawal, e[1].Kind)
			require.Equal(t, e[0].Subject, e[1].Subject, "the record links to the earlier one")
			require.Equal(t, e[0].Revision+1, e[1].Revision)

			// A process that starts afterwards knows it from the ledger.
			again := serve(t, newManager(t, cfg), nil)
			require.Equal(t, doubtful, again.states(before))
			require.Contains(t, again.states(after), tt.want)
		})
	}
}

func TestYesAfterWithdrawalIsSomebodyNew(t *testing.T) {
	cfg := config(t)
	s := serve(t, newManager(t, cfg), nil)
	c := s.choose("", `{"analytics":true}`)
	a := s.json("/privacy/withdraw", c, "")
	s.choose("consent="+a.cookie().Value, `{"analytics":true}`)
	e := entries(t, cfg.Ledger)
	require.NotEqual(t, e[0].Subject, e[2].Subject)
}

// A partial save touches what it names and nothing else.
func TestPartialSave(t *testing.T) {
	cfg := config(t)
	now := noon
	cfg.Now = func() time.Time { return now }
	s := serve(t, newManager(t, cfg), nil)
	codec := consent.NewCodec(cfg.Keys, "consent")
	decode := func(cookie string) consent.Stored {
		stored, err := codec.Decode(strings.TrimPrefix(cookie, "consent="), now)
		require.NoError(t, err)
		return stored
	}
	c := s.choose("", `{"analytics":true,"marketing":false}`)
	first := decode(c)

	now = noon.AddDate(0, 2, 0)
	c = s.choose(c, `{"preferences":true}`)
	second := decode(c)
	require.Equal(t, first.Subject, second.Subject)
	require.Equal(t, []consent.Answer{yes(2, now, 3), yes(3, noon, 3), no(4, noon)}, second.Answers, "each keeps its own day")

	now = noon.AddDate(0, 0, 181)
	c = s.choose(c, `{"preferences":true}`)
	require.Equal(t, []consent.Answer{yes(2, now, 3), no(4, noon)}, decode(c).Answers, "an expired yes does not come back to life")

	// Two months later a material change makes preferences stale; a save of
	// something else does not refresh it.
	p := policy()
	p.Version, p.Processing[1].GoodSince = 4, 4
	cfg.Policy = p
	s = serve(t, newManager(t, cfg), nil)
	require.Contains(t, s.states(c), `"preferences":"stale"`)
	c = s.choose(c, `{"analytics":false}`)
	require.Contains(t, s.states(c), `"preferences":"unset","analytics":"denied"`)
}

// Of two posts that start from the same cookie the second starts from nothing,
// so a withdrawal cannot be undone by a save that raced it.
func TestChoicesThatRace(t *testing.T) {
	s := serve(t, newManager(t, config(t)), nil)
	c := s.choose("", `{"analytics":true,"marketing":true}`)
	s.json("/privacy/decision", c, `{"grants":{"analytics":false}}`)
	c = s.choose(c, `{"preferences":true}`)
	require.Contains(t, s.states(c), `"preferences":"granted","analytics":"unset","marketing":"unset"`)
}

// A no that starts from a replaced cookie reaches the cookie that replaced it:
// whichever answer arrives last, the browser does not keep the yes.
func TestNoAfterAYesThatCrossed(t *testing.T) {
	cfg := config(t)
	s := serve(t, newManager(t, cfg), nil)
	c := s.choose("", `{"analytics":true}`)
	yes := s.choose(c, `{"marketing":true}`)
	no := s.form("/privacy/withdraw", c, "").cookie()
	require.Equal(t, doubtful, s.states(yes))
	require.Contains(t, s.states("consent="+no.Value), `"analytics":"denied","marketing":"denied"`)
	held := entries(t, cfg.Ledger)
	require.Len(t, held, 3)
	require.Equal(t, consent.EntryWithdrawal, held[2].Kind)
	require.Equal(t, held[0].Subject, held[2].Subject)
	require.EqualValues(t, 3, held[2].Revision)

	// Nothing stands any more, so a further no is nobody's.
	s.form("/privacy/withdraw", yes, "")
	require.Equal(t, consent.EntryRefusal, entries(t, cfg.Ledger)[3].Kind)
}

func TestVisitsExtendNothing(t *testing.T) {
	s := serve(t, newManager(t, config(t)), map[string]http.HandlerFunc{
		"/": func(w http.ResponseWriter, r *http.Request) { consent.From(r.Context()) },
	})
	c := s.choose("", `{"analytics":true}`)
	for range 3 {
		require.Empty(t, s.do("GET", "/", "", "Cookie", c).Header["Set-Cookie"])
	}
}

func TestCookieName(t *testing.T) {
	for _, tt := range []struct {
		name   string
		change func(*consent.Config)
		want   string
	}{
		{"by default", func(c *consent.Config) { c.Insecure = false }, "__Host-consent=…; Path=/; Max-Age=15552000; HttpOnly; Secure; SameSite=Lax"},
		{"for a domain", func(c *consent.Config) { c.Insecure, c.Domain = false, "shop.example" }, "__Secure-consent=…; Path=/; Domain=shop.example; Max-Age=15552000; HttpOnly; Secure; SameSite=Lax"},
		{"insecure", func(*consent.Config) {}, "consent=…; Path=/; Max-Age=15552000; HttpOnly; SameSite=Lax"},
		{"a longer yes", func(c *consent.Config) { c.Policy.GrantDays, c.Policy.ReaskDays = 365, 365 }, "consent=…; Path=/; Max-Age=31536000; HttpOnly; SameSite=Lax"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			cfg := config(t)
			tt.change(&cfg)
			s := serve(t, newManager(t, cfg), nil)
			c := s.json("/privacy/decision", "", `{"grants":{"analytics":true}}`).cookie()
			require.Equal(t, tt.want, strings.Replace(c.Raw, c.Value, "…", 1))
		})
	}
}

// Rolling deployment: what the newer server wrote reads as undecided on the
// older one, and is left alone.
func TestNewerPolicyOnAnotherServer(t *testing.T) {
	cfg := config(t)
	older := serve(t, newManager(t, cfg), nil)
	cfg.Policy.Version = 4
	newer := serve(t, newManager(t, cfg), nil)
	c := newer.choose("", `{"analytics":true}`)
	require.Equal(t, doubtful, older.states(c))
	require.Contains(t, newer.states(c), `"analytics":"granted"`)
	c = older.choose("", `{"analytics":true}`)
	require.Contains(t, newer.states(c), `"analytics":"granted"`, "a minor version only records")
}

func TestCookiesThatCannotBeBelieved(t *testing.T) {
	s := serve(t, newManager(t, config(t)), map[string]http.HandlerFunc{
		"/": func(w http.ResponseWriter, r *http.Request) {
			if consent.Allowed(r.Context(), consent.Analytics) || consent.Allowed(r.Context(), "measurement") {
				w.WriteHeader(http.StatusTeapot)
			}
		},
	})
	good := s.choose("", `{"analytics":true}`)
	other := serve(t, newManager(t, config(t)), nil).choose("", `{"analytics":true}`)
	for name, c := range map[string]string{
		"tampered":              good[:len(good)-3] + "AAA",
		"cut":                   good[:len(good)-5],
		"foreign":               other,
		"twice and different":   good + "; " + other,
		"good beside an empty":  "consent=; " + good,
		"empty":                 "consent=",
		"text":                  "consent=IAmATeapot",
		"quoted":                `consent="` + strings.TrimPrefix(good, "consent=") + `"`,
		"very long":             "consent=" + strings.Repeat("A", 7000),
		"two lines that differ": good + "\x00",
	} {
		t.Run(name, func(t *testing.T) {
			if strings.HasSuffix(c, "\x00") {
				a := s.do("GET", "/", "", "Cookie", good, "Cookie", other)
				require.Equal(t, 200, a.StatusCode)
				return
			}
			a := s.do("GET", "/", "", "Cookie", c)
			require.Equal(t, 200, a.StatusCode)
			require.Empty(t, a.Header["Set-Cookie"], "never overwritten or deleted by a mere GET")
			require.Equal(t, doubtful, s.states(c))
		})
	}
	require.Equal(t, http.StatusTeapot, s.do("GET", "/", "", "Cookie", "a=b; "+good+";  "+good+" ; c").StatusCode, "twice the same is one")
	require.Equal(t, http.StatusTeapot, s.do("GET", "/", "", "Cookie", "a=b", "Cookie", good).StatusCode, "several lines")
	require.Positive(t, s.m.Stats().Unreadable)
}

func TestLedgerDown(t *testing.T) {
	cfg := config(t)
	l := &faultyLedger{InMemory: ledger.Memory()}
	cfg.Ledger = l
	m := newManager(t, cfg)
	s := serve(t, m, nil)
	granted := s.choose("", `{"analytics":true,"preferences":true}`)
	l.set(true)

	a := s.json("/privacy/decision", "", `{"grants":{"analytics":true}}`)
	require.Equal(t, http.StatusServiceUnavailable, a.StatusCode)
	require.Empty(t, a.Header["Set-Cookie"])
	require.NotContains(t, a.body, "fire")
	require.NotEmpty(t, a.Header.Get("Retry-After"))

	a = s.json("/privacy/decision", granted, `{"grants":{"marketing":true}}`)
	require.Equal(t, http.StatusServiceUnavailable, a.StatusCode)
	require.Empty(t, a.Header["Set-Cookie"])
	require.Contains(t, s.states(granted), `"analytics":"granted"`, "nothing changed")

	a = s.form("/privacy/decision", "", "action=refuse", "Accept", "application/json")
	require.Equal(t, 200, a.StatusCode)
	require.Contains(t, a.body, `"analytics":"denied"`)
	require.Contains(t, a.body, `"recorded":false`)
	require.NotNil(t, a.cookie())

	// A yes that comes with a no: the no is in effect, the yes is not.
	a = s.json("/privacy/decision", granted, `{"grants":{"marketing":true,"analytics":false}}`)
	require.Equal(t, http.StatusServiceUnavailable, a.StatusCode)
	require.NotNil(t, a.cookie())
	require.Contains(t, s.states("consent="+a.cookie().Value), `"preferences":"granted","analytics":"denied","marketing":"unset"`)
	require.Equal(t, doubtful, s.states(granted))

	require.Equal(t, 2, m.Stats().Pending)
	require.Len(t, entries(t, l), 1)
	l.set(false)
	require.NoError(t, m.Close(t.Context()))
	e := entries(t, l)
	require.Len(t, e, 3)
	require.Equal(t, consent.EntryRefusal, e[1].Kind)
	require.Equal(t, consent.EntryWithdrawal, e[2].Kind)
	require.Zero(t, m.Stats().Pending)
}
