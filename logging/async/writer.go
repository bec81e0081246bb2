package async

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
	"sync"
	"time"
)

// ErrFull is returned by Write when it dropped the line, because the queue is
// full or the line is longer than all of it.
var ErrFull = errors.New("async: the queue is full, the line was dropped")

var errClosed = fmt.Errorf("async: %w", os.ErrClosed)

// Writer queues lines for another writer. Make it with New and Close it; the
// zero Writer is not usable. It is safe for concurrent use.
type Writer struct {
	output   io.Writer
	together int
	dropped  func(n uint64) []byte
	hurry    chan struct{} // ends gathering
	done     chan struct{}

	mu      sync.Mutex
	work    sync.Cond // something to do for the goroutine
	queue   queue
	missing uint64 // dropped since the newest line of the queue
	sending int    // lines of callers in the hands of the output
	busy    bool   // anything is
	closed  bool
	lost    uint64 // lines taken and not written since Close was called
	stats   Stats
}

// Stats is a snapshot of what a Writer counted since it was made.
type Stats struct {
	Written uint64 // lines that the output took
	Failed  uint64 // lines that the output did not take
	Dropped uint64 // lines dropped: no room, after Close, or not written when Close gave up
	Queued  int    // lines taken and not yet written, those in the hands of the output included
}

// New returns a Writer with a goroutine that ends with Close. The error names
// every fault of cfg.
func New(cfg Config) (*Writer, error) {
	if err := cfg.validate(); err != nil {
		return nil, err
	}
	w := &Writer{
		output: cfg.Output, together: cfg.Together, dropped: cfg.Dropped, hurry: make(chan struct{}, 1), done: make(chan struct{}),
		queue: queue{bytes: make([]byte, cfg.Bytes), lines: make([]entry, cfg.Lines)},
	}
	w.work.L = &w.mu
	go w.run()
	return w, nil
}

// Write copies line, which should be whole and end with a newline, into the
// queue and returns without waiting for the output. Where there is no room it
// drops line and returns ErrFull; after Close it drops it and returns an error
// that is os.ErrClosed.
func (w *Writer) Write(line []byte) (int, error) {
	if len(line) == 0 {
		return 0, nil
	}
	w.mu.Lock()
	if w.closed {
		w.stats.Dropped++
		w.mu.Unlock()
		return 0, errClosed
	}
	if !w.queue.push(line, w.missing) {
		w.missing++
		w.stats.Dropped++
		// The goroutine has something to say where the queue is empty.
		w.work.Signal()
		w.mu.Unlock()
		return 0, ErrFull
	}
	w.missing = 0
	w.work.Signal()
	if w.together > 0 && w.enough() {
		w.hasten()
	}
	w.mu.Unlock()
	return len(line), nil
}

// CountsDropped reports whether the Writer itself writes a line where it dropped
// some, so that whoever writes to it need not.
func (w *Writer) CountsDropped() bool { return w.dropped != nil }

// Stats returns what was counted so far.
func (w *Writer) Stats() Stats {
	w.mu.Lock()
	defer w.mu.Unlock()
	s := w.stats
	s.Queued = w.queue.count + w.sending
	return s
}

// run hands lines on until the Writer is closed and empty.
func (w *Writer) run() {
	defer close(w.done)
	var b batch
	var untold uint64 // dropped lines that the output could not be told of
	for {
		missing, ok := w.next(&b)
		if !ok {
			return
		}
		if missing += untold; missing > 0 {
			untold = 0
			if !w.tell(missing) {
				untold = missing
			}
		}
		if len(b.ends) > 0 {
			n, err := w.output.Write(b.text)
			if err != nil {
				n = min(n, len(b.text)-1) // whatever it says of the last line
			}
			w.sent(&b, n)
		}
	}
}

// batch is the lines of one Write.
type batch struct {
	text []byte
	ends []int // of the lines in text
}

// add takes the oldest line from the queue.
func (b *batch) add(q *queue) (missing uint64) {
	b.text, missing = q.pop(b.text)
	b.ends = append(b.ends, len(b.text))
	return missing
}

