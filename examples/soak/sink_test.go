package soak_test

import (
	"context"
	"sync"
	"time"

	"github.com/candorhttp/candor/consent/analytics"
)

// slack is how long after a withdrawal was acknowledged an event may still be on
// its way out: the attempt that was under way.
const slack = 250 * time.Millisecond

// truth is what is known of every visitor outside of the service.
type truth struct {
	mu    sync.Mutex
	ended map[string]time.Time // since when a visitor's no is acknowledged
	sent  int
	late  int // events that left afterwards
}

// says notes that a visitor said yes or no, before a yes is asked for and after
// a no was answered: in between nothing can be said of an event.
func (t *truth) says(name string, yes bool) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if yes {
		delete(t.ended, name)
	} else if _, ok := t.ended[name]; !ok {
		t.ended[name] = time.Now()
	}
}

// faultySink is a destination that hangs, fails and forgets.
type faultySink struct {
	name   string
	faults *faults
	truth  *truth
}

// Destination implements analytics.Sink.
func (s faultySink) Destination() analytics.Destination {
	return analytics.Destination{Name: s.name, MaxEvents: 20, Idempotent: true}
}

// Send implements analytics.Sink.
func (s faultySink) Send(ctx context.Context, batch []analytics.Delivery) error {
	begun := time.Now()
	s.truth.mu.Lock()
	for _, d := range batch {
		s.truth.sent++
		for _, p := range d.Properties {
			if at, ok := s.truth.ended[p.Text()]; ok && p.Name() == "visitor" && begun.Sub(at) > slack {
				s.truth.late++
			}
		}
	}
	s.truth.mu.Unlock()
	switch s.faults.mode.Load() {
	case fails:
		return &analytics.Failed{Kind: analytics.Temporary, Reason: "injected"}
	case hangs:
		select {
		case <-ctx.Done():
		case <-time.After(time.Second):
		}
		return &analytics.Failed{Kind: analytics.Ambiguous, Reason: "injected"}
	}
	return nil
}
