package ledger

import (
	"context"
	"errors"
	"fmt"
	"os"
	"sync"
	"time"
)

// Verify reads the ledger in dir and reports what it finds: every link, every
// commitment, every missing payload, and whether it contains what the
// checkpoints say. The error is about reading only; a ledger that was changed
// is in [Report.Faults]. It changes nothing, needs no lock, may run beside the
// service, and needs the same memory, about 9 MiB, for any number of entries.
func Verify(ctx context.Context, dir string, checkpoints ...Checkpoint) (Report, error) {
	for try := 1; ; try++ {
		v := newVerifier(ctx, dir, noLock{})
		v.checkpoints = checkpoints
		err := v.run()
		if err != nil {
			return v.report, fmt.Errorf("ledger: verify: %w", err)
		}
		// A service that erases at this moment looks like damage, but not again.
		if v.report.Faulty == 0 || try == tries {
			return v.report, nil
		}
		time.Sleep(tryAgain)
	}
}

const (
	tries    = 3
	tryAgain = 50 * time.Millisecond
)

// window is how many entries are looked at in one pass over the payloads; one
// bit is kept for each.
const window = 1 << 26

// verifier looks at a whole ledger. The chain is judged first, to its end; the
// payloads then, with what the chain says about them.
type verifier struct {
	ctx         context.Context
	dir         string
	checkpoints []Checkpoint
	// repair is called for the payloads that Report.Unfinished counts.
	repair func(segment uint64, at int64, size int) error

	segs   []uint64
	mark   mark
	rd     *reader
	h      *hasher
	report Report

	end      int64 // where the whole records of the last segment end
	headTorn bool  // the last segment has not even a head

	lost    bool     // a part of the chain cannot be believed
	base    uint64   // first number of the window
	erased  []uint64 // bits
	cutSeq  uint64   // number of the last pruning
	cutDay  int32
	records uint64

	oldestImage int32 // day
}

func newVerifier(ctx context.Context, dir string, lock sync.Locker) *verifier {
	return &verifier{ctx: ctx, dir: dir, rd: newReader(lock), h: newHasher(), base: 1, oldestImage: noImage}
}

// begin reads what there is and judges the chain.
func (v *verifier) begin() error {
	var err error
	if v.mark, err = readMark(v.dir); errors.Is(err, errMark) {
		if _, err := os.Stat(v.dir); err != nil {
			return err
		}
		v.report.fault(0, FaultMark, "%v", err)
	} else if err != nil {
		return err
	}
	if v.segs, err = segments(v.dir); err != nil {
		return err
	}
	if len(v.segs) == 0 && v.report.Faulty > 0 {
		return errors.New("there is no ledger in this directory")
	}
	return v.chain()
}

func (v *verifier) run() error {
	if err := v.begin(); err != nil {
		return err
	}
	defer v.report.sort()
	v.lost = v.report.has(FaultMissing) || v.report.has(FaultUnreadable) || v.report.has(FaultChanged)
	if v.repair != nil && v.report.Faulty > 0 {
		return nil // nothing is written to a damaged ledger
	}
	for {
		if err := v.payloads(); err != nil {
			return err
		}
		if v.base += window; v.base > v.report.Last {
			return nil
		}
		if err := v.collect(); err != nil {
			return err
		}
	}
}

var errStop = errors.New("stop")

// chain judges heads, links and order, finds the end, and collects what is
// said to be erased.
func (v *verifier) chain() error {
	var prev [linkSize]byte
	next, known := uint64(1), true // known: prev and next are those to expect
	for i, first := range v.segs {
		last := i == len(v.segs)-1
		f, head, err := openSegment(v.dir, first, os.O_RDONLY)
		if errors.Is(err, errSegmentHead) {
			if last && first == next && next > v.mark.seq && v.torn(first) {
				break
			}
			v.report.fault(next, FaultUnreadable, "%v", err)
			known = false
			continue
		}
		if err != nil {
			return err
		}
		switch {
		case known && first > next:
			v.report.fault(next, FaultMissing, "numbers %d to %d are not there", next, first-1)
		case known && first < next:
			v.report.fault(first, FaultChanged, "the number was there before")
		case known && head != prev:
			v.report.fault(first, FaultChanged, "the file does not continue the one before")
		}
		next, prev, known = first, head, true
		err = v.chainOf(f, last, &next, &prev, &known)
		if err = errors.Join(err, f.Close()); err != nil {
			return err
		}
	}
	v.report.Last, v.report.Link = next-1, prev
	if v.mark.seq > v.report.Last {
		v.report.fault(next, FaultMissing, "numbers %d to %d are not there", next, v.mark.seq)
	}
	for _, c := range v.checkpoints {
		if c.Seq > v.report.Last {
			v.report.fault(c.Seq, FaultCheckpoint, "the ledger ends before the checkpoint")
		}
	}
	return nil
}

