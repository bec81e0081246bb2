package exchange

import (
	"bufio"
	"fmt"
	"net"
	"net/http"
	"time"
)

// guard is what Unwrap returns. http.ResponseController reaches deadlines and
// full duplex of the connection through it; everything that sends something
// goes through the exchange, so that unwrapping is no way round its hooks.
type guard struct{ writer }

// FlushError flushes if anything beneath can. Where nothing can, the header
// stays open, as it would without the wrapper.
func (g guard) FlushError() error {
	if !canFlush(g.x.beneath) {
		return fmt.Errorf("exchange: %w", http.ErrNotSupported)
	}
	return g.x.flush()
}

func canFlush(w http.ResponseWriter) bool {
	for w != nil {
		switch t := w.(type) {
		case interface{ FlushError() error }, http.Flusher:
			return true
		case interface{ Unwrap() http.ResponseWriter }:
			w = t.Unwrap()
		default:
			return false
		}
	}
	return false
}

func (g guard) Hijack() (net.Conn, *bufio.ReadWriter, error) { return g.x.hijack() }

// The deadlines take no lock: they must be able to cut a write that blocks.

func (g guard) SetReadDeadline(t time.Time) error {
	return http.NewResponseController(g.x.beneath).SetReadDeadline(t)
}

func (g guard) SetWriteDeadline(t time.Time) error {
	return http.NewResponseController(g.x.beneath).SetWriteDeadline(t)
}

func (g guard) EnableFullDuplex() error {
	return http.NewResponseController(g.x.beneath).EnableFullDuplex()
}

// CloseNotify is what http.CloseNotifier asks for, which gin and others of its
// age still assert on what they are given. Where the writer beneath has it, it
// answers; elsewhere the request's context does.
func (w writer) CloseNotify() <-chan bool {
	if n, ok := w.x.beneath.(interface{ CloseNotify() <-chan bool }); ok {
		return n.CloseNotify()
	}
	gone := make(chan bool, 1)
	// A server's context is always done in the end; one that never is would
	// keep the goroutine for ever.
	if done := w.x.req.Context().Done(); done != nil {
		go func() {
			<-done
			gone <- true
		}()
	}
	return gone
}
