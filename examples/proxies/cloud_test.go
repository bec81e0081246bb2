package proxies_test

import (
	"fmt"
	"net"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/netip"
	"net/url"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/candorhttp/candor/iputil"
)

// What the load balancers' documentation calls their own addresses: the one
// that visitors connect to, and the one that the service sees.
const balancerAddress, balancerNode = "198.51.100.10", "127.0.0.21"

// Nobody can start these load balancers here. A proxy writes the header in their
// place as their documentation says, for IPv4 and for IPv6.
func TestCloudLoadBalancers(t *testing.T) {
	for _, tt := range []struct{ heading, title string }{
		{"AWS Application Load Balancer", "With its attributes at their defaults"},
		{"AWS Application Load Balancer", "With client port preservation"},
		{"Google Cloud Application Load Balancer", "Always"},
	} {
		t.Run(tt.heading+", "+tt.title, func(t *testing.T) {
			t.Parallel()
			pattern := documented(t, tt.heading, tt.title)
			trusted := prefixes(balancerNode + "/32")
			if strings.Contains(pattern, "load-balancer-ip") {
				trusted = append(trusted, prefixes(balancerAddress+"/32")...)
			}
			proxies := iputil.Proxies{Header: "X-Forwarded-For", SchemeHeader: "X-Forwarded-Proto", Trusted: trusted}
			service := serve(t, listen(t, "tcp", serviceHost+":0"), proxies)
			attack(t, visitor, balance(t, "127.0.1.21", service, pattern), "X-Forwarded-For", trusted)
			t.Run("IPv6", func(t *testing.T) {
				needIPv6(t)
				attack(t, "::1", balance(t, "::1", service, pattern), "X-Forwarded-For", trusted)
			})
		})
	}
}

// Without the load balancer's own address in Trusted, everybody is it.
func TestGoogleWithoutItsAddress(t *testing.T) {
	service := serve(t, listen(t, "tcp", serviceHost+":0"),
		iputil.Proxies{Header: "X-Forwarded-For", Trusted: prefixes(balancerNode + "/32")})
	entry := balance(t, "127.0.1.21", service, documented(t, "Google Cloud Application Load Balancer", "Always"))
	got, _ := ask(t, visitor, entry, "X-Forwarded-For: "+forged)
	require.Equal(t, balancerAddress, got.Client.String())
}

// documented returns the pattern of a load balancer's header.
func documented(t *testing.T, heading, title string) string {
	t.Helper()
	pattern, ok := strings.CutPrefix(strings.TrimSpace(recipes(t)[[2]string{heading, title}]), "X-Forwarded-For: ")
	require.True(t, ok, "no header for %s: %s", heading, title)
	return pattern
}

// balance starts a proxy that writes X-Forwarded-For after a pattern.
func balance(t *testing.T, host, service, pattern string) (entry string) {
	t.Helper()
	target := &url.URL{Scheme: "http", Host: service}
	transport := &http.Transport{DialContext: dialer(balancerNode).DialContext}
	t.Cleanup(transport.CloseIdleConnections)
	server := httptest.NewUnstartedServer(&httputil.ReverseProxy{
		Transport: transport,
		Rewrite: func(r *httputil.ProxyRequest) {
			r.SetURL(target)
			r.Out.Host = r.In.Host
			peer := netip.MustParseAddrPort(r.In.RemoteAddr)
			supplied := strings.Join(r.In.Header.Values("X-Forwarded-For"), ",")
			if supplied == "" {
				pattern := strings.TrimLeft(strings.TrimPrefix(pattern, "supplied-value"), ", ")
				r.Out.Header.Set("X-Forwarded-For", fill(pattern, "", peer))
			} else {
				r.Out.Header.Set("X-Forwarded-For", fill(pattern, supplied, peer))
			}
			r.Out.Header.Set("X-Forwarded-Proto", "http")
		},
	})
	require.NoError(t, server.Listener.Close())
	server.Listener = listen(t, "tcp", net.JoinHostPort(host, "0"))
	server.Start()
	t.Cleanup(server.Close)
	return server.Listener.Addr().String()
}

func fill(pattern, supplied string, peer netip.AddrPort) string {
	return strings.NewReplacer(
		"supplied-value", supplied,
		"client-ip:client-port", peer.String(),
		"client-ip", peer.Addr().String(),
		"load-balancer-ip", balancerAddress,
	).Replace(pattern)
}

func prefixes(texts ...string) []netip.Prefix {
	var all []netip.Prefix
	for _, text := range texts {
		all = append(all, netip.MustParsePrefix(text))
	}
	return all
}

// Behind an Application Load Balancer of AWS, with its attributes at their
// defaults or with client port preservation.
func Example_awsApplicationLoadBalancer() {
	visitors, err := iputil.NewResolver(iputil.Proxies{
		Header:       "X-Forwarded-For",
		SchemeHeader: "X-Forwarded-Proto",
		// The subnets that the load balancer was given, and nothing else in them.
		Trusted: prefixes("10.0.1.0/24", "10.0.2.0/24"),
	})
	if err != nil {
		fmt.Println(err)
		return
	}
	r := httptest.NewRequest(http.MethodGet, "/", nil)
	r.RemoteAddr = "10.0.2.17:40100" // a node of the load balancer
	r.Header.Set("X-Forwarded-For", "203.0.113.66, 198.51.100.23")
	r.Header.Set("X-Forwarded-Proto", "https")
	fmt.Println(visitors.Client(r), visitors.HTTPS(r))
	// Output: 198.51.100.23 true
}

// Behind an external Application Load Balancer of Google Cloud.
func Example_googleCloudLoadBalancer() {
	visitors, err := iputil.NewResolver(iputil.Proxies{
		Header:       "X-Forwarded-For",
		SchemeHeader: "X-Forwarded-Proto",
		// Google's front ends, and the address of the forwarding rule. A regional
		// load balancer connects from the network's proxy-only subnet instead.
		Trusted: prefixes("35.191.0.0/16", "130.211.0.0/22", "198.51.100.10/32"),
	})
	if err != nil {
		fmt.Println(err)
		return
	}
	r := httptest.NewRequest(http.MethodGet, "/", nil)
	r.RemoteAddr = "35.191.8.4:40100"
	r.Header.Set("X-Forwarded-For", "203.0.113.66,198.51.100.23,198.51.100.10")
	r.Header.Set("X-Forwarded-Proto", "https")
	fmt.Println(visitors.Client(r), visitors.HTTPS(r))
	// Output: 198.51.100.23 true
}
