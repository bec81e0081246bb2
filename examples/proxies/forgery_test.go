package proxies_test

import (
	"net/http"
	"net/netip"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// forged is the address that visitors pretend to come from, other one more.
const forged, other = "203.0.113.66", "203.0.113.7"

// forgery is what a visitor sends in order to be somebody else.
type forgery struct {
	name  string
	lines []string
	raw   bool // HTTP/1.1 only, and a proxy may refuse it
}

// forgeries returns attacks on the header, by somebody who knows the addresses
// of the trusted proxies.
func forgeries(header string, trusted []netip.Prefix) []forgery {
	proxy := trusted[0].Addr().String()
	all := []forgery{
		{"nothing", nil, false},
		{"all headers at once", []string{
			"X-Forwarded-For: " + forged, "X-Real-IP: " + forged, "Forwarded: for=" + forged + ";proto=https",
			"True-Client-IP: " + forged, "CF-Connecting-IP: " + forged, "X-Client-IP: " + forged, "Via: 1.1 " + forged,
		}, false},
		{"upper and lower case", []string{strings.ToLower(header) + ": " + value(header, forged), strings.ToUpper(header) + ": " + value(header, forged)}, false},
		{"underscores for hyphens", []string{strings.ReplaceAll(header, "-", "_") + ": " + value(header, forged)}, false},
		{"https", []string{"X-Forwarded-Proto: https"}, false},
		{"https on two lines", []string{"X-Forwarded-Proto: https", "x-forwarded-proto: https"}, false},
		{"https with a trusted address", []string{header + ": " + value(header, proxy), "X-Forwarded-Proto: https"}, false},
		{"a folded line", []string{header + ": " + value(header, proxy) + ",", " " + value(header, forged)}, true},
		{"a space before the colon", []string{header + " : " + value(header, forged)}, true},
		{"a header to be dropped on the way", []string{header + ": " + value(header, forged), "Connection: close, " + header + ", X-Forwarded-Proto"}, true},
		{"a header to be dropped, unsent", []string{"Connection: close, " + header}, true},
		{"a header to be dropped with an upgrade", []string{"Connection: upgrade, " + header, "Upgrade: nothing"}, true},
	}
	with := func(name string, values ...string) {
		f := forgery{name: name}
		for _, v := range values {
			f.lines = append(f.lines, header+": "+v)
		}
		all = append(all, f)
	}
	with("plain", value(header, forged))
	with("a list", value(header, other, forged))
	with("a long list", value(header, strings.Fields(strings.Repeat(forged+" ", 200))...))
	with("several lines", value(header, forged), value(header, other), value(header, forged))
	with("a trusted address", value(header, proxy))
	with("every trusted address", value(header, addresses(trusted)...))
	with("as if a proxy had passed it", value(header, forged, proxy))
	with("so, on two lines", value(header, forged), value(header, proxy))
	with("empty", "")
	with("garbage", "<script>,';--")
	with("garbage at the end", value(header, forged)+", unknown")
	with("garbage in front", "unknown, "+value(header, forged))
	with("commas", ",,,")
	with("a comma at the end", value(header, forged)+",")
	with("with a port", value(header, `"`+forged+`:80"`))
	with("mapped to IPv6", value(header, `"[::ffff:`+forged+`]"`))
	with("trusted, mapped to IPv6", value(header, `"[::ffff:`+proxy+`]"`))
	with("a name", value(header, "localhost"))
	if header == "Forwarded" {
		with("a quote left open", `for=`+forged+`;by="`)
		with("a quote left open in for", `for="`+forged)
		with("a quote left open after a comma", `for=`+forged+`, for="`)
		with("a quote left open before a comma", `for="`+proxy+`, for=`+forged)
		with("a quote left open behind an address", `for=`+forged+`, by="x, for=`+proxy)
		with("a quote left open on one line and closed on the next", `for=`+forged+`;by="`, `";for=`+proxy)
		with("a backslash at the end of a quote", `for="`+forged+`\`)
		with("a backslash at the end", `for=`+forged+`\`)
		with("an escaped quote", `for="\"`+forged+`"`)
		with("an escaped quote at the end", `for="`+forged+`\"`)
		with("an address in escapes", `for="\2\0\3.0.113.66"`)
		with("an element in a quote", `by="a, for=`+forged+`"`)
		with("two in one element", `for=`+forged+`;for=`+proxy)
		with("a semicolon at the end", `for=`+forged+`;`)
		with("no value", `for=`)
		with("no value behind an address", `for=`+forged+`, for=`)
		with("obfuscated", `for=_hidden, for=unknown`)
		with("only an equals sign", `=`)
	}
	return all
}

// value writes addresses as the header has them.
func value(header string, addresses ...string) string {
	if header == "Forwarded" {
		return "for=" + strings.Join(addresses, ", for=")
	}
	return strings.ReplaceAll(strings.Join(addresses, ", "), `"`, "")
}

func addresses(prefixes []netip.Prefix) []string {
	var all []string
	for _, p := range prefixes {
		all = append(all, p.Addr().String())
	}
	return all
}

// attack sends every forgery from an address over HTTP/1.1, and demands that
// the address is known nevertheless.
func attack(t *testing.T, from, to, header string, trusted []netip.Prefix) {
	t.Helper()
	for _, f := range forgeries(header, trusted) {
		got, status := ask(t, from, to, f.lines...)
		if f.raw && status/100 == 4 {
			continue
		}
		require.Equal(t, http.StatusOK, status, f.name)
		requireKnown(t, f, from, "http", got)
	}
}

// attackHTTP2 does so with a client that speaks HTTP/2.
func attackHTTP2(t *testing.T, client *http.Client, from, header string, trusted []netip.Prefix) {
	t.Helper()
	for _, f := range forgeries(header, trusted) {
		if f.raw {
			continue
		}
		req, err := http.NewRequest(http.MethodGet, "https://"+site+"/", nil)
		require.NoError(t, err)
		for _, line := range f.lines {
			name, v, _ := strings.Cut(line, ":")
			req.Header[name] = append(req.Header[name], strings.TrimSpace(v))
		}
		// Somebody who would rather not have come by https.
		req.Header["x-forwarded-proto"] = []string{"http"}
		res, err := client.Do(req)
		require.NoError(t, err, f.name)
		require.Equal(t, "HTTP/2.0", res.Proto)
		require.Equal(t, http.StatusOK, res.StatusCode, f.name)
		requireKnown(t, f, from, "https", read(t, res))
	}
}

func requireKnown(t *testing.T, f forgery, from, scheme string, got answer) {
	t.Helper()
	require.Equal(t, from, got.Client.String(), "%s: the service got %q from %s", f.name, got.Header, got.Peer)
	require.Equal(t, scheme, got.Scheme, "%s: the service got %q from %s", f.name, got.Header, got.Peer)
	require.Equal(t, "HTTP/1.1", got.Proto, f.name)
	require.Equal(t, site, got.Host, f.name)
}
