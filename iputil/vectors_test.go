package iputil_test

import (
	"encoding/json"
	"net/http"
	"net/netip"
	"os"
	"slices"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/candorhttp/candor/iputil"
)

func load[T any](t testing.TB, name string) []T {
	t.Helper()
	text, err := os.ReadFile("testdata/" + name)
	require.NoError(t, err)
	var file struct{ Cases []T }
	require.NoError(t, json.Unmarshal(text, &file))
	require.NotEmpty(t, file.Cases)
	return file.Cases
}

type clientCase struct {
	ID, Name, Peer, Header, Want, Why string
	Trusted, Accept, Never            []string
	Headers                           [][2]string
}

// resolver makes the resolver of a case. Its lists are written as in a proxy's
// configuration: mapped and unmasked prefixes are what the host would correct.
func (c clientCase) resolver(t testing.TB) *iputil.Resolver {
	t.Helper()
	p := iputil.Proxies{Header: c.Header, InsecureTrustAny: true}
	for _, text := range c.Trusted {
		if text == "unix:" {
			p.UnixSocket = true
			continue
		}
		prefix, err := netip.ParsePrefix(text)
		require.NoError(t, err)
		if prefix.Addr().Is4In6() {
			prefix = netip.PrefixFrom(prefix.Addr().Unmap(), prefix.Bits()-96)
		}
		p.Trusted = append(p.Trusted, prefix)
	}
	if len(p.Trusted) == 0 && !p.UnixSocket {
		p.TrustedFunc = func(netip.Addr) bool { return false }
	}
	r, err := iputil.NewResolver(p)
	require.NoError(t, err)
	return r
}

func (c clientCase) request() *http.Request {
	r := &http.Request{RemoteAddr: c.Peer, Header: http.Header{}}
	for _, h := range c.Headers {
		r.Header.Add(h[0], h[1])
	}
	return r
}

func text(a netip.Addr) string {
	if !a.IsValid() {
		return ""
	}
	return a.String()
}

func TestClientVectors(t *testing.T) {
	for _, c := range load[clientCase](t, "clientip.json") {
		t.Run(c.ID+" "+c.Name, func(t *testing.T) {
			r := c.request()
			before := r.Header.Clone()
			got := text(c.resolver(t).Client(r))
			require.NotContains(t, c.Never, got, c.Why)
			if !slices.Contains(c.Accept, got) {
				require.Equal(t, c.Want, got, c.Why)
			}
			require.Equal(t, before, r.Header)
			require.Equal(t, c.Peer, r.RemoteAddr)
		})
	}
}

func TestTruncateVectors(t *testing.T) {
	type truncateCase struct {
		ID, IP, Want, Why string
		V4bits, V6bits    int
	}
	for _, c := range load[truncateCase](t, "truncate.json") {
		t.Run(c.ID, func(t *testing.T) {
			cut, err := iputil.NewCut(c.V4bits, c.V6bits)
			require.NoError(t, err)
			a, _ := netip.ParseAddr(c.IP)
			require.Equal(t, c.Want, text(iputil.Truncate(a, cut)), c.Why)
		})
	}
}
