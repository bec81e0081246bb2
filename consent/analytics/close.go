package analytics

import (
	"context"
	"errors"
	"fmt"
	"time"
)

// Flush waits until every event that the queues took before the call was sent
// or dropped, and hurries batches that wait for more. It fails when ctx ends
// first, naming the sinks that were not done; what is queued stays queued.
func (p *Pipeline) Flush(ctx context.Context) error {
	marks := make([]uint64, len(p.queues))
	for i, q := range p.queues {
		marks[i] = q.urge()
	}
	var faults []error
	for i, q := range p.queues {
		if err := q.passed(ctx, marks[i]); err != nil {
			faults = append(faults, err)
		}
	}
	return errors.Join(faults...)
}

// urge hurries everything that is queued and returns the number of what comes
// next.
func (q *queue) urge() uint64 {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.hurry, q.awaited = q.tail, 0
	q.rouse()
	return q.tail
}

// passed waits until nothing numbered below mark is left.
func (q *queue) passed(ctx context.Context, mark uint64) error {
	for {
		q.mu.Lock()
		q.skip()
		left := 0
		if q.head < mark || q.batch > 0 && q.batchFrom < mark {
			left = q.queued + q.batch
		}
		if left == 0 {
			q.mu.Unlock()
			return nil
		}
		if q.waiters == nil {
			q.waiters = make(chan struct{})
		}
		changed := q.waiters
		q.mu.Unlock()
		select {
		case <-changed:
		case <-ctx.Done():
			return fmt.Errorf("analytics: flush: sink %s: %d events are waiting: %w", q.to.Name, left, ctx.Err())
		}
	}
}

// grace is how long Shutdown waits, after its context ended, for sinks to give
// back what they were given.
const grace = 100 * time.Millisecond

// Shutdown ends the pipeline: events are no longer taken, and what is queued is
// tried until ctx ends. It fails when anything was lost meanwhile, for another
// reason than a withdrawal, and says how much at which sink. Then no goroutine
// of the pipeline is left, but for one in a sink that ignores its context; it
// ends when the sink returns. Later calls return what the first one did.
//
// Shut the server down first, so that the last requests are counted.
func (p *Pipeline) Shutdown(ctx context.Context) error {
	p.ending.Do(func() { p.lost = p.shutdown(ctx) })
	return p.lost
}

func (p *Pipeline) shutdown(ctx context.Context) error {
	before := make([]uint64, len(p.queues))
	for i, q := range p.queues {
		before[i] = q.close()
	}
	done := make(chan struct{})
	go func() { p.workers.Wait(); close(done) }()
	var ended error
	for _, q := range p.queues {
		if q.passed(ctx, ^uint64(0)) != nil {
			ended = ctx.Err()
		}
	}
	p.cancel()
	close(p.ended)
	select {
	case <-done:
	case <-time.After(grace):
	}
	var faults []error
	for i, q := range p.queues {
		q.abandon()
		if n := q.losses() - before[i]; n > 0 {
			faults = append(faults, fmt.Errorf("analytics: shutdown: sink %s: %d events lost", q.to.Name, n))
		}
	}
	if p.own {
		p.pseudonyms.Close()
	}
	if len(faults) > 0 && ended != nil {
		faults = append(faults, ended)
	}
	return errors.Join(faults...)
}

// close stops a queue from taking more, and returns how many were lost so far.
func (q *queue) close() uint64 {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.closing, q.awaited = true, 0
	q.rouse()
	return q.lossesLocked()
}

func (q *queue) losses() uint64 {
	q.mu.Lock()
	defer q.mu.Unlock()
	return q.lossesLocked()
}

// lossesLocked counts what was dropped against everybody's will. What came
// after Shutdown was never taken.
func (q *queue) lossesLocked() (n uint64) {
	for r := Reason(1); r < reasonEnd; r++ {
		if r != Withdrawn && r != Closed {
			n += q.dropped[r]
		}
	}
	return n
}
