package exchange

import (
	"context"
	"errors"
	"net/http"
	"strconv"
)

// Serve calls next on behalf of a middleware. The first Serve of an exchange
// owns it: when next returns or panics, the exchange ends. A panic passes
// through unchanged, with the frames it came from. Inner ones only learn the
// route from the request they passed on.
func (x *Exchange) Serve(next http.Handler, w http.ResponseWriter, r *http.Request) {
	if x.has(flagServed) {
		if x.inner.Load() != r && !x.has(flagEnded) {
			x.inner.Store(r)
		}
		defer x.learnRoute(r)
		next.ServeHTTP(w, r)
		return
	}
	x.inner.Store(r)
	x.set(flagServed)
	returned := false
	defer func() {
		if returned {
			x.finish(r)
			return
		}
		// nil is runtime.Goexit, which needs no help to go on.
		v := recover()
		x.unwind(r, v)
		if v != nil {
			// From inside the deferred function, so that the stack below, with
			// the frames that panicked, is still there for whoever prints it.
			panic(v)
		}
	}()
	next.ServeHTTP(w, r)
	returned = true
}

func (x *Exchange) learnRoute(r *http.Request) {
	if r.Pattern != "" {
		x.SetRoute(r.Pattern)
	}
}

// finish ends an exchange whose handler returned.
func (x *Exchange) finish(r *http.Request) {
	x.learnRoute(r)
	x.askWhetherSuperseded()
	// Nothing was written: the server will answer 200, or something further
	// out will answer with the header map as it is now.
	x.commitImplied()
	x.end(r)
}

// unwind ends an exchange whose handler panicked or left by runtime.Goexit.
func (x *Exchange) unwind(r *http.Request, v any) {
	x.learnRoute(r)
	x.set(flagAborted)
	if v != nil && v != http.ErrAbortHandler { //nolint:errorlint // net/http compares so
		x.set(flagPanicked)
	}
	if !x.Committed() {
		x.clean()
	}
	x.end(r)
}

// askWhetherSuperseded finds out whether http.TimeoutHandler answered in the
// meantime. It asks by an empty write, which is harmless when the header went
// out already, or when the writer beneath keeps everything back as
// TimeoutHandler's does. Elsewhere a timeout further out may still want to
// answer, and an empty write would take that from it.
func (x *Exchange) askWhetherSuperseded() {
	if x.has(flagSuperseded|flagHijacked) || !errors.Is(x.req.Context().Err(), context.DeadlineExceeded) {
		return
	}
	if _, flusher := x.beneath.(http.Flusher); flusher && !x.has(flagCommitted) {
		return
	}
	x.commitImplied()
	if _, err := x.beneath.Write(nil); errors.Is(err, http.ErrHandlerTimeout) {
		x.set(flagSuperseded)
	}
}

// end makes the outcome final and runs the end hooks. r is what was passed on.
func (x *Exchange) end(r *http.Request) {
	x.removeForm(r)
	x.removeForm(x.inner.Load())
	if !x.has(flagHijacked) {
		x.restore()
	}
	if errors.Is(x.req.Context().Err(), context.Canceled) {
		x.set(flagClientGone)
	}
	// It may have changed since.
	known := x.statusBeneath()
	x.mu.Lock()
	if known != 0 && x.has(flagCommitted) && !x.has(flagHijacked) {
		x.status = int32(known)
	}
	size := x.bytes.Load()
	if !x.has(flagHijacked) && x.length > size && bodyAllowed(x.req.Method, x.status) {
		x.set(flagAborted)
	}
	x.length = size
	x.total = x.elapsed()
	x.set(flagEnded)
	x.inner.Store(nil) // a handler that goes on after its time may have it written to
	further := x.furtherEnds()
	x.mu.Unlock()
	x.runAtEnd(further)
}

// removeForm removes the files that an uploaded form was kept in. The server does
// so for the request that it made, and knows nothing of a copy on which a
// handler parsed the form: what visitors sent would stay on the disk.
func (x *Exchange) removeForm(r *http.Request) {
	if r != nil && r.MultipartForm != nil && r.MultipartForm != x.req.MultipartForm {
		_ = r.MultipartForm.RemoveAll()
	}
}

// commit runs the header hooks, once, before the header goes out. A second
// writer in another goroutine waits, so that it cannot send a header that was
// not looked at.
func (x *Exchange) commit(status int) bool {
	if x.Committed() {
		return false
	}
	x.committing.Lock()
	defer x.committing.Unlock()
	if x.Committed() {
		return false
	}
	x.runBefore(status)
	promised := int64(-1)
	if length := x.seal(); len(length) == 1 {
		if n, err := strconv.ParseInt(length[0], 10, 64); err == nil {
			promised = n
		}
	}
	x.mu.Lock()
	defer x.mu.Unlock()
	// Hijacked from another goroutine meanwhile: no header went out. Ended: what
	// is recorded stays.
	if x.has(flagHijacked | flagEnded) {
		return false
	}
	x.status, x.length, x.first = int32(status), promised, x.elapsed()
	if !bodyAllowed(x.req.Method, x.status) {
		x.set(flagNoBody)
	}
	x.set(flagCommitted)
	return true
}

// commitImplied commits before something that sends the header without naming
// a status. gin presets one, 404 where it found no route; else it is 200.
func (x *Exchange) commitImplied() bool {
	if x.Committed() {
		return false
	}
	status := x.statusBeneath()
	if status == 0 {
		status = http.StatusOK
	}
	return x.commit(status)
}

// keeper is a writer that keeps the status for itself until the first byte
// (gin's). Others have a Status as well, but some of those tell what they were
// last asked for, and not what went out.
type keeper interface {
	Status() int
	WriteHeaderNow()
}

// statusBeneath returns the final status that a keeper has, or 0.
func (x *Exchange) statusBeneath() int {
	if !x.has(flagKeeper) {
		return 0
	}
	if code := x.beneath.(keeper).Status(); code >= 200 && code <= 999 || code == http.StatusSwitchingProtocols {
		return code
	}
	return 0
}

// clean takes what must not go out from the header map while a panic unwinds.
func (x *Exchange) clean() {
	x.committing.Lock()
	defer x.committing.Unlock()
	x.runBefore(0)
	dropTrailerNames(x.header)
}

// bodyAllowed reports whether a response has a body (RFC 9110 §6.4.1).
func bodyAllowed(method string, status int32) bool {
	return method != http.MethodHead && status >= 200 && status != http.StatusNoContent && status != http.StatusNotModified
}
