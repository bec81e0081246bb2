package analytics

import (
	"context"
	crand "crypto/rand"
	"errors"
	"math/rand/v2"
	"time"

	"github.com/google/uuid"
)

const (
	// attemptTimeout bounds one attempt.
	attemptTimeout = 10 * time.Second
	// Between attempts the worker waits a random part of a time that doubles.
	firstBackoff = time.Second
	lastBackoff  = time.Minute
	// maxRetryAfter bounds what a destination can ask for: half of what events
	// are kept for.
	maxRetryAfter = 5 * time.Minute
	// sweepEvery is how soon events leave the memory that may not be sent any
	// more. They are not sent in any case.
	sweepEvery = 250 * time.Millisecond
	// tellEvery keeps a failing sink from filling the log; Stats counts all.
	tellEvery = 10 * time.Second
)

// start runs one worker for each sink, and the sweeper.
func (p *Pipeline) start() {
	p.begun = time.Now()
	p.ctx, p.cancel = context.WithCancel(context.Background())
	p.ended, p.stir = make(chan struct{}), make(chan struct{}, 1)
	for _, q := range p.queues {
		p.workers.Go(func() { (&worker{queue: q}).run() })
	}
	if len(p.queues) > 0 {
		p.workers.Go(p.sweeper)
	}
}

// now is the monotonic time since the pipeline began.
func (p *Pipeline) now() time.Duration { return time.Since(p.begun) }

// sweeper takes out of the queues what may not be sent any more, as soon as
// this process hears of a withdrawal and when its time is over. While nothing
// is queued it sleeps.
func (p *Pipeline) sweeper() {
	tick := time.NewTimer(sweepEvery)
	defer tick.Stop()
	for {
		select {
		case <-p.stir:
		case <-p.ended:
			return
		}
		seen := uint64(0)
		for busy := true; busy; {
			tick.Reset(sweepEvery)
			select {
			case <-tick.C:
			case <-p.ended:
				return
			}
			// While nothing changes no permit ends.
			changes := p.consent.Changes()
			ask := changes != seen
			seen, busy = changes, false
			for _, q := range p.queues {
				busy = q.sweep(p.now(), ask) || busy
			}
		}
	}
}

// worker sends the events of one queue, a batch at a time.
type worker struct {
	*queue
	events     []*captured
	deliveries []Delivery
	properties []Property
	ids        []byte
	text       []byte
	told       time.Time // when the logger was told something last
}

func (w *worker) run() {
	for {
		events, wait, done := w.take(w.events[:0], w.pipeline.now())
		switch {
		case len(events) > 0:
			w.events = events
			w.deliver()
			// Nothing is held of what has left.
			clear(w.events)
			clear(w.deliveries)
			clear(w.properties)
		case done:
			return
		default:
			w.await(wait)
		}
	}
}

// await waits for a wake, at most for a time unless that is 0.
func (w *worker) await(wait time.Duration) {
	if wait == 0 {
		<-w.wake
		return
	}
	t := time.NewTimer(wait)
	defer t.Stop()
	select {
	case <-w.wake:
	case <-t.C:
	}
}

// deliver tries until the batch is sent, refused, or unfit to be sent.
func (w *worker) deliver() {
	w.deliveries = w.deliveries[:0]
	for n := 0; ; n++ {
		// Asked before every attempt, however short the time since the last.
		w.cull()
		if len(w.events) == 0 {
			return
		}
		if w.pipeline.ctx.Err() != nil {
			w.settleAll(Shut)
			return
		}
		if n == 0 {
			w.prepare()
		}
		err := w.attempt()
		again, after := w.judge(err)
		if !again {
			return
		}
		w.backoff(n, after)
	}
}

// attempt makes one.
func (w *worker) attempt() (err error) {
	w.mu.Lock()
	w.stats.Attempts++
	w.mu.Unlock()
	ctx, cancel := context.WithTimeout(w.pipeline.ctx, attemptTimeout)
	defer cancel()
	defer func() {
		if recover() != nil {
			// What a sink panics with may hold anything, so it is not shown.
			err = &Failed{Kind: Ambiguous, Reason: "the sink panicked"}
		}
	}()
	return w.sink.Send(ctx, w.deliveries)
}

