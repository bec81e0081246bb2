package exchange

import (
	"net/http"
	"slices"
)

// HeaderHook is called exactly once for a response, just before its final
// header goes out, by whatever way. It may change h, and must not write. A
// status of 0 means that a panic unwinds and nothing is sent: the hook may only
// take away, because a recoverer further out may answer with what is left; it
// is called again if a recoverer inside the exchange answers.
type HeaderHook interface {
	BeforeHeader(x *Exchange, status int, h http.Header)
}

// EndHook is called once, at the end of the exchange, when its Outcome is
// final. Nothing can be written any more.
type EndHook interface {
	AtEnd(x *Exchange)
}

// OnHeader registers a hook for the final header. Hooks run in the order in
// which they were registered, one that another hook registers after it. The
// same hook, which must be comparable, is registered once; after the header
// went out it is ignored.
func (x *Exchange) OnHeader(h HeaderHook) {
	if x.lock() {
		defer x.mu.Unlock()
	}
	if x.has(flagCommitted|flagEnded) || x.hold(h, asHeader) {
		return
	}
	if more := x.rest(); !slices.Contains(more.before, h) {
		more.before = append(more.before, h)
		x.set(flagMore)
	}
}

// OnEnd registers a hook for the end of the exchange. Hooks run in the order in
// which they were registered, one that is a HeaderHook as well in the place that
// it has as such. The same hook, which must be comparable, is registered once;
// after the end it is ignored.
func (x *Exchange) OnEnd(h EndHook) {
	if x.lock() {
		defer x.mu.Unlock()
	}
	if x.has(flagEnded) {
		return
	}
	x.set(flagTimed)
	if x.hold(h, asEnd) {
		return
	}
	if more := x.rest(); !slices.Contains(more.atEnd, h) {
		more.atEnd = append(more.atEnd, h)
	}
}

// hold keeps a hook and reports whether there was room for it. The lock is held
// where anybody else knows of x.
func (x *Exchange) hold(h any, as uint32) bool {
	n := x.count(hooksHeld)
	for i := range n {
		switch {
		case x.hooks[i] != h:
		case x.hookIs(i, as):
			return true
		case as == asEnd: // the header hooks may have come past it already
			x.counts.Store(x.counts.Load() | as<<(hookedAs+2*i))
			return true
		}
	}
	if n == len(x.hooks) {
		return false
	}
	x.hooks[n] = h
	x.counts.Store((x.counts.Load() + 1<<hooksHeld) | as<<(hookedAs+2*n))
	return true
}

// runBefore calls the header hooks outside the lock, because they ask for slots
// and may register further hooks: a part that is asked only by another one's
// hook registers its own then, and must not be passed over.
func (x *Exchange) runBefore(status int) {
	for i := 0; i < x.count(hooksHeld); i++ {
		if x.hookIs(i, asHeader) {
			x.hooks[i].(HeaderHook).BeforeHeader(x, status, x.header)
		}
	}
	for i := 0; x.has(flagMore); i++ {
		h := x.furtherHook(i)
		if h == nil {
			return
		}
		h.BeforeHeader(x, status, x.header)
	}
}

// furtherHook returns a header hook for which there was no room, or nil.
func (x *Exchange) furtherHook(i int) HeaderHook {
	x.mu.Lock()
	defer x.mu.Unlock()
	if before := x.more.rest.before; i < len(before) {
		return before[i]
	}
	return nil
}

// runAtEnd calls the end hooks, and then those for which there was no room.
// Nobody registers any more.
func (x *Exchange) runAtEnd(further []EndHook) {
	for i := range x.count(hooksHeld) {
		if x.hookIs(i, asEnd) {
			x.hooks[i].(EndHook).AtEnd(x)
		}
	}
	for _, h := range further {
		h.AtEnd(x)
	}
}

// furtherEnds returns the end hooks for which there was no room, with the lock
// held.
func (x *Exchange) furtherEnds() []EndHook {
	if x.more == nil || x.more.rest == nil {
		return nil
	}
	return x.more.rest.atEnd
}

// EndHookOf returns the first end hook of x that is a T, and false where there
// is none: a part that writes at the end can be found by it.
func EndHookOf[T EndHook](x *Exchange) (hook T, ok bool) {
	for i := range x.count(hooksHeld) {
		if x.hookIs(i, asEnd) {
			if hook, ok = x.hooks[i].(T); ok {
				return hook, true
			}
		}
	}
	x.mu.Lock()
	defer x.mu.Unlock()
	for _, h := range x.furtherEnds() {
		if hook, ok = h.(T); ok {
			return hook, true
		}
	}
	return hook, false
}
