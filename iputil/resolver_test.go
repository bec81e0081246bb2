package iputil_test

import (
	"crypto/tls"
	"net/http"
	"net/netip"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/candorhttp/candor/iputil"
)

func prefixes(texts ...string) (out []netip.Prefix) {
	for _, s := range texts {
		out = append(out, netip.MustParsePrefix(s))
	}
	return out
}

func TestProxiesFaults(t *testing.T) {
	for _, tt := range []struct {
		name   string
		p      iputil.Proxies
		faults []string
	}{
		{"header that anybody could write", iputil.Proxies{Header: "X-Forwarded-For"}, []string{"Header: without a trusted proxy"}},
		{"scheme that anybody could write", iputil.Proxies{SchemeHeader: "X-Forwarded-Proto"}, []string{"SchemeHeader: without a trusted proxy"}},
		{"not a field name", iputil.Proxies{Header: "X Forwarded", Trusted: prefixes("10.0.0.0/8")}, []string{"Header: is not a field name"}},
		{"a field without addresses", iputil.Proxies{Header: "user-agent", Trusted: prefixes("10.0.0.0/8")}, []string{"Header: User-Agent does not hold an address"}},
		{"scheme in Forwarded", iputil.Proxies{SchemeHeader: "Forwarded", Trusted: prefixes("10.0.0.0/8")}, []string{"SchemeHeader: is not a field"}},
		{"list and function", iputil.Proxies{Trusted: prefixes("10.0.0.0/8"), TrustedFunc: func(netip.Addr) bool { return true }}, []string{"TrustedFunc: cannot be used with Trusted"}},
		{"every fault at once", iputil.Proxies{Header: "X-Real-IP", Trusted: append(prefixes("::ffff:10.0.0.0/104", "0.0.0.0/0", "::/0"), netip.Prefix{})},
			[]string{"Trusted[0]: is an IPv4-mapped prefix", "Trusted[1]: is so wide", "Trusted[2]: is so wide", "Trusted[3]: is not a prefix"}},
		{"everybody in two halves", iputil.Proxies{Header: "X-Real-IP", Trusted: prefixes("0.0.0.0/1", "128.0.0.0/1", "2000::/3", "10.0.0.0/8", "fc00::/7")},
			[]string{"Trusted[0]: is so wide", "Trusted[1]: is so wide", "Trusted[2]: is so wide"}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			r, err := iputil.NewResolver(tt.p)
			require.Nil(t, r)
			for _, f := range tt.faults {
				require.ErrorContains(t, err, "iputil: proxies: "+f)
			}
			require.Len(t, strings.Split(err.Error(), "\n"), len(tt.faults))
		})
	}
	_, err := iputil.NewResolver(iputil.Proxies{})
	require.NoError(t, err)
	_, err = iputil.NewResolver(iputil.Proxies{Header: "x-real-ip", Trusted: prefixes("::/0"), InsecureTrustAny: true})
	require.NoError(t, err)
}

func TestNilResolverBelievesThePeer(t *testing.T) {
	var r *iputil.Resolver
	req := &http.Request{RemoteAddr: "[::ffff:203.0.113.9]:4711", Header: http.Header{"X-Forwarded-For": {"1.2.3.4"}, "X-Forwarded-Proto": {"https"}}}
	require.Equal(t, "203.0.113.9", r.Client(req).String())
	require.False(t, r.TrustedPeer(req))
	require.False(t, r.HTTPS(req))
	req.TLS = &tls.ConnectionState{}
	require.True(t, r.HTTPS(req))
	require.False(t, r.Client(&http.Request{RemoteAddr: "@"}).IsValid())
}

func TestTrustedFunc(t *testing.T) {
	r, err := iputil.NewResolver(iputil.Proxies{Header: "X-Forwarded-For", TrustedFunc: netip.Addr.IsPrivate})
	require.NoError(t, err)
	req := &http.Request{RemoteAddr: "[::ffff:10.0.0.1]:1", Header: http.Header{"X-Forwarded-For": {"198.51.100.7, 10.0.0.9"}}}
	require.Equal(t, "198.51.100.7", r.Client(req).String())
	require.True(t, r.TrustedPeer(req))
}

func TestScheme(t *testing.T) {
	r, err := iputil.NewResolver(iputil.Proxies{SchemeHeader: "X-Forwarded-Proto", Trusted: prefixes("10.0.0.0/8")})
	require.NoError(t, err)
	for _, tt := range []struct {
		name, peer string
		lines      []string
		tls, want  bool
	}{
		{"trusted says https", "10.0.0.1:1", []string{"https"}, false, true},
		{"in other letters", "10.0.0.1:1", []string{" HTTPS "}, false, true},
		{"trusted says http behind its own TLS", "10.0.0.1:1", []string{"http"}, true, false},
		{"trusted says nothing", "10.0.0.1:1", nil, true, true},
		{"a stranger says https", "203.0.113.9:1", []string{"https"}, false, false},
		{"a stranger says http", "203.0.113.9:1", []string{"http"}, true, true},
		{"twice", "10.0.0.1:1", []string{"https", "https"}, false, false},
		{"a list", "10.0.0.1:1", []string{"https, http"}, false, false},
	} {
		t.Run(tt.name, func(t *testing.T) {
			req := &http.Request{RemoteAddr: tt.peer, Header: http.Header{}}
			if tt.lines != nil {
				req.Header["X-Forwarded-Proto"] = tt.lines
			}
			if tt.tls {
				req.TLS = &tls.ConnectionState{}
			}
			require.Equal(t, tt.want, r.HTTPS(req))
		})
	}
}

