// Package ledger keeps consent decisions where they can be shown later.
//
// A site that relies on consent must be able to prove it (GDPR Art. 7(1)): who
// said yes, when, to which text. The record must not itself become a file on
// people: it holds no address, no browser and no page, and somebody who only
// ever said no is not in it as a person at all.
//
//	records := ledger.Memory()
//	manager, err := consent.New(consent.Config{…, Ledger: records})
//
// [Memory] is the ledger for tests and trials: nothing survives the process, so
// grants that were withdrawn before a restart are believed again by a process
// that starts with an empty one, if the visitor's browser (or a copy of its
// cookie) still holds them and the signing keys are the same. Where that
// matters, rotate the keys at the restart or use a ledger that stays.
//
// # Who can do what
//
// Whoever reads the memory of the process reads the entries. Entries of one
// subject link to each other by the random subject and to nothing outside the
// visitor's cookie: not to the access log, whose lines for the privacy
// endpoints carry no identifier and no finer time than a second.
package ledger
