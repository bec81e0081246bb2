package ledger

import (
	"context"
	"errors"
	"fmt"

	"github.com/candorhttp/candor/consent"
)

// Append implements [consent.Ledger]. It returns when the entry is on the disk
// or will not be: an entry that is already being written when ctx ends is
// waited for, whatever the disk takes.
func (l *Files) Append(ctx context.Context, e consent.Entry) (uint64, error) {
	r, err := newEntry(e)
	if err == nil {
		err = l.submit(ctx, r)
	}
	if err != nil {
		return 0, fmt.Errorf("ledger: append: %w", err)
	}
	if r.kind() == kindImage {
		l.noteImage(r.day())
	}
	return r.seq(), nil
}

// run makes batches durable until the ledger is closed.
func (l *Files) run() {
	for {
		batch, end := l.gather()
		if len(batch) == 0 {
			return
		}
		err := l.commit(end)
		for _, q := range batch {
			if err != nil {
				l.counters.failed.Add(uint64(len(q.records)))
			}
			q.done <- err
		}
	}
}

// gather waits for requests and seals them into the buffer.
func (l *Files) gather() (batch []*request, end position) {
	end = l.durable
	first := end.seq + 1
	l.buf = l.buf[:0]
	batch = l.queue.gather(l.writeMark, func(r record) {
		end.seq++
		r.seal(l.h, end.seq, first, &end.link)
		l.buf = append(l.buf, r...)
	})
	return batch, end
}

// commit writes the buffer and waits for the disk. When it fails, nothing of
// the batch stays.
func (l *Files) commit(to position) error {
	if err := l.rollback(); err != nil {
		return err
	}
	if err := l.rotate(); err != nil {
		return err
	}
	n := to.seq - l.durable.seq
	to.end = l.durable.end + int64(len(l.buf))
	l.makeRoom(to.end)
	l.dirty = true
	err := l.disk.write(l.active, l.buf, l.durable.end)
	if err == nil {
		err = l.disk.sync(l.active)
	}
	if err != nil {
		return errors.Join(err, l.rollback())
	}
	l.dirty = false
	l.mu.Lock()
	l.durable = to
	l.mu.Unlock()
	l.counters.batches.Add(1)
	l.counters.appended.Add(n)
	return nil
}

// rollback removes what a failed batch left. Until it can, nothing is appended.
func (l *Files) rollback() error {
	if !l.dirty {
		return nil
	}
	err := l.disk.truncate(l.active, l.durable.end)
	if err == nil {
		err = l.disk.sync(l.active)
	}
	if l.dirty = err != nil; !l.dirty {
		l.room = l.durable.end
	}
	return err
}

// makeRoom makes the segment larger than it needs to be. Where that fails there
// may still be enough for the batch, and who writes it will see.
func (l *Files) makeRoom(end int64) {
	from := max(l.room, l.durable.end)
	if end > l.room && l.disk.write(l.active, emptyRoom[:], from) == nil && l.disk.sync(l.active) == nil {
		l.room = from + roomSize
	}
}

var emptyRoom [roomSize]byte

// writeMark notes how far the ledger is durable, when there is time for it: a
// batch says of the one before that it was durable, so only the last needs the
// mark. A write that fails leaves an older mark, which is true as well. The
// caller holds mu.
func (l *Files) writeMark() {
	if l.marked != l.durable.seq {
		l.marked = l.durable.seq
		_, _ = l.markFile.WriteAt(l.durable.bytes(), 0)
	}
}

// settle writes the mark and waits for the disk.
func (l *Files) settle() error {
	l.mu.Lock()
	l.writeMark()
	l.mu.Unlock()
	return l.disk.sync(l.markFile)
}

// rotate begins a new segment when the last one is full.
func (l *Files) rotate() error {
	if l.durable.end < segmentSize {
		return nil
	}
	first := l.durable.seq + 1
	f, err := l.disk.createSegment(l.dir, first, l.durable.link)
	if err != nil {
		return err
	}
	old := l.active
	l.active, l.room = f, segmentHead
	l.mu.Lock()
	l.segs = append(l.segs, first)
	l.durable.end = segmentHead
	l.mu.Unlock()
	_ = old.Close() // what is in it is durable
	return nil
}
