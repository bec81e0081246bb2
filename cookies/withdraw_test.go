package cookies_test

import (
	"context"
	"net"
	"net/http"
	"net/http/cookiejar"
	"net/http/httptest"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/candorhttp/candor/consent"
	"github.com/candorhttp/candor/consent/ledger"
	"github.com/candorhttp/candor/cookies"
)

// What a browser's jar holds after each choice, on a site with a name, over TLS:
// cookies on every kind of place, of which a withdrawal leaves none behind:
// cases 22, 23, 25.
func TestJarFollowsTheChoice(t *testing.T) {
	deep := spec("deep", consent.Analytics)
	deep.Variants = []cookies.Variant{{Path: "/account"}}
	host := spec("__Host-id", consent.Analytics)
	page := func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/set" {
			sets("sid=1; Path=/", "_ga=1; Path=/", "_ga=2; Path=/; Domain=.example.com",
				"_ga_X=4; Path=/", "deep=5; Path=/account", "__Host-id=6; Path=/; Secure", "theme=7; Path=/")(w, r)
		}
	}
	onBoth(t, nil, func(t *testing.T, first *site) {
		s := newSite(t, options{specs: append(specs(), deep, host), http2: first.server.EnableHTTP2}, page)
		jar, err := cookiejar.New(nil)
		require.NoError(t, err)
		transport := s.server.Client().Transport.(*http.Transport).Clone()
		transport.TLSClientConfig.ServerName = "example.com" // the test certificate's
		transport.DialContext = func(ctx context.Context, network, _ string) (net.Conn, error) {
			return (&net.Dialer{}).DialContext(ctx, network, s.server.Listener.Addr().String())
		}
		defer transport.CloseIdleConnections()
		client := &http.Client{Transport: transport, Jar: jar}
		post := func(path, body string) {
			w, err := client.Post("https://www.example.com"+path, "application/json", strings.NewReader(body))
			require.NoError(t, err)
			w.Body.Close()
			require.Equal(t, 200, w.StatusCode)
			require.Empty(t, w.Header.Get("Clear-Site-Data"), "it would take the refusal and the login along")
		}
		visit := func(path string) {
			w, err := client.Get("https://www.example.com" + path)
			require.NoError(t, err)
			w.Body.Close()
		}
		holds := func() []string {
			u, _ := url.Parse("https://www.example.com/account/x")
			var out []string
			for _, c := range jar.Cookies(u) {
				if c.Name != "__Host-consent" {
					out = append(out, c.Name)
				}
			}
			slices.Sort(out)
			return out
		}
		visit("/set")
		require.Equal(t, []string{"sid"}, holds())
		post("/privacy/decision", `{"grants":{"analytics":true,"preferences":true}}`)
		visit("/set")
		require.Equal(t, []string{"__Host-id", "_ga", "_ga", "_ga_X", "deep", "sid", "theme"}, holds())
		post("/privacy/withdraw", `{"purposes":["analytics"]}`)
		require.Equal(t, []string{"sid", "theme"}, holds())
		visit("/set")
		require.Equal(t, []string{"sid", "theme"}, holds())
		post("/privacy/withdraw", `{}`)
		require.Equal(t, []string{"sid"}, holds())
	})
}

// Withdrawing what was never given is a refusal and no error: case 26.
func TestWithdrawWithoutConsent(t *testing.T) {
	s := newSite(t, options{}, func(w http.ResponseWriter, r *http.Request) {})
	w, body := s.do("POST", "/privacy/withdraw", "_ga=1; sid=2", "{}")
	require.Equal(t, 200, w.StatusCode)
	require.Contains(t, body, `"analytics":"denied"`)
	require.Equal(t, []string{"__Host-consent", "_ga", "_ga", "_ga"}, names(set(w)), "what an older site left is taken away")
}

