// Package logging writes an access log that a security reviewer can sign.
//
// Access logs collect whatever a request carries: full addresses, e-mails in
// paths, tokens in queries, a browser's fingerprint. Deny-lists that scrub them
// miss the next field. Here a line is made by going through declared fields,
// each with its own way of letting out as little as serves its purpose, and no
// other field can be written:
//
//	access, err := logging.New(logging.Config{Output: os.Stdout, Visitors: visitors, Consent: manager})
//	handler := access.Middleware(mux)
//
// # Lines
//
// Without consent, whatever the visitor said or did not say (each is one line):
//
//	{"time":"2026-11-24T09:12:30Z","http.request.method":"GET","http.route":"/users/{id}","url.scheme":"https","url.query":"page=2","http.response.status_code":200,"http.response.body.size":5120,"http.server.request.duration":0.012,"network.protocol.version":"2","client.address":"198.51.0.0","user_agent.name":"Chrome","user_agent.device":"mobile","consent.state":"unset","request.id":"7f1cb3f0-52f8-4c55-9d36-0c8bb3b4cb8f"}
//	{"time":"2026-11-24T09:12:31Z","http.request.method":"POST","http.route":"/orders","url.scheme":"https","http.response.status_code":500,"http.response.body.size":22,"http.server.request.duration":0.412,"network.protocol.version":"1.1","client.address":"203.0.0.0","user_agent.name":"Safari","user_agent.device":"mobile","consent.state":"denied","request.id":"0d6a1a9c-9c1e-4c0e-8e4e-6d5d3c1f0a55","error.type":"panic"}
//
// What an operator answers with such lines, and nobody's consent:
//
//   - Which route fails, since when, and how often? Count http.route by
//     http.response.status_code; error.type tells a panic from a visitor who left.
//   - What is slow? The quantiles of http.server.request.duration by http.route.
//   - Does it fail for one browser only, or on phones only? By user_agent.name
//     and user_agent.device.
//   - Is this an attack, and from where? The requests of a minute by
//     client.address, a provider's network, and by user_agent.device "bot".
//   - What happened in that one request? The service's own records have its
//     request.id, see [Correlate].
//   - Where do the bytes go? http.response.body.size by http.route.
//
// Where the visitor allows the configured purpose the line has
// client.address to 24 bits, and also client.pseudonym, user_agent.version,
// user_agent.os.name and http.request.referrer: how many visitors, by which way,
// and with what they came.
//
// Lines of the privacy endpoints say nothing of the visitor at all, so that
// they join to no entry of the ledger:
//
//	{"time":"2026-11-24T09:12:40Z","http.request.method":"POST","http.route":"/privacy/","url.scheme":"https","http.response.status_code":303,"http.response.body.size":0,"http.server.request.duration":0.001,"network.protocol.version":"2"}
//
// [Minimal] and [Security] choose fewer and more fields, Config.Custom declares
// the host's own. [Access.Manifest] lists what a line of this configuration can
// hold, and the command logaudit holds real files against it.
//
// # Mounting
//
// Anywhere in the chain: the line is written when the exchange ends, after all
// middlewares of this module. Recoverers belong inside it, or the status they
// answer is not seen. With another router than http.ServeMux, mount [RouteFrom]
// inside it.
//
// # Who can still tell whom
//
// A /24 with a second and a route can single somebody out on a quiet site, and
// on any site together with other records of the same second. client.pseudonym
// tells one visitor's requests of a day apart from others' as long as they
// agreed; whoever holds the day's key, in memory until the next day ends, can
// try all addresses. request.id joins a line to whatever the service itself
// recorded under it.
//
// http.Server.ErrorLog, left alone, writes full addresses and panic values to
// standard error: give it [ErrorLog].
//
// # Compatibility
//
// Keys and forms of the fields are those of [Access.Manifest]. New fields may
// appear; a field never begins to hold more without a new name.
package logging
