package cookies_test

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/candorhttp/candor/consent"
	"github.com/candorhttp/candor/cookies"
)

// Which cookies reach the wire, by what the visitor said: cases 1 to 3, 48, 49.
func TestCookiesByConsent(t *testing.T) {
	page := sets("sid=1", "theme=dark", "_ga=2", "_ga_X=3", "fbp=4", "_gat=5", "x_ga_=6", "_ga_=7", "_GA=8", "rogue=9")
	for _, tt := range []struct {
		name, grants string
		want         []string
	}{
		{"undecided", "", []string{"sid"}},
		{"analytics", `{"analytics":true}`, []string{"sid", "_ga", "_ga_X"}},
		{"everything", `{"analytics":true,"preferences":true,"marketing":true}`, []string{"sid", "theme", "_ga", "_ga_X", "fbp"}},
		{"refused", `{"analytics":false,"preferences":false,"marketing":false}`, []string{"sid"}},
	} {
		for _, http2 := range []bool{false, true} {
			t.Run(fmt.Sprintf("%s/http2=%v", tt.name, http2), func(t *testing.T) {
				s := newSite(t, options{http2: http2}, page)
				cookie := ""
				if tt.grants != "" {
					cookie = s.choose("", tt.grants)
				}
				w, _ := s.get("/", cookie)
				require.Equal(t, tt.want, names(set(w)))
				// Only what went out by consent makes the response the visitor's own.
				private := slices.Contains(tt.want, "_ga")
				require.Equal(t, private, w.Header.Get("Cache-Control") == "private")
				require.Equal(t, private, w.Header.Get("Vary") == "Cookie")
			})
		}
	}
}

