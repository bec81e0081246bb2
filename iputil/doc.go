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
// # Who can lie
//
// A visitor can send any header, any number of times, with anything in it.
// Nothing of that is believed: from a peer that is not trusted no header is
// read, and from one that is, the walk goes from the proxy's own entry outwards
// and ends at the first address that no trusted proxy vouches for, or before
// whatever is not an address. The most a visitor behind the proxies can do is
// nothing, as long as each proxy appends the peer it sees.
//
// A trusted proxy can name anybody, and so can whoever can send from an address
// in Trusted. A proxy that hands the visitor's header on as it came, and appends
// nothing, makes the visitor believed: the resolver cannot see that. Visitors
// who share an address are one visitor here.
//
// # Before going live
//
// Send a request through the real proxies with a forged header and look at what
// Client returns: it must be the address you sent from. List every proxy that
// appends to the header, and no address that a visitor could come from: private
// and loopback ranges are not trusted by themselves. Counting hops from the
// right is not offered, because a proxy more or less makes every visitor
// forgeable. Afterwards look at [Resolver.Stats]: many Ignored mean that a proxy
// is missing in Trusted, many Stopped that one writes something else.
//
// # Which header
//
// Take the one that your outermost proxy writes itself, whatever the visitor
// sent.
//
//   - "X-Forwarded-For", when every proxy on the way appends its peer to it.
//   - "Forwarded" (RFC 7239), when every proxy appends an element with "for".
//     Quoted strings, obfuscated and unknown identifiers are understood; of an
//     element that names nobody, nothing to its left is believed.
//   - A field with a single address, such as "X-Real-IP", when the outermost
//     proxy sets it, replacing what was there, and the others leave it alone.
//     Two lines of it are not believed, because one may be the visitor's.
//
// On a unix socket there is no peer address: UnixSocket trusts whoever can open
// the socket, so its file permissions decide. SchemeHeader works in the same
// way, for a proxy that ends TLS.
//
// # Recipes
//
// The lines that make a proxy name the visitor, for a proxy that takes visitors'
// connections itself. Package examples/proxies of this repository has those for
// proxies behind proxies as well, and starts the real nginx, HAProxy and Caddy
// with each of them.
//
//   - nginx, http block: proxy_set_header X-Forwarded-For $proxy_add_x_forwarded_for;
//   - HAProxy, frontend: option forwardfor
//   - Caddy: reverse_proxy writes X-Forwarded-For and X-Forwarded-Proto without
//     being asked, and drops what came from elsewhere than its trusted_proxies
//   - AWS Application Load Balancer: routing.http.xff_header_processing.mode must
//     be "append", as it is by default; trust the subnets that the balancer is in
//   - Google Cloud's external load balancer appends the visitor and its own
//     address: trust that address as well as the ranges it connects from
//
// # Keeping it from everybody else
//
// [Listener] hides the full address from whatever looks at
// http.Request.RemoteAddr: third-party middleware, tracing, and net/http's own
// error log, which names the peer of every failed handshake and every panic. The
// Resolver still sees it, and so does whoever has the Resolver: behind proxies
// their raw header fields hold the address as well, and are the host's to guard.
// A handler that has to hand a full address on, to a payment intermediary, say,
// asks consent.Manager's Disclose for it, which counts it.
//
// # What is left
//
// A truncated address is still personal data: [HideHost], [HideSite] and
// [HideNetwork] say how many people may share it. A Resolver
// never changes the request: without a Listener http.Request.RemoteAddr holds the
// full address for whoever reads it.
//
// To tell visitors apart without an address take package pseudonym, whose keys
// are destroyed. [Crypt] is for formats that must have an address in that place;
// its key can turn everything back for as long as anybody has it.
//
// # Formats
//
// Truncate gives the same result for the same cut in every version 1 of this
// module, as records made with different ones would not join. Crypt follows the
// test vectors of draft-denis-ipcrypt.
package iputil
