package exchange

type slot struct {
	key   *byte
	value any
}

// Slot is a typed place in every exchange, by which a middleware keeps what it
// learned and others see it. Its address is its key, as with the keys of a
// context: declare it as a field of the middleware or as a package variable.
type Slot[T any] struct{ id byte }

// Get returns what was put into the slot of x, or nil.
func (s *Slot[T]) Get(x *Exchange) *T {
	if !x.has(flagMore) {
		return s.near(x)
	}
	x.mu.Lock()
	defer x.mu.Unlock()
	return s.find(x, x.more)
}

// find looks for the slot. The lock is held where there is more.
func (s *Slot[T]) find(x *Exchange, more *overflow) *T {
	if more != nil && more.rest != nil {
		for _, other := range more.rest.slots {
			if other.key == &s.id {
				v, _ := other.value.(*T)
				return v
			}
		}
	}
	return s.near(x)
}

// near looks for the slot among the first, which takes no lock.
func (s *Slot[T]) near(x *Exchange) *T {
	// The newest first: what was put in again stands behind what it replaces.
	for i := x.count(slotsFilled) - 1; i >= 0; i-- {
		if x.slots[i].key == &s.id {
			v, _ := x.slots[i].value.(*T)
			return v
		}
	}
	return nil
}

// Set puts v into the slot of x. After the exchange ended it does nothing: a
// handler that went on after its time cannot change what was recorded.
func (s *Slot[T]) Set(x *Exchange, v *T) {
	if x.lock() {
		defer x.mu.Unlock()
	}
	if !x.has(flagEnded) {
		s.put(x, v)
	}
}

// LoadOrStore returns what is in the slot of x, or puts v there and returns
// that. As it changes nothing, it does so also after the exchange ended.
func (s *Slot[T]) LoadOrStore(x *Exchange, v *T) *T {
	if x.lock() {
		defer x.mu.Unlock()
	}
	if there := s.find(x, x.more); there != nil {
		return there
	}
	s.put(x, v)
	return v
}

// put is Set with the lock held.
func (s *Slot[T]) put(x *Exchange, v *T) {
	// A slot that somebody may be reading is left alone.
	if n := x.count(slotsFilled); n < len(x.slots) {
		x.slots[n] = slot{&s.id, v}
		x.counts.Store(x.counts.Load() + 1<<slotsFilled)
		return
	}
	more := x.rest()
	for i := range more.slots {
		if more.slots[i].key == &s.id {
			more.slots[i].value = v
			return
		}
	}
	more.slots = append(more.slots, slot{&s.id, v})
	x.set(flagMore)
}
