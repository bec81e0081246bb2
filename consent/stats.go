package consent

import "sync/atomic"

type counters struct {
	granted, refused, withdrawn    atomic.Uint64
	unreadable, superseded         atomic.Uint64
	late, secondWriter, notMounted atomic.Uint64
	crossSite, badRequest, limited atomic.Uint64
	ledgerErrors, pendingLost      atomic.Uint64
	followErrors, forked           atomic.Uint64
	erased, erasuresLost           atomic.Uint64
	badToken, hookErrors           atomic.Uint64
}

// Stats is a snapshot of what a Manager counted since it was made.
type Stats struct {
	Granted   uint64 // choices with at least one yes, in the ledger
	Refused   uint64 // refusals by somebody who had granted nothing
	Withdrawn uint64 // withdrawals of an earlier yes

	Unreadable uint64 // cookies that could not be believed, read as unset
	Superseded uint64 // cookies of a replaced revision, read as unset

	LateReads    uint64 // exchanges that asked first after the header went out
	SecondWriter uint64 // exchanges in which something replaced the writer before the manager
	NotMounted   uint64 // choices recorded outside Middleware, refused

	CrossSite   uint64 // posts from another site, answered 403
	BadRequest  uint64 // posts that were not understood, answered 4xx
	RateLimited uint64 // grants, and requests for what is kept, answered 429

	Disclosed    map[string]uint64 // full addresses handed out, by recipient
	NotDisclosed uint64            // calls of Disclose that failed

	LedgerErrors uint64 // failed appends
	Pending      int    // refusals and withdrawals in effect and not yet in the ledger
	PendingLost  uint64 // of those, how many were given up because the bound was met

	Erased       uint64 // requests to erase, repeated ones included
	Erasing      int    // persons whose erasure failed somewhere and is tried again
	ErasuresLost uint64 // of those, how many there was no room for, answered as failed
	BadToken     uint64 // receipt tokens that are not ours, answered 403
	HookErrors   uint64 // failed calls of HostData functions

	FollowErrors uint64 // times that following a shared ledger broke off
	Forked       uint64 // subjects asked again because two processes changed them at once

	SupersededSubjects int   // subjects in the memory of replaced revisions
	Watermark          int64 // minute of Unix time; grants up to it are asked again, 0 until the bound was met
}

// Stats returns what was counted so far.
func (m *Manager) Stats() Stats {
	c := &m.counters
	subjects, watermark := m.superseded.size()
	return Stats{
		Granted: c.granted.Load(), Refused: c.refused.Load(), Withdrawn: c.withdrawn.Load(),
		Unreadable: c.unreadable.Load(), Superseded: c.superseded.Load(),
		LateReads: c.late.Load(), SecondWriter: c.secondWriter.Load(), NotMounted: c.notMounted.Load(),
		CrossSite: c.crossSite.Load(), BadRequest: c.badRequest.Load(), RateLimited: c.limited.Load(),
		Disclosed: m.disclosures.byRecipient(), NotDisclosed: m.disclosures.refused.Load(),
		LedgerErrors: c.ledgerErrors.Load(), Pending: m.pending.len(), PendingLost: c.pendingLost.Load(),
		Erased: c.erased.Load(), Erasing: m.erasures.waiting(), ErasuresLost: c.erasuresLost.Load(),
		BadToken: c.badToken.Load(), HookErrors: c.hookErrors.Load(),
		FollowErrors: c.followErrors.Load(), Forked: c.forked.Load(),
		SupersededSubjects: subjects, Watermark: watermark,
	}
}
