package audit_test

import (
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/candorhttp/candor/logging/logaudit/audit"
)

// stamp is a time within the retention.
const stamp = `"time":"2026-11-24T09:12:30Z"`

func TestFindings(t *testing.T) {
	for _, c := range []struct {
		name, line string
		want       []string
	}{
		{"nothing", `{` + stamp + `,"http.route":"/users/{id}"}`, nil},
		{"escapes that decode to the form", `{` + stamp + `,"http.ro\u0075te":"\/users"}`, nil},
		{"other order", `{"consent.state":"unset","http.route":"/",` + stamp + `}`, nil},

		{"undeclared key", `{` + stamp + `,"user":"x"}`, []string{"user undeclared"}},
		{"undeclared key that holds mail", `{` + stamp + `,"user":"jo@example.org"}`, []string{"user undeclared", "user email"}},
		{"undeclared key that is mail", `{` + stamp + `,"jo@example.org":1}`, []string{"- undeclared"}},
		{"empty key", `{` + stamp + `,"":1}`, []string{"- undeclared"}},
		{"duplicate key", `{` + stamp + `,"http.route":"/","http.route":"/x"}`, []string{"http.route duplicate"}},
		{"duplicate by an escape", `{` + stamp + `,"http.route":"/","http.rout\u0065":"/x"}`, []string{"http.route duplicate"}},
		{"nested", `{` + stamp + `,"http.route":{"a":["/"]}}`, []string{"http.route nested"}},
		{"nested undeclared", `{` + stamp + `,"headers":{"cookie":"x"}}`, []string{"headers undeclared", "headers nested"}},
		{"malformed", `{` + stamp + `,"http.route":"/"`, []string{"- malformed"}},
		{"spaces", `{` + stamp + "}\n   \n", []string{"- malformed"}},

		{"form of a word", `{` + stamp + `,"url.scheme":"gopher"}`, []string{"url.scheme form"}},
		{"form of a number", `{` + stamp + `,"http.response.status_code":2000}`, []string{"http.response.status_code form"}},
		{"form of a null", `{` + stamp + `,"http.response.status_code":null}`, []string{"http.response.status_code form"}},
		{"form beyond ASCII", `{` + stamp + `,"user_agent.name":"Chrom\u00e9"}`, []string{"user_agent.name form"}},
		{"undeclared name of a query", `{` + stamp + `,"url.query":"page=2&q=shoes"}`, []string{"url.query form"}},
		{"raw path", `{` + stamp + `,"http.route":"/a?b"}`, []string{"http.route form"}},
		{"mail outside the form", `{` + stamp + `,"user_agent.name":"jo@example.org"}`, []string{"user_agent.name form", "user_agent.name email"}},
		{"large letters in a UUID", `{` + stamp + `,"request.id":"7F1C2D3E-0000-4000-8000-123456789ABC"}`, []string{"request.id form", "request.id token"}},

		{"mail", `{` + stamp + `,"http.route":"/users/jo@example.org"}`, []string{"http.route email"}},
		{"mail behind escapes", `{` + stamp + `,"http.route":"/users/jo\u0040example.org"}`, []string{"http.route email"}},
		{"token", `{` + stamp + `,"url.query":"page=5d41402abc4b2a76b9719d911017c592"}`, []string{"url.query token"}},
		{"card", `{` + stamp + `,"url.query":"page=4111111111111111"}`, []string{"url.query card"}},
		{"card as a size", `{` + stamp + `,"http.response.body.size":4111111111111111}`, []string{"http.response.body.size card"}},
		{"phone", `{` + stamp + `,"url.query":"page=+491701234567"}`, []string{"url.query form", "url.query phone"}},
		{"address as a name", `{` + stamp + `,"user_agent.name":"203.0.113.77"}`, []string{"user_agent.name address"}},
		{"several in one", `{` + stamp + `,"url.query":"a=jo@example.org&b=203.0.113.77"}`, []string{"url.query form", "url.query email", "url.query address"}},
		{"digits of a declared identifier", `{` + stamp + `,"request.id":"41111111-1111-1111-1111-111111111111"}`, nil},

		{"16 bits", `{` + stamp + `,"client.address":"203.0.0.0"}`, nil},
		{"24 bits", `{` + stamp + `,"client.address":"203.0.113.0"}`, []string{"client.address bits"}},
		{"24 bits after a no", `{` + stamp + `,"client.address":"203.0.113.0","consent.state":"denied"}`, []string{"client.address bits"}},
		{"24 bits after a yes", `{` + stamp + `,"client.address":"203.0.113.0","consent.state":"granted"}`, nil},
		{"25 bits after a yes", `{` + stamp + `,"client.address":"203.0.113.128","consent.state":"granted"}`, []string{"client.address bits"}},
		{"32 bits of IPv6", `{` + stamp + `,"client.address":"2001:db8::"}`, nil},
		{"48 bits of IPv6", `{` + stamp + `,"client.address":"2001:db8:1::"}`, []string{"client.address bits"}},
		{"48 bits of IPv6 after a yes", `{"consent.state":"granted",` + stamp + `,"client.address":"2001:db8:1::"}`, nil},
		{"49 bits of IPv6 after a yes", `{"consent.state":"granted",` + stamp + `,"client.address":"2001:db8:1:8000::"}`, []string{"client.address bits"}},
		{"IPv4 inside IPv6", `{"consent.state":"granted",` + stamp + `,"client.address":"2002:cb00:7101::"}`, []string{"client.address bits"}},
		{"no address", `{` + stamp + `,"client.address":"dead.beef"}`, []string{"client.address form"}},

		{"granted field after a yes", `{` + stamp + `,"user_agent.version":"120","consent.state":"granted"}`, nil},
		{"granted field without", `{` + stamp + `,"user_agent.version":"120"}`, []string{"user_agent.version tier"}},
		{"granted field of an unset line", `{` + stamp + `,"user_agent.version":"120","consent.state":"unset"}`, []string{"user_agent.version tier"}},

		{"without a time", `{"http.route":"/"}`, []string{"time undated"}},
		{"with a time that is none", `{"time":"2026-11-99T09:12:30Z"}`, []string{"time undated"}},
		{"from tomorrow", `{"time":"2026-11-25T09:12:30Z"}`, nil},
		{"from the future", `{"time":"2026-12-25T09:12:30Z"}`, []string{"time undated"}},
		{"of 30 days", `{"time":"2026-10-25T12:00:00Z","http.route":"/"}`, nil},
		{"older", `{"time":"2026-10-25T11:59:59Z","http.route":"/"}`, []string{"time retention", "http.route retention"}},
		{"of two times the older counts", `{"time":"2026-10-25T11:59:59Z",` + stamp + `}`, []string{"time duplicate", "time retention"}},
	} {
		t.Run(c.name, func(t *testing.T) { require.Equal(t, c.want, findings(t, newAudit(t), c.line)) })
	}
}

