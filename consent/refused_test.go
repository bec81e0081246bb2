package consent_test

import (
	"net/http"
	"net/netip"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/candorhttp/candor/consent"
	"github.com/candorhttp/candor/iputil"
)

// What a visitor sends and is not understood is answered with a clear 4xx, and
// nothing changes.
func TestPostsThatAreNotTaken(t *testing.T) {
	const (
		form = "application/x-www-form-urlencoded"
		json = "application/json"
		some = `{"grants":{"analytics":true}}`
	)
	for _, tt := range []struct {
		name, method, path, kind, body string
		header                         []string
		status                         int
		says                           string
	}{
		{name: "cross-site", path: "decision", kind: json, body: some, header: []string{"Sec-Fetch-Site", "cross-site"}, status: 403},
		{name: "same-site is another origin", path: "decision", kind: json, body: some, header: []string{"Sec-Fetch-Site", "same-site"}, status: 403},
		{name: "another origin, older browser", path: "withdraw", kind: form, header: []string{"Origin", "https://evil.example"}, status: 403},
		{name: "too large", path: "decision", kind: form, body: "action=save&return=" + strings.Repeat("a", 9000), status: 413},
		{name: "text", path: "decision", kind: "text/plain", body: some, status: 415},
		{name: "multipart", path: "decision", kind: "multipart/form-data; boundary=x", body: "--x--", status: 415},
		{name: "no type", path: "decision", body: some, status: 415},
		{name: "odd type", path: "decision", kind: ";;", body: some, status: 415},
		{name: "nothing chosen", path: "decision", kind: form, status: 400, says: "action"},
		{name: "nothing chosen in JSON", path: "decision", kind: json, body: `{}`, status: 400, says: "no choice"},
		{name: "unknown action", path: "decision", kind: form, body: "action=maybe", status: 400, says: "action: choose"},
		{name: "unknown field", path: "decision", kind: form, body: "action=accept&colour=red", status: 400, says: `unknown field "colour"`},
		{name: "unknown field in JSON", path: "decision", kind: json, body: `{"grants":{},"colour":1}`, status: 400, says: `unknown field \"colour\"`},
		{name: "field in other letters", path: "decision", kind: json, body: `{"Grants":{"analytics":true}}`, status: 400, says: `unknown field \"Grants\"`},
		{name: "unknown purpose", path: "decision", kind: form, body: "action=save&purpose=spying", status: 400, says: `unknown purpose "spying"`},
		{name: "unknown purpose in JSON", path: "decision", kind: json, body: `{"grants":{"analytics":true,"spying":true}}`, status: 400, says: `unknown purpose \"spying\"`},
		{name: "unknown purpose, withdrawn", path: "withdraw", kind: form, body: "purpose=spying", status: 400, says: `unknown purpose "spying"`},
		{name: "an address as a name", path: "decision", kind: form, body: "jane.doe%40example.com=1", status: 400, says: `unknown field "jane.doe?example.com"`},
		{name: "action on withdraw", path: "withdraw", kind: form, body: "action=accept", status: 400, says: `unknown field "action"`},
		{name: "grants on withdraw", path: "withdraw", kind: json, body: some, status: 400, says: `unknown field \"grants\"`},
		{name: "field twice", path: "decision", kind: form, body: "action=accept&action=refuse", status: 400, says: `"action" is given twice`},
		{name: "said both ways", path: "decision", kind: json, body: `{"grants":{"analytics":true,"analytics":false}}`, status: 400, says: "given twice"},
		{name: "bad escape", path: "decision", kind: form, body: "action=%zz", status: 400, says: "cannot be read"},
		{name: "bad JSON", path: "decision", kind: json, body: `{"grants":{"analytics":true}`, status: 400},
		{name: "two documents", path: "decision", kind: json, body: some + some, status: 400},
		{name: "not an object", path: "decision", kind: json, body: `["analytics"]`, status: 400},
		{name: "a number for a yes", path: "decision", kind: json, body: `{"grants":{"analytics":1}}`, status: 400, says: "true or false"},
		{name: "GET withdraw", method: "GET", path: "withdraw", status: 405},
		{name: "HEAD withdraw", method: "HEAD", path: "withdraw", status: 405},
		{name: "GET receipt", method: "GET", path: "receipt", status: 405},
		{name: "GET history", method: "GET", path: "history", status: 405},
		{name: "HEAD history", method: "HEAD", path: "history", status: 405},
		{name: "GET erase", method: "GET", path: "erase", status: 405},
		{name: "DELETE erase", method: "DELETE", path: "erase", status: 405},
		{name: "cross-site erase", path: "erase", kind: form, header: []string{"Sec-Fetch-Site", "cross-site"}, status: 403},
		{name: "cross-site history", path: "history", kind: form, header: []string{"Origin", "https://evil.example"}, status: 403},
		{name: "purposes on decision in JSON", path: "decision", kind: json, body: `{"grants":{"analytics":true},"purposes":["marketing"]}`, status: 400, says: `unknown field \"purposes\"`},
		{name: "grants on erase", path: "erase", kind: json, body: some, status: 400, says: `unknown field \"grants\"`},
		{name: "a purpose to erase", path: "erase", kind: form, body: "purpose=analytics", status: 400, says: `unknown field "purpose"`},
		{name: "a number for a receipt", path: "history", kind: json, body: `{"receipt":1}`, status: 400, says: "send a text"},
		{name: "a foreign receipt", path: "erase", kind: form, body: "receipt=x", status: 403},
		{name: "PUT decision", method: "PUT", path: "decision", kind: json, body: some, status: 405},
		{name: "DELETE decision", method: "DELETE", path: "decision", status: 405},
		{name: "OPTIONS decision", method: "OPTIONS", path: "decision", status: 405},
		{name: "part of a method", method: "POS", path: "decision", status: 405},
		{name: "POST manifest", path: "manifest.json", kind: json, body: some, status: 405},
		{name: "unknown endpoint", method: "GET", path: "secrets", status: 404},
		{name: "nothing below the prefix", method: "GET", path: "", status: 404},
	} {
		t.Run(tt.name, func(t *testing.T) {
			cfg := config(t)
			s := serve(t, newManager(t, cfg), nil)
			c := s.choose("", `{"preferences":true}`)
			method := tt.method
			if method == "" {
				method = "POST"
			}
			a := s.do(method, "/privacy/"+tt.path, tt.body, append([]string{"Cookie", c, "Content-Type", tt.kind}, tt.header...)...)
			require.Equal(t, tt.status, a.StatusCode, a.body)
			require.Contains(t, a.body, tt.says)
			require.Empty(t, a.Header["Set-Cookie"])
			require.Equal(t, "no-store", a.Header.Get("Cache-Control"))
			require.Len(t, entries(t, cfg.Ledger), 1, "nothing was recorded")
			require.Contains(t, s.states(c), `"preferences":"granted","analytics":"unset"`, "nothing changed")
			if tt.status == 405 {
				require.NotEmpty(t, a.Header.Get("Allow"))
			}
		})
	}
}

