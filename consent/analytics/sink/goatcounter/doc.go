// Package goatcounter sends events to GoatCounter, one's own or hosted
// (https://www.goatcounter.com/help/api, POST /api/v0/count).
//
//	to, err := goatcounter.New(goatcounter.Config{
//		Common: sink.Common{Server: "https://stats.shop.example"},
//		Token:  sink.Secret(os.Getenv("GOATCOUNTER_TOKEN")),
//	})
//
// # What is sent
//
// One post a batch of up to 100 hits, which versions before 2.5 take as well. A
// hit has path (the route template of a page view, the name of another event),
// event, created_at (to the minute), session, and location where the property
// "country" is declared. GoatCounter knows no other properties: they stay here.
// There is no title, referrer, query, size, address or user agent.
//
// # Visitors
//
// GoatCounter counts a visit once a session. The session is 128 bits of SHA-256
// over the event's pseudonym, which lasts a day; GoatCounter keeps a random number
// in its place. Events without a yes have none, and their batch says no_sessions:
// they are counted without being told apart.
//
// # Limits
//
// Of a batch that is answered 400 with a list, the hits listed were refused and
// the others taken: a [*analytics.Rejected]. The same for hits that the answer's
// X-Goatcounter-Filter field lists. Hosted, four requests a second are let
// through; after a 429 the sink asks to be left alone for what X-Rate-Limit-Reset
// says, in seconds. Hits have no number of their own, so after a lost connection
// none is sent twice. Give the token the permission to record pageviews, no more.
package goatcounter
