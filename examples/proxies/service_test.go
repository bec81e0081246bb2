package proxies_test

import (
	"bufio"
	"encoding/json"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/candorhttp/candor/iputil"
)

// answer is what the service says of a request.
type answer struct {
	Client netip.Addr
	Scheme string
	Proto  string // of the last proxy's request
	Host   string
	Peer   string
	Header http.Header
}

// serve starts the service with a resolver and returns its address.
func serve(t *testing.T, listener net.Listener, proxies iputil.Proxies) string {
	t.Helper()
	visitors, err := iputil.NewResolver(proxies)
	require.NoError(t, err)
	server := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		a := answer{visitors.Client(r), "http", r.Proto, r.Host, r.RemoteAddr, r.Header}
		if visitors.HTTPS(r) {
			a.Scheme = "https"
		}
		if r.Header.Get("Upgrade") == "client" {
			w.Header().Set("Connection", "upgrade")
			w.Header().Set("Upgrade", "client")
			w.WriteHeader(http.StatusSwitchingProtocols)
			conn, _, err := http.NewResponseController(w).Hijack()
			if err == nil {
				_, _ = io.WriteString(conn, a.Client.String()+"\n")
				_ = conn.Close()
			}
			return
		}
		_ = json.NewEncoder(w).Encode(a)
	}))
	require.NoError(t, server.Listener.Close())
	server.Listener = listener
	server.Start()
	t.Cleanup(server.Close)
	return listener.Addr().String()
}

func listen(t *testing.T, network, address string) net.Listener {
	t.Helper()
	listener, err := net.Listen(network, address)
	require.NoError(t, err)
	return listener
}

const serviceHost = "127.0.2.1"

// site is what visitors ask for; it resolves nowhere.
const site = "site.example:8000"

// ask sends a request from an address, with header lines as they are, which no
// client library would send like that. It returns the status as well, because a
// proxy may refuse what is not HTTP.
func ask(t *testing.T, from, to string, lines ...string) (answer, int) {
	t.Helper()
	res, _ := exchange(t, dial(t, from, to), lines...)
	return read(t, res), res.StatusCode
}

// exchange also returns what comes after the response.
func exchange(t *testing.T, conn net.Conn, lines ...string) (*http.Response, *bufio.Reader) {
	t.Helper()
	request := "GET / HTTP/1.1\r\nHost: " + site + "\r\n"
	for _, line := range lines {
		request += line + "\r\n"
	}
	if !strings.Contains(request, "\nConnection:") {
		request += "Connection: close\r\n"
	}
	_, err := io.WriteString(conn, request+"\r\n")
	require.NoError(t, err)
	after := bufio.NewReader(conn)
	res, err := http.ReadResponse(after, nil)
	require.NoError(t, err)
	return res, after
}

func dial(t *testing.T, from, to string) net.Conn {
	t.Helper()
	conn, err := dialer(from).Dial("tcp", to)
	require.NoError(t, err)
	t.Cleanup(func() { _ = conn.Close() })
	require.NoError(t, conn.SetDeadline(time.Now().Add(20*time.Second)))
	return conn
}

func dialer(from string) *net.Dialer {
	local := netip.AddrPortFrom(netip.MustParseAddr(from), 0)
	return &net.Dialer{Timeout: 5 * time.Second, LocalAddr: net.TCPAddrFromAddrPort(local)}
}

func read(t *testing.T, res *http.Response) answer {
	t.Helper()
	defer res.Body.Close()
	body, err := io.ReadAll(res.Body)
	require.NoError(t, err)
	var a answer
	if res.StatusCode == http.StatusOK {
		require.NoError(t, json.Unmarshal(body, &a), string(body))
	}
	return a
}
