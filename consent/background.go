package consent

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"
)

// background is what a manager runs beside requests, until Close.
type background struct {
	ctx    context.Context
	cancel context.CancelFunc
	mu     sync.Mutex
	group  sync.WaitGroup
}

// run starts f, unless the manager was closed. f ends when its context does.
func (b *background) run(f func(context.Context)) bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.ctx.Err() != nil {
		return false
	}
	b.group.Go(func() { f(b.ctx) })
	return true
}

// stop ends everything that runs and waits for it until ctx ends.
func (b *background) stop(ctx context.Context) {
	b.mu.Lock()
	b.cancel()
	b.mu.Unlock()
	done := make(chan struct{})
	go func() { b.group.Wait(); close(done) }()
	select {
	case <-done:
	case <-ctx.Done():
	}
}

const (
	firstWait  = time.Second
	longestWay = 5 * time.Minute
)

// persist calls a hook of the host until it returns nil or ctx ends, with longer
// and longer pauses.
func (m *Manager) persist(ctx context.Context, name string, hook func() error) {
	for wait := firstWait; ; wait = min(2*wait, longestWay) {
		err := guard(hook)
		if err == nil {
			return
		}
		// The text of the error is the host's and may hold a person.
		m.logger.Error("consent: a hook failed; it is tried again", "hook", name, "error.type", fmt.Sprintf("%T", err))
		select {
		case <-ctx.Done():
			return
		case <-time.After(wait):
		}
	}
}

var errPanic = errors.New("panic")

// guard calls a hook of the host. What it panics with is not looked at, because
// it may hold a person.
func guard(hook func() error) (err error) {
	defer func() {
		if recover() != nil {
			err = errPanic
		}
	}()
	return hook()
}