// A choice made too late is an error, sends nothing by halves, and a no counts
// from then on: case 27.
func TestChoiceAfterTheFirstByte(t *testing.T) {
	var s *site
	var theme *cookies.Signed[string]
	var errs []error
	s = newSite(t, options{}, func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path != "/late" {
			return
		}
		_, _ = w.Write([]byte("x"))
		errs = append(errs,
			s.manager.Record(w, r, consent.Choices{Grants: map[consent.Purpose]bool{consent.Marketing: true}}),
			s.manager.Record(w, r, consent.Choices{Grants: map[consent.Purpose]bool{consent.Preferences: false}}),
			theme.Set(w, r, "dark"))
		sets("sid=1")(w, r)
	})
	var err error
	theme, err = cookies.NewSigned[string](s.gate, s.keys, "theme")
	require.NoError(t, err)
	granted := s.choose("", `{"preferences":true}`)
	w, body := s.get("/late", granted+"; theme=1")
	require.Equal(t, "x", body)
	require.Empty(t, set(w))
	require.ErrorIs(t, errs[0], consent.ErrLate)
	require.ErrorIs(t, errs[1], consent.ErrLate)
	require.ErrorIs(t, errs[2], cookies.ErrNoConsent)
	_, body = s.get("/privacy/decision", granted)
	require.NotContains(t, body, "granted", "the no is in effect")
	require.NotContains(t, body, `"marketing":"granted"`)
}

// The line that expires a cookie belongs to one visitor; no cache may keep it,
// also where the page itself is for everybody. A page that sets nothing for
// anybody stays as it was: case 66.
func TestCachesDoNotShareCookies(t *testing.T) {
	s := newSite(t, options{}, func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Cache-Control", "public, max-age=3600, s-maxage=86400")
		w.Header().Set("ETag", `"1"`)
		if r.URL.Path == "/set" {
			sets("_ga=1; Path=/")(w, r)
		}
		if r.URL.Path == "/essential" {
			sets("sid=1; Path=/")(w, r)
		}
	})
	granted, refused := s.choose("", `{"analytics":true}`), s.choose("", `{"analytics":false}`)
	for _, tt := range []struct {
		name, path, cookie string
		private            bool
	}{
		{"nothing is set", "/", "_ga=1", false},
		{"nothing is set after a yes", "/", granted + "; _ga=1", false},
		{"what would be set is withheld", "/set", "", false},
		{"an essential cookie is set", "/essential", "", false},
		{"a cookie is set by consent", "/set", granted, true},
		{"a refused cookie is expired", "/", refused + "; _ga=1", true},
	} {
		t.Run(tt.name, func(t *testing.T) {
			w, _ := s.get(tt.path, tt.cookie)
			if tt.private {
				require.Equal(t, "private, max-age=3600", w.Header.Get("Cache-Control"))
				require.Equal(t, "Cookie", w.Header.Get("Vary"))
				require.Empty(t, w.Header.Get("ETag"))
			} else {
				require.Equal(t, "public, max-age=3600, s-maxage=86400", w.Header.Get("Cache-Control"))
				require.Empty(t, w.Header.Get("Vary"))
				require.Equal(t, `"1"`, w.Header.Get("ETag"))
			}
		})
	}
}

