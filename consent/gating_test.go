package consent_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/netip"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/candorhttp/candor/consent"
	"github.com/candorhttp/candor/iputil"
)

// The cases of what a consent gate must do that are this package's, by their
// numbers, and the tests on a real server that hold them. What a gate does with
// cookies (1 to 3, 18, 22 to 28, 36 to 58, 72 and 73) is in package cookies,
// mount orders (85) in the quickstart, routers (87) in examples/routers.
//
//	4        TestCookiesThatCannotBeBelieved
//	5        TestCookiesThatCannotBeBelieved
//	6, 7     TestCookieKeysAndNames
//	8        TestDailyVisits
//	9        TestCookieFromTheFuture
//	10       TestPromise_P02_MaterialChangeAsksAgain
//	13, 14   TestPurposesThatComeAndGo
//	16       TestDailyVisits, TestPromise_P03_VisitIsUndecided
//	18       TestRecordInTheHostsOwnDialog; cookies: TestChoiceAndCookiesInOneResponse
//	19       TestSameChoiceAgain
//	20       TestVisitsExtendNothing, TestDailyVisits
//	26       TestRefusalIsTheSameForEverybody
//	27       TestRecordInTheHostsOwnDialog
//	30       TestEssentialStaysOn, TestPostsThatAreNotTaken
//	31, 32   TestPostsThatAreNotTaken, TestPostsThatAreTaken
//	33       TestReturnPath
//	34       TestChoiceAsForm
//	35       TestPostsThatAreNotTaken
//	59 to 61 TestGlobalPrivacyControl
//	63       TestGPCStatement
//	64       TestDoNotTrackIsNotLookedAt: the option is not offered, see the package comment
//	65, 66   TestResponsesAreMarked
//	68       TestResponsesAreMarked
//	69       TestPromise_P03_VisitIsUndecided, TestPostsThatAreNotTaken
//	70       TestCookieName
//	71       TestCookieBehindAProxy
//	74       TestCookieOfManyPurposes
//	75       TestConfigFaults, TestPolicyFaults
//	76       TestChoiceAsJSON
//	77       TestRecordsHoldNobody
//	78       TestWithdrawal
//	80       TestPromise_P05_NoIdentifierBeforeAYes
//	82       TestErase, TestReceipt
//	83       TestWithdrawal, TestWithdrawalReachesTheOtherReplica, TestMillionWithdrawals
//	84       TestPartialSave
//	88       TestTrustedOrigins
//	89       TestStreamHearsOfWithdrawal
//	90       TestLedgerDown
//	91       TestFloodOfGrants
//	92       TestHistoryIsNoFormula

// A cookie is of one name and one key set. After a rotation the old key reads
// and the new one writes.
func TestCookieKeysAndNames(t *testing.T) {
	cfg := config(t)
	older, newer := consent.GenerateKey(), consent.GenerateKey()
	keys := func(text string) {
		k, err := consent.ParseKeys(text)
		require.NoError(t, err)
		cfg.Keys = k
	}
	keys(older)
	granted := serve(t, newManager(t, cfg), nil).choose("", `{"analytics":true}`)
	keys(newer + " " + older)
	both := serve(t, newManager(t, cfg), nil)
	require.Contains(t, both.states(granted), `"analytics":"granted"`)
	rewritten := both.choose(granted, `{"preferences":true}`)
	keys(newer)
	after := serve(t, newManager(t, cfg), nil)
	require.Contains(t, after.states(rewritten), `"preferences":"granted","analytics":"granted"`)
	require.Equal(t, doubtful, after.states(granted))

	_, value, _ := strings.Cut(rewritten, "=")
	for _, name := range []string{"__Host-consent", "__Secure-consent", "Consent", "consent2"} {
		require.Equal(t, undecided, after.states(name+"="+value), "%s is another cookie", name)
	}
	cfg.Insecure = false
	other := serve(t, newManager(t, cfg), nil)
	require.Equal(t, doubtful, other.states("__Host-consent="+value), "made under another name")
}

func TestCookieFromTheFuture(t *testing.T) {
	cfg := config(t)
	now := noon
	cfg.Now = func() time.Time { return now }
	s := serve(t, newManager(t, cfg), nil)
	c := s.choose("", `{"analytics":true}`)
	now = noon.Add(-20 * time.Hour)
	require.Contains(t, s.states(c), `"analytics":"granted"`, "clocks differ")
	now = noon.Add(-49 * time.Hour)
	require.Equal(t, doubtful, s.states(c))
}

