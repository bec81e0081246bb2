package iputil_test

import (
	"context"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"strconv"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/candorhttp/candor/iputil"
)

// What real servers hand to the resolver, asked by a real client that forges
// what it can.
func TestRealServers(t *testing.T) {
	trusting := iputil.Proxies{Header: "X-Forwarded-For", SchemeHeader: "X-Forwarded-Proto", Trusted: prefixes("127.0.0.0/8", "::1/128"), UnixSocket: true}
	strange := iputil.Proxies{Header: "X-Forwarded-For", SchemeHeader: "X-Forwarded-Proto", Trusted: prefixes("192.0.2.0/24")}
	for _, tt := range []struct {
		name    string
		proxies iputil.Proxies
		start   func(*testing.T, *httptest.Server) *http.Client
		proto   string
		want    string // address, https
	}{
		{"http/1.1 from a proxy", trusting, plain, "HTTP/1.1", "198.51.100.77 true"},
		{"http/1.1 from a stranger", strange, plain, "HTTP/1.1", "127.0.0.1 false"},
		{"http/2 from a proxy", trusting, http2, "HTTP/2.0", "198.51.100.77 true"},
		{"http/2 from a stranger", strange, http2, "HTTP/2.0", "127.0.0.1 true"},
		{"unix socket of a proxy", trusting, unixSocket, "HTTP/1.1", "198.51.100.77 true"},
		{"unix socket of who knows", strange, unixSocket, "HTTP/1.1", "invalid IP false"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			visitors, err := iputil.NewResolver(tt.proxies)
			require.NoError(t, err)
			server := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				_, _ = io.WriteString(w, visitors.Client(r).String()+" "+strconv.FormatBool(visitors.HTTPS(r)))
			}))
			t.Cleanup(server.Close)
			client := tt.start(t, server)
			req, err := http.NewRequest(http.MethodGet, server.URL, nil)
			require.NoError(t, err)
			req.Header["x-forwarded-for"] = []string{"6.6.6.6, 198.51.100.77"}
			req.Header.Set("X-Forwarded-Proto", "https")
			res, err := client.Do(req)
			require.NoError(t, err)
			defer res.Body.Close()
			body, err := io.ReadAll(res.Body)
			require.NoError(t, err)
			require.Equal(t, tt.proto, res.Proto)
			require.Equal(t, tt.want, string(body))
		})
	}
}

func plain(_ *testing.T, s *httptest.Server) *http.Client {
	s.Start()
	return s.Client()
}

func http2(_ *testing.T, s *httptest.Server) *http.Client {
	s.EnableHTTP2 = true
	s.StartTLS()
	return s.Client()
}

func unixSocket(t *testing.T, s *httptest.Server) *http.Client {
	path := filepath.Join(t.TempDir(), "s")
	listener, err := net.Listen("unix", path)
	require.NoError(t, err)
	require.NoError(t, s.Listener.Close())
	s.Listener = listener
	s.Start()
	s.URL = "http://site.example"
	return &http.Client{Transport: &http.Transport{
		DisableKeepAlives: true,
		DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
			return new(net.Dialer).DialContext(ctx, "unix", path)
		},
	}}
}
