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
// [Begin] costs one allocation, which holds the record and the copy of the request
// that carries it. Nothing is pooled and no body is buffered.
//
// # What holds
//
// Header hooks run exactly once, before the final header: at the first Write,
// final WriteHeader, Flush or non-empty ReadFrom, or when the handler returns.
// 1xx responses go out without cookies, and so do trailers. What is changed in
// the storage fields (cookies, NEL, Reporting, Client Hints) after the hooks ran
// is not sent, also where the writer beneath sends its header later than it was
// told to (gin's, http.TimeoutHandler's, compressing ones). The wrapper offers
// http.Flusher, http.Hijacker, io.ReaderFrom and http.Pusher exactly where the
// writer beneath does; Unwrap leads to deadlines and full duplex and to nothing
// that could send. What is not about storage reaches the client as it would
// without the wrapper.
//
// # Threat model and limits
//
// Guarded against is a handler that stores something in a browser by mistake,
// by whatever way a ResponseWriter has. A handler that means to get round it
// can: it shares the process. After a hijack the connection is the handler's.
//
// A timeout that answers around the chain is seen from http.ErrHandlerTimeout
// or from an empty write when the deadline has passed; a handler that returns
// within microseconds of its deadline may be recorded as if it had answered.
// A writer beneath that takes a 103 for the final answer and keeps that to
// itself (http.TimeoutHandler's, httptest.ResponseRecorder, echo's) is recorded
// as if it had sent what followed. Two goroutines of a handler that change the
// header map at once race here as they do without.
//
// # Where to mount
//
// Anywhere; the first middleware that calls [Begin] makes the exchange. Mount it
// outside everything that sets cookies, and recoverers inside the chain: what
// one outside answers after a panic is cleaned and not seen.
//
// # Formats
//
// Nothing leaves the process.
package exchange