func TestPostsThatAreTaken(t *testing.T) {
	s := serve(t, newManager(t, config(t)), nil)
	for name, header := range map[string][]string{
		"not a browser":        nil,
		"same-origin":          {"Sec-Fetch-Site", "same-origin"},
		"typed by the visitor": {"Sec-Fetch-Site", "none"},
		"same origin, older":   {"Origin", s.URL},
		"with a character set": {"X", "y"},
	} {
		t.Run(name, func(t *testing.T) {
			header = append(header, "Content-Type", "application/json; charset=utf-8")
			a := s.do("POST", "/privacy/decision", `{"grants":{"analytics":true}}`, header...)
			require.Equal(t, 200, a.StatusCode, a.body)
		})
	}
	require.Equal(t, 200, s.do("POST", "/privacy/withdraw", "", "Accept", "application/json").StatusCode, "no body, no type")
}

// A single-page application on a sibling host works where it is listed.
func TestTrustedOrigins(t *testing.T) {
	cfg := config(t)
	cfg.TrustedOrigins = []string{"https://app.shop.example"}
	s := serve(t, newManager(t, cfg), nil)
	post := func(origin string) answer {
		return s.do("POST", "/privacy/decision", `{"grants":{"analytics":true}}`,
			"Content-Type", "application/json", "Origin", origin, "Sec-Fetch-Site", "same-site")
	}
	a := post("https://app.shop.example")
	require.Equal(t, 200, a.StatusCode, a.body)
	require.Equal(t, "https://app.shop.example", a.Header.Get("Access-Control-Allow-Origin"))
	require.Equal(t, "true", a.Header.Get("Access-Control-Allow-Credentials"))
	require.Contains(t, a.Header.Values("Vary"), "Origin")
	a = post("https://other.shop.example")
	require.Equal(t, 403, a.StatusCode)
	require.Empty(t, a.Header.Get("Access-Control-Allow-Origin"))

	a = s.do("OPTIONS", "/privacy/decision", "", "Origin", "https://app.shop.example", "Access-Control-Request-Method", "POST", "Access-Control-Request-Headers", "content-type")
	require.Equal(t, 204, a.StatusCode)
	require.Equal(t, "GET, HEAD, POST", a.Header.Get("Access-Control-Allow-Methods"))
	a = s.do("OPTIONS", "/privacy/decision", "", "Origin", "https://other.shop.example", "Access-Control-Request-Method", "POST")
	require.Equal(t, 405, a.StatusCode)
	require.Empty(t, a.Header.Get("Access-Control-Allow-Methods"))
}