func TestFindingsInCombined(t *testing.T) {
	const head = `203.0.113.0 - - [24/Nov/2026:10:00:00 +0000] `
	for _, c := range []struct {
		name, line string
		want       []string
	}{
		{"nothing", head + `"GET /users/{id}?page=2 HTTP/1.1" 200 123 "https://example.org" "Firefox/128 (Linux; desktop)"`, nil},
		{"nothing said", `0.0.0.0 - - [24/Nov/2026:10:00:00 +0000] "GET / HTTP/2.0" - - "-" "-"`, nil},
		{"no route", head + `"_OTHER - _OTHER" 400 0 "-" "Samsung_Internet (mobile)"`, nil},
		{"IPv6", `2001:db8:1:: - - [24/Nov/2026:10:00:00 +0000] "GET / HTTP/1.1" 200 1 "-" "-"`, nil},

		{"full address", `203.0.113.77 - - [24/Nov/2026:10:00:00 +0000] "GET / HTTP/1.1" 200 1 "-" "-"`, []string{"client.address bits"}},
		{"user", `203.0.113.0 - jo [24/Nov/2026:10:00:00 +0000] "GET / HTTP/1.1" 200 1 "-" "-"`, []string{"user undeclared"}},
		{"ident", `203.0.113.0 jo - [24/Nov/2026:10:00:00 +0000] "GET / HTTP/1.1" 200 1 "-" "-"`, []string{"ident undeclared"}},
		{"raw path", head + `"GET /users/jo@example.org HTTP/1.1" 200 1 "-" "-"`, []string{"http.route email"}},
		{"raw query", head + `"GET /?to=jo%40example.org&pan=4111111111111111 HTTP/1.1" 200 1 "-" "-"`, []string{"url.query form", "url.query email", "url.query card"}},
		{"whole referrer", head + `"GET / HTTP/1.1" 200 1 "https://example.org/inbox" "-"`, []string{"http.request.referrer form"}},
		{"whole user agent", head + `"GET / HTTP/1.1" 200 1 "-" "Mozilla/5.0 (X11; Linux x86_64) Gecko/20100101 Firefox/128.0"`,
			[]string{"user_agent.name form"}},
		{"user agent with a comment", head + `"GET / HTTP/1.1" 200 1 "-" "Mozilla/5.0 (X11; Linux x86_64)"`,
			[]string{"user_agent.version form", "user_agent.device form"}},
		{"escapes", head + `"GET / HTTP/1.1" 200 1 "\"\x6ao@example.org\\" "-"`, []string{"http.request.referrer form", "http.request.referrer email"}},
		{"method", head + `"BREW / HTTP/1.1" 200 1 "-" "-"`, []string{"http.request.method form"}},
		{"protocol", head + `"GET / GOPHER" 200 1 "-" "-"`, []string{"network.protocol.version form"}},
		{"no time", `203.0.113.0 - - [then] "GET / HTTP/1.1" 200 1 "-" "-"`, []string{"time undated"}},
		{"older", `- - - [25/Oct/2026:13:59:59 +0200] "- - -" - - "-" "-"`, []string{"time retention"}},

		{"more behind it", head + `"GET / HTTP/1.1" 200 1 "-" "-" "jo"`, []string{"- malformed"}},
		{"quotes in quotes", head + `"GET /" HTTP/1.1" 200 1 "-" "-"`, []string{"- malformed"}},
		{"torn", head + `"GET / HTT`, []string{"- malformed"}},
		{"common format", head + `"GET / HTTP/1.1" 200 1`, []string{"- malformed"}},
		{"no brackets", `203.0.113.0 - - 24/Nov/2026 "GET / HTTP/1.1" 200 1 "-" "-"`, []string{"- malformed"}},
	} {
		t.Run(c.name, func(t *testing.T) { require.Equal(t, c.want, findings(t, newAudit(t), c.line)) })
	}
}