// A purpose that came with no new version is asked about; one that went is as if
// it was never there, also when it comes back as something else's name.
func TestPurposesThatComeAndGo(t *testing.T) {
	cfg := config(t)
	before := serve(t, newManager(t, cfg), nil)
	cfg.Policy.Processing = append(cfg.Policy.Processing, declare("maps", 6, consent.Consent))
	with := serve(t, newManager(t, cfg), map[string]http.HandlerFunc{"/": banner})
	c := before.form("/privacy/decision", "", "action=accept").cookie()
	require.Contains(t, with.states("consent="+c.Value), `"analytics":"granted","marketing":"granted","measurement":"granted","maps":"unset"`)
	require.Equal(t, "banner", with.do("GET", "/", "", "Cookie", "consent="+c.Value).body)

	all := with.form("/privacy/decision", "", "action=accept").cookie()
	require.NotContains(t, before.states("consent="+all.Value), "maps")
	cfg.Policy.Processing[5] = declare("maps", 7, consent.Consent)
	require.Contains(t, serve(t, newManager(t, cfg), nil).states("consent="+all.Value), `"maps":"unset"`, "the number is another")
}

// The same choice again is answered as the first was, with one cookie.
func TestSameChoiceAgain(t *testing.T) {
	cfg := config(t)
	s := serve(t, newManager(t, cfg), nil)
	c := s.choose("", `{"analytics":true}`)
	for range 3 {
		a := s.json("/privacy/decision", c, `{"grants":{"analytics":true}}`)
		require.Equal(t, 200, a.StatusCode)
		require.Len(t, a.Header["Set-Cookie"], 1)
		c = "consent=" + a.cookie().Value
		require.Contains(t, s.states(c), `"analytics":"granted"`)
	}
	require.Len(t, entries(t, cfg.Ledger), 4, "each is a record")
}

func TestEssentialStaysOn(t *testing.T) {
	cfg := config(t)
	s := serve(t, newManager(t, cfg), map[string]http.HandlerFunc{
		"/": func(w http.ResponseWriter, r *http.Request) {
			if consent.Allowed(r.Context(), consent.Authentication) {
				_, _ = w.Write([]byte("on"))
			}
		},
	})
	for _, c := range []string{
		s.choose("", `{"authentication":false,"analytics":false}`),
		"consent=" + s.form("/privacy/withdraw", "", "purpose=authentication&purpose=analytics").cookie().Value,
		"consent=" + s.form("/privacy/decision", "", "action=refuse").cookie().Value,
	} {
		require.Equal(t, "on", s.do("GET", "/", "", "Cookie", c).body)
	}
	for _, e := range entries(t, cfg.Ledger) {
		require.NotContains(t, e.Denied, consent.Authentication)
	}
	require.Empty(t, s.json("/privacy/decision", "", `{"grants":{"authentication":false}}`).Header["Set-Cookie"], "nothing was chosen")
}

func TestDoNotTrackIsNotLookedAt(t *testing.T) {
	s := serve(t, newManager(t, config(t)), nil)
	c := s.choose("", `{"marketing":true}`)
	for _, dnt := range []string{"1", "0"} {
		require.Equal(t, undecided, s.states("", "DNT", dnt))
		require.Contains(t, s.states(c, "DNT", dnt), `"marketing":"granted"`)
	}
}

// TLS ends at a proxy: whether the visitor came by https is believed of a proxy
// that is trusted, and of nobody else. Without Insecure the cookie is Secure
// whatever anybody says.
func TestCookieBehindAProxy(t *testing.T) {
	for _, tt := range []struct {
		name     string
		trusted  string
		insecure bool
		proto    string
		secure   bool
	}{
		{"trusted and https", "127.0.0.0/8", true, "https", true},
		{"trusted and http", "127.0.0.0/8", true, "http", false},
		{"somebody says https", "192.0.2.0/24", true, "https", false},
		{"in earnest", "192.0.2.0/24", false, "http", true},
	} {
		t.Run(tt.name, func(t *testing.T) {
			cfg := config(t)
			var err error
			cfg.Visitors, err = iputil.NewResolver(iputil.Proxies{
				Header: "X-Forwarded-For", SchemeHeader: "X-Forwarded-Proto", Trusted: []netip.Prefix{netip.MustParsePrefix(tt.trusted)},
			})
			require.NoError(t, err)
			cfg.Insecure = tt.insecure
			s := serve(t, newManager(t, cfg), nil)
			c := s.form("/privacy/decision", "", "action=accept", "X-Forwarded-For", "198.51.100.7", "X-Forwarded-Proto", tt.proto).cookie()
			require.Equal(t, tt.secure, c.Secure)
		})
	}
}

