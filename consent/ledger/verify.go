package ledger

import (
	"context"
	"errors"
	"fmt"
	"os"
	"slices"
	"sync"
	"time"
)

// Verify reads the ledger in dir and reports what it finds: every link, every
// commitment, every missing payload, and whether it contains what the
// checkpoints say. The error is about reading only; a ledger that was changed
// is in [Report.Faults]. It changes nothing, needs no lock, may run beside the
// service, and needs the same memory, about 9 MiB, for any number of entries.
func Verify(ctx context.Context, dir string, checkpoints ...Checkpoint) (Report, error) {
	var before []Fault
	for try := 1; ; try++ {
		v := newVerifier(ctx, dir, noLock{}, checkpoints...)
		err := v.run()
		if err != nil {
			return v.report, fmt.Errorf("ledger: verify: %w", err)
		}
		// A service that erases at this moment looks like damage, but not again in
		// the same place: by then the chain that was read says so.
		if v.report.Faulty == 0 || try == looks || amongThem(v.report.Faults, before) {
			return v.report, nil
		}
		before = v.report.Faults
		time.Sleep(tryAgain)
	}
}

// amongThem reports whether each fault was there before.
func amongThem(faults, before []Fault) bool {
	for _, f := range faults {
		if !slices.ContainsFunc(before, func(b Fault) bool { return b.Seq == f.Seq && b.Kind == f.Kind }) {
			return false
		}
	}
	return true
}

const (
	looks    = 20 // at a ledger in which another place looks damaged each time
	tries    = 3  // to read entries
	tryAgain = 50 * time.Millisecond
)

// verifier looks at a whole ledger in files.
type verifier struct {
	auditor
	dir string
	// repair is called for the payloads that Report.Unfinished counts.
	repair func(segment uint64, at int64, size int) error

	segs  []uint64
	rd    *reader
	batch uint64 // of the record before

	end      int64 // where the whole records of the last segment end
	headTorn bool  // the last segment has not even a head
}

func newVerifier(ctx context.Context, dir string, lock sync.Locker, checkpoints ...Checkpoint) *verifier {
	return &verifier{auditor: newAuditor(ctx, checkpoints), dir: dir, rd: newReader(lock)}
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
	return v.chains()
}

func (v *verifier) run() error {
	if err := v.begin(); err != nil {
		return err
	}
	defer v.report.sort()
	if v.repair != nil && v.report.Faulty > 0 {
		return nil // nothing is written to a damaged ledger
	}
	for {
		if err := v.payloads(); err != nil {
			return err
		}
		if !v.nextWindow() {
			return nil
		}
		if err := v.collect(); err != nil {
			return err
		}
	}
}

var errStop = errors.New("stop")

// chains judges heads, links and order, finds the end, and collects what is said
// to be erased.
func (v *verifier) chains() error {
	known := true // prev and next are those to expect
	for i, first := range v.segs {
		last := i == len(v.segs)-1
		f, head, err := openSegment(v.dir, first, os.O_RDONLY)
		if errors.Is(err, errSegmentHead) {
			if last && first == v.next && v.next > v.mark.seq && v.torn(first) {
				break
			}
			v.report.fault(v.next, FaultUnreadable, "%v", err)
			known = false
			continue
		}
		if err != nil {
			return err
		}
		switch {
		case known && first > v.next:
			v.report.fault(v.next, FaultMissing, "numbers %d to %d are not there", v.next, first-1)
		case known && first < v.next:
			v.report.fault(first, FaultChanged, "the number was there before")
		case known && head != v.prev:
			v.report.fault(first, FaultChanged, "the file does not continue the one before")
		}
		v.next, v.prev = first, head
		known, err = v.chainOf(f, last)
		if err = errors.Join(err, f.Close()); err != nil {
			return err
		}
	}
	v.endOfChain()
	return nil
}

// chainOf judges one segment, and reports whether it could be read to its end.
func (v *verifier) chainOf(f *os.File, last bool) (known bool, err error) {
	size, err := fileSize(f)
	if err != nil {
		return true, err
	}
	at, err := v.rd.each(f, segmentHead, size, func(_ int64, r record) error {
		if err := v.alive(); err != nil {
			return err
		}
		// Behind the mark whatever is not whole is a torn tail; a stale mark
		// (power was lost) is what the batches are for.
		if last && v.next > v.mark.seq && !v.durable(r) {
			return errStop
		}
		// The chain does not cover the batches; a sudden end is judged by them.
		if b, seq := r.batch(), r.seq(); seq == v.next && (b == 0 || b > seq || b < seq && v.batch != 0 && b != v.batch) {
			v.report.fault(seq, FaultChanged, "the batch is none that was written")
		}
		v.batch = r.batch()
		v.chain(r)
		return nil
	})
	v.end = at
	if err != nil && !errors.Is(err, errStop) {
		return true, err
	}
	room, err := v.rd.restIsZero(f, at, size)
	if err != nil || room {
		return true, err
	}
	if !last || v.next <= v.mark.seq {
		v.report.fault(v.next, FaultUnreadable, "there is no record in its place")
		return false, nil
	}
	later, err := v.laterBatch(f, at, size, v.next)
	if v.report.Torn = size - at; later {
		v.report.fault(v.next, FaultUnreadable, "it is damaged, and what was written after it is there")
	}
	return true, err
}

// durable reports whether r is whole in every part.
func (v *verifier) durable(r record) bool {
	return r.seq() == v.next && r.prevOK(v.h, &v.prev) && r.wellFormed() && r.sound(v.h)
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
