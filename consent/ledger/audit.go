package ledger

import "context"

// maxWindow is how many entries are looked at in one pass over the payloads; one
// bit is kept for each.
const maxWindow = 1 << 26

// auditor judges records, whatever store they come from: each one's place in the
// chain first, to the end; the payloads then, with what the chain says about
// them.
type auditor struct {
	ctx         context.Context
	checkpoints []Checkpoint
	mark        mark // what must be in the chain
	h           *hasher
	report      Report

	next  uint64 // number that comes next
	count uint64 // of records in the chain
	prev  [linkSize]byte

	lost    bool     // a part of the chain cannot be believed
	window  uint64   // how many entries
	base    uint64   // first number of the window
	erased  []uint64 // bits
	cutSeq  uint64   // number of the last pruning
	cutDay  int32
	records uint64

	oldestImage int32 // day
}

func newAuditor(ctx context.Context, checkpoints []Checkpoint) auditor {
	return auditor{ctx: ctx, checkpoints: checkpoints, h: newHasher(), next: 1, window: maxWindow, base: 1, oldestImage: noImage}
}

// chain judges the place of the next record.
func (a *auditor) chain(r record) {
	a.count++
	switch seq := r.seq(); {
	case seq > a.next:
		a.report.fault(a.next, FaultMissing, "numbers %d to %d are not there", a.next, seq-1)
	case seq < a.next:
		a.report.fault(a.next, FaultChanged, "number %d stands in its place", seq)
	case !r.prevOK(a.h, &a.prev):
		a.report.fault(seq, FaultChanged, "the link does not fit what it covers")
	case !r.wellFormed():
		a.report.fault(seq, FaultUnreadable, "it has a form that the ledger does not write")
	}
	a.next, a.prev = r.seq()+1, [linkSize]byte(r.link())
	a.note(r)
	a.compare(r)
}

// endOfChain judges where it ends.
func (a *auditor) endOfChain() {
	a.report.Last, a.report.Link = a.next-1, a.prev
	if a.mark.seq > a.report.Last {
		a.report.fault(a.next, FaultMissing, "numbers %d to %d are not there", a.next, a.mark.seq)
	}
	for _, c := range a.checkpoints {
		if c.Seq > a.report.Last {
			a.report.fault(c.Seq, FaultCheckpoint, "the ledger ends before the checkpoint")
		}
	}
	a.lost = a.report.has(FaultMissing) || a.report.has(FaultUnreadable) || a.report.has(FaultChanged)
}

func (a *auditor) compare(r record) {
	if r.seq() == a.mark.seq && a.mark.link != [linkSize]byte(r.link()) {
		a.report.fault(r.seq(), FaultMark, "the chain is not the one that was marked as durable")
	}
	for _, c := range a.checkpoints {
		if c.Seq == r.seq() && c.Link != Link(r.link()) {
			a.report.fault(c.Seq, FaultCheckpoint, "the chain is not the one that was signed")
		}
	}
}

// note takes in what a record says about others.
func (a *auditor) note(r record) {
	switch r.kind() {
	case kindPruning:
		a.cutSeq, a.cutDay = r.seq(), max(a.cutDay, r.day())
	case kindErasure:
		if i := r.ref() - a.base; r.ref() >= a.base && r.ref() < r.seq() && i < a.window {
			for uint64(len(a.erased)) <= i/64 {
				a.erased = append(a.erased, 0)
			}
			a.erased[i/64] |= 1 << (i % 64)
		}
	}
}

// removed reports what the chain says of the payload of an entry in the window.
func (a *auditor) removed(r record) (erased, pruned bool) {
	if i := r.seq() - a.base; i/64 < uint64(len(a.erased)) {
		erased = a.erased[i/64]&(1<<(i%64)) != 0
	}
	return erased, r.seq() < a.cutSeq && r.day() < a.cutDay
}

// payload judges what the entry holds, if it is in the window, and reports
// whether something is there that the chain says is gone.
func (a *auditor) payload(r record) (unfinished bool) {
	if !r.kind().kept() || r.seq() < a.base || r.seq()-a.base >= a.window {
		return false
	}
	erased, pruned := a.removed(r)
	empty := r.gone() && allZero(r.slot())
	switch {
	case empty && erased:
		a.report.Erased++
	case empty && pruned:
		a.report.Pruned++
	case r.gone() && !erased && !pruned && a.lost:
		a.report.Erased++ // what says why may be in the lost part
	case r.gone() && !erased && !pruned:
		a.report.fault(r.seq(), FaultRemoved, "the payload is gone and no erasure or pruning says why")
	case erased || pruned:
		a.report.Unfinished++
		return true
	case !r.intact(a.h):
		a.report.fault(r.seq(), FaultPayload, "the payload or its salt is not what was committed to")
	default:
		a.report.count(r.kind())
		if r.kind() == kindImage {
			a.oldestImage = min(a.oldestImage, r.day())
		}
	}
	return false
}

// nextWindow goes on to the next entries, and reports false when there are none.
// A number far above how many records there are is not believed: it was reported
// already, and there may be no end to windows below it.
func (a *auditor) nextWindow() bool {
	a.base += a.window
	clear(a.erased)
	return a.base <= min(a.report.Last, a.count+a.window)
}

// alive is asked for each record that is read.
func (a *auditor) alive() error {
	if a.records++; a.records%1024 == 0 {
		return a.ctx.Err()
	}
	return nil
}
