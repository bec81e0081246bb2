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
// # Life of a policy
//
// Every published text is a version. A change is material for the purposes whose
// Processing.GoodSince it sets to itself: their grants go stale and are asked
// for again, with what changed in [Decision.Changes], and
// Config.OnMaterialChange is told, for the site's mail. Other changes are
// minor: they are recorded with later choices and ask nobody. A no is asked
// again after Policy.ReaskDays and no earlier, whatever changes; a yes after
// Policy.GrantDays; visits extend nothing. A save that names some purposes
// leaves the others their own day and version.
//
// A Manager is for one policy. Two sites in one process have two, chosen by
// host, each with its own keys; see the example.
//
// # Regimes and signals
//
// Config.Regime chooses by request between OptIn and OptOut. Sec-GPC: 1 denies
// purposes that share data, writes no cookie, and gives way to a yes that was
// said while it was shown (W3C Global Privacy Control §3.3; every other value is
// nothing). DNT is not looked at: the specification was given up in 2019 without
// a meaning in law, browsers drop it, and under OptIn its silence asks for
// nothing that is not the default here. A value of 0, which would be a consent
// by header, could only weaken.
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
// # Rights
//
// POST receipt tells what was shown and said, in the members of ISO/IEC TS
// 27560; POST history all that is kept, as JSON, CSV or a page; POST erase
// removes it. Config.HostData joins what the host keeps, with a status for each
// part; an erasure that fails somewhere is tried again until Close. Whose it is
// is told by the consent cookie, and after the last yes was taken back by the
// receipt token that the withdrawal answered with. The token is a bearer's: in a
// POST body or "Authorization: Bearer" only, good as long as its key is in the
// key set.
//
// An erasure takes the person's entries out of the ledger and leaves one that
// holds a one-way image of the random subject, so that a copy of the cookie
// counts for nothing, also after a restart. It answers with the cookie of
// somebody who refused everything, and package cookies expires with it every
// cookie that its inventory declares: those the request showed and those on
// other paths, on each variant, essential ones included, so it signs out. It
// never sends Clear-Site-Data, which would take the refusal along. What it does
// not reach is in the comment of package ledger.
//
// # Replay
//
// Each change of a person's grants raises the revision in their cookie; older
// ones read as unset. Within one process a withdrawal counts at once, also in
// requests that are still running and for each [Permit]. A process that starts
// reads the ledger first. Processes that share a ledger which is a [Follower]
// hear of each other's within two seconds, and while the ledger cannot be
// reached not at all: Stats.FollowErrors says so. Two of them that replace the
// same revision at once end that subject, and the visitor is asked again.
//
// The memory of replaced revisions is bounded (Config.MaxSuperseded). Above it,
// grants from before the watermark read as unset and are asked again; nothing
// that was replaced is ever believed.
//
// # Who can still do what
//
// A visitor can delete the cookie, and with it a refusal, or exchange it for
// another refusal; a visitor cannot make one that this server did not sign.
// Somebody who copies another visitor's cookie has that visitor's choice until
// it is withdrawn, can withdraw it, and can read and erase that visitor's
// records, which say when what was granted and nothing of who; the same with a
// receipt token. A copy that was replaced can still say no for them, and nothing
// else. Where Config.Domain is set, a sibling host can plant a cookie
// that this server once signed for somebody. Whoever holds the keys can make any
// choice; the ledger shows what was really recorded.
//
// Whoever reads the ledger sees when a random subject chose what. The cookie
// that leads to it is in one browser, and the log line of that choice says
// nothing of who it was. A host that keeps [Manager.Subject] with an account
// makes the entries personal by that, and erases its own part in HostData.
//
// Another site cannot post choices (http.CrossOriginProtection), and grants and
// readings of the ledger are limited by network; a no and a first erasure are
// not. Whoever can post from many networks can fill the ledger with grants.
//
// # Compatibility
//
// The cookie's payload begins with a format number; a server that does not know
// it reads the visitor as undecided. A policy version above the server's own
// reads so too, and is not overwritten by a visit, so that two versions can run
// side by side during a deployment.
package consent
