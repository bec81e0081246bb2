// Package matomo sends events to Matomo, one's own or hosted, by its bulk
// tracking (https://developer.matomo.org/api-reference/tracking-api).
//
//	to, err := matomo.New(matomo.Config{
//		Common: sink.Common{Server: "https://matomo.shop.example"},
//		Site:   "https://shop.example", SiteID: 1, Token: sink.Secret(os.Getenv("MATOMO_TOKEN")),
//	})
//
// # What is sent
//
// One POST /matomo.php a batch of up to 100: {"requests":["?idsite=1&rec=1&…"]},
// with token_auth where there is a token. A request has idsite, rec, apiv, url
// (the site and the route template), action_name (the template), cdt (the
// event's time, to the minute) and, of a page view, nothing more. Another event
// is an action of the category "event": e_c, e_a (its name), e_n (the template)
// and ca. Properties that [Config.Dimensions] names go out as custom dimensions,
// the property "country" as country where there is a token; the others stay here.
//
// # Visitors
//
// Matomo gets no address of a visitor and no user agent: it sees those of this
// server. Visitors are told apart by cid, 64 bits of SHA-256 over the event's
// pseudonym, which lasts a day; so there are no returning visitors, by design. An
// event without a yes has no cid and begins a visit of its own (new_visit=1).
//
// Matomo learns what an event says and what two events of one pseudonym have in
// common, and keeps it as long as it is told to. It cannot find the person; this
// server could, while the pseudonym's key lives.
//
// # Limits
//
// Matomo names the requests that it refused only to a super user's token, and
// counts them for others; [*analytics.Rejected] then has the right number and not
// the right ones. What Matomo leaves out by its own settings (excluded pages, a
// user agent it takes for a robot) it does not tell. Bulk tracking has no way to
// recognise an event that was sent twice, so after a lost connection none is.
// Give the token write permission for the one site, no more.
package matomo
