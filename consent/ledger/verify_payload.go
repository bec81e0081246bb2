package ledger

import (
	"errors"
	"os"
)

// over calls visit for the records that the chain reached.
func (v *verifier) over(visit func(segment uint64, at int64, r record) error) error {
	for i, first := range v.segs {
		if i+1 < len(v.segs) && v.segs[i+1] <= v.base && v.segs[i+1] > first {
			continue // all before the window
		}
		f, _, err := openSegment(v.dir, first, os.O_RDONLY)
		if errors.Is(err, errSegmentHead) {
			continue // reported, or torn
		}
		if err != nil {
			return err
		}
		to := v.end
		if i < len(v.segs)-1 {
			to, err = fileSize(f)
		}
		if err == nil {
			_, err = v.rd.each(f, segmentHead, to, func(at int64, r record) error {
				if err := v.alive(); err != nil {
					return err
				}
				return visit(first, at, r)
			})
		}
		if err = errors.Join(err, f.Close()); err != nil {
			return err
		}
	}
	return nil
}

// collect fills the window with what erasures say about it.
func (v *verifier) collect() error {
	clear(v.erased)
	return v.over(func(_ uint64, _ int64, r record) error {
		v.note(r)
		return nil
	})
}

// removed reports what the chain says of the payload of an entry in the window.
func (v *verifier) removed(r record) (erased, pruned bool) {
	if i := r.seq() - v.base; i/64 < uint64(len(v.erased)) {
		erased = v.erased[i/64]&(1<<(i%64)) != 0
	}
	return erased, r.seq() < v.cutSeq && r.day() < v.cutDay
}

// payloads judges the entries of the window.
func (v *verifier) payloads() error {
	return v.over(func(segment uint64, at int64, r record) error {
		if !r.kind().kept() || r.seq() < v.base || r.seq()-v.base >= window {
			return nil
		}
		erased, pruned := v.removed(r)
		empty := r.gone() && allZero(r.slot())
		switch {
		case empty && erased:
			v.report.Erased++
		case empty && pruned:
			v.report.Pruned++
		case r.gone() && !erased && !pruned && v.lost:
			v.report.Erased++ // what says why may be in the lost part
		case r.gone() && !erased && !pruned:
			v.report.fault(r.seq(), FaultRemoved, "the payload is gone and no erasure or pruning says why")
		case erased || pruned:
			v.report.Unfinished++
			if v.repair != nil {
				return v.repair(segment, at, len(r))
			}
		case !r.intact(v.h):
			v.report.fault(r.seq(), FaultPayload, "the payload or its salt is not what was committed to")
		default:
			v.report.count(r.kind())
			if r.kind() == kindImage {
				v.oldestImage = min(v.oldestImage, r.day())
			}
		}
		return nil
	})
}
