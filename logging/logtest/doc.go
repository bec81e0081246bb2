// Package logtest finds out whether a service lets personal data into what it
// writes.
//
// Logs leak by what nobody thought of: a path with an e-mail address in it, the
// value of a panic, an unkeyed hash of an address. The kit sends invented values,
// canaries, in every place of a request that a visitor can write to, and then
// looks for them in everything that the service wrote:
//
//	func TestNothingLeaks(t *testing.T) {
//		var lines logtest.Buffer
//		logtest.Run(t, newService(&lines), lines.Sink("access log"))
//	}
//
// A leak fails the test with a line such as
//
//	logtest: access log: line 12, field "url.path": e-mail address (plain, URL-escaped), sent as path; Referer path (31 such lines)
//
// which never holds the canary. [Kit] has more: the paths of a service, and
// its server's error log.
//
// # What is sent
//
// E-mail addresses, tokens, full IPv4 and IPv6 addresses, user agents, passwords
// and names, each in the path, names and values of the query, method, Host, some
// forty header fields, names of headers and cookies, bodies (form, JSON, text,
// file names), user info, and in texts that no client sends: absolute targets,
// broken request lines, lengths, chunks and trailers, plain HTTP to a TLS port,
// names in TLS. Each goes out alone and together with all others, from the
// httptest package's servers over HTTP/1.1 and HTTP/2. All values are random and
// differ in each place and each run. It is about 900 requests, 8 at a time, which
// take the kit itself a tenth of a second; it gives up on a service that hangs.
//
// The other end of a connection is a canary, too: an address of 127.0.0.0/8 or
// of 2001:db8::/32, whatever it is in truth. A service that trusts 127.0.0.0/8
// as a proxy therefore sees visitors of both sorts, behind the proxy and beside
// it, and one that trusts nobody sees that address as the visitor's. Try both.
// There is no difference made for a proxy: its full address counts as a leak.
//
// A panic needs a handler that panics: mount [Panic] and name its path.
//
// # What is looked for
//
// The value, and for e-mail addresses, names, passwords and user agents also
// their telling part: plain, reversed, in base64 (both alphabets, with and without
// padding, at any place of a longer text), in hex; hashed with MD5, SHA-1, SHA-256
// or SHA-512, in hex or base64, whole or cut to 64 bits, also where a whole
// header field, target, query or body was hashed. Addresses also as integers, in dotted
// hex or octal, padded, expanded, reversed for the DNS, with hyphens, mapped
// into IPv6, and as bytes. All of that in any case of letters, and through up to
// three layers of escapes of URLs, JSON, Go, Apache, nginx and HTML.
//
// # Limits
//
// A pass says that no canary was found, not that nothing leaks. Not found are:
// parts of a value, such as a truncated address or the beginning of a token, which
// may be meant so; keyed hashes and what is encrypted or compressed; checksums of
// 32 bits, which would be found everywhere; hashes of several values joined. Not
// tried are: valid UUIDs as request ids and valid trace ids, which a service may
// mean to log; host names in Referer, for the same reason; cookies that only the
// service itself can make, such as a sign of consent: wrap the handler and add
// them there. Of what net/http refuses before a handler sees it, only the error
// log can tell, which it does for few.
//
// What a handler does with a canary is real: it is called with invented data, so
// give it a database and a mail server for tests.
package logtest
