package iputil_test

import (
	"net/http"
	"net/netip"
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/candorhttp/candor/iputil"
)

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
		a, ok := naiveNode(strings.Trim(elements[i], " \t"))
		if !ok {
			return hop
		}
		if hop = a; !netip.MustParsePrefix("10.0.0.0/8").Contains(hop) {
			return hop
		}
	}
	return hop
}

var (
	bracketed = regexp.MustCompile(`^\[([^\]]*:[^\]]*)\](:[0-9]{1,5})?$`)
	withPort  = regexp.MustCompile(`^([^:]*):[0-9]{1,5}$`)
)

func naiveNode(s string) (netip.Addr, bool) {
	if m := bracketed.FindStringSubmatch(s); m != nil {
		s = m[1]
	} else if m := withPort.FindStringSubmatch(s); m != nil {
		s = m[1]
	}
	a, err := netip.ParseAddr(s)
	return a.Unmap(), err == nil && a.Zone() == "" && !a.IsUnspecified()
}

func FuzzForwarded(f *testing.F) {
	for _, c := range load[clientCase](f, "clientip.json") {
		if c.Header == "Forwarded" && len(c.Headers) > 0 {
			f.Add(c.Headers[0][1], "for=10.0.0.9")
		}
	}
	f.Add(`for=6.6.6.6;by="`, `for="[2001:db8::1]"`)
	f.Add(`for=6.6.6.6;by=", for="198.51.100.7";proto="https"`, `for="10.0.0.\9:_x"`)
	r, err := iputil.NewResolver(iputil.Proxies{Header: "Forwarded", Trusted: prefixes("10.0.0.0/8")})
	require.NoError(f, err)
	client := func(lines ...string) netip.Addr {
		return r.Client(&http.Request{RemoteAddr: "10.0.0.5:1", Header: http.Header{"Forwarded": lines}})
	}
	f.Fuzz(func(t *testing.T, first, second string) {
		got := client(first, second)
		if want := naiveForwarded(first, second); got != want {
			t.Fatalf("got %v, want %v", got, want)
		}
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

// The grammar of RFC 7239 §4, with empty pairs, white space around semicolons
// and addresses that are not quoted.
const (
	name   = "[!#$%&'*+.^_`|~0-9A-Za-z-]+"
	token  = "[!#$%&'*+.^_`|~0-9A-Za-z:\\[\\]-]+"
	quoted = `"(?:\\[^\x00-\x08\x0a-\x1f\x7f]|[^"\\\x00-\x08\x0a-\x1f\x7f])*"`
	pair   = `[ \t]*(?:(` + name + `)=(` + token + `|` + quoted + `)[ \t]*)?`
)

var (
	element    = regexp.MustCompile(`(?s)^((?:"(?:\\.|[^"\\])*(?:"|\\?$)|[^",])*)(,|$)`)
	onePair    = regexp.MustCompile(`^` + pair + `(;|$)`)
	escaped    = regexp.MustCompile(`(?s)\\(.)`)
	hiddenPort = regexp.MustCompile(`^(.+):_[0-9A-Za-z._-]+$`)
)

// naiveForwarded says the same by the grammar, from right to left.
func naiveForwarded(lines ...string) netip.Addr {
	var all []string
	for _, line := range lines {
		for more := true; more; {
			m := element.FindStringSubmatch(line)
			all, line, more = append(all, m[1]), line[len(m[0]):], m[2] == ","
		}
	}
	hop := netip.MustParseAddr("10.0.0.5")
	for i := len(all) - 1; i >= 0; i-- {
		node, ok := naiveFor(all[i])
		if !ok {
			return hop
		}
		a, ok := naiveNode(hiddenPort.ReplaceAllString(node, "$1"))
		if !ok {
			return hop
		}
		if hop = a; !netip.MustParsePrefix("10.0.0.0/8").Contains(hop) {
			return hop
		}
	}
	return hop
}

// naiveFor returns the one "for" value of an element.
func naiveFor(element string) (string, bool) {
	var nodes []string
	for more := true; more; {
		m := onePair.FindStringSubmatch(element)
		if m == nil {
			return "", false
		}
		if strings.EqualFold(m[1], "for") {
			nodes = append(nodes, m[2])
		}
		element, more = element[len(m[0]):], m[3] == ";"
	}
	if len(nodes) != 1 || len(nodes[0]) > 192 {
		return "", false
	}
	node := nodes[0]
	if strings.HasPrefix(node, `"`) {
		node = escaped.ReplaceAllString(node[1:len(node)-1], "$1")
	}
	return node, true
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

// The quick reading of a dotted quad takes what netip.ParseAddr takes, and as
// the same address.
func FuzzParseQuad(f *testing.F) {
	for _, s := range []string{"198.51.100.7", "0.0.0.0", "255.255.255.255", "256.1.1.1", "1.2.3", "1.2.3.4.5", "01.2.3.4", "1.2.3.00", "1..2.3", "1.2.3.4 ", "::ffff:1.2.3.4", ""} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		got, ok := iputil.ParseQuad(s)
		want, err := netip.ParseAddr(s)
		if known := err == nil && want.Is4(); ok != known || ok && got != want {
			t.Fatalf("%q: got %v, %v; want %v, %v", s, got, ok, want, err)
		}
	})
}
