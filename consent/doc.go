// Package consent keeps a visitor's choices and answers one question for the
// handlers of a site: may I?
//
// A privacy policy promises that nothing but the necessary happens before
// somebody agrees, and that it stops when they change their mind. This package
// keeps that promise on the server, for every request, whatever a script in the
// page does: [Manager] reads the choice from one signed cookie, records a new
// one where it can be proved, and tells handlers with
//
//	if consent.Allowed(r.Context(), consent.Analytics) { … }
//
// # Parts
//
// [Policy] is the privacy policy as data: purposes, recipients, versions.
// [Decide] is the whole decision as a pure function. [Manager.Middleware] makes
// it available, [Manager.Handler] serves the endpoints, [Require] gates a
// feature, [Manager.Record] keeps choices from a dialog of your own. Package
// cookies holds back cookies by it, package logging writes less by it.
//
// Mount the middleware around the router, in any order with the gate and the
// access log. What they share is in package consent/exchange.
//
// # What is kept
//
// The consent cookie is __Host-consent: HttpOnly, SameSite=Lax, signed with
// HMAC-SHA256 over its name and payload. After a refusal it says which purposes
// were refused in which month under which policy version, and is byte for byte
// the same for everybody who did so. After a grant it holds a random subject,
// so that the ledger's record can be found again. It is set at a choice and at
// no other time: visits never extend it.
//
// # Who can still do what
//
// A visitor can delete the cookie, and with it a refusal; a visitor cannot make
// one that this server did not sign. Somebody who copies another visitor's
// cookie has that visitor's choice until it is withdrawn, and learns nothing
// from it. Where Config.Domain is set, a sibling host can plant a cookie that
// this server once signed for somebody. A copy of a grant that was withdrawn is
// worth nothing as long as the ledger remembers the withdrawal. Whoever holds
// the keys can make any choice; the ledger shows what was really recorded.
//
// Within one process a withdrawal counts at once, also in requests that are
// still running.
//
// # Compatibility
//
// The cookie's payload begins with a format number; a server that does not know
// it reads the visitor as undecided. A policy version above the server's own
// reads so too, and is not overwritten by a visit, so that two versions can run
// side by side during a deployment.
package consent
