package iputil_test

import (
	"bytes"
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"os"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/candorhttp/candor/iputil"
)

// visitor is where the tests' clients come from; shown is what is left of it.
const (
	visitor = "127.44.55.66"
	shown   = "127.44.55.0"
)

// shy is a server behind a Listener.
type shy struct {
	*http.Server
	url    string
	errors *lockedBuffer
	client *http.Client
}

func newShy(t *testing.T, overTLS bool, handler http.Handler) *shy {
	t.Helper()
	plain, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	hidden, err := iputil.NewListener(plain, iputil.HideHost)
	require.NoError(t, err)
	s := &shy{errors: &lockedBuffer{}, url: "http://" + plain.Addr().String()}
	s.Server = &http.Server{Handler: handler, ConnContext: iputil.ConnContext, ErrorLog: log.New(s.errors, "", 0)}
	dialer := &net.Dialer{LocalAddr: &net.TCPAddr{IP: net.ParseIP(visitor)}}
	transport := &http.Transport{DialContext: dialer.DialContext, ForceAttemptHTTP2: true}
	s.client = &http.Client{Transport: transport}
	var serving net.Listener = hidden
	if overTLS {
		// The certificate of httptest will do.
		certified := httptest.NewUnstartedServer(nil)
		certified.EnableHTTP2 = true
		certified.StartTLS()
		config := certified.TLS.Clone()
		transport.TLSClientConfig = certified.Client().Transport.(*http.Transport).TLSClientConfig.Clone()
		certified.Close()
		s.TLSConfig = config
		s.url = "https://" + plain.Addr().String()
	}
	done := make(chan error, 1)
	go func() {
		if overTLS {
			done <- s.ServeTLS(serving, "", "")
		} else {
			done <- s.Serve(serving)
		}
	}()
	t.Cleanup(func() {
		transport.CloseIdleConnections()
		ctx, cancel := context.WithTimeout(context.Background(), 5*time.Second)
		defer cancel()
		_ = s.Shutdown(ctx)
		require.ErrorIs(t, <-done, http.ErrServerClosed)
	})
	return s
}

type lockedBuffer struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (l *lockedBuffer) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.Write(p)
}

func (l *lockedBuffer) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.String()
}

func TestListenerShowsTheTruncatedAddress(t *testing.T) {
	trusting, err := iputil.NewResolver(iputil.Proxies{
		Header: "X-Forwarded-For", Trusted: []netip.Prefix{netip.MustParsePrefix(visitor + "/32")},
	})
	require.NoError(t, err)
	// What is left of the visitor's address is a proxy's own.
	doubtful, err := iputil.NewResolver(iputil.Proxies{
		Header: "X-Forwarded-For", Trusted: []netip.Prefix{netip.MustParsePrefix(shown + "/32")},
	})
	require.NoError(t, err)
	for _, tt := range []struct {
		name  string
		tls   bool
		proto string
	}{
		{"plain", false, "HTTP/1.1"},
		{"TLS and HTTP/2", true, "HTTP/2.0"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			s := newShy(t, tt.tls, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				fmt.Fprintf(w, "%s %s %v %v %v", r.Proto, r.RemoteAddr, (*iputil.Resolver)(nil).Client(r), trusting.Client(r), doubtful.Client(r))
				for _, verb := range []string{"%v", "%+v", "%#v", "%s"} {
					require.NotContains(t, fmt.Sprintf(verb, r.Context()), visitor)
				}
			}))
			r, err := http.NewRequest("GET", s.url, nil)
			require.NoError(t, err)
			r.Header.Set("X-Forwarded-For", "203.0.113.9")
			w, err := s.client.Do(r)
			require.NoError(t, err)
			defer w.Body.Close()
			body, err := io.ReadAll(w.Body)
			require.NoError(t, err)
			require.Equal(t, tt.proto+" "+shown+":0 "+visitor+" 203.0.113.9 "+visitor, string(body))
		})
	}
}

// Without ConnContext the proxy is not known, and nobody is believed.
func TestListenerWithoutConnContextTrustsNobody(t *testing.T) {
	for _, trusted := range []string{visitor, shown} {
		resolver, err := iputil.NewResolver(iputil.Proxies{
			Header: "X-Forwarded-For", SchemeHeader: "X-Forwarded-Proto", Trusted: []netip.Prefix{netip.MustParsePrefix(trusted + "/32")},
		})
		require.NoError(t, err)
		r := httptest.NewRequest("GET", "/", nil)
		r.RemoteAddr = shown + ":0"
		r.Header.Set("X-Forwarded-For", "203.0.113.9")
		r.Header.Set("X-Forwarded-Proto", "https")
		require.Equal(t, shown, resolver.Client(r).String())
		require.False(t, resolver.TrustedPeer(r))
		require.False(t, resolver.HTTPS(r))
	}
}

