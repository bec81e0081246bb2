package consent

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"time"
)

// maxPending bounds the refusals and withdrawals that wait for the ledger. An
// entry is below half a KiB.
const maxPending = 1 << 16

// retryEvery is how often an unreachable ledger is tried again.
const retryEvery = time.Second

// pending holds entries of choices that are in effect and could not be
// appended. A goroutine tries again for as long as there are any, and ends
// when there are none.
type pending struct {
	mu      sync.Mutex
	entries []Entry
	running bool
	stop    chan struct{} // closed by Close
	closed  bool
	// append serialises attempts, so that an entry is appended once.
	append sync.Mutex
}

func (p *pending) len() int {
	p.mu.Lock()
	defer p.mu.Unlock()
	return len(p.entries)
}

// later keeps e for a further attempt.
func (m *Manager) later(e Entry) {
	p := &m.pending
	p.mu.Lock()
	defer p.mu.Unlock()
	if len(p.entries) >= maxPending {
		m.counters.pendingLost.Add(1)
		return
	}
	p.entries = append(p.entries, e)
	if p.stop == nil {
		p.stop = make(chan struct{})
	}
	if !p.running && !p.closed {
		p.running = true
		go m.retry(p.stop)
	}
}

func (m *Manager) retry(stop chan struct{}) {
	t := time.NewTicker(retryEvery)
	defer t.Stop()
	for {
		select {
		case <-stop:
		case <-t.C:
		}
		err := m.appendPending(context.Background(), true)
		p := &m.pending
		p.mu.Lock()
		if len(p.entries) == 0 || p.closed {
			p.running = false
			p.mu.Unlock()
			if err == nil {
				m.logger.Info("consent: the ledger answers again; what waited is recorded")
			}
			return
		}
		p.mu.Unlock()
	}
}

// appendPending appends what waits, oldest first, until the ledger fails.
func (m *Manager) appendPending(ctx context.Context, bounded bool) error {
	p := &m.pending
	p.append.Lock()
	defer p.append.Unlock()
	for {
		p.mu.Lock()
		if len(p.entries) == 0 {
			p.entries = nil
			p.mu.Unlock()
			return nil
		}
		e := p.entries[0]
		p.mu.Unlock()
		if err := m.append(ctx, e, bounded); err != nil {
			return err
		}
		p.mu.Lock()
		p.entries = p.entries[1:]
		p.mu.Unlock()
	}
}

// forgetPending drops what waits of a subject that is being erased. One that is
// being appended at the moment is waited for.
func (m *Manager) forgetPending(s Subject) {
	p := &m.pending
	p.append.Lock()
	defer p.append.Unlock()
	p.mu.Lock()
	defer p.mu.Unlock()
	p.entries = slices.DeleteFunc(p.entries, func(e Entry) bool { return e.Subject == s })
}

// appendTimeout bounds one append, so that a hung ledger holds no visitor.
const appendTimeout = 5 * time.Second

func (m *Manager) append(ctx context.Context, e Entry, bounded bool) error {
	if bounded {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeout(ctx, appendTimeout)
		defer cancel()
	}
	if _, err := m.ledger.Append(ctx, e); err != nil {
		m.counters.ledgerErrors.Add(1)
		return fmt.Errorf("consent: ledger: %w", err)
	}
	return nil
}

// Close stops following the ledger and appends the refusals and withdrawals that
// still wait for it, until ctx ends. It returns an error that says how many could not be kept; the
// ledger itself is the caller's to close, afterwards. The manager goes on
// answering.
func (m *Manager) Close(ctx context.Context) error {
	p := &m.pending
	p.mu.Lock()
	if !p.closed {
		p.closed = true
		if p.stop != nil {
			close(p.stop)
		}
	}
	p.mu.Unlock()
	m.background.stop(ctx)
	undone := m.closeErasures(ctx)
	if m.untold.Load() {
		undone = errors.Join(undone, errors.New("consent: close: OnMaterialChange did not succeed; nobody else calls it for this version of the policy"))
	}
	for {
		err := m.appendPending(ctx, false)
		if err == nil {
			return undone
		}
		select {
		case <-ctx.Done():
			return errors.Join(undone, fmt.Errorf("consent: close: %d choices are in effect and not recorded: %w", p.len(), err))
		case <-time.After(100 * time.Millisecond):
		}
	}
}
