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
	return v.over(func(_ uint64, _ int64, r record) error {
		v.note(r)
		return nil
	})
}

// payloads judges the entries of the window.
func (v *verifier) payloads() error {
	return v.over(func(segment uint64, at int64, r record) error {
		if v.payload(r) && v.repair != nil {
			return v.repair(segment, at, len(r))
		}
		return nil
	})
}
