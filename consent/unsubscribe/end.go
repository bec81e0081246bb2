package unsubscribe

import (
	"context"
	"fmt"
	"sync"
	"sync/atomic"
	"time"

	"github.com/candorhttp/candor/consent"
)

// end ends the mailing for a recipient. It never fails for whoever asks.
func (l *Letters) end(recipient string) {
	subject := l.sealer.pseudonyms(recipient)[0]
	l.counts.ended.Add(1)
	if l.known.fresh(subject, time.Now()) {
		// In the ledger first: it is what Refused reads if the hook is never heard.
		if _, err := l.manager.RefuseFor(subject, consent.MethodUnsubscribe, l.purpose); err != nil {
			l.logger.Error("unsubscribe: a refusal could not be recorded", "error", err)
		}
	}
	if !l.call(recipient) {
		l.later(recipient)
	}
}

// call calls the hook and reports whether it took the recipient. What it panics
// with is not looked at.
func (l *Letters) call(recipient string) (ok bool) {
	ctx, cancel := context.WithTimeout(context.Background(), hookTimeout)
	defer cancel()
	defer func() {
		if recover() != nil {
			l.logger.Error("unsubscribe: OnUnsubscribe panicked; it is tried again")
		}
		if !ok {
			l.counts.hookErrors.Add(1)
		}
	}()
	if err := l.hook(ctx, recipient); err != nil {
		// Its text is the host's and may hold the recipient.
		l.logger.Error(fmt.Sprintf("unsubscribe: OnUnsubscribe failed with %T; it is tried again", err))
		return false
	}
	return true
}

const (
	// maxKnown bounds the memory of who unsubscribed in this process, which
	// keeps a link that is posted again and again from growing the ledger.
	maxKnown = 1 << 16
	// maxRetries bounds the calls of the hook that wait.
	maxRetries = 1 << 14
	firstWait  = time.Second
	longestWay = 5 * time.Minute
)

// known is a bounded memory of who unsubscribed in the last minute. When it is
// full the oldest goes, and a further post of that one's link is recorded once
// more.
type known struct {
	mu    sync.Mutex
	since map[consent.Subject]time.Time
	order []consent.Subject
	at    int
}

// fresh reports whether there is something to record, and takes it as recorded.
// A minute is short enough that somebody who subscribed again can leave again.
func (k *known) fresh(s consent.Subject, now time.Time) bool {
	k.mu.Lock()
	defer k.mu.Unlock()
	since, ok := k.since[s]
	if ok && now.Sub(since) < time.Minute {
		return false
	}
	if k.since == nil {
		k.since = map[consent.Subject]time.Time{}
	}
	k.since[s] = now
	switch {
	case ok:
	case len(k.order) < maxKnown:
		k.order = append(k.order, s)
	default:
		delete(k.since, k.order[k.at])
		k.order[k.at] = s
		k.at = (k.at + 1) % maxKnown
	}
	return true
}

// retries are the recipients whom the hook did not take. A goroutine runs while
// there are any.
type retries struct {
	mu      sync.Mutex
	waiting []string
	index   map[string]bool
	running bool
	closed  bool
	stop    chan struct{}
	done    sync.WaitGroup
}

func (t *retries) init() { t.index, t.stop = map[string]bool{}, make(chan struct{}) }

func (l *Letters) later(recipient string) {
	t := &l.retries
	t.mu.Lock()
	defer t.mu.Unlock()
	switch {
	case t.index[recipient]:
		return
	case len(t.waiting) >= maxRetries || t.closed:
		l.counts.lost.Add(1)
		return
	}
	t.index[recipient] = true
	t.waiting = append(t.waiting, recipient)
	if !t.running {
		t.running = true
		t.done.Go(l.retry)
	}
}

// retry calls the hook for those who wait, all in one round, with longer and
// longer pauses while none is taken.
func (l *Letters) retry() {
	t := &l.retries
	for wait := firstWait; ; {
		select {
		case <-t.stop:
			return
		case <-time.After(wait):
		}
		taken, left := l.round()
		if left == 0 {
			return
		}
		if wait *= 2; taken {
			wait = firstWait
		}
		wait = min(wait, longestWay)
	}
}

// round tries everybody who waits, once, and reports whether any was taken and
// how many are left. When none is left the goroutine's place is given up.
func (l *Letters) round() (taken bool, left int) {
	t := &l.retries
	t.mu.Lock()
	batch := t.waiting
	t.waiting = nil
	t.mu.Unlock()
	var again []string
	for i, recipient := range batch {
		if stopped(t.stop) {
			again = append(again, batch[i:]...)
			break
		}
		if l.call(recipient) {
			taken = true
			t.mu.Lock()
			delete(t.index, recipient)
			t.mu.Unlock()
			continue
		}
		again = append(again, recipient)
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	t.waiting = append(again, t.waiting...)
	t.running = len(t.waiting) > 0
	return taken, len(t.waiting)
}

func stopped(stop chan struct{}) bool {
	select {
	case <-stop:
		return true
	default:
		return false
	}
}

// Close tries those who still wait once more each, until ctx ends, and returns
// an error that says how many the host's list was not told of. Requests are
// answered as before, and what fails from then on is counted as lost.
func (l *Letters) Close(ctx context.Context) error {
	t := &l.retries
	t.mu.Lock()
	first := !t.closed
	t.closed = true
	t.mu.Unlock()
	if first {
		close(t.stop)
	}
	t.done.Wait()
	t.mu.Lock()
	waiting := t.waiting
	t.waiting = nil
	t.mu.Unlock()
	left := 0
	for _, recipient := range waiting {
		if ctx.Err() != nil || !l.call(recipient) {
			left++
		}
	}
	if left > 0 {
		l.counts.lost.Add(uint64(left))
		return fmt.Errorf("unsubscribe: close: the list was not told of %d refusals; they are in the ledger, ask Refused before the next mailing", left)
	}
	return nil
}

type counts struct {
	ended, unknown, badRequest, hookErrors, lost atomic.Uint64
}

// Stats is a snapshot of what Letters counted since they were made.
type Stats struct {
	Ended      uint64 // posts that ended a mailing, repeated ones included
	Unknown    uint64 // requests with a link that is not one of this list, answered 404
	BadRequest uint64 // posts that were not understood, answered 4xx
	HookErrors uint64 // failed calls of OnUnsubscribe
	Waiting    int    // recipients whom OnUnsubscribe did not take yet
	Lost       uint64 // of those, how many were given up because 16,384 wait or after Close
}

// Stats returns what was counted so far.
func (l *Letters) Stats() Stats {
	l.retries.mu.Lock()
	waiting := len(l.retries.waiting)
	l.retries.mu.Unlock()
	return Stats{
		Ended: l.counts.ended.Load(), Unknown: l.counts.unknown.Load(), BadRequest: l.counts.badRequest.Load(),
		HookErrors: l.counts.hookErrors.Load(), Waiting: waiting, Lost: l.counts.lost.Load(),
	}
}