// What of an allowed line is changed, and what is not: cases 50, 72, 73.
func TestHardening(t *testing.T) {
	xsrf := spec("xsrf", necessary)
	xsrf.ScriptReadable = true
	oidc := spec("oidc", necessary)
	oidc.SameSite = http.SameSiteNoneMode
	strict := spec("strict", necessary)
	strict.SameSite = http.SameSiteStrictMode
	chips := spec("chips", necessary)
	chips.Partitioned = true
	long := spec("long", necessary)
	long.Lifetime = time.Hour
	now := time.Date(2026, 11, 24, 12, 0, 0, 0, time.UTC)
	all := append(specs(), xsrf, oidc, strict, chips, long)

	const hard = "; Secure; HttpOnly; SameSite=Lax"
	for line, want := range map[string]string{
		"sid=1" + hard: "sid=1" + hard,
		"sid=1":        "sid=1" + hard,
		"sid=1;path=/x ; HTTPONLY;secure;samesite=strict;Priority=High; Foo=bar": "sid=1;path=/x ; HTTPONLY;secure;samesite=strict;Priority=High; Foo=bar",
		`sid="a b"; Path=/`:                                                       `sid="a b"; Path=/` + hard,
		"sid=1; SameSite=None; Secure; HttpOnly":                                  "sid=1; Secure; HttpOnly; SameSite=Lax",
		"sid=1; SameSite=Strict; SameSite=None":                                   "sid=1; Secure; HttpOnly; SameSite=Lax",
		"sid=1; \u017fecure; HttpOnly; \u017fame\u017fite=Strict":                 "sid=1; \u017fecure; HttpOnly; \u017fame\u017fite=Strict; Secure; SameSite=Lax",   // ASCII alone
		"sid=1; Secure=" + strings.Repeat("x", 1025) + "; HttpOnly; SameSite=Lax": "sid=1; Secure=" + strings.Repeat("x", 1025) + "; HttpOnly; SameSite=Lax; Secure", // too long to count
		"sid=1; SameSite=odd; Secure; HttpOnly":                                   "sid=1; SameSite=odd; Secure; HttpOnly; SameSite=Lax",
		"xsrf=1; Secure; SameSite=Lax":                                            "xsrf=1; Secure; SameSite=Lax",
		"oidc=1; SameSite=None":                                                   "oidc=1; SameSite=None; Secure; HttpOnly",
		"oidc=1":                                                                  "oidc=1; Secure; HttpOnly",
		"strict=1; SameSite=Lax; Secure; HttpOnly":                                "strict=1; Secure; HttpOnly; SameSite=Strict",
		"chips=1" + hard:                                                          "chips=1" + hard + "; Partitioned",
		"long=1; Max-Age=3600" + hard:                                             "long=1; Max-Age=3600" + hard,
		"long=1; Max-Age=3601" + hard:                                             "long=1; Max-Age=3600" + hard,
		"long=1; Max-Age=99999999999999999999" + hard:                             "long=1; Max-Age=3600" + hard,
		"long=1; Expires=Wed, 24 Nov 2027 12:00:00 GMT; Max-Age=7200" + hard:      "long=1; Expires=Tue, 24 Nov 2026 13:00:00 GMT; Max-Age=3600" + hard,
		"long=1; Expires=some day" + hard:                                         "long=1" + hard, // browsers pass over it, and so it ends with them
		"long=1; Max-Age=soon; Max-Age=60" + hard:                                 "long=1; Max-Age=60" + hard,
		"long=1; Expires=Tue, 24-Nov-2026 12:30:00 GMT" + hard:                    "long=1; Expires=Tue, 24-Nov-2026 12:30:00 GMT" + hard,
		"long=1; Expires=Wed, 24-Nov-2027 12:30:00 GMT" + hard:                    "long=1; Expires=Tue, 24 Nov 2026 13:00:00 GMT" + hard,
		"long=1; Expires=Tue, 24 Nov 2026 12:30:00 PST" + hard:                    "long=1" + hard, // some browsers heed the zone
		"long=1; Expires=Tue, 24 Nov 2026 12:30:00 GMT" + hard:                    "long=1; Expires=Tue, 24 Nov 2026 12:30:00 GMT" + hard,
		"sid=1; Max-Age=60; Expires=Wed, 24 Nov 2027 12:00:00 GMT" + hard:         "sid=1" + hard,
		"sid=; Max-Age=0" + hard:                                                  "sid=; Max-Age=0" + hard,
		"sid=gone; Expires=Thu, 01 Jan 1970 00:00:00 GMT":                         "sid=gone; Expires=Thu, 01 Jan 1970 00:00:00 GMT" + hard,
	} {
		t.Run(line, func(t *testing.T) {
			s := newSite(t, options{specs: all, config: func(c *cookies.GateConfig) { c.Now = func() time.Time { return now } }}, sets(line))
			w, _ := s.get("/", "")
			require.Equal(t, []string{want}, set(w))
		})
	}
	t.Run("insecure", func(t *testing.T) {
		all := append(all, spec("__host-id", necessary))
		s := newSite(t, options{specs: all, config: func(c *cookies.GateConfig) { c.Insecure = true }},
			sets("sid=1", "oidc=1; SameSite=None", "sid=2; Secure", "chips=1", "sid=3; Partitioned", "__host-id=1; Path=/"))
		w, _ := s.get("/", "")
		require.Equal(t, []string{
			"sid=1; HttpOnly; SameSite=Lax", "oidc=1; SameSite=None; Secure; HttpOnly", "sid=2; Secure; HttpOnly; SameSite=Lax",
			// Browsers refuse these without it.
			"chips=1; Secure; HttpOnly; SameSite=Lax; Partitioned", "sid=3; Partitioned; Secure; HttpOnly; SameSite=Lax",
			"__host-id=1; Path=/; Secure; HttpOnly; SameSite=Lax",
		}, set(w))
	})
}

