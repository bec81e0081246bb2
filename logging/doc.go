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
// Without consent (shortened here):
//
//	{"time":"2026-11-24T09:12:30Z","http.request.method":"GET","http.route":"/users/{id}","url.query":"page=2","http.response.status_code":500,"http.server.request.duration":0.412,"client.address":"198.51.0.0","user_agent.name":"Chrome","user_agent.device":"mobile","consent.state":"unset","request.id":"7f1c…","error.type":"panic"}
//
// An operator sees which route fails, how often and how slow it is, for which
// family of browsers and on what devices, roughly from where, and finds the
// service's own records by request.id. Where the visitor allows the configured
// purpose the line also has client.address to 24 bits, client.pseudonym,
// user_agent.version and http.request.referrer.
//
// Lines of the privacy endpoints say nothing of the visitor at all, so that
// they join to no entry of the ledger.
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
