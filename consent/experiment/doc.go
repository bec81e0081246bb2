// Package experiment shows some visitors another page to learn which one works
// better, and asks them first.
//
// An experiment recognises its visitors, so it needs their yes like any other
// use of data. Without one, everybody gets the control arm: no cookie, no
// record, nothing to withdraw. Most handlers need one call:
//
//	if trial.Show(w, r) == "large" { … }
//
// # What happens
//
// A visitor who allows the purpose gets a random unit at the first [Experiment.Show]:
// 16 bytes that mean nothing elsewhere and are of this experiment alone. The arm
// is chosen by HMAC-SHA256 over the unit, with a key derived for the experiment;
// an [Assigner] may choose instead. Unit, arm and the period of the last exposure
// are kept in one sealed cookie, which is the only place that knows them: there
// is no table of visitors here. The arm stays while it exists, also when weights
// or keys change, and is forgotten after [Config.Keep].
//
// An exposure is what analysis must count: the arm was shown, in a response that
// arrived whole, to somebody who still allows it at that moment. It is told to
// [Config.Exposed] once a visitor and period, as the names of the experiment and
// the arm and nothing else.
//
// Withdrawal ends it with the next response: cookies.Gate expires the declared
// cookie, and Show gives the control arm. Whoever says yes again gets a new unit,
// which nothing joins to the old one.
//
// # Where to mount
//
// Nowhere: it is a value that handlers hold. Declare its cookie in the inventory,
// best as a family ("exp_*"), and put the manager's middleware and the gate
// around the router. Call Show before the first byte of the response.
//
// # Limits
//
// Who sees the response sees its arm. Whoever holds the keys can open a cookie
// that a browser sends, and learns when that browser was assigned, to the day,
// and what it was shown; the consent subject, the address and the login are not
// in it. Two first requests at the same moment make two units, of which the
// browser keeps one. The chi-square test of [Stats] finds such losses when they
// differ between arms; it is not a test of who won.
//
// A host's [Assigner] that asks somebody else's service discloses the unit to
// it: that somebody is a recipient and belongs into the policy.
//
// # Compatibility
//
// The cookie's text begins with a format number; another one is read as none,
// and the visitor is assigned anew. Renaming an experiment begins a new one.
package experiment
