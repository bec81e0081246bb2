package ledger

import (
	"context"
	"runtime"
	"sync"
)

// maxBatch bounds what becomes durable together, in bytes.
const maxBatch = 1 << 20

// queue holds what writers wait for until one committer takes it, so that all
// who wait at the same time share one wait for the disk.
type queue struct {
	mu      sync.Mutex
	arrived sync.Cond
	waiting []*request
	closed  bool
}

// request is records that one caller waits for. The committer may only touch it
// once it is taken; until then the caller may withdraw it.
type request struct {
	records []record
	taken   bool // guarded by queue.mu
	done    chan error
}

// submit makes records durable together. On return they have their numbers.
func (q *queue) submit(ctx context.Context, records ...record) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	r := &request{records: records, done: make(chan error, 1)}
	q.mu.Lock()
	if q.closed {
		q.mu.Unlock()
		return ErrClosed
	}
	q.waiting = append(q.waiting, r)
	if len(q.waiting) == 1 {
		q.arrived.Signal()
	}
	q.mu.Unlock()
	select {
	case err := <-r.done:
		return err
	case <-ctx.Done():
	}
	if q.withdraw(r) {
		return ctx.Err()
	}
	return <-r.done
}

// withdraw takes r back, if it is not being written already.
func (q *queue) withdraw(r *request) bool {
	q.mu.Lock()
	defer q.mu.Unlock()
	if r.taken {
		return false
	}
	for i := range q.waiting {
		if q.waiting[i] == r {
			q.waiting = append(q.waiting[:i], q.waiting[i+1:]...)
			break
		}
	}
	return true
}

// gather waits for requests and calls visit for each record. Writers that the
// batch before has just woken come while it works, so that they are in this one
// and not in the next. It returns nothing when the queue is closed and nobody
// waits. While there is nothing to do it calls idle once, with mu held.
func (q *queue) gather(idle func(), visit func(record)) (batch []*request) {
	for size := 0; size < maxBatch; {
		runtime.Gosched()
		taken := q.take(len(batch) == 0, idle)
		if len(taken) == 0 {
			break
		}
		for _, r := range taken {
			for _, rec := range r.records {
				visit(rec)
				size += len(rec)
			}
		}
		batch = append(batch, taken...)
	}
	return batch
}

// take returns what waits, and waits for something if it is told to.
func (q *queue) take(wait bool, idle func()) []*request {
	q.mu.Lock()
	defer q.mu.Unlock()
	for wait && len(q.waiting) == 0 && !q.closed {
		idle()
		q.arrived.Wait()
	}
	taken := q.waiting
	for _, r := range taken {
		r.taken = true
	}
	q.waiting = nil
	return taken
}

// close lets nobody in any more, and reports false when it was closed before.
func (q *queue) close() bool {
	q.mu.Lock()
	defer q.mu.Unlock()
	if q.closed {
		return false
	}
	q.closed = true
	q.arrived.Broadcast()
	return true
}

func (q *queue) isClosed() bool {
	q.mu.Lock()
	defer q.mu.Unlock()
	return q.closed
}