// Deletions pass without a value; what only looks like one is a set: case 28.
func TestDeletions(t *testing.T) {
	for line, want := range map[string][]string{
		"_ga=secret; Max-Age=0; Path=/x":                          {"_ga=; Max-Age=0; Path=/x"},
		"_ga=; Max-Age=-1":                                        {"_ga=; Max-Age=-1"},
		"old=secret; Expires=Thu, 01 Jan 1970 00:00:00 GMT":       {"old=; Expires=Thu, 01 Jan 1970 00:00:00 GMT"},
		"_ga=1; Max-Age=0; Max-Age=60":                            nil,
		"_ga=1; Max-Age=60; Max-Age=0":                            nil,
		"_ga=1; Expires=Thu, 01 Jan 1970 00:00:00 GMT; Max-Age=9": nil,
		"_ga=1; Max-Age=x; Expires=Thu, 01 Jan 1970 00:00:00 GMT": nil,
		"_ga=1; Max-Age=":                                         nil,
		"_ga=1; Max-Age=-":                                        nil,
		"_ga=1; Expires=0":                                        nil,
		"_ga=1; Expires=Thu, 01-Jan-1970 00:00:01 GMT":            {"_ga=; Expires=Thu, 01-Jan-1970 00:00:01 GMT"}, // as PHP has it
		"_ga=1; Expires=Friday, 01-Jan-71 00:00:00 GMT":           {"_ga=; Expires=Friday, 01-Jan-71 00:00:00 GMT"},
		"_ga=1; Expires=Wednesday, 01-Jan-69 00:00:00 GMT":        nil, // 2069 to browsers, 1969 to net/http
		"_ga=1; Expires=Thu, 01 Jan 1970 00:00:00 PST":            nil, // not all heed the zone
		"_ga=1; Expires=Thu, 31 Feb 1970 00:00:00 GMT":            nil, // no such day, so no date
		"_ga=1; Expires=Jan, 24 Nov 1970 00:00:00 GMT":            {"_ga=; Expires=Jan, 24 Nov 1970 00:00:00 GMT"},
		"_ga=1; Max-Age=-" + strings.Repeat("1", 1024):            nil, // longer than browsers read
		"_ga=1; Max-Age=+0":                                       nil,
		"_ga=1; Max-Age=0, Max-Age=60":                            nil,
		"_ga=1; Max-\u212aage=0":                                  nil,
		"_ga=1; Expires=Thu, 01 Jan 2970 00:00:00 GMT":            nil,
		"consent=; Max-Age=0":                                     nil,
		"__HOST-Consent=; Max-Age=0":                              nil,
	} {
		t.Run(line, func(t *testing.T) {
			s := newSite(t, options{}, sets(line))
			w, _ := s.get("/", "")
			if want == nil {
				require.Empty(t, set(w))
			} else {
				require.Equal(t, want, set(w))
			}
		})
	}
}

// The consent cookie is the manager's alone.
func TestConsentCookieIsReserved(t *testing.T) {
	s := newSite(t, options{}, sets("__Host-consent=forged; Path=/; Secure", "sid=1"))
	w, _ := s.get("/", "")
	require.Equal(t, []string{"sid"}, names(set(w)))
	require.EqualValues(t, 1, s.gate.Stats().Reserved)
	s.choose("", `{"analytics":true}`) // the manager's own line passes
}

// Accepting and setting in one response: case 18. Withdrawing takes the cookies
// along in the same response: cases 22 to 25.
func TestChoiceAndCookiesInOneResponse(t *testing.T) {
	var manager *consent.Manager
	page := func(w http.ResponseWriter, r *http.Request) {
		sets("_ga=1", "sid=1")(w, r)
		err := manager.Record(w, r, consent.Choices{Grants: map[consent.Purpose]bool{consent.Analytics: r.URL.Path == "/yes"}})
		require.NoError(t, err)
	}
	s := newSite(t, options{}, page)
	manager = s.manager
	w, _ := s.get("/yes", "")
	require.Equal(t, []string{"__Host-consent", "_ga", "sid"}, names(set(w)))
	granted := strings.SplitN(set(w)[0], ";", 2)[0]

	w, _ = s.get("/no", granted+"; _ga=1; _ga_ABC=2; fbp=3; sid=4; _ga=5")
	const gone = "; Expires=Thu, 01 Jan 1970 00:00:00 GMT; Max-Age=0; HttpOnly; Secure; SameSite=Lax"
	require.Equal(t, []string{
		"sid=1; Secure; HttpOnly; SameSite=Lax",
		"_ga=; Path=/" + gone, "_ga=; Path=/; Domain=example.com" + gone, "_ga=; Path=/; Domain=www.example.com" + gone,
		"_ga_ABC=; Path=/" + gone,
	}, set(w)[1:], "every variant of what was shown, and of nothing else")
}

