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
			[]string{"Trusted[0]: is an IPv4-mapped prefix", "Trusted[1]: trusts every peer", "Trusted[2]: trusts every peer", "Trusted[3]: is not a prefix"}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			r, err := iputil.NewResolver(tt.p)
			require.Nil(t, r)
			for _, f := range tt.faults {
				require.ErrorContains(t, err, "iputil: proxies: "+f)
			}
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
		`for="[2001:db8::17]:4711";proto=https;by=10.0.0.1`:    "2001:db8::17",
		`for=6.6.6.6;by="a,for=7.7.7.7", for=198.51.100.7`:     "198.51.100.7",
		`for=6.6.6.6, for="\1\9\8.51.100.7"`:                   "198.51.100.7",
		`for=6.6.6.6, for="198.51.100.7\"`:                     "10.0.0.5",
		`for=6.6.6.6, for="198.51.100.7" x`:                    "10.0.0.5",
		`for=6.6.6.6, for=198.51.100.7;for=8.8.8.8`:            "10.0.0.5",
		`for=6.6.6.6, by=10.0.0.1`:                             "10.0.0.5",
		`for=6.6.6.6, for=unknown, for=10.0.0.8`:               "10.0.0.8",
		`for=6.6.6.6, FoR=_hidden, for=10.0.0.8, for=10.0.0.9`: "10.0.0.8",
		`for="198.51.100.7:_port"`:                             "198.51.100.7",
		`for=10.0.0.7, for=10.0.0.8`:                           "10.0.0.7",
		`;;for=198.51.100.7;;`:                                 "198.51.100.7",
		`for=198.51.100.7,`:                                    "10.0.0.5",
		"for=\"198.51.100.7\x00\"":                             "10.0.0.5",
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
		b.Run(header, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				r.Client(req)
			}
		})
	}
	b.Run("by hand", func(b *testing.B) {
		b.ReportAllocs()
		req := &http.Request{RemoteAddr: "10.0.0.5:1", Header: http.Header{"X-Forwarded-For": {fourHops["X-Forwarded-For"]}}}
		for b.Loop() {
			peer, _ := netip.ParseAddrPort(req.RemoteAddr)
			hop := peer.Addr()
			rest := req.Header.Get("X-Forwarded-For")
			for trusted[0].Contains(hop) && rest != "" {
				var element string
				if i := strings.LastIndexByte(rest, ','); i >= 0 {
					rest, element = rest[:i], rest[i+1:]
				} else {
					rest, element = "", rest
				}
				a, err := netip.ParseAddr(strings.TrimSpace(element))
				if err != nil {
					break
				}
				hop = a.Unmap()
			}
		}
	})
}

// Whatever the header holds: an answer is an address that stands in it or the
// peer, trusted only if it is the last good hop, and nothing left of garbage.
func FuzzXForwardedFor(f *testing.F) {
	for _, c := range load[clientCase](f, "clientip.json") {
		if c.Header == "X-Forwarded-For" && len(c.Headers) > 0 {
			f.Add(c.Headers[0][1], c.Headers[len(c.Headers)-1][1])
		}
	}
	r, err := iputil.NewResolver(iputil.Proxies{Header: "X-Forwarded-For", Trusted: prefixes("10.0.0.0/8")})
	require.NoError(f, err)
	f.Fuzz(func(t *testing.T, first, second string) {
		req := &http.Request{RemoteAddr: "10.0.0.5:1", Header: http.Header{"X-Forwarded-For": {first, second}}}
		if got, want := r.Client(req), naive(first+","+second); got != want {
			t.Fatalf("got %v, want %v", got, want)
		}
	})
}

// naive says the same in the plainest way.
func naive(line string) netip.Addr {
	hop := netip.MustParseAddr("10.0.0.5")
	elements := strings.Split(line, ",")
	for i := len(elements) - 1; i >= 0; i-- {
		e := strings.Trim(elements[i], " \t")
		if strings.Contains(e, "%") {
			return hop
		}
		a, err := netip.ParseAddr(e)
		if err != nil {
			host, port, found := e, "", false
			if strings.HasPrefix(e, "[") {
				if host, port, found = strings.Cut(e[1:], "]"); !found || !strings.Contains(host, ":") {
					return hop
				}
				if port != "" && !strings.HasPrefix(port, ":") {
					return hop
				}
				found = port != ""
				port = strings.TrimPrefix(port, ":")
			} else if host, port, found = strings.Cut(e, ":"); !found || strings.Contains(port, ":") {
				return hop
			}
			if found && (len(port) < 1 || len(port) > 5 || strings.Trim(port, "0123456789") != "") {
				return hop
			}
			if a, err = netip.ParseAddr(host); err != nil {
				return hop
			}
		}
		if a.IsUnspecified() || a.Zone() != "" {
			return hop
		}
		hop = a.Unmap()
		if !netip.MustParsePrefix("10.0.0.0/8").Contains(hop) {
			return hop
		}
	}
	return hop
}

func FuzzForwarded(f *testing.F) {
	for _, c := range load[clientCase](f, "clientip.json") {
		if c.Header == "Forwarded" && len(c.Headers) > 0 {
			f.Add(c.Headers[0][1], "for=10.0.0.9")
		}
	}
	r, err := iputil.NewResolver(iputil.Proxies{Header: "Forwarded", Trusted: prefixes("10.0.0.0/8")})
	require.NoError(f, err)
	client := func(lines ...string) netip.Addr {
		return r.Client(&http.Request{RemoteAddr: "10.0.0.5:1", Header: http.Header{"Forwarded": lines}})
	}
	f.Fuzz(func(t *testing.T, first, second string) {
		got := client(first, second)
		if again, err := netip.ParseAddr(got.String()); err != nil || again != got || got.Zone() != "" || got.Is4In6() {
			t.Fatalf("%v is not in its plain form", got)
		}
		// A proxy that appends a line of its own decides what is right of it:
		// nothing that a client wrote before can change that.
		if a := client(first, "for=198.51.100.7"); a.String() != "198.51.100.7" {
			t.Fatalf("%q hides a line behind it: %v", first, a)
		}
		if a := client(first, "for=unknown"); a.String() != "10.0.0.5" {
			t.Fatalf("%v is left of garbage", a)
		}
		if a := client(first, "for=unknown, for=10.1.2.3"); a.String() != "10.1.2.3" {
			t.Fatalf("%v is left of garbage", a)
		}
	})
}

func FuzzSingleValue(f *testing.F) {
	f.Add("192.0.2.1")
	f.Add("[2001:db8::1]:99999")
	r, err := iputil.NewResolver(iputil.Proxies{Header: "X-Real-IP", Trusted: prefixes("10.0.0.0/8")})
	require.NoError(f, err)
	f.Fuzz(func(t *testing.T, value string) {
		got := r.Client(&http.Request{RemoteAddr: "10.0.0.5:1", Header: http.Header{"X-Real-Ip": {value}}})
		if got != netip.MustParseAddr("10.0.0.5") && !strings.Contains(value, got.String()) {
			if a, err := netip.ParseAddr(strings.Trim(value, " \t[]")); err == nil && a.Unmap() == got {
				return // another spelling of it
			}
			if _, err := netip.ParseAddrPort(strings.Trim(value, " \t")); err != nil && !strings.Contains(value, "]") {
				t.Fatalf("%v is not in %q", got, value)
			}
		}
		twice := r.Client(&http.Request{RemoteAddr: "10.0.0.5:1", Header: http.Header{"X-Real-Ip": {value, value}}})
		if twice != netip.MustParseAddr("10.0.0.5") {
			t.Fatal("a duplicated field was believed")
		}
	})
}