// next waits for the oldest line, puts it into b, with those that go together
// with it, and returns how many were dropped before it; without a line, after
// the last one. It returns false when there is nothing more to come.
func (w *Writer) next(b *batch) (missing uint64, ok bool) {
	b.text, b.ends = b.text[:0], b.ends[:0]
	w.mu.Lock()
	defer w.mu.Unlock()
	w.busy = false
	gathered := false
	for {
		switch {
		case w.queue.count > 0 && !gathered && !w.closed && !w.enough():
			w.gather()
			gathered = true
			continue
		case w.queue.count > 0:
			missing = b.add(&w.queue)
			for w.queue.follows(w.together - len(b.text)) {
				b.add(&w.queue)
			}
			w.sending, w.busy = len(b.ends), true
			return missing, true
		case w.missing > 0:
			missing, w.missing, w.busy = w.missing, 0, true
			return missing, true
		case w.closed:
			return 0, false
		}
		w.work.Wait()
	}
}

// gatherFor is how long a line waits for others that go together with it.
const gatherFor = 10 * time.Millisecond

// enough reports whether what is queued need not wait for more, as nothing does
// where each line goes alone.
func (w *Writer) enough() bool { return w.queue.used >= w.together || w.queue.halfFull() }

// gather waits for more lines, and gives the lock back meanwhile.
func (w *Writer) gather() {
	w.mu.Unlock()
	defer w.mu.Lock()
	t := time.NewTimer(gatherFor)
	defer t.Stop()
	select {
	case <-t.C:
	case <-w.hurry:
	}
}

// hasten ends gathering, or that to come.
func (w *Writer) hasten() {
	select {
	case w.hurry <- struct{}{}:
	default:
	}
}

// tell writes the line that says how many are missing.
func (w *Writer) tell(missing uint64) bool {
	if w.dropped == nil {
		return true
	}
	line := w.dropped(missing)
	if len(line) == 0 {
		return true
	}
	n, err := w.output.Write(line)
	return err == nil && n == len(line)
}

// sent counts the lines of b, of which the output took so many bytes.
func (w *Writer) sent(b *batch, taken int) {
	whole, found := slices.BinarySearch(b.ends, taken)
	if found {
		whole++
	}
	failed := uint64(len(b.ends) - whole)
	w.mu.Lock()
	defer w.mu.Unlock()
	w.sending = 0
	w.stats.Written += uint64(whole)
	w.stats.Failed += failed
	if w.closed {
		w.lost += failed
	}
}

// Close takes no more lines, waits until the queued ones are written, and ends
// the goroutine. It does not close the output. When ctx ends before, the lines
// that are still queued are dropped. An error says how many lines did not reach
// the output since the first call, one that it still holds included. It is
// ctx's error where the output still holds one, or lines were dropped. Called
// again it waits for the rest and answers for all.
func (w *Writer) Close(ctx context.Context) error {
	w.mu.Lock()
	w.closed = true
	w.work.Signal()
	w.hasten()
	w.mu.Unlock()
	var cause error
	select {
	case <-w.done:
	case <-ctx.Done():
		lines, busy := w.abandon()
		if !busy {
			<-w.done // at once, as there is nothing to do
		}
		if lines > 0 || busy {
			cause = ctx.Err()
		}
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	lost := w.lost + uint64(w.sending)
	switch {
	case cause != nil:
		return fmt.Errorf("async: close: %d lines lost: %w", lost, cause)
	case lost > 0:
		return fmt.Errorf("async: close: %d lines lost", lost)
	}
	return nil
}

// abandon drops what is queued, and returns how many lines that were and
// whether the output still holds something.
func (w *Writer) abandon() (lines int, busy bool) {
	w.mu.Lock()
	defer w.mu.Unlock()
	lines = w.queue.clear()
	w.missing = 0
	w.lost += uint64(lines)
	w.stats.Dropped += uint64(lines)
	return lines, w.busy
}
