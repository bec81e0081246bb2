package ledger

import (
	"context"
	"math"
	"time"
)

const dayEvery = 24 * time.Hour

// daily removes what is older than KeepDays, and images that keep nothing from
// counting any more: at once and every day.
func (l *Files) daily(ctx context.Context) {
	t := time.NewTicker(dayEvery)
	defer t.Stop()
	for {
		err := l.expireImages(ctx)
		if err == nil && l.keepDays > 0 {
			_, err = l.prune(ctx, today()-int32(l.keepDays))
		}
		if err != nil && ctx.Err() == nil {
			l.counters.pruneFailed.Add(1)
		}
		select {
		case <-ctx.Done():
			return
		case <-t.C:
		}
	}
}

// noImage is the day of the oldest image when there is none.
const noImage = math.MaxInt32

// noteImage takes notice of an image in the ledger.
func (l *Files) noteImage(day int32) {
	for {
		oldest := l.oldestImage.Load()
		if oldest <= day || l.oldestImage.CompareAndSwap(oldest, day) {
			return
		}
	}
}

// expireImages erases the images of who was erased longer ago than the longest
// life of a cookie. It reads the ledger only when there is one.
func (l *Files) expireImages(ctx context.Context) error {
	cut := today() - minKeepDays
	oldest := l.oldestImage.Load()
	if oldest >= cut {
		return nil
	}
	l.oldestImage.Store(noImage)
	n, err := l.eraseIf(ctx, func(r record) bool {
		if r.kind() != kindImage {
			return false
		}
		if r.day() < cut {
			return true
		}
		l.noteImage(r.day())
		return false
	})
	if err != nil {
		l.noteImage(oldest)
		return err
	}
	l.counters.pruned.Add(uint64(n))
	return nil
}
