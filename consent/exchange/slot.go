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
	x.mu.Lock()
	defer x.mu.Unlock()
	for i := range x.slots {
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
	x.mu.Lock()
	defer x.mu.Unlock()
	if x.ended.Load() {
		return
	}
	for i := range x.slots {
		if x.slots[i].key == &s.id {
			x.slots[i].value = v
			return
		}
	}
	x.slots = append(x.slots, slot{&s.id, v})
}
