// Package plausible sends events to Plausible Analytics, hosted or one's own
// (https://plausible.io/docs/events-api).
//
//	to, err := plausible.New(plausible.Config{
//		Common: sink.Common{Server: "https://plausible.io", Recipient: "Plausible Insights OÜ"},
//		Site:   "https://shop.example",
//	})
//
// # What is sent
//
// One POST /api/event an event, with the keys name, url, domain and, where there
// are properties, props: texts all of them. A page view is named "pageview". The
// url is the site and the route template: no path of a visitor, no query, no
// referrer. Plausible sets the time itself, so an event counts when it arrives,
// minutes later.
//
// # Visitors
//
// Plausible tells visitors apart by a hash of User-Agent and address, salted
// anew each day. It gets neither. The User-Agent is "Candor/1" for everybody,
// so its reports of devices and browsers stay empty; declare the property
// "device" instead. X-Forwarded-For is an address of 2001:db8::/32, which RFC
// 3849 keeps for documentation and which belongs to nobody: 80 bits of SHA-256
// over the event's pseudonym. So one visitor counts as one for as long as the
// pseudonym lasts, a day, and has no country; declare "country" for that. Events
// without a yes have no pseudonym and all come from 2001:db8::1: their page views
// are right, and they are one visitor together.
//
// Plausible still learns what an event says, when it arrives, and what two
// events of one pseudonym have in common. It cannot find the address or the
// person behind it; this server could, while the pseudonym's key lives.
//
// # Limits
//
// An event that Plausible takes and throws away is answered 202 with the field
// x-plausible-dropped: an unknown domain, a blocked page, a limit. That is a
// [*analytics.Rejected] here. The names "pageview" and "engagement" mean
// something of Plausible's own, and events that are named so are refused. Custom
// events and properties show only once they are set up as goals and properties
// of the site there. Whether an event arrived after a lost connection nobody
// knows, so it is not sent twice.
package plausible