// net/http names the other end when a handler panics, when a handshake fails
// and when HTTP/2 goes wrong.
func TestListenerKeepsAddressesOutOfTheErrorLog(t *testing.T) {
	s := newShy(t, true, http.HandlerFunc(func(http.ResponseWriter, *http.Request) { panic("on purpose") }))
	_, err := s.client.Get(s.url)
	require.Error(t, err)

	address := strings.TrimPrefix(s.url, "https://")
	dial := func() net.Conn {
		c, err := (&net.Dialer{LocalAddr: &net.TCPAddr{IP: net.ParseIP(visitor)}}).Dial("tcp", address)
		require.NoError(t, err)
		return c
	}
	c := dial() // a handshake that is no handshake
	_, err = io.WriteString(c, "GET / HTTP/1.0\r\n\r\n")
	require.NoError(t, err)
	_, _ = io.ReadAll(c)
	require.NoError(t, c.Close())

	c = dial() // one that ends in a reset, whose error names both ends
	_, err = c.Write([]byte{0x16, 3, 1, 0, 200, 1})
	require.NoError(t, err)
	require.NoError(t, c.(*net.TCPConn).SetLinger(0))
	require.NoError(t, c.Close())

	transport := s.client.Transport.(*http.Transport)
	config := transport.TLSClientConfig.Clone() // HTTP/2 without its preface
	config.NextProtos = []string{"h2"}
	h2 := tls.Client(dial(), config)
	config.ServerName = "example.com"
	require.NoError(t, h2.Handshake())
	_, err = io.WriteString(h2, strings.Repeat("nonsense", 8))
	require.NoError(t, err)
	_, _ = io.ReadAll(h2)
	require.NoError(t, h2.Close())

	for _, want := range []string{"panic serving " + shown + ":0", "TLS handshake error from " + shown + ":0", "reset by peer", "http2: server: error reading preface from client " + shown + ":0"} {
		require.Eventually(t, func() bool { return strings.Contains(s.errors.String(), want) }, 5*time.Second, 10*time.Millisecond, "%s in:\n%s", want, s.errors)
	}
	require.NotContains(t, s.errors.String(), visitor)
}

// net/http hands a file to the connection's ReadFrom, which is TCP's own.
func TestListenerKeepsSendfile(t *testing.T) {
	file, err := os.CreateTemp(t.TempDir(), "")
	require.NoError(t, err)
	content := bytes.Repeat([]byte("0123456789abcdef"), 1<<16)
	_, err = file.Write(content)
	require.NoError(t, err)
	plain, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	hidden, err := iputil.NewListener(plain, iputil.HideHost)
	require.NoError(t, err)
	counting := &countingListener{Listener: hidden}
	s := &http.Server{Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		http.ServeContent(w, r, "f", time.Time{}, file)
	})}
	done := make(chan error, 1)
	go func() { done <- s.Serve(counting) }()
	w, err := http.Get("http://" + plain.Addr().String())
	require.NoError(t, err)
	got, err := io.ReadAll(w.Body)
	require.NoError(t, err)
	require.NoError(t, w.Body.Close())
	require.True(t, bytes.Equal(content, got))
	require.NoError(t, s.Close())
	require.ErrorIs(t, <-done, http.ErrServerClosed)
	// The first 512 bytes go through the buffer with the header.
	require.EqualValues(t, len(content)-512, counting.copied.Load())
}

// countingListener counts what its connections sent by ReadFrom.
type countingListener struct {
	net.Listener
	copied atomic.Int64
}

func (l *countingListener) Accept() (net.Conn, error) {
	c, err := l.Listener.Accept()
	if err != nil {
		return nil, err
	}
	return countingConn{c, c.(interface {
		io.ReaderFrom
		io.WriterTo
		CloseRead() error
		CloseWrite() error
	}), &l.copied}, nil
}

type countingConn struct {
	net.Conn
	tcp interface {
		io.ReaderFrom
		CloseWrite() error
	}
	copied *atomic.Int64
}

func (c countingConn) CloseWrite() error { return c.tcp.CloseWrite() }

func (c countingConn) ReadFrom(src io.Reader) (int64, error) {
	n, err := c.tcp.ReadFrom(src)
	c.copied.Add(n)
	return n, err
}

