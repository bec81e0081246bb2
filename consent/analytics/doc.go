// Package analytics lets a site learn what is used, and asks first.
//
// An analytics script sends as soon as it is loaded, to whomever it likes,
// whatever it finds. Here events are declared, leave from the server, and only
// while the visitor they are about allows it: consent is looked at when an event
// is captured, when it is taken from its queue, and before every attempt to send
// it.
//
//	events, err := analytics.New(analytics.Config{
//		Consent: manager,
//		Events:  []analytics.Spec{analytics.PageViews("own")},
//		Sinks:   []analytics.Sink{own}, // of a package below analytics/sink
//	})
//	defer events.Shutdown(ctx)
//	handler := manager.Middleware(events.Middleware(mux))
//
// # Events
//
// An event has a declared name and declared properties: words from a list, true
// or false, numbers within bounds. There is no free text, so no e-mail address,
// token or IP address can be in one, whoever tries; what is not declared or not
// valid is left out and counted. [Pipeline.Middleware] captures page views by
// their route, never their path. [Pipeline.Track] captures what a handler saw,
// [Pipeline.Link] clicks on outbound links, [Pipeline.Handler] what a script in
// the page measured. Robots, prefetching and prerendering make no events.
//
// [Gate] is the whole decision as a pure function. Its outcomes are to send an
// event with a pseudonym, to send it bare (without one, its time cut to the
// hour), to count it in this process, or to drop it.
//
// A [Counter] is something else and cannot become an event: there is no subject,
// no address and no time in it but its bucket.
//
// # Sinks and queues
//
// Each [Sink] has a queue, bounded in events, bytes and age, and one worker. No
// handler waits for a sink: when a queue is full the newest event is dropped.
// Attempts that failed for a time are made again after a random wait that grows,
// or when the destination says; after one of which nobody knows whether it
// arrived, only where twice is once. [Pipeline.Stats] says what became of every
// event: Accepted is Sent, Dropped, Queued and InFlight together, always.
//
// Sinks of others than the controller start only if the policy names the
// recipient for the purpose of each event that goes there, with its country and
// safeguard; with [Forbidden] none does.
//
// # Mounting
//
// The middleware goes around the router, in any order with the others of this
// module; Handler into the router at [Pipeline.Prefix]. With another router than
// http.ServeMux mount logging.RouteFrom inside it. Recoverers belong inside.
// End with Shutdown, after the server.
//
// # Who can still tell whom
//
// A destination tells the events of one visitor from those of others for as long
// as a pseudonym's key lives (a UTC day, and the next until it is destroyed), and
// not across purposes. Two destinations cannot put together what they got: the
// pseudonyms and ids of one are not those of the other. Whoever holds the key,
// in this process's memory, and the consent ledger, can find whose a pseudonym
// is. Pseudonyms are made of the consent subject, those of the access log of the
// address: no key joins them.
//
// What the access log and the events share is the route and the minute. On a
// site with one visitor a minute, whoever has both can lay them side by side;
// so can whoever watches both grow, or sees when requests to a destination
// leave. Keep events for as short as they serve, and apart from the log. A bare
// event says that somebody was on a route in an hour.
//
// An event that a sink is sending at the moment of a withdrawal arrives. One that
// was sent is at its destination, whose deletion is for its own interface. A
// bare event of somebody who never granted anything cannot be found again when
// they refuse: therefore it waits for a minute at most. Other replicas hear of a
// withdrawal through the ledger, see consent.Follower.
//
// What a script sends is what a visitor's browser, or anybody, says: figures can
// be made up, within what is declared. Counters can be raised by anybody who
// makes requests. The country is as good as what Config.Country believes.
//
// What is queued is in memory alone and lost when the process is killed.
//
// # Compatibility
//
// Names and meanings of the properties that this package fills in, the forms of
// a beacon, and the words in Stats stay. Links that were handed out are good for
// their time, also after an update.
package analytics