// judge settles what an answer settles, and says whether to try the rest again
// and how long the destination wants to be left alone.
func (w *worker) judge(err error) (again bool, after time.Duration) {
	if err == nil {
		w.settleAll(0)
		return false, 0
	}
	w.mu.Lock()
	w.stats.Failures++
	w.mu.Unlock()
	var rejected *Rejected
	var failed *Failed
	switch {
	case errors.As(err, &rejected):
		w.settleRejected(rejected)
		w.tell("events were refused", rejected.Reason)
		return false, 0
	case !errors.As(err, &failed):
		failed = &Failed{Kind: Ambiguous, Reason: "unknown"}
	}
	w.tell("an attempt failed", failed.Kind.String()+": "+failed.Reason)
	switch {
	case w.pipeline.ctx.Err() != nil:
		w.settleAll(Shut)
		return false, 0
	case failed.Kind == Permanent:
		w.settleAll(Refused)
		return false, 0
	case failed.Kind != Temporary && !w.to.Idempotent:
		w.settleAll(Unknown)
		return false, 0
	}
	return true, min(max(failed.After, 0), maxRetryAfter)
}

// tell logs what a destination answered, in the sink's words, now and then.
func (w *worker) tell(what, reason string) {
	if !w.told.IsZero() && time.Since(w.told) < tellEvery {
		return
	}
	w.told = time.Now()
	w.pipeline.logger.Warn("analytics: "+what, "sink", w.to.Name, "reason", reason, "events", len(w.events))
}

// settleAll settles the whole batch.
func (w *worker) settleAll(why Reason) {
	w.mu.Lock()
	defer w.mu.Unlock()
	for _, e := range w.events {
		w.settle(e, why)
	}
}

func (w *worker) settleRejected(r *Rejected) {
	refused := make(map[int]bool, len(r.Indexes))
	for _, i := range r.Indexes {
		refused[i] = true
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	for i, e := range w.events {
		if refused[i] {
			w.settle(e, Invalid)
		} else {
			w.settle(e, 0)
		}
	}
}

// cull takes single events out of the batch whose yes or whose time has ended.
func (w *worker) cull() {
	now := w.pipeline.now()
	made := len(w.deliveries) > 0 // one for each event
	kept := 0
	for i, e := range w.events {
		if why := e.unfit(now, true); why != 0 {
			w.mu.Lock()
			w.settle(e, why)
			w.mu.Unlock()
			continue
		}
		if w.events[kept] = e; made {
			w.deliveries[kept] = w.deliveries[i]
		}
		kept++
	}
	clear(w.events[kept:])
	w.events = w.events[:kept]
	if made {
		clear(w.deliveries[kept:])
		w.deliveries = w.deliveries[:kept]
	}
}

// backoff waits before the attempt after the n-th, at least for what the
// destination asked, and no longer than there is anything to try again for.
// Meanwhile it drops what may not be sent any more.
func (w *worker) backoff(n int, after time.Duration) {
	most := min(firstBackoff<<min(n, 10), lastBackoff)
	t := time.NewTimer(after + rand.N(most))
	defer t.Stop()
	for {
		select {
		case <-t.C:
			return
		case <-w.prune:
			if w.cull(); len(w.events) == 0 {
				return
			}
		case <-w.pipeline.ctx.Done():
			return
		}
	}
}

// prepare makes what the sink is given: ids that were nowhere before, and
// pseudonyms that are this destination's alone.
func (w *worker) prepare() {
	n := len(w.events)
	w.ids = append(w.ids[:0], make([]byte, 16*n)...)
	crand.Read(w.ids) // never fails, crypto/rand ends the program instead
	w.properties = w.properties[:0]
	for i, e := range w.events {
		begin := len(w.properties)
		w.properties = e.appendProperties(w.properties)
		id := uuid.UUID(w.ids[16*i : 16*i+16])
		id[6], id[8] = id[6]&0x0f|0x40, id[8]&0x3f|0x80 // RFC 9562 §5.4
		w.deliveries = append(w.deliveries, Delivery{
			ID: id.String(), Name: e.spec.Name, Time: e.coarse(), Route: e.route, Bare: e.bare,
			Pseudonym: w.pseudonym(e), Properties: w.properties[begin:len(w.properties):len(w.properties)],
		})
	}
}

// pseudonym returns what stands for the visitor; nothing without a yes, and
// nothing while there is no key: an event is never sent with more instead.
func (w *worker) pseudonym(e *captured) string {
	subject := e.permit.Subject()
	if e.bare || subject.IsZero() {
		return ""
	}
	var err error
	if w.text, err = w.pipeline.pseudonyms.Append(w.text[:0], w.scopes[e.spec.Name], subject[:]); err != nil {
		return ""
	}
	return string(w.text)
}
