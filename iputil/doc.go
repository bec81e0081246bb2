// Package iputil finds out who a request comes from, and keeps as little of it
// as will do.
//
// Behind a proxy the address of the connection is the proxy's, and the visitor's
// stands in a header that the visitor could have written as well. Most code
// takes the first address it finds there, and so lets anybody be anybody.
// [Resolver] believes what the operator says can be believed:
//
//	visitors, err := iputil.NewResolver(iputil.Proxies{
//		Header:  "X-Forwarded-For",
//		Trusted: []netip.Prefix{netip.MustParsePrefix("10.0.0.0/8")},
//	})
//	addr := visitors.Client(r)
//	kept := iputil.Truncate(addr, iputil.HideSite)
//
// # Before going live
//
// Send a request through the real proxies with a forged header and look at what
// Client returns: it must be the address you sent from. List every proxy that
// appends to the header, and no address that a visitor could come from: private
// and loopback ranges are not trusted by themselves. Counting hops from the
// right is not offered, because a proxy more or less makes every visitor
// forgeable.
//
// # What is left
//
// A truncated address is still personal data: [HideHost], [HideSite] and
// [HideNetwork] say how many people may share it. Nothing here changes the
// request, so raw headers and http.Request.RemoteAddr still hold the full
// address for whoever reads them.
package iputil