// Storage by other names needs a purpose as cookies do, and is taken back as far
// as its specification allows.
func TestPromise_P21_StorageByOtherNames(t *testing.T) {
	page := func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("NEL", `{"report_to":"errors","max_age":86400}`)
		w.Header()["report-to"] = []string{`{"group":"errors","max_age":86400,"endpoints":[{"url":"https://x.example"}]}`}
		w.Header()["ACCEPT-CH"] = []string{"Sec-CH-UA-Model"}
		w.Header().Set("Critical-CH", "Sec-CH-UA-Model")
		w.Header().Set("Reporting-Endpoints", `errors="https://x.example"`)
		w.Header().Set("X-Other", "stays")
	}
	all := []string{"NEL", "Report-To", "Accept-CH", "Critical-CH", "Reporting-Endpoints"}
	field := func(name string, p consent.Purpose, groups ...string) cookies.Spec {
		s := spec(name, p)
		s.Field, s.Groups = true, groups
		return s
	}
	onBoth(t, nil, func(t *testing.T, first *site) {
		o := options{http2: first.server.EnableHTTP2, specs: append(specs(), field("nel", consent.Analytics))}
		s := newSite(t, o, page)
		w, _ := s.get("/", "")
		for _, f := range all {
			require.NotContains(t, w.Header, http.CanonicalHeaderKey(f))
		}
		require.Equal(t, "stays", w.Header.Get("X-Other"))
		require.EqualValues(t, 5, s.gate.Stats().Fields)
		require.Contains(t, s.log.String(), `withheld \"report-to\": not declared`)
		require.Contains(t, s.log.String(), `withheld \"nel\": no consent`)

		granted := s.choose("", `{"analytics":true}`)
		w, _ = s.get("/", granted)
		require.NotEmpty(t, w.Header.Get("NEL"))
		require.Equal(t, "private", w.Header.Get("Cache-Control"))
		require.Empty(t, w.Header.Get("Report-To"))
		w, _ = s.do("POST", "/privacy/withdraw", granted, "")
		require.Equal(t, []string{`{"max_age":0}`}, w.Header.Values("NEL"), "taken back")
		for _, f := range all[1:] {
			require.NotContains(t, w.Header, http.CanonicalHeaderKey(f), "what was never sent needs no taking back")
		}

		o.specs = append(specs(), field("NEL", consent.Marketing), field("Report-To", consent.Analytics, "errors", "default"),
			field("Accept-CH", consent.Analytics), field("Critical-CH", consent.Analytics), field("Reporting-Endpoints", consent.Analytics))
		s = newSite(t, o, page)
		granted = s.choose("", `{"analytics":true,"marketing":true}`)
		w, _ = s.get("/", granted)
		for _, f := range all {
			require.Contains(t, w.Header, http.CanonicalHeaderKey(f))
		}
		w, _ = s.do("POST", "/privacy/decision", granted, `{"grants":{"analytics":false}}`)
		require.Equal(t, []string{`{"group":"errors","max_age":0,"endpoints":[]},{"group":"default","max_age":0,"endpoints":[]}`}, w.Header.Values("Report-To"))
		require.Equal(t, []string{""}, w.Header.Values("Accept-CH"))
		for _, f := range []string{"NEL", "Critical-CH", "Reporting-Endpoints", "Clear-Site-Data"} {
			require.NotContains(t, w.Header, http.CanonicalHeaderKey(f))
		}
	})
}

// A cookie that is set where nobody declared it would outlive a withdrawal, so
// it is counted and told of once.
func TestUndeclaredPlaces(t *testing.T) {
	var lines []string
	s := newSite(t, options{}, func(w http.ResponseWriter, r *http.Request) { sets(lines...)(w, r) })
	for _, tt := range []struct {
		name, path, line string
		elsewhere        bool
	}{
		{"declared", "/a/b", "sid=1; Path=/", false},
		{"default of the root", "/a", "sid=1", false},
		{"default of a directory", "/a/b", "sid=1", true},
		{"a path that browsers pass over", "/a/b", "sid=1; Path=x", true},
		{"another path", "/", "sid=1; Path=/a", true},
		{"the last path counts", "/", "sid=1; Path=/a; Path=/", false},
		{"another domain", "/", "sid=1; Path=/; Domain=example.com", true},
		{"a declared domain", "/", "_ga=1; Path=/; Domain=.EXAMPLE.com", false},
		{"a deletion", "/", "sid=; Path=/a; Max-Age=0", false},
		{"withheld all the same", "/", "theme=1; Path=/a", false},
	} {
		t.Run(tt.name, func(t *testing.T) {
			lines = []string{tt.line}
			before := s.gate.Stats().Elsewhere
			s.get(tt.path, s.choose("", `{"analytics":true}`))
			require.Equal(t, tt.elsewhere, s.gate.Stats().Elsewhere == before+1)
			require.Equal(t, before+map[bool]uint64{true: 1}[tt.elsewhere], s.gate.Stats().Elsewhere)
		})
	}
	require.Equal(t, 1, strings.Count(s.log.String(), `\"sid\" is set on a Domain or Path that is not declared`))
	require.Equal(t, map[string]uint64{"theme": 1}, s.gate.Stats().Withheld)
}