// A flood of accepts from one network is turned away in the end. A no never is,
// and other networks notice nothing.
func TestFloodOfGrants(t *testing.T) {
	cfg := config(t)
	visitors, err := iputil.NewResolver(iputil.Proxies{
		Header: "X-Forwarded-For", Trusted: []netip.Prefix{netip.MustParsePrefix("127.0.0.0/8")},
	})
	require.NoError(t, err)
	cfg.Visitors = visitors
	s := serve(t, newManager(t, cfg), nil)
	post := func(path, address, body string) int {
		return s.form(path, "", body, "X-Forwarded-For", address).StatusCode
	}
	limited := 0
	for range 400 {
		if post("/privacy/decision", "198.51.100.7", "action=accept") == http.StatusTooManyRequests {
			limited++
		}
	}
	require.Equal(t, 100, limited, "after the documented burst of 300; the clock stands still")
	for range 50 {
		require.Equal(t, 303, post("/privacy/decision", "198.51.100.9", "action=refuse"))
		require.Equal(t, 303, post("/privacy/withdraw", "198.51.100.9", ""))
		require.Equal(t, 303, post("/privacy/decision", "198.51.100.9", "action=save"))
	}
	require.Equal(t, http.StatusTooManyRequests, post("/privacy/decision", "198.51.100.9", "action=accept"), "the same /24")
	require.EqualValues(t, 101, s.m.Stats().RateLimited)
	taken := 0
	for i := range 20 {
		if post("/privacy/decision", "203.0."+string(rune('0'+i%10))+".7", "action=accept") == 303 {
			taken++
		}
	}
	require.GreaterOrEqual(t, taken, 18, "others share a bucket with it only by a rare accident of the hash")
}

func TestConfigFaults(t *testing.T) {
	_, err := consent.New(consent.Config{
		Domain: ".Example.com:80", Insecure: true, Prefix: "privacy", MaxSuperseded: -1,
		TrustedOrigins: []string{"app.example.com", "https://ok.example"},
	})
	for _, fault := range []string{
		"consent: policy: version", "Keys: no key", "Ledger: is missing", "Domain: is not a domain name",
		"Insecure: cannot be used with Domain", "Prefix: is not a path", "MaxSuperseded: is -1", "TrustedOrigins[0]: is not an https origin",
	} {
		require.ErrorContains(t, err, fault)
	}
	require.NotContains(t, err.Error(), "TrustedOrigins[1]")
	require.ErrorIs(t, err, consent.ErrNoKeys)
}