func TestListenerScrubsErrors(t *testing.T) {
	plain, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	hidden, err := iputil.NewListener(plain, iputil.HideHost)
	require.NoError(t, err)
	defer hidden.Close()
	client, err := (&net.Dialer{LocalAddr: &net.TCPAddr{IP: net.ParseIP(visitor)}}).Dial("tcp", plain.Addr().String())
	require.NoError(t, err)
	defer client.Close()
	c, err := hidden.Accept()
	require.NoError(t, err)
	require.NotContains(t, fmt.Sprintf("%v %+v %#v %s", c, c, c, c), visitor)
	require.Equal(t, "tcp", c.RemoteAddr().Network())
	_, ok := c.RemoteAddr().(*net.TCPAddr)
	require.True(t, ok)

	require.NoError(t, c.SetReadDeadline(time.Now().Add(-time.Second)))
	_, err = c.Read(make([]byte, 1))
	require.ErrorIs(t, err, os.ErrDeadlineExceeded)
	var timeout net.Error
	require.ErrorAs(t, err, &timeout)
	require.True(t, timeout.Timeout())
	require.Contains(t, err.Error(), shown+":0")
	require.NotContains(t, err.Error(), visitor)

	require.NoError(t, c.Close())
	for name, do := range map[string]func() error{
		"read":           func() error { _, err := c.Read(make([]byte, 1)); return err },
		"write":          func() error { _, err := c.Write([]byte("x")); return err },
		"read from":      func() error { _, err := c.(io.ReaderFrom).ReadFrom(strings.NewReader("x")); return err },
		"write to":       func() error { _, err := c.(io.WriterTo).WriteTo(io.Discard); return err },
		"close":          c.Close,
		"close read":     func() error { return c.(interface{ CloseRead() error }).CloseRead() },
		"close write":    func() error { return c.(interface{ CloseWrite() error }).CloseWrite() },
		"deadline":       func() error { return c.SetDeadline(time.Now()) },
		"read deadline":  func() error { return c.SetReadDeadline(time.Now()) },
		"write deadline": func() error { return c.SetWriteDeadline(time.Now()) },
	} {
		err := do()
		require.ErrorIs(t, err, net.ErrClosed, name)
		require.NotContains(t, err.Error(), visitor, name)
	}
}

// pipes is a listener of the host's own kind of connections.
type pipes chan net.Conn

func (p pipes) Accept() (net.Conn, error) { return <-p, nil }
func (p pipes) Close() error              { return nil }
func (p pipes) Addr() net.Addr            { return &net.UnixAddr{} }

type named struct {
	net.Conn
	remote net.Addr
}

func (n named) RemoteAddr() net.Addr { return n.remote }

func TestListenerTakesOtherConnections(t *testing.T) {
	inner := make(pipes, 3)
	hidden, err := iputil.NewListener(inner, iputil.HideHost)
	require.NoError(t, err)
	mine, theirs := net.Pipe()
	defer mine.Close()
	inner <- named{theirs, net.TCPAddrFromAddrPort(netip.MustParseAddrPort("[2001:db8:1:2:3::4]:5000"))}
	c, err := hidden.Accept()
	require.NoError(t, err)
	require.Equal(t, "[2001:db8:1::]:0", c.RemoteAddr().String())
	r := httptest.NewRequest("GET", "/", nil).WithContext(iputil.ConnContext(context.Background(), c))
	r.RemoteAddr = c.RemoteAddr().String()
	require.Equal(t, "2001:db8:1:2:3::4", (*iputil.Resolver)(nil).Client(r).String())
	require.NoError(t, c.(interface{ CloseWrite() error }).CloseWrite())
	require.NoError(t, c.Close())

	inner <- named{theirs, &net.UnixAddr{Name: "visitor@203.0.113.9"}}
	c, err = hidden.Accept()
	require.NoError(t, err)
	require.Equal(t, "?", c.RemoteAddr().String())

	inner <- tls.Server(theirs, nil)
	_, err = hidden.Accept()
	require.ErrorContains(t, err, "put TLS on top")
}

func TestListenerConfiguration(t *testing.T) {
	_, err := iputil.NewListener(nil, iputil.HideHost)
	require.ErrorContains(t, err, "net.Listen")
	_, err = iputil.NewListener(tls.NewListener(make(pipes), &tls.Config{}), iputil.HideHost)
	require.ErrorContains(t, err, "put TLS on top")
	closed := closedListener{}
	hidden, err := iputil.NewListener(closed, iputil.Cut{})
	require.NoError(t, err)
	_, err = hidden.Accept()
	require.ErrorIs(t, err, net.ErrClosed)
	ctx := context.Background()
	require.Equal(t, ctx, iputil.ConnContext(ctx, nil))
}

type closedListener struct{ net.Listener }

func (closedListener) Accept() (net.Conn, error) { return nil, errors.Join(net.ErrClosed) }
