// Package cookies sets and shows no cookie that was not declared and allowed.
//
// A cookie banner that only colours a button leaves every handler, middleware
// and proxied upstream free to set what it likes. Here the site declares its
// cookies once, in an [Inventory], and a [Gate] around the router holds every
// response and every request to it:
//
//	inventory, err := cookies.NewInventory(policy, specs...)
//	gate, err := cookies.NewGate(cookies.GateConfig{Inventory: inventory, Consent: manager})
//	handler := gate.Middleware(mux)
//
// # What the gate does
//
// When the response header goes out, each Set-Cookie line is judged, by
// whatever way it got into the header map: helpers, raw keys in any spelling,
// a proxied upstream, another middleware. Declared and allowed lines pass in
// their order and with every attribute; only what the [Spec] hardens is added
// (Secure, HttpOnly, SameSite, Partitioned) and lifetimes are cut to the
// declared ones. All others are taken out, counted, and named once in the log,
// with the reason. Lines that only delete a cookie pass, without a value. A
// response that sets a cookie by consent, or expires one, is marked private:
// what one visitor agreed to must not reach another through a cache.
//
// Handlers see only the request cookies that may be read; the request outside
// the gate stays as it was. Cookies of a purpose that the visitor refused are
// expired when the browser shows them, on every Domain and Path they are
// declared with; a line that sets one elsewhere is counted and told of.
//
// NEL, Report-To, Reporting-Endpoints, Accept-CH and Critical-CH make a browser
// keep something as well. They need a Spec with [Spec.Field], and a withdrawal
// takes back what can be taken back: the policy of NEL and the groups of
// Report-To by a max_age of 0, Accept-CH by an empty list. The other two end
// with the response that carries them. Clear-Site-Data is never sent: it would
// take the refusal and the login along.
//
// # Report mode
//
// On an existing site begin with [Report]: nothing changes. [Gate.Stats] counts
// what would have been withheld, [GateConfig.OnFinding] is told of it by route
// and name, and [Gate.Survey] holds what handlers were seen to set; printed by
// [Survey.GoSource] it is the site's first inventory. None of these holds a
// value, or a name that only a client used, and all are bounded.
//
// # Typed cookies
//
// [Sealed] and [Signed] keep a Go value in a cookie with gorilla/securecookie
// and keys derived from the site's; JSON by default, or any codec of
// securecookie's. Set does nothing without consent and says [ErrNoConsent]; Get
// tells absent, hidden, expired and tampered apart. What does not fit into one
// cookie of 4096 bytes is an error and belongs into a store; there is no
// chunking.
//
// # Where to mount
//
// Around the router, and in any order with the consent manager and the access
// log. For what else a site mounts, "inside" is chain(other(router)); examples/routers
// tries each of these, and the other ways, with code of others:
//
//	the chain itself     around the router; inside, only chi shows it everything
//	recover              inside; one that does not print what panicked
//	compression          inside, or the log counts bytes that were not sent
//	CORS                 inside, on the routes that need it and not on /privacy/
//	http.TimeoutHandler  in the router, around single handlers that do not stream
//	sessions             inside, their cookie declared; around, it is seen by no gate
//	CSRF                 inside, and not on /privacy/, whose forms have no token of theirs
//	ReverseProxy         inside; its ModifyResponse drops Set-Cookie from a 101
//	address rewriting    nowhere; iputil.Resolver finds the visitor
//	other access logs    nowhere
//
// # Limits
//
// Scripts in the page set cookies without the server; such a cookie is hidden
// and, once refused, expired, but not prevented. A cookie on a Path that the
// browser does not show is expired at the refusal itself and not later. Cookies
// that third parties set on their own domains ([Spec.ThirdParty]) are listed for
// visitors and are out of reach. Whoever reads a visitor's disk or traffic at
// the server sees the cookies that were allowed; a signed one in clear. After
// a hijack nothing is judged. In a frame of another site browsers neither take
// nor send the consent cookie (SameSite=Lax): nothing that needs a yes is set
// there, and of the rest they keep what is declared with SameSite=None. The gate
// reads cookies as browsers do (RFC 6265bis); a line that browsers might read in
// two ways does not pass.
package cookies