// The manager's own cookie passes the gate as it is: cases 70, 71, 74.
func TestTheConsentCookieItself(t *testing.T) {
	for _, tt := range []struct {
		name string
		edit func(*consent.Config)
		want string
	}{
		{"https", func(*consent.Config) {}, "__Host-consent=V; Path=/; Max-Age=15552000; HttpOnly; Secure; SameSite=Lax"},
		{"a domain", func(c *consent.Config) { c.Domain = "example.com" }, "__Secure-consent=V; Path=/; Domain=example.com; Max-Age=15552000; HttpOnly; Secure; SameSite=Lax"},
		{"plain http", func(c *consent.Config) { c.Insecure = true }, "consent=V; Path=/; Max-Age=15552000; HttpOnly; SameSite=Lax"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			keys, err := consent.ParseKeys(consent.GenerateKey())
			require.NoError(t, err)
			many := policy()
			for i := range 36 { // forty in all
				p := many.Processing[1]
				p.Purpose, p.Number = consent.Purpose("purpose_"+string(rune('a'+i/26))+string(rune('a'+i%26))), 5+i
				many.Processing = append(many.Processing, p)
			}
			cfg := consent.Config{Policy: many, Keys: keys, Ledger: ledger.Memory()}
			tt.edit(&cfg)
			manager, err := consent.New(cfg)
			require.NoError(t, err)
			inventory, err := cookies.NewInventory(many, specs()...)
			require.NoError(t, err)
			gate, err := cookies.NewGate(cookies.GateConfig{Inventory: inventory, Consent: manager, Insecure: cfg.Insecure})
			require.NoError(t, err)
			server := httptest.NewServer(gate.Middleware(manager.Middleware(manager.Handler())))
			defer server.Close()
			for _, action := range []string{"accept", "refuse"} {
				client := server.Client()
				client.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
				w, err := client.Post(server.URL+"/privacy/decision", "application/x-www-form-urlencoded", strings.NewReader("action="+action))
				require.NoError(t, err)
				w.Body.Close()
				require.Len(t, set(w), 1)
				pair, attributes, _ := strings.Cut(set(w)[0], ";")
				name, value, _ := strings.Cut(pair, "=")
				require.Less(t, len(pair), 400)
				require.Equal(t, sorted(tt.want), sorted(name+"=V;"+attributes))
				require.NotEmpty(t, value)
			}
			require.Zero(t, gate.Stats().Reserved)
		})
	}
}

// sorted takes a line apart so that the order of attributes does not matter.
// How long a refusal is kept depends on the day of the month.
func sorted(line string) []string {
	var parts []string
	for part := range strings.SplitSeq(line, "; ") {
		if age, ok := strings.CutPrefix(part, "Max-Age="); ok && len(age) < len("100000000") {
			part = "Max-Age"
		}
		parts = append(parts, part)
	}
	slices.Sort(parts)
	return parts
}

// The log is told of each name once, and of no more than it can take.
func TestLogLinesAreRationed(t *testing.T) {
	now := time.Date(2026, 11, 24, 12, 0, 0, 0, time.UTC)
	s := newSite(t, options{config: func(c *cookies.GateConfig) { c.Now = func() time.Time { return now } }}, func(w http.ResponseWriter, r *http.Request) {
		for i := range 500 {
			sets("rogue"+strings.Repeat("x", i%60)+string(rune('a'+i/60))+"=1")(w, r)
		}
	})
	told := func() int { return strings.Count(s.log.String(), "not declared") }
	s.get("/", "")
	require.Equal(t, 20, told())
	now = now.Add(10 * time.Second)
	s.get("/", "")
	require.Equal(t, 30, told(), "those that were not told of are later")
	for range 30 {
		now = now.Add(time.Minute)
		s.get("/", "")
	}
	require.Equal(t, 256, told(), "and in the end as many as are remembered")
	require.Len(t, s.gate.Stats().Withheld, 257, "with those that are not")
}
