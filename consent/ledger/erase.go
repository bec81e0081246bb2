package ledger

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"maps"
	"os"
	"slices"

	"github.com/candorhttp/candor/consent"
)

// eraseTogether is how many erasures one request appends.
const eraseTogether = 512

// Erase implements [consent.Ledger]. The erasures are in the chain first; then
// payloads and salts are overwritten with zeros and that is on the disk when
// Erase returns. If the process ends in between, the next Open completes it. An
// entry of the subject that is appended at the same moment stays.
func (l *Files) Erase(ctx context.Context, s consent.Subject) (int, error) {
	n, err := l.eraseIf(ctx, func(r record) bool { return !s.IsZero() && r.of(s) })
	if err != nil {
		return 0, fmt.Errorf("ledger: erase: %w", err)
	}
	l.counters.erased.Add(uint64(n))
	return n, nil
}

// eraseIf erases the entries that match.
func (l *Files) eraseIf(ctx context.Context, match func(record) bool) (int, error) {
	done, err := l.alone(ctx)
	if err != nil {
		return 0, err
	}
	defer done()
	if err := l.finish(); err != nil {
		return 0, err
	}
	var at []place
	var erasures []record
	day := today()
	err = l.walk(ctx, 0, func(p place, r record) error {
		if r.kind().kept() && !r.gone() && match(r) {
			at = append(at, p)
			erasures = append(erasures, newRecord(unit, kindErasure, day, r.seq()))
		}
		return nil
	})
	for len(erasures) > 0 && err == nil {
		n := min(len(erasures), eraseTogether)
		err = l.submit(ctx, erasures[:n]...)
		erasures = erasures[n:]
	}
	if err == nil {
		// From here on the end of ctx no longer matters: the chain says it.
		err = l.remove(at)
	}
	if err != nil {
		return 0, err
	}
	return len(at), nil
}

// remove overwrites salts and payloads with zeros. Places are in order. The mark
// covers them first: a record that is half overwritten when power is lost must
// not be taken for a torn tail. What fails is unfinished until it is tried again.
func (l *Files) remove(at []place) (err error) {
	defer func() {
		if err != nil {
			l.leave(at)
		}
	}()
	if err := l.settle(); err != nil {
		return err
	}
	return l.overwriteAll(at)
}

// leave notes places that the chain says are gone and that could not be
// overwritten.
func (l *Files) leave(at []place) {
	l.removing.Lock()
	defer l.removing.Unlock()
	if l.unfinished == nil {
		l.unfinished = map[uint64]place{}
	}
	for _, p := range at {
		l.unfinished[p.seq] = p
	}
}

// isUnfinished reports whether what is left of an entry does not count.
func (l *Files) isUnfinished(seq uint64) bool {
	l.removing.RLock()
	defer l.removing.RUnlock()
	_, ok := l.unfinished[seq]
	return ok
}

// finish tries again what was left.
func (l *Files) finish() error {
	l.removing.RLock()
	at := slices.SortedFunc(maps.Values(l.unfinished), func(a, b place) int { return cmp.Compare(a.seq, b.seq) })
	l.removing.RUnlock()
	if err := l.overwriteAll(at); err != nil {
		return err
	}
	l.removing.Lock()
	clear(l.unfinished)
	l.removing.Unlock()
	return nil
}

func (l *Files) overwriteAll(at []place) error {
	for len(at) > 0 {
		n := 1
		for n < len(at) && at[n].segment == at[0].segment {
			n++
		}
		if err := l.removeIn(at[0].segment, at[:n]); err != nil {
			return err
		}
		at = at[n:]
	}
	return nil
}

func (l *Files) removeIn(segment uint64, at []place) error {
	f, _, err := openSegment(l.dir, segment, os.O_RDWR)
	if err != nil {
		return err
	}
	buf := make([]byte, maxRecord)
	for _, p := range at {
		if err = l.overwrite(f, p.at, buf[:p.size]); err != nil {
			break
		}
	}
	if err == nil {
		err = l.disk.sync(f)
	}
	return errors.Join(err, f.Close())
}

func (l *Files) overwrite(f *os.File, at int64, buf []byte) error {
	l.removing.Lock()
	defer l.removing.Unlock()
	if _, err := f.ReadAt(buf, at); err != nil {
		return err
	}
	record(buf).empty()
	return l.disk.write(f, buf, at)
}

// removeOne is remove for one place, while the ledger is being opened.
func (l *Files) removeOne(segment uint64, at int64, size int) error {
	return l.removeIn(segment, []place{{segment: segment, at: at, size: size}})
}
