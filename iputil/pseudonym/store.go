package pseudonym

import (
	"context"
	"math"
	"sync"
	"time"
)

// Epoch is one key's time, counted in lengths from the Unix epoch in UTC.
// Replicas that share keys have the same Length.
type Epoch struct {
	Number int64
	Length time.Duration
}

// Store shares the keys of epochs among replicas. storetest.Run is what every
// implementation passes. Its methods are called concurrently, from several
// replicas, never while a pseudonym is made.
type Store interface {
	// Key returns the key of the epoch, the same for every replica: the one that
	// is kept, or, where none is, fresh, which it keeps from then on. It fails
	// with ErrNoKey for an epoch of which Forget took the key, and for one that
	// is older than the newest by two or more, so that no key is made again
	// under a label that had one.
	Key(ctx context.Context, epoch Epoch, fresh [32]byte) ([32]byte, error)
	// Forget deletes the keys of all epochs of that length before epoch. It does
	// nothing where there are none.
	Forget(ctx context.Context, epoch Epoch) error
}

// Memory is a Store for keyrings of one process, and the reference for others.
// The zero Memory is empty and ready. It is safe for concurrent use.
type Memory struct {
	mu      sync.Mutex
	shelves map[time.Duration]*shelf // by the epochs' length
}

// shelf is the keys of epochs of one length.
type shelf struct {
	keys   map[int64]*[32]byte
	newest int64 // of the epochs that had a key
	before int64 // keys of epochs before this one are gone
}

func (m *Memory) shelf(length time.Duration) *shelf {
	s := m.shelves[length]
	if s == nil {
		s = &shelf{keys: map[int64]*[32]byte{}, newest: math.MinInt64, before: math.MinInt64}
		if m.shelves == nil {
			m.shelves = map[time.Duration]*shelf{}
		}
		m.shelves[length] = s
	}
	return s
}

// Key implements [Store].
func (m *Memory) Key(_ context.Context, epoch Epoch, fresh [32]byte) ([32]byte, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	s := m.shelf(epoch.Length)
	key := s.keys[epoch.Number]
	if key == nil {
		if epoch.Number < s.before || epoch.Number+1 < s.newest {
			return [32]byte{}, ErrNoKey
		}
		key = &fresh
		s.keys[epoch.Number] = key
		s.newest = max(s.newest, epoch.Number)
	}
	return *key, nil
}

// Forget implements [Store].
func (m *Memory) Forget(_ context.Context, epoch Epoch) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	s := m.shelf(epoch.Length)
	s.before = max(s.before, epoch.Number)
	for number, key := range s.keys {
		if number < epoch.Number {
			clear(key[:])
			delete(s.keys, number)
		}
	}
	return nil
}
