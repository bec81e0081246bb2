package analytics

import (
	"runtime"
	"sync"
	"time"
	"unsafe"
)

const (
	// maxAge is how long an event waits for its destination.
	maxAge = 10 * time.Minute
	// maxBareAge is less: an event that names nobody cannot be found again when
	// somebody changes their mind.
	maxBareAge = time.Minute
	// linger is how long a batch waits for more.
	linger = time.Second
	// sweepStep is how many events are looked at while Track may have to wait.
	sweepStep = 128

	// Memory is counted as the allocator gives it, in its size classes.
	eventBytes   = (int(unsafe.Sizeof(captured{})) + 15) / 16 * 16
	moreBytes    = (maxProperties - inlineValues) * 8
	placeBytes   = int(unsafe.Sizeof((*captured)(nil)))
	smallest     = eventBytes + placeBytes
	largestEvent = smallest + moreBytes
)

// size is what an event costs a queue. One that waits for several sinks is
// counted by each.
func (e *captured) size() int {
	if e.more != nil {
		return largestEvent
	}
	return smallest
}

// queue is the bounded queue of one sink, and what was counted of it. A worker
// takes events from its head; a sweep takes out of its middle those whose time
// or whose yes has ended.
type queue struct {
	pipeline *Pipeline
	sink     Sink
	to       Destination
	scopes   map[string]string // event to the purpose of its pseudonyms
	maxBytes int
	wake     chan struct{} // of the worker; holds one
	prune    chan struct{} // tells a worker that waits that a yes has ended; holds one

	mu sync.Mutex
	// ring holds the events from head up to tail, at their number modulo its
	// length. A nil was swept.
	ring       []*captured
	head, tail uint64
	queued     int
	batch      int    // events the worker has
	batchBytes int    // and their memory, which is in bytes as well
	batchFrom  uint64 // number of the oldest
	bytes      int
	awaited    int // wake the worker when so many are queued; 0 while it works
	hurry      uint64
	closing    bool
	stats      SinkStats
	dropped    [reasonEnd]uint64
	waiters    chan struct{} // closed and replaced when events left; nil while nobody waits
}

func newQueue(p *Pipeline, s Sink, to Destination, events, bytes int) *queue {
	return &queue{
		pipeline: p, sink: s, to: to, scopes: map[string]string{}, maxBytes: bytes,
		wake: make(chan struct{}, 1), prune: make(chan struct{}, 1),
		// No more places than there can be events.
		ring: make([]*captured, min(events, bytes/smallest)),
	}
}

// serves notes that an event goes here. Two destinations, or two purposes, never
// see one pseudonym.
func (q *queue) serves(s *spec) {
	q.scopes[s.Name] = "analytics/" + string(s.Purpose) + "/" + q.to.Name
}

// put takes an event, or drops it where there is no room. It waits for no sink.
func (q *queue) put(e *captured) {
	size := e.size()
	q.mu.Lock()
	q.stats.Accepted++
	switch {
	case q.closing:
		q.dropped[Closed]++
	case q.tail-q.head == uint64(len(q.ring)) || q.bytes+size > q.maxBytes:
		q.dropped[Full]++
	default:
		q.ring[q.tail%uint64(len(q.ring))] = e
		q.tail++
		q.queued++
		q.bytes += size
		if q.queued == 1 {
			select {
			case q.pipeline.stir <- struct{}{}:
			default:
			}
		}
	}
	wake := q.awaited > 0 && q.queued >= q.awaited
	if wake {
		q.awaited = 0
	}
	q.mu.Unlock()
	if wake {
		q.rouse()
	}
}

func (q *queue) rouse() {
	select {
	case q.wake <- struct{}{}:
	default:
	}
}

