package iputil_test

import (
	"fmt"
	"net/http"
	"net/netip"

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

func ExampleTruncate() {
	for _, text := range []string{"198.51.100.77", "2001:db8:85a3:8d3::7348", "2002:c633:644d::1"} {
		fmt.Println(iputil.Truncate(netip.MustParseAddr(text), iputil.HideSite))
	}
	// Output:
	// 198.51.100.0
	// 2001:db8:85a3::
	// 2002:c633:6400::
}
