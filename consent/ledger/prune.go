package ledger

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"time"
)

func today() int32 { return dayOf(time.Now()) }

// Prune removes the payloads of all entries of days before the day of before
// (UTC), and returns how many. The chain keeps their kind, day and commitment,
// and still verifies; room is given back to the file system. The day must be at
// least 400 days ago, the longest a consent cookie lives: the ledger is what
// keeps a withdrawn grant from counting again, so it must not forget sooner.
func (l *Files) Prune(ctx context.Context, before time.Time) (int, error) {
	n, err := l.prune(ctx, dayOf(before))
	if err != nil {
		return n, fmt.Errorf("ledger: prune: %w", err)
	}
	return n, nil
}

func (l *Files) prune(ctx context.Context, cut int32) (int, error) {
	if err := checkCut(cut); err != nil {
		return 0, err
	}
	done, err := l.alone(ctx)
	if err != nil {
		return 0, err
	}
	defer done()
	if err := l.finish(); err != nil {
		return 0, err
	}
	found := errors.New("found")
	switch err := l.walk(ctx, 0, func(_ place, r record) error {
		if r.kind().kept() && !r.gone() && r.day() < cut {
			return found
		}
		return nil
	}); {
	case err == nil:
		return 0, nil // an empty pruning is not recorded
	case !errors.Is(err, found):
		return 0, err
	}
	p := newRecord(unit, kindPruning, cut, 0)
	if err := l.submit(ctx, p); err != nil {
		return 0, err
	}
	n := 0
	segs, _ := l.at()
	for i, first := range segs {
		removed, err := l.pruneSegment(first, i == len(segs)-1, p.seq(), cut)
		n += removed
		l.counters.pruned.Add(uint64(removed))
		if err != nil {
			return n, err
		}
	}
	return n, nil
}

// checkCut refuses a day that is too late.
func checkCut(cut int32) error {
	latest := today() - minKeepDays
	if cut <= latest {
		return nil
	}
	return fmt.Errorf("the day is later than %s; entries younger than %d days keep copied cookies from counting again", dateOf(latest).Format(time.DateOnly), minKeepDays)
}

// pruneSegment removes the payloads in one segment, and then the room that they
// took.
func (l *Files) pruneSegment(first uint64, active bool, before uint64, cut int32) (int, error) {
	f, prev, err := openSegment(l.dir, first, os.O_RDONLY)
	if err != nil {
		return 0, err
	}
	to, err := fileSize(f)
	if active {
		_, now := l.at()
		to = now.end
	}
	var at []place
	rd := newReader(l.removing.RLocker())
	if err == nil {
		_, err = rd.each(f, segmentHead, to, func(o int64, r record) error {
			if r.kind().kept() && !r.gone() && r.day() < cut && r.seq() < before {
				at = append(at, place{r.seq(), first, o, len(r)})
			}
			return nil
		})
	}
	if err == nil && len(at) > 0 {
		if err = l.remove(at); err == nil && !active {
			err = l.compact(f, first, prev, to)
		}
	}
	if err = errors.Join(err, f.Close()); err != nil {
		return 0, err
	}
	return len(at), nil
}

// compact writes a full segment anew without the room of what is gone. The
// payloads were overwritten before, so the blocks that become free are empty.
func (l *Files) compact(f *os.File, first uint64, prev [linkSize]byte, to int64) error {
	var out bytes.Buffer // a segment is bounded
	out.Write(segmentHeader(first, prev))
	rd := newReader(l.removing.RLocker())
	end, err := rd.each(f, segmentHead, to, func(_ int64, r record) error {
		if r.gone() {
			r = r[:unit]
			r.setUnits(unit)
		}
		out.Write(r)
		return nil
	})
	if err != nil {
		return err
	}
	if room, err := rd.restIsZero(f, end, to); err != nil || !room {
		return errors.Join(err, ErrDamaged)
	}
	name := segmentName(l.dir, first)
	tmp, err := os.OpenFile(name+".tmp", os.O_WRONLY|os.O_CREATE|os.O_TRUNC, 0o600)
	if err != nil {
		return err
	}
	if err = l.disk.write(tmp, out.Bytes(), 0); err == nil {
		err = l.disk.sync(tmp)
	}
	if err = errors.Join(err, tmp.Close()); err == nil {
		err = os.Rename(name+".tmp", name)
	}
	if err != nil {
		return errors.Join(err, os.Remove(name+".tmp"))
	}
	return syncDir(l.dir)
}