func TestForwardedQuotes(t *testing.T) {
	r, err := iputil.NewResolver(iputil.Proxies{Header: "Forwarded", Trusted: prefixes("10.0.0.0/8")})
	require.NoError(t, err)
	for value, want := range map[string]string{
		`for="[2001:db8::17]:4711";proto=https;by=10.0.0.1`:                 "2001:db8::17",
		`for=6.6.6.6;by="a,for=7.7.7.7", for=198.51.100.7`:                  "198.51.100.7",
		`for=6.6.6.6, for="\1\9\8.51.100.7"`:                                "198.51.100.7",
		`for=198.51.100.7;by="a\",for=7.7.7.7", for=10.0.0.8`:               "198.51.100.7",
		`for=6.6.6.6, b y=1;for=198.51.100.7`:                               "10.0.0.5",
		`for=6.6.6.6, for="198.51.100.7\"`:                                  "10.0.0.5",
		`for=6.6.6.6, for="198.51.100.7" x`:                                 "10.0.0.5",
		`for=6.6.6.6, for=198.51.100.7;for=8.8.8.8`:                         "10.0.0.5",
		`for=6.6.6.6, by=10.0.0.1`:                                          "10.0.0.5",
		`for=6.6.6.6, for=unknown, for=10.0.0.8`:                            "10.0.0.8",
		`for=6.6.6.6, FoR=_hidden, for=10.0.0.8, for=10.0.0.9`:              "10.0.0.8",
		`for="198.51.100.7:_port"`:                                          "198.51.100.7",
		`for=6.6.6.6, for="198.51.100.7:_` + strings.Repeat("x", 200) + `"`: "10.0.0.5",
		`for=10.0.0.7, for=10.0.0.8`:                                        "10.0.0.7",
		`;;for=198.51.100.7;;`:                                              "198.51.100.7",
		`for=198.51.100.7,`:                                                 "10.0.0.5",
		"for=\"198.51.100.7\x00\"":                                          "10.0.0.5",
	} {
		req := &http.Request{RemoteAddr: "10.0.0.5:1", Header: http.Header{"Forwarded": {value}}}
		require.Equal(t, want, r.Client(req).String(), "%s", value)
	}
}

func TestClientAllocatesNothing(t *testing.T) {
	for header, value := range fourHops {
		r, err := iputil.NewResolver(iputil.Proxies{Header: header, Trusted: prefixes("10.0.0.0/8")})
		require.NoError(t, err)
		req := &http.Request{RemoteAddr: "10.0.0.5:1", Header: http.Header{header: {value}}}
		require.Equal(t, "198.51.100.7", r.Client(req).String())
		require.Zero(t, testing.AllocsPerRun(100, func() { r.Client(req) }), header)
	}
}

func TestStats(t *testing.T) {
	for header, lines := range map[string]struct{ good, garbage, rescued string }{
		"X-Forwarded-For": {"198.51.100.7", "198.51.100.7, x", "x, 198.51.100.7"},
		"Forwarded":       {"for=198.51.100.7", "for=198.51.100.7, x", "x, for=198.51.100.7"},
		"X-Real-Ip":       {"198.51.100.7", "x", "198.51.100.8"},
	} {
		r, err := iputil.NewResolver(iputil.Proxies{Header: header, Trusted: prefixes("10.0.0.0/8"), UnixSocket: true})
		require.NoError(t, err)
		ask := func(peer string, lines ...string) {
			r.Client(&http.Request{RemoteAddr: peer, Header: http.Header{header: lines}})
		}
		ask("10.0.0.1:1", lines.good)
		ask("10.0.0.1:1", lines.rescued)
		ask("10.0.0.1:1")
		ask("203.0.113.9:1")
		require.Zero(t, r.Stats(), header)
		ask("10.0.0.1:1", lines.garbage)
		require.Equal(t, iputil.Stats{Stopped: 1}, r.Stats(), header)
		ask("203.0.113.9:1", lines.good)
		require.Equal(t, iputil.Stats{Stopped: 1, Ignored: 1}, r.Stats(), header)
		ask("@")
		require.Equal(t, iputil.Stats{Stopped: 1, Ignored: 1, Unknown: 1}, r.Stats(), header)
	}
	require.Zero(t, (*iputil.Resolver)(nil).Stats())
}

var fourHops = map[string]string{
	"X-Forwarded-For": "198.51.100.7, 10.0.0.9, 10.0.0.8, 10.0.0.7",
	"Forwarded":       "for=198.51.100.7, for=10.0.0.9, for=10.0.0.8, for=10.0.0.7",
}

// The peer to compare with is what one writes by hand: split, parse, compare.
func BenchmarkClient(b *testing.B) {
	trusted := prefixes("10.0.0.0/8")
	for header, value := range fourHops {
		r, err := iputil.NewResolver(iputil.Proxies{Header: header, Trusted: trusted})
		require.NoError(b, err)
		req := &http.Request{RemoteAddr: "10.0.0.5:1", Header: http.Header{header: {value}}}
		b.Run(header+"/resolver", func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				r.Client(req)
			}
		})
		b.Run(header+"/by hand", func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				byHand(req, header, trusted[0])
			}
		})
	}
}

func byHand(req *http.Request, header string, trusted netip.Prefix) netip.Addr {
	peer, _ := netip.ParseAddrPort(req.RemoteAddr)
	hop := peer.Addr()
	rest := req.Header.Get(header)
	for trusted.Contains(hop) && rest != "" {
		var element string
		if i := strings.LastIndexByte(rest, ','); i >= 0 {
			rest, element = rest[:i], rest[i+1:]
		} else {
			rest, element = "", rest
		}
		element = strings.TrimSpace(element)
		if header == "Forwarded" {
			element = strings.TrimPrefix(element, "for=")
		}
		a, err := netip.ParseAddr(element)
		if err != nil {
			break
		}
		hop = a.Unmap()
	}
	return hop
}
