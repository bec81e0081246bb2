// Package exchange is what the middlewares of this module share about one HTTP
// exchange. It is for authors of middleware; handlers need nothing of it.
//
// Every middleware that looks at a response wraps its writer, and every wrapper
// gets something wrong: an early flush, a 103, a second WriteHeader, a panic, a
// hijack, sendfile lost. Here there is one wrapper for all of them and one
// record, so that they agree on what was sent and each may be mounted anywhere:
//
//	x, w, r := exchange.Begin(w, r)
//	x.OnHeader(hook) // judges the header just before it goes out
//	x.OnEnd(hook)    // sees the Outcome
//	x.Serve(next, w, r)
//
// [Begin] costs two allocations, the record and the copy of the request that
// carries it. Nothing is pooled and no body is buffered.
//
// # What holds
//
// Header hooks run exactly once, before the final header: at the first Write,
// final WriteHeader, Flush or non-empty ReadFrom, or when the handler returns.
// 1xx responses go out without cookies, and so do trailers. What is added to
// the storage fields (cookies, NEL, Reporting, Client Hints) after the header
// went out is not sent, also where an outer writer copies its header map late.
// The wrapper offers http.Flusher, http.Hijacker, io.ReaderFrom and http.Pusher
// exactly where the writer beneath does; Unwrap leads to deadlines and full
// duplex and to nothing that could send.
//
// # Limits
//
// After a hijack the connection is the handler's. A timeout that answers around
// the chain is seen from http.ErrHandlerTimeout or from an empty write when the
// deadline has passed; a handler that returns within microseconds of its
// deadline may be recorded as if it had answered. Recoverers belong inside the
// chain: what one outside answers after a panic is not seen. Two goroutines of
// a handler that change the header map at once race here as they do without.
package exchange
