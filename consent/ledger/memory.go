package ledger

import (
	"context"
	"slices"
	"sync"

	"github.com/candorhttp/candor/consent"
)

// InMemory is a ledger that forgets at the end of the process. It is for tests,
// for trying things out, and for sites that need no proof of consent. It grows
// with every choice and never shrinks but by Erase.
type InMemory struct {
	mu        sync.RWMutex
	entries   []consent.Entry
	bySubject map[consent.Subject][]int
}

var _ consent.Ledger = (*InMemory)(nil)

// Memory returns an empty ledger in memory.
func Memory() *InMemory {
	return &InMemory{bySubject: map[consent.Subject][]int{}}
}

// Append implements [consent.Ledger]. It fails only when ctx has ended.
func (l *InMemory) Append(ctx context.Context, e consent.Entry) (uint64, error) {
	if err := ctx.Err(); err != nil {
		return 0, err
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	e.Seq = uint64(len(l.entries)) + 1
	e.Granted, e.Denied = slices.Clone(e.Granted), slices.Clone(e.Denied)
	if !e.Subject.IsZero() {
		l.bySubject[e.Subject] = append(l.bySubject[e.Subject], len(l.entries))
	}
	l.entries = append(l.entries, e)
	return e.Seq, nil
}

// Scan implements [consent.Ledger]. Entries that are appended while it runs are
// yielded as well.
func (l *InMemory) Scan(ctx context.Context, after uint64, yield func(consent.Entry) error) error {
	for i := after; ; i++ {
		if err := ctx.Err(); err != nil {
			return err
		}
		l.mu.RLock()
		if i >= uint64(len(l.entries)) {
			l.mu.RUnlock()
			return nil
		}
		e := l.entries[i]
		l.mu.RUnlock()
		if e.Seq == 0 {
			continue // erased
		}
		if err := yield(e); err != nil {
			return err
		}
	}
}

// History implements [consent.Ledger].
func (l *InMemory) History(ctx context.Context, s consent.Subject) ([]consent.Entry, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	l.mu.RLock()
	defer l.mu.RUnlock()
	var out []consent.Entry
	for _, i := range l.bySubject[s] {
		out = append(out, l.entries[i])
	}
	return out, nil
}

// Erase implements [consent.Ledger].
func (l *InMemory) Erase(ctx context.Context, s consent.Subject) (int, error) {
	if err := ctx.Err(); err != nil {
		return 0, err
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	at := l.bySubject[s]
	for _, i := range at {
		l.entries[i] = consent.Entry{}
	}
	delete(l.bySubject, s)
	return len(at), nil
}

// Describe implements [consent.Describer].
func (l *InMemory) Describe(m *consent.Manifest) {
	m.Records = append(m.Records, consent.ManifestRecords{
		Store:     "memory",
		Holds:     held(),
		Retention: "until the process ends",
	})
}