func (v *verifier) chainOf(f *os.File, last bool, next *uint64, prev *[linkSize]byte, known *bool) error {
	size, err := fileSize(f)
	if err != nil {
		return err
	}
	at, err := v.rd.each(f, segmentHead, size, func(_ int64, r record) error {
		if err := v.alive(); err != nil {
			return err
		}
		// Behind the mark whatever is not whole is a torn tail; a stale mark
		// (power was lost) is what the batches are for.
		if last && *next > v.mark.seq && !v.durable(r, *next, prev) {
			return errStop
		}
		switch seq := r.seq(); {
		case seq > *next:
			v.report.fault(*next, FaultMissing, "numbers %d to %d are not there", *next, seq-1)
		case seq < *next:
			v.report.fault(*next, FaultChanged, "number %d stands in its place", seq)
		case !r.prevOK(v.h, prev):
			v.report.fault(seq, FaultChanged, "the link does not fit what it covers")
		case !r.wellFormed():
			v.report.fault(seq, FaultUnreadable, "it has a form that the ledger does not write")
		}
		*next, *prev = r.seq()+1, [linkSize]byte(r.link())
		v.note(r)
		v.compare(r)
		return nil
	})
	v.end = at
	if err != nil && !errors.Is(err, errStop) {
		return err
	}
	room, err := v.rd.restIsZero(f, at, size)
	switch {
	case err != nil:
		return err
	case room:
	case last && *next > v.mark.seq:
		later, err := v.laterBatch(f, at, size, *next)
		if err != nil {
			return err
		}
		if v.report.Torn = size - at; later {
			v.report.fault(*next, FaultUnreadable, "it is damaged, and what was written after it is there")
		}
	default:
		v.report.fault(*next, FaultUnreadable, "there is no record in its place")
		*known = false
	}
	return nil
}

// durable reports whether r is whole in every part.
func (v *verifier) durable(r record, next uint64, prev *[linkSize]byte) bool {
	return r.seq() == next && r.prevOK(v.h, prev) && r.wellFormed() && r.sound(v.h)
}

// torn reports whether the last segment is one that was being made, and nothing
// else.
func (v *verifier) torn(first uint64) bool {
	name := segmentName(v.dir, first)
	info, err := os.Stat(name)
	if err != nil || info.Size() > segmentHead {
		return false
	}
	b, err := os.ReadFile(name)
	v.headTorn = err == nil && (len(b) < segmentHead || allZero(b))
	return v.headTorn
}

// laterBatch reports whether behind the bad record of number seq stands one of
// a later batch: then the bad one was durable once, and is not torn.
func (v *verifier) laterBatch(f *os.File, at, size int64, seq uint64) (bool, error) {
	b := make([]byte, payloadAt)
	for ; at+unit <= size; at += unit {
		if _, err := f.ReadAt(b, at); err != nil {
			return false, err
		}
		if r := record(b); r.seq() > seq && r.batch() > seq && r.batch() <= r.seq() && r.seq()-seq <= uint64(size)/unit {
			return true, nil
		}
	}
	return false, nil
}

func (v *verifier) compare(r record) {
	if r.seq() == v.mark.seq && v.mark.link != [linkSize]byte(r.link()) {
		v.report.fault(r.seq(), FaultMark, "the chain is not the one that was marked as durable")
	}
	for _, c := range v.checkpoints {
		if c.Seq == r.seq() && c.Link != Link(r.link()) {
			v.report.fault(c.Seq, FaultCheckpoint, "the chain is not the one that was signed")
		}
	}
}

// note takes in what a record says about others.
func (v *verifier) note(r record) {
	switch r.kind() {
	case kindPruning:
		v.cutSeq, v.cutDay = r.seq(), max(v.cutDay, r.day())
	case kindErasure:
		if i := r.ref() - v.base; r.ref() >= v.base && r.ref() < r.seq() && i < window {
			for uint64(len(v.erased)) <= i/64 {
				v.erased = append(v.erased, 0)
			}
			v.erased[i/64] |= 1 << (i % 64)
		}
	}
}

func (v *verifier) alive() error {
	if v.records++; v.records%1024 == 0 {
		return v.ctx.Err()
	}
	return nil
}