// Cookies of a refused purpose are expired whenever they show up, and those of
// purposes that were only never asked about are hidden and left.
func TestRefusedCookiesAreExpiredWhenSeen(t *testing.T) {
	s := newSite(t, options{}, func(w http.ResponseWriter, r *http.Request) {})
	refused := s.choose("", `{"marketing":false}`)
	w, _ := s.get("/", refused+"; _ga=1; fbp=2; fbp=3")
	require.Equal(t, []string{"fbp"}, names(set(w)), "once")
	w, _ = s.get("/", "_ga=1; fbp=2")
	require.Empty(t, set(w))

	var many strings.Builder
	for i := range 3000 {
		fmt.Fprintf(&many, "; _ga_%d=1", i)
	}
	refused = s.choose("", `{"analytics":false}`)
	w, _ = s.get("/", refused+many.String())
	require.Len(t, set(w), 64, "bounded")
}

// A cookie on a path that the browser does not show here is expired at the
// refusal.
func TestRefusalReachesOtherPaths(t *testing.T) {
	deep := spec("deep", consent.Analytics)
	deep.Variants = []cookies.Variant{{Path: "/account"}}
	s := newSite(t, options{specs: append(specs(), deep)}, nil)
	granted := s.choose("", `{"analytics":true}`)
	w, _ := s.do("POST", "/privacy/decision", granted, `{"grants":{"analytics":false}}`)
	require.Equal(t, []string{"__Host-consent", "deep"}, names(set(w)))
	require.Contains(t, set(w)[1], "Path=/account;")
	w, _ = s.do("POST", "/privacy/decision", "", `{"grants":{"analytics":false}}`)
	require.Equal(t, []string{"__Host-consent"}, names(set(w)), "nothing was there to begin with")
}

func TestExpiryAsBrowsersRequire(t *testing.T) { // case 24
	host, none, apart := spec("__Host-h", consent.Analytics), spec("n", consent.Analytics), spec("p", consent.Analytics)
	none.SameSite, apart.Partitioned = http.SameSiteNoneMode, true
	s := newSite(t, options{specs: []cookies.Spec{host, none, apart}, config: func(c *cookies.GateConfig) { c.Insecure = true }}, func(w http.ResponseWriter, r *http.Request) {})
	refused := s.choose("", `{"analytics":false}`)
	w, _ := s.get("/", refused+"; __Host-h=1; n=2; p=3")
	const gone = "; Expires=Thu, 01 Jan 1970 00:00:00 GMT; Max-Age=0; HttpOnly; Secure; SameSite="
	require.Equal(t, []string{"__Host-h=; Path=/" + gone + "Lax", "n=; Path=/" + gone + "None", "p=; Path=/" + gone + "Lax; Partitioned"}, set(w))
}

// What the browser sent is expired also where something between it and the gate
// took it away already.
func TestExpiryKnowsWhatTheBrowserSent(t *testing.T) {
	s := newSite(t, options{}, nil)
	gated := s.gate.Middleware(http.NotFoundHandler())
	server := httptest.NewServer(s.manager.Middleware(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		r.Header.Set("Cookie", "sid=1")
		gated.ServeHTTP(w, r)
	})))
	defer server.Close()
	w, err := server.Client().Do(request(t, server.URL, s.choose("", `{"marketing":false}`)+"; fbp=1"))
	require.NoError(t, err)
	w.Body.Close()
	require.Equal(t, []string{"fbp"}, names(set(w)))
}

