package exchange

import (
	"context"
	"errors"
	"net/http"
	"strconv"
	"time"
)

// Serve calls next on behalf of a middleware. The first Serve of an exchange
// owns it: when next returns or panics, the exchange ends. A panic passes
// through unchanged, with the frames it came from. Inner ones only learn the
// route from the request they passed on.
func (x *Exchange) Serve(next http.Handler, w http.ResponseWriter, r *http.Request) {
	x.mu.Lock()
	owner := !x.served
	x.served = true
	x.mu.Unlock()
	if !owner {
		defer x.learnRoute(r)
		next.ServeHTTP(w, r)
		return
	}
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
	if !x.has(flagHijacked) {
		x.askWhetherSuperseded()
		// Nothing was written: the server will answer 200, or something further
		// out will answer with the header map as it is now.
		x.commit(http.StatusOK)
		if x.expected > x.bytes.Load() && bodyAllowed(x.req.Method, x.status) {
			x.set(flagAborted)
		}
	}
	x.end()
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
	x.end()
}

// askWhetherSuperseded finds out whether http.TimeoutHandler answered in the
// meantime. It asks by an empty write, which is harmless when the header went
// out already, or when the writer beneath keeps everything back as
// TimeoutHandler's does. Elsewhere a timeout further out may still want to
// answer, and an empty write would take that from it.
func (x *Exchange) askWhetherSuperseded() {
	if x.has(flagSuperseded) || !errors.Is(x.ctx.Err(), context.DeadlineExceeded) {
		return
	}
	if _, flusher := x.beneath.(http.Flusher); flusher && !x.committed.Load() {
		return
	}
	x.commit(http.StatusOK)
	if _, err := x.beneath.Write(nil); errors.Is(err, http.ErrHandlerTimeout) {
		x.set(flagSuperseded)
	}
}

// end makes the outcome final and runs the end hooks.
func (x *Exchange) end() {
	if !x.has(flagHijacked) {
		x.restore()
	}
	if errors.Is(x.ctx.Err(), context.Canceled) {
		x.set(flagClientGone)
	}
	x.mu.Lock()
	x.ended.Store(true)
	x.total = time.Since(x.start)
	// A writer that keeps the status for itself until the first byte (gin's)
	// may have changed it since.
	if s, ok := x.beneath.(interface{ Status() int }); ok && x.committed.Load() && validStatus(s.Status()) && x.status != 0 {
		x.status = s.Status()
	}
	hooks := x.atEnd
	x.mu.Unlock()
	for _, h := range hooks {
		h.AtEnd(x)
	}
}

// commit runs the header hooks, once, before the header goes out. A second
// writer in another goroutine waits, so that it cannot send a header that was
// not looked at.
func (x *Exchange) commit(status int) {
	if x.committed.Load() {
		return
	}
	x.committing.Lock()
	defer x.committing.Unlock()
	if x.committed.Load() {
		return
	}
	// gin presets a status that an implicit header is sent with.
	if s, ok := x.beneath.(interface{ Status() int }); ok && status == http.StatusOK && validStatus(s.Status()) {
		status = s.Status()
	}
	x.runBefore(status)
	x.kept = keepStorage(x.header)
	dropTrailerNames(x.header)
	expected := int64(-1)
	if v := x.header["Content-Length"]; len(v) == 1 {
		if n, err := strconv.ParseInt(v[0], 10, 64); err == nil {
			expected = n
		}
	}
	x.mu.Lock()
	x.status, x.expected, x.first = status, expected, time.Since(x.start)
	x.mu.Unlock()
	x.committed.Store(true)
}

func (x *Exchange) runBefore(status int) {
	x.mu.Lock()
	hooks := x.before
	x.mu.Unlock()
	for _, h := range hooks {
		h.BeforeHeader(x, status, x.header)
	}
}

// clean takes what must not go out from the header map while a panic unwinds.
func (x *Exchange) clean() {
	x.committing.Lock()
	defer x.committing.Unlock()
	x.runBefore(0)
}

func validStatus(code int) bool {
	return code >= 200 && code <= 999 || code == http.StatusSwitchingProtocols
}

// bodyAllowed reports whether a response has a body (RFC 9110 §6.4.1).
func bodyAllowed(method string, status int) bool {
	return method != http.MethodHead && status >= 200 && status != http.StatusNoContent && status != http.StatusNotModified
}
