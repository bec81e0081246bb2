package exchange

import "time"

// Outcome is what the writer beneath accepted on behalf of the client. For an
// HTTP server it is what the client was sent; where Aborted is true, bytes that
// were accepted and not flushed may never have arrived.
type Outcome struct {
	Status        int   // the first final status; 0 when nothing was sent; 101 when hijacked
	Bytes         int64 // of the body; 0 for HEAD, 204 and 304
	Informational int   // 1xx responses before the final one

	// The times are measured where an end hook was registered by then: asking a
	// clock is a good part of what an exchange takes.
	FirstByte time.Duration // from the start until the header went out; 0 when none did
	Duration  time.Duration // from the start to the end; 0 while it runs

	Hijacked   bool // the connection was handed to the handler
	Panicked   bool // the handler panicked, other than with http.ErrAbortHandler
	Aborted    bool // the response was cut off
	WriteError bool // the connection took no more
	ClientGone bool // the client closed before the handler returned
	Superseded bool // a timeout answered in its place; Status and Bytes are 0
}

const (
	flagHijacked uint32 = 1 << iota
	flagPanicked
	flagAborted
	flagWriteError
	flagClientGone
	flagSuperseded
	flagSecondWriter
	flagHeaderOut // and not only handed to a writer that may still change it
	flagServed    // somebody owns the exchange
	flagCommitted
	flagEnded
	flagKeeper  // the writer beneath is a keeper
	flagNative  // the writer beneath is net/http's own
	flagNoBody  // what the handler writes is no body: HEAD, 204, 304, hijacked
	flagMore    // some hooks for the header or slots are in the overflow
	flagTimed   // somebody is told the outcome at the end
	flagCookies // several lines of Cookie are in the overflow
	flagID
	flagKept     // keptLine is what went out
	flagKeptMore // so are fields in the overflow
)

// elapsed is the time since the start, where anybody is told.
func (x *Exchange) elapsed() time.Duration {
	if !x.has(flagTimed) {
		return 0
	}
	return time.Since(x.start)
}

func (x *Exchange) set(flag uint32)      { x.flags.Or(flag) }
func (x *Exchange) has(flag uint32) bool { return x.flags.Load()&flag != 0 }

// Outcome returns what became of the exchange so far. It is final in
// [EndHook.AtEnd].
func (x *Exchange) Outcome() Outcome {
	if !x.has(flagEnded) { // else it is final
		x.mu.Lock()
		defer x.mu.Unlock()
	}
	var size int64
	if x.has(flagEnded) {
		size = x.length
	} else {
		size = x.bytes.Load()
	}
	o := Outcome{
		Status: int(x.status), Bytes: size, Informational: int(x.hints), FirstByte: x.first, Duration: x.total,
		Hijacked: x.has(flagHijacked), Panicked: x.has(flagPanicked), Aborted: x.has(flagAborted),
		WriteError: x.has(flagWriteError), ClientGone: x.has(flagClientGone), Superseded: x.has(flagSuperseded),
	}
	if o.Superseded {
		o.Status, o.Bytes = 0, 0
	}
	return o
}

// Committed reports whether the final header went out or the connection was
// hijacked, so that no header can be changed any more.
func (x *Exchange) Committed() bool { return x.has(flagCommitted | flagHijacked) }