// Every purpose that a policy can have, each said yes or no to on another day,
// fits into what browsers keep, and forty into a tenth of it.
func TestCookieOfManyPurposes(t *testing.T) {
	for _, tt := range []struct {
		purposes, days, limit int
	}{{40, 1, 400}, {63, 20, 1024}} {
		cfg := config(t)
		now := noon
		cfg.Now = func() time.Time { return now }
		cfg.Policy.Processing = cfg.Policy.Processing[:1]
		for i := range tt.purposes {
			cfg.Policy.Processing = append(cfg.Policy.Processing, declare(consent.Purpose(fmt.Sprintf("purpose_%02d", i)), i+2, consent.Consent))
		}
		cfg.Policy.Recipients = nil
		s := serve(t, newManager(t, cfg), nil)
		c := ""
		for i := range tt.purposes {
			now = noon.AddDate(0, 0, i*tt.days/tt.purposes)
			c = s.choose(c, fmt.Sprintf(`{"purpose_%02d":%v}`, i, i%3 != 0))
		}
		require.LessOrEqual(t, len(c), tt.limit)
		require.Equal(t, tt.purposes, strings.Count(s.states(c), "granted")+strings.Count(s.states(c), "denied"))
	}
}

// A record holds nothing of who it was, whatever the request says.
func TestRecordsHoldNobody(t *testing.T) {
	cfg := config(t)
	s := serve(t, newManager(t, cfg), nil)
	header := []string{"User-Agent", "canary/1.0 (canary)", "Referer", "https://canary.example/jane", "X-Forwarded-For", "203.0.113.77", "Accept-Language", "canary"}
	s.form("/privacy/decision", "sid=canary", "action=accept&language=canary&return=/canary", header...)
	s.form("/privacy/decision", "sid=canary", "action=refuse&language=canary", header...)
	for _, e := range entries(t, cfg.Ledger) {
		text, err := json.Marshal(e)
		require.NoError(t, err)
		require.NotContains(t, string(text), "canary")
		require.NotContains(t, string(text), "127.0.0.1")
		require.NotContains(t, string(text), "203.0.113")
	}
}

// Somebody who looks at everything and says nothing gets no cookie and leaves no
// trace.
func TestPromise_P05_NoIdentifierBeforeAYes(t *testing.T) {
	cfg := config(t)
	s := serve(t, newManager(t, cfg), map[string]http.HandlerFunc{
		"/":    banner,
		"/map": consent.Require(consent.Marketing, nil)(http.NotFoundHandler()).ServeHTTP,
	})
	for range 20 {
		for _, path := range []string{"/", "/map", "/privacy/decision", "/privacy/manifest.json", "/.well-known/gpc.json", "/privacy/withdraw"} {
			for _, header := range [][]string{nil, {"Sec-GPC", "1"}, {"Cookie", "consent=garbage"}} {
				require.Empty(t, s.do("GET", path, "", header...).Header["Set-Cookie"], path)
			}
		}
	}
	for _, path := range []string{"receipt", "history"} {
		require.Empty(t, s.form("/privacy/"+path, "", "").Header["Set-Cookie"], path)
	}
	require.Empty(t, entries(t, cfg.Ledger))
	subjects, _ := consent.SupersededOf(s.m).Size()
	require.Zero(t, subjects)
}

// With cookies off, choosing leads back to where it came from and is asked again;
// nothing loops, and a visitor who refuses leaves one entry that is nobody's.
func TestPromise_P15_CookiesOff(t *testing.T) {
	cfg := config(t)
	s := serve(t, newManager(t, cfg), map[string]http.HandlerFunc{"/": banner})
	for range 5 {
		a := s.form("/privacy/decision", "", "action=refuse&return=/")
		require.Equal(t, http.StatusSeeOther, a.StatusCode)
		require.Equal(t, "/", a.Header.Get("Location"))
		back := s.do("GET", "/", "")
		require.Equal(t, 200, back.StatusCode)
		require.Equal(t, "banner", back.body)
	}
	for _, e := range entries(t, cfg.Ledger) {
		require.True(t, e.Subject.IsZero())
	}
	subjects, _ := consent.SupersededOf(s.m).Size()
	require.Zero(t, subjects)
}