// take moves what fits into one batch to the worker, the oldest first. Where
// there is nothing to be had yet it returns how long to wait for a wake, 0 for
// as long as it takes. done says that there will be nothing any more.
func (q *queue) take(dst []*captured, now time.Duration) (batch []*captured, wait time.Duration, done bool) {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.skip()
	if q.queued == 0 {
		q.awaited = 1
		return dst, 0, q.closing
	}
	if q.queued < q.to.MaxEvents && !q.closing && q.head >= q.hurry {
		if age := now - q.ring[q.head%uint64(len(q.ring))].since; age < linger {
			q.awaited = q.to.MaxEvents
			return dst, linger - age, false
		}
	}
	q.awaited = 0
	q.batchFrom = q.head
	for q.head < q.tail && len(dst) < q.to.MaxEvents {
		at := q.head % uint64(len(q.ring))
		if e := q.ring[at]; e != nil {
			dst = append(dst, e)
			q.ring[at] = nil
			q.queued--
			q.batch++
			q.batchBytes += e.size()
		}
		q.head++
	}
	return dst, 0, false
}

// skip passes over what was swept from the head. The lock is held.
func (q *queue) skip() {
	for q.head < q.tail && q.ring[q.head%uint64(len(q.ring))] == nil {
		q.head++
	}
}

// settle says what became of an event that the worker had; 0 means that it was
// sent. The lock is held.
func (q *queue) settle(e *captured, why Reason) {
	if q.batch == 0 {
		return // Shutdown gave it up
	}
	q.batch--
	q.batchBytes -= e.size()
	q.leave(e.size(), 1, why)
}

// leave counts events that are no longer here. The lock is held.
func (q *queue) leave(bytes, events int, why Reason) {
	q.bytes -= bytes
	if why == 0 {
		q.stats.Sent += uint64(events)
	} else {
		q.dropped[why] += uint64(events)
	}
	if q.waiters != nil {
		close(q.waiters)
		q.waiters = nil
	}
}

// unfit returns why an event may not be sent any more, or 0. With ask it asks
// the permit as well as the clock.
func (e *captured) unfit(now time.Duration, ask bool) Reason {
	age := now - e.since
	switch {
	case ask && !e.permit.Stands():
		return Withdrawn
	case age >= maxAge || e.bare && age >= maxBareAge:
		return Expired
	}
	return 0
}

// sweep drops what may not be sent any more, without waiting for the worker,
// which a sink may hold up. It asks the permits only where it is told to. It
// reports whether anything is left.
func (q *queue) sweep(now time.Duration, ask bool) bool {
	q.mu.Lock()
	end := q.tail
	for at := q.head; at < end; at++ {
		if at%sweepStep == 0 {
			q.mu.Unlock()
			runtime.Gosched() // let others in
			q.mu.Lock()
		}
		at = max(at, q.head)
		if at >= end {
			break
		}
		e := q.ring[at%uint64(len(q.ring))]
		if e == nil {
			continue
		}
		if why := e.unfit(now, ask); why != 0 {
			q.ring[at%uint64(len(q.ring))] = nil
			q.queued--
			q.leave(e.size(), 1, why)
		}
	}
	q.skip()
	left := q.queued+q.batch > 0
	q.mu.Unlock()
	select {
	case q.prune <- struct{}{}:
	default:
	}
	return left
}

// abandon drops everything, also what the worker has: a sink that does not give
// it back holds up nobody.
func (q *queue) abandon() {
	q.mu.Lock()
	defer q.mu.Unlock()
	clear(q.ring)
	q.head = q.tail
	q.leave(q.bytes, q.queued+q.batch, Shut)
	q.queued, q.batch, q.batchBytes = 0, 0, 0
}

func (q *queue) snapshot() SinkStats {
	q.mu.Lock()
	defer q.mu.Unlock()
	s := q.stats
	s.Queued, s.InFlight, s.Bytes = q.queued, q.batch, q.bytes
	s.Dropped = map[Reason]uint64{}
	for r := Reason(1); r < reasonEnd; r++ {
		if q.dropped[r] > 0 {
			s.Dropped[r] = q.dropped[r]
		}
	}
	return s
}
