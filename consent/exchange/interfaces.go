package exchange

import (
	"bufio"
	"io"
	"net"
	"net/http"
	"reflect"
)

// The wrapper offers http.Flusher, http.Hijacker, io.ReaderFrom and http.Pusher
// exactly where the writer beneath does, because code asserts them and acts on
// the answer. There is one type for each subset; each adds one method to a
// smaller one, and all are a single pointer. The letters are the first ones of
// the interfaces' names.
type (
	plain struct{ writer }
	f     struct{ plain }
	h     struct{ plain }
	r     struct{ plain }
	p     struct{ plain }
	fh    struct{ f }
	fr    struct{ f }
	fp    struct{ f }
	hr    struct{ h }
	hp    struct{ h }
	rp    struct{ r }
	fhr   struct{ fh }
	fhp   struct{ fh }
	frp   struct{ fr }
	hrp   struct{ hr }
	fhrp  struct{ fhr }
)

// Unwrap lets http.ResponseController find what the wrapper does not offer. It
// commits nothing, and what it returns cannot be unwrapped further.
func (w plain) Unwrap() http.ResponseWriter { return guard(w) }

func (w f) Flush()            { _ = w.x.flush() }
func (w f) FlushError() error { return w.x.flush() }

func (w h) Hijack() (net.Conn, *bufio.ReadWriter, error)  { return w.x.hijack() }
func (w fh) Hijack() (net.Conn, *bufio.ReadWriter, error) { return w.x.hijack() }

func (w r) ReadFrom(src io.Reader) (int64, error)   { return w.x.readFrom(src) }
func (w fr) ReadFrom(src io.Reader) (int64, error)  { return w.x.readFrom(src) }
func (w hr) ReadFrom(src io.Reader) (int64, error)  { return w.x.readFrom(src) }
func (w fhr) ReadFrom(src io.Reader) (int64, error) { return w.x.readFrom(src) }

func (w p) Push(target string, opts *http.PushOptions) error    { return w.x.push(target, opts) }
func (w fp) Push(target string, opts *http.PushOptions) error   { return w.x.push(target, opts) }
func (w hp) Push(target string, opts *http.PushOptions) error   { return w.x.push(target, opts) }
func (w rp) Push(target string, opts *http.PushOptions) error   { return w.x.push(target, opts) }
func (w fhp) Push(target string, opts *http.PushOptions) error  { return w.x.push(target, opts) }
func (w frp) Push(target string, opts *http.PushOptions) error  { return w.x.push(target, opts) }
func (w hrp) Push(target string, opts *http.PushOptions) error  { return w.x.push(target, opts) }
func (w fhrp) Push(target string, opts *http.PushOptions) error { return w.x.push(target, opts) }

// wrap returns the wrapper with the interfaces that the writer beneath has, and
// notes what sort of writer that is.
func wrap(x *Exchange) http.ResponseWriter {
	b := plain{writer{x}}
	const flusher, hijacker, readerFrom, pusher = 1, 2, 4, 8
	mask := 0
	if _, ok := x.beneath.(http.Flusher); ok {
		mask |= flusher
	}
	if _, ok := x.beneath.(http.Hijacker); ok {
		mask |= hijacker
	}
	if _, ok := x.beneath.(io.ReaderFrom); ok {
		mask |= readerFrom
	}
	if _, ok := x.beneath.(http.Pusher); ok {
		mask |= pusher
	}
	if mask&flusher != 0 && isNative(x.beneath) { // net/http's own all flush
		x.set(flagNative)
	} else if _, ok := x.beneath.(keeper); ok {
		x.set(flagKeeper)
	}
	switch mask {
	case flusher:
		return f{b}
	case hijacker:
		return h{b}
	case readerFrom:
		return r{b}
	case pusher:
		return p{b}
	case flusher | hijacker:
		return fh{f{b}}
	case flusher | readerFrom:
		return fr{f{b}}
	case flusher | pusher:
		return fp{f{b}}
	case hijacker | readerFrom:
		return hr{h{b}}
	case hijacker | pusher:
		return hp{h{b}}
	case readerFrom | pusher:
		return rp{r{b}}
	case flusher | hijacker | readerFrom:
		return fhr{fh{f{b}}}
	case flusher | hijacker | pusher:
		return fhp{fh{f{b}}}
	case flusher | readerFrom | pusher:
		return frp{fr{f{b}}}
	case hijacker | readerFrom | pusher:
		return hrp{hr{h{b}}}
	case flusher | hijacker | readerFrom | pusher:
		return fhrp{fhr{fh{f{b}}}}
	}
	return b
}

// isNative reports whether w is net/http's own, of HTTP/1 or HTTP/2.
func isNative(w http.ResponseWriter) bool {
	switch reflect.TypeOf(w).String() {
	case "*http.response", "*http.http2responseWriter":
		return true
	}
	return false
}
