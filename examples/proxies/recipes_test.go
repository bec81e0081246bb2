package proxies_test

import (
	"net"
	"net/http"
	"net/netip"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/candorhttp/candor/iputil"
)

var (
	names   = []string{"nginx", "HAProxy", "Caddy"}
	headers = []string{"X-Forwarded-For", "Forwarded", "X-Real-IP"}
)

// Visitors' addresses. Neither is a proxy's.
const visitor, stranger = "127.0.0.2", "127.0.0.3"

// Each proxy alone, with its recipe for each header: whatever visitors send,
// they are who they are.
func TestOneProxy(t *testing.T) {
	for _, name := range names {
		each(t, testChain, name)
	}
}

func TestChains(t *testing.T) {
	each(t, testChain, "HAProxy", "nginx")
	each(t, testChain, "Caddy", "nginx")
	each(t, testChain, "nginx", "HAProxy")
	each(t, testChain, "Caddy", "HAProxy")
	each(t, testChain, "nginx", "Caddy")
	each(t, testChain, "HAProxy", "Caddy")
	each(t, testChain, "Caddy", "HAProxy", "nginx")
	each(t, testChain, "nginx", "HAProxy", "Caddy")
}

// each runs a test with a chain of proxies for each header.
func each(t *testing.T, test func(*testing.T, chain), names ...string) {
	for _, header := range headers {
		c := chain{names: names, header: header}
		t.Run(c.String(), func(t *testing.T) {
			t.Parallel()
			test(t, c)
		})
	}
}

// testChain asks through every proxy of the chain, as if the ones in front were
// not there, and past all of them.
func testChain(t *testing.T, c chain) {
	service := serve(t, listen(t, "tcp", serviceHost+":0"), c.proxies())
	for _, entry := range append(c.start(t, service), service) {
		attack(t, visitor, entry, c.header, c.trusted())
		attack(t, stranger, entry, c.header, c.trusted())
	}
}

// The last proxy reaches the service by a socket, which has no address.
func TestUnixSocket(t *testing.T) {
	test := func(t *testing.T, c chain) {
		// t.TempDir has the test's name in it; a socket's path is at most 107 bytes long.
		dir, err := os.MkdirTemp("", "proxies")
		require.NoError(t, err)
		t.Cleanup(func() { _ = os.RemoveAll(dir) })
		proxies := c.proxies()
		proxies.UnixSocket = true
		proxies.Trusted = proxies.Trusted[:len(proxies.Trusted)-1]
		service := serve(t, listen(t, "unix", filepath.Join(dir, "s")), proxies)
		for _, entry := range c.start(t, service) {
			attack(t, visitor, entry, c.header, c.trusted())
		}
	}
	for _, name := range names {
		each(t, test, name)
	}
	each(t, test, "Caddy", "HAProxy", "nginx")
}

// Visitors come by HTTP/2 to the outermost proxy, which ends TLS.
func TestHTTP2(t *testing.T) {
	pem, roots := certificate(t)
	test := func(t *testing.T, c chain) {
		c.pem = pem
		service := serve(t, listen(t, "tcp", serviceHost+":0"), c.proxies())
		entry := c.start(t, service)[0]
		for _, from := range []string{visitor, stranger} {
			attackHTTP2(t, http2Client(t, roots, from, entry), from, c.header, c.trusted())
		}
	}
	for _, name := range names {
		each(t, test, name)
	}
	each(t, test, "Caddy", "HAProxy", "nginx")
	each(t, test, "nginx", "HAProxy", "Caddy")
}

// Visitors come by IPv6, whose addresses the proxies write in other ways.
func TestIPv6(t *testing.T) {
	needIPv6(t)
	test := func(t *testing.T, c chain) {
		c.host = "::1"
		service := serve(t, listen(t, "tcp", serviceHost+":0"), c.proxies())
		attack(t, "::1", c.start(t, service)[0], c.header, c.trusted())
	}
	for _, name := range names {
		each(t, test, name)
	}
	each(t, test, "HAProxy", "nginx")
	each(t, test, "nginx", "Caddy")
}

// needIPv6 skips where the kernel has none, as in many containers, and fails where
// everything must run.
func needIPv6(t *testing.T) {
	t.Helper()
	probe, err := net.Listen("tcp", "[::1]:0")
	if err != nil {
		const missing = "this machine has no IPv6 loopback address; set net.ipv6.conf.lo.disable_ipv6=0"
		if os.Getenv("CANDOR_REQUIRE") == "1" {
			t.Fatal(missing)
		}
		t.Skip(missing)
	}
	_ = probe.Close()
}

// The recipes change Connection, and leave what upgrades need.
func TestUpgrade(t *testing.T) {
	test := func(t *testing.T, c chain) {
		service := serve(t, listen(t, "tcp", serviceHost+":0"), c.proxies())
		conn := dial(t, visitor, c.start(t, service)[0])
		res, after := exchange(t, conn, "Connection: keep-alive, Upgrade, "+c.header, "Upgrade: client")
		require.Equal(t, http.StatusSwitchingProtocols, res.StatusCode)
		line, err := after.ReadString('\n')
		require.NoError(t, err)
		require.Equal(t, visitor+"\n", line)
	}
	for _, name := range names {
		each(t, test, name)
	}
	each(t, test, "nginx", "HAProxy", "Caddy")
}

func (c chain) proxies() iputil.Proxies {
	return iputil.Proxies{Header: c.header, SchemeHeader: "X-Forwarded-Proto", Trusted: c.trusted()}
}

// trusted returns the addresses that the chain's proxies connect from.
func (c chain) trusted() []netip.Prefix {
	var prefixes []netip.Prefix
	for _, name := range c.names {
		prefixes = append(prefixes, netip.MustParsePrefix(connects[name]+"/32"))
	}
	return prefixes
}
