package ledger

import (
	"context"
	"errors"
	"fmt"
	"os"
	"slices"

	"github.com/candorhttp/candor/consent"
)

// place is where a record stands.
type place struct {
	seq     uint64
	segment uint64
	at      int64
	size    int
}

// walk calls visit for each durable record above after, in order, also for
// those that become durable meanwhile. Links and payloads are checked on the
// way; the first that does not fit ends it with [ErrDamaged].
func (l *Files) walk(ctx context.Context, after uint64, visit func(place, record) error) error {
	rd, h := newReader(l.removing.RLocker()), newHasher()
	for {
		if l.isClosed() {
			return ErrClosed
		}
		segs, now := l.at()
		if after >= now.seq {
			return ctx.Err()
		}
		i, found := slices.BinarySearch(segs, after+1)
		if !found {
			i-- // the first segment begins with 1
		}
		last := i == len(segs)-1
		next, err := l.walkSegment(ctx, rd, h, segs[i], last, now, after, visit)
		if err != nil {
			return err
		}
		if !last && next != segs[i+1]-1 || last && next != now.seq {
			return fmt.Errorf("%w: entry %d is missing", ErrDamaged, next+1)
		}
		after = max(after, next)
	}
}

// walkSegment returns the number of the last record it saw.
func (l *Files) walkSegment(ctx context.Context, rd *reader, h *hasher, first uint64, last bool, now position, after uint64, visit func(place, record) error) (uint64, error) {
	seq := first - 1
	f, prev, err := openSegment(l.dir, first, os.O_RDONLY)
	if err != nil {
		return seq, damaged(err)
	}
	to := now.end
	if !last {
		to, err = fileSize(f)
	}
	if err == nil {
		_, err = rd.each(f, segmentHead, to, func(at int64, r record) error {
			if seq++; seq%256 == 0 {
				if err := ctx.Err(); err != nil {
					return err
				}
			}
			if r.seq() != seq || !r.prevOK(h, &prev) || !r.wellFormed() {
				return fmt.Errorf("%w: entry %d was changed", ErrDamaged, seq)
			}
			prev = [linkSize]byte(r.link())
			if seq <= after {
				return nil
			}
			if l.isUnfinished(seq) {
				return nil
			}
			if !r.sound(h) {
				return fmt.Errorf("%w: the payload of entry %d was changed", ErrDamaged, seq)
			}
			return visit(place{seq, first, at, len(r)}, r)
		})
	}
	return seq, errors.Join(err, f.Close())
}

func damaged(err error) error {
	if errors.Is(err, errSegmentHead) || errors.Is(err, os.ErrNotExist) {
		return fmt.Errorf("%w: %w", ErrDamaged, err)
	}
	return err
}

// Scan implements [consent.Ledger]. Entries that are appended while it runs are
// yielded as well. What it yields was verified against the chain.
func (l *Files) Scan(ctx context.Context, after uint64, yield func(consent.Entry) error) error {
	var stop error
	err := l.walk(ctx, after, func(_ place, r record) error {
		if !r.kind().kept() || r.gone() {
			return nil
		}
		e, err := r.entry()
		if err == nil {
			stop = yield(e)
			err = stop
		}
		return err
	})
	if stop != nil {
		return stop
	}
	if err != nil {
		return fmt.Errorf("ledger: scan: %w", err)
	}
	return nil
}

// History implements [consent.Ledger]. It reads the whole ledger.
func (l *Files) History(ctx context.Context, s consent.Subject) ([]consent.Entry, error) {
	var out []consent.Entry
	done, err := l.alone(ctx)
	if err == nil {
		if !s.IsZero() {
			err = l.walk(ctx, 0, func(_ place, r record) error {
				if !r.of(s) {
					return nil
				}
				e, err := r.entry()
				out = append(out, e)
				return err
			})
		}
		done()
	}
	if err != nil {
		return nil, fmt.Errorf("ledger: history: %w", err)
	}
	return out, nil
}
