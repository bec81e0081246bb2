package iputil_test

import (
	"fmt"
	"io"
	"net"
	"net/http"
	"net/netip"
	"os"

	"github.com/candorhttp/candor/iputil"
)

func ExampleResolver() {
	visitors, err := iputil.NewResolver(iputil.Proxies{
		Header:  "X-Forwarded-For",
		Trusted: []netip.Prefix{netip.MustParsePrefix("10.0.0.0/8")},
	})
	if err != nil {
		panic(err)
	}
	r := &http.Request{RemoteAddr: "10.0.0.5:4711", Header: http.Header{}}
	r.Header.Set("X-Forwarded-For", "6.6.6.6, 198.51.100.77") // the first is the visitor's own invention
	fmt.Println(visitors.Client(r))
	// Output: 198.51.100.77
}

func ExampleResolver_forwarded() {
	visitors, err := iputil.NewResolver(iputil.Proxies{
		Header:  "Forwarded",
		Trusted: []netip.Prefix{netip.MustParsePrefix("2001:db8:10::/64")},
	})
	if err != nil {
		panic(err)
	}
	r := &http.Request{RemoteAddr: "[2001:db8:10::5]:4711", Header: http.Header{}}
	r.Header.Add("Forwarded", `for=6.6.6.6`) // the visitor's own line
	r.Header.Add("Forwarded", `for="[2001:db8:99::17]:52111";proto=https, for="[2001:db8:10::4]"`)
	fmt.Println(visitors.Client(r))
	// Output: 2001:db8:99::17
}

func ExampleResolver_singleHeader() {
	visitors, err := iputil.NewResolver(iputil.Proxies{
		Header:       "X-Real-IP",
		SchemeHeader: "X-Forwarded-Proto",
		UnixSocket:   true, // the proxy connects through one
	})
	if err != nil {
		panic(err)
	}
	r := &http.Request{RemoteAddr: "@", Header: http.Header{}}
	r.Header.Set("X-Real-IP", "198.51.100.77")
	r.Header.Set("X-Forwarded-Proto", "https")
	fmt.Println(visitors.Client(r), visitors.HTTPS(r))
	// Output: 198.51.100.77 true
}

// One error names everything that is wrong.
func ExampleNewResolver() {
	_, err := iputil.NewResolver(iputil.Proxies{
		Header:  "X-Forwarded-For",
		Trusted: []netip.Prefix{netip.MustParsePrefix("0.0.0.0/0"), netip.MustParsePrefix("::ffff:10.0.0.0/104")},
	})
	fmt.Println(err)
	// Output:
	// iputil: proxies: Trusted[0]: is so wide that visitors could come from it and name anybody; list your proxies, or set InsecureTrustAny
	// iputil: proxies: Trusted[1]: is an IPv4-mapped prefix, which no peer matches; write the IPv4 prefix
}

func ExampleTruncate() {
	for _, text := range []string{"198.51.100.77", "2001:db8:85a3:8d3::7348", "2002:c633:644d::1"} {
		fmt.Println(iputil.Truncate(netip.MustParseAddr(text), iputil.HideSite))
	}
	// Output:
	// 198.51.100.0
	// 2001:db8:85a3::
	// 2002:c633:6400::
}

func ExampleNewPrefixPreserving() {
	crypt, err := iputil.NewPrefixPreserving([]byte("0123456789abcdefghijklmnopqrstuv")) // 32 random bytes, kept secret
	if err != nil {
		panic(err)
	}
	a := crypt.Encrypt(netip.MustParseAddr("198.51.100.77"))
	b := crypt.Encrypt(netip.MustParseAddr("198.51.100.200"))
	p, _ := a.Prefix(24)
	fmt.Println(p.Contains(b), crypt.Decrypt(a))
	// Output: true 198.51.100.77
}

func ExampleListener() {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		panic(err)
	}
	hidden, err := iputil.NewListener(listener, iputil.HideSite)
	if err != nil {
		panic(err)
	}
	server := &http.Server{
		ConnContext: iputil.ConnContext,
		Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			fmt.Fprintln(w, r.RemoteAddr)
		}),
	}
	go func() { _ = server.Serve(hidden) }()
	defer server.Close()
	w, err := http.Get("http://" + listener.Addr().String())
	if err != nil {
		panic(err)
	}
	defer w.Body.Close()
	_, _ = io.Copy(os.Stdout, w.Body)
	// Output: 127.0.0.0:0
}