func TestWithheldCookiesAreNamedOnce(t *testing.T) { // case 2
	s := newSite(t, options{}, sets("rogue=secretvalue", "od\"d=secretvalue", "_ga=secretvalue", "\x01"))
	for range 3 {
		s.get("/", "client=made; up=names")
	}
	require.Equal(t, 1, strings.Count(s.log.String(), `withheld \"rogue\": not declared`), s.log.String())
	require.NotContains(t, s.log.String(), "secretvalue")
	require.Equal(t, 1, strings.Count(s.log.String(), `level=INFO msg="cookies: withheld \"_ga\": no consent"`), s.log.String())
	require.NotContains(t, s.log.String(), "client")
	stats := s.gate.Stats()
	require.Equal(t, map[string]uint64{"rogue": 3, "(odd name)": 3, "_ga": 3, "(unreadable)": 3}, stats.Withheld)
	require.EqualValues(t, 6, stats.Undeclared)
	require.EqualValues(t, 3, stats.NoConsent)
	require.EqualValues(t, 3, stats.Unreadable)
	require.EqualValues(t, 6, stats.HiddenUndeclared)
}

// The usual reasons why a session vanishes are told apart.
func TestLogSaysWhy(t *testing.T) {
	s := newSite(t, options{}, sets("sid="+strings.Repeat("x", 5000), "sid=1; x="+strings.Repeat("x", 17<<10), "sid=a\x01b", "theme=1", "consent=1", "rogue"+strings.Repeat("x", 99)+"=1"))
	s.get("/", "")
	for _, want := range []string{
		`withheld \"sid\": larger than browsers take`, `withheld \"sid\": malformed`, `withheld \"theme\": no consent`,
		`withheld \"consent\": belongs to the consent manager`, `withheld \"(odd name)\": not declared`,
	} {
		require.Contains(t, s.log.String(), want)
	}
	stats := s.gate.Stats()
	require.EqualValues(t, 2, stats.TooLarge)
	require.EqualValues(t, 1, stats.Unreadable)
	require.EqualValues(t, 1, stats.Reserved)
	require.Equal(t, map[string]uint64{"sid": 3, "theme": 1, "consent": 1, "(odd name)": 1}, stats.Withheld)
}

func TestReportChangesNothing(t *testing.T) {
	s := newSite(t, options{config: func(c *cookies.GateConfig) { c.Mode = cookies.Report }}, func(w http.ResponseWriter, r *http.Request) {
		sets("rogue=1", "_ga=2; Max-Age=99999999", "sid=3", "nameless")(w, r)
		w.Header().Set("NEL", "x")
		fmt.Fprint(w, r.Header["Cookie"])
	})
	w, body := s.get("/", "rogue=1; _ga=2; sid=3")
	require.Equal(t, []string{"rogue=1", "_ga=2; Max-Age=99999999", "sid=3", "nameless"}, set(w))
	require.Equal(t, "x", w.Header.Get("NEL"))
	require.Equal(t, "[rogue=1; _ga=2; sid=3]", body)
	stats := s.gate.Stats()
	require.EqualValues(t, 1, stats.Undeclared)
	require.EqualValues(t, 1, stats.NoConsent)
	require.EqualValues(t, 1, stats.Passed)
	require.EqualValues(t, 1, stats.HiddenUndeclared)
	require.EqualValues(t, 1, stats.HiddenNoConsent)
	refused := s.choose("", `{"analytics":false}`)
	w, _ = s.get("/", refused+"; _ga=2")
	require.Len(t, set(w), 4, "nothing is expired")
}

func TestWithoutAManagerOnlyTheEssentialPasses(t *testing.T) {
	inventory, err := cookies.NewInventory(policy(), specs()...)
	require.NoError(t, err)
	gate, err := cookies.NewGate(cookies.GateConfig{Inventory: inventory})
	require.NoError(t, err)
	w := httptest.NewRecorder()
	gate.Middleware(sets("sid=1", "_ga=2", "consent=3")).ServeHTTP(w, httptest.NewRequest("GET", "/", nil))
	require.Equal(t, []string{"sid"}, names(set(w.Result())))
}