// Each field has its own retention.
func TestRetentionIsByField(t *testing.T) {
	text := strings.Replace(string(manifest(t)), `"retention": "30 days"`, `"retention": "1 year"`, -1)
	before, after, ok := strings.Cut(text, `"name": "client.address"`)
	require.True(t, ok)
	a, err := audit.New(strings.NewReader(before + `"name": "client.address"` + strings.Replace(after, "1 year", "1 week", 1)))
	require.NoError(t, err)
	line := func(age time.Duration) string {
		return `{"time":"` + now.Add(-age).Format(time.RFC3339) + `","http.route":"/","client.address":"203.0.0.0"}`
	}
	const day = 24 * time.Hour
	require.Empty(t, findings(t, a, line(7*day)))
	require.Equal(t, []string{"client.address retention"}, findings(t, a, line(7*day+time.Second)))
	require.Equal(t, []string{"time retention", "http.route retention", "client.address retention"}, findings(t, a, line(367*day)))
}

// Nothing of a log's values stands in a finding, whatever the log.
func FuzzRead(f *testing.F) {
	f.Add([]byte(`{` + stamp + `,"http.route":"/","CANARY":"CANARY","url.query":"CANARY@example.org"}`))
	f.Add([]byte(`CANARY - - [24/Nov/2026:10:00:00 +0000] "GET /CANARY?CANARY HTTP/1.1" 200 1 "CANARY" "CANARY/1 desktop"`))
	f.Add([]byte("\x1f\x8bCANARY"))
	f.Add([]byte("{\"CANARY\n\n\"CANARY\""))
	a := newAudit(f) // once: making it takes longer than a log
	f.Fuzz(func(t *testing.T, log []byte) {
		report := func(f audit.Finding) {
			require.Regexp(t, `^x:\d+: [a-z0-9._-]{1,64}: [a-z]+$`, f.String())
		}
		if err := a.ReadAt(strings.NewReader(string(log)), "x", now, report); err != nil {
			require.NotContains(t, err.Error(), "CANARY")
		}
	})
}
