// Package sink is what sinks over HTTP have in common: one post to one address,
// whose answer is read with care. The destinations are packages beneath it:
// plausible, matomo, goatcounter, and slogsink for what stays here.
//
//	client, err := sink.NewClient("https://stats.example/api/event")
//	answer, err := client.Post(ctx, header, body)
//
// What a [Client] promises is what a destination that was taken over, or is
// merely broken, must not be able to do. It sends to the configured address
// alone: https, or http on loopback. It follows no redirect, so that nobody sends
// the events elsewhere. It reads 64 KiB of an answer, asks for no compression and
// takes 32 KiB of header. It waits ten seconds at most. Its errors are words of
// its own: no address, no token, nothing of the answer.
//
// # After a failure
//
// An error is a [*analytics.Failed] that says what is known. Temporary: the
// request did not leave, or the answer was 408, 429 or 503, which say that it was
// not taken. Permanent: any other status below 500 that is no success, redirects
// included. Ambiguous: everything else, and with it 500, 502 and 504, after which
// nobody knows what a gateway had passed on.
//
// # Limits
//
// A destination sees the address of this server, when something was sent, and
// how much. Proxies are those of the environment (HTTPS_PROXY), as everywhere in
// net/http, and see the host's name.
//
// Package sinktest has strict stand-ins of the destinations and a test that
// every sink should pass, those of your own too.
package sink
