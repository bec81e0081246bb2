package exchange

import (
	"bufio"
	"errors"
	"io"
	"net"
	"net/http"
)

// errEnded is what a write is told that comes after the handler returned.
var errEnded = errors.New("exchange: the handler has returned")

// writer is the wrapper without the optional interfaces. It is one pointer, so
// that no form of it costs an allocation.
type writer struct{ x *Exchange }

func (w writer) exchange() *Exchange { return w.x }

// Header returns the response's header map, and a map that leads nowhere once
// the handler returned: the real one belongs to the server then.
func (w writer) Header() http.Header {
	if w.x.has(flagEnded) {
		return http.Header{}
	}
	return w.x.header
}

func (w writer) Write(p []byte) (int, error) {
	if w.x.has(flagEnded) {
		return 0, errEnded
	}
	w.x.openBody()
	n, err := w.x.beneath.Write(p)
	w.x.wrote(int64(n), err)
	return n, err
}

// WriteString implements io.StringWriter. It saves a copy where the writer
// beneath does, and costs the same where not.
func (w writer) WriteString(s string) (int, error) {
	if w.x.has(flagEnded) {
		return 0, errEnded
	}
	w.x.openBody()
	n, err := io.WriteString(w.x.beneath, s)
	w.x.wrote(int64(n), err)
	return n, err
}

func (w writer) WriteHeader(status int) {
	x := w.x
	switch {
	case x.has(flagEnded):
		return
	case x.has(flagHijacked):
		// The server says so itself.
	case status < 100 || status > 999:
		// The writer beneath panics as it does; nothing is sent.
	case x.informational(status):
		if !x.has(flagCommitted) {
			x.sendInformational(status)
			return
		}
	default:
		x.commit(status)
	}
	x.beneath.WriteHeader(status)
}

// informational tells a 1xx that others may follow. To net/http a 101 is final
// in HTTP/1 and informational in HTTP/2.
func (x *Exchange) informational(status int) bool {
	return status < 200 && (status != http.StatusSwitchingProtocols || x.req.ProtoMajor >= 2)
}

// sendInformational sends a 1xx without what only the final header may carry:
// whether that is allowed is decided there. A commit in another goroutine waits
// meanwhile, because it must not find the header map without those fields;
// deadlines take no lock and still cut a connection that stalls here.
func (x *Exchange) sendInformational(status int) {
	x.committing.Lock()
	defer x.committing.Unlock()
	withheld := takeStorage(x.header)
	x.mu.Lock()
	if !x.has(flagEnded) {
		x.hints++
	}
	x.mu.Unlock()
	defer putBack(x.header, withheld)
	w := x.beneath
	for {
		// A keeper would take the 1xx for the final status. What is beneath it
		// has the same header map and sends it.
		k, ok := w.(interface {
			keeper
			Unwrap() http.ResponseWriter
		})
		if !ok {
			break
		}
		w = k.Unwrap()
	}
	w.WriteHeader(status)
}

// wrote accounts for body bytes and for what the connection said. A write that
// was under way when the handler returned no longer counts: the outcome is final.
// It takes no lock where all is well: a template writes hundreds of times a page.
func (x *Exchange) wrote(n int64, err error) {
	if n > 0 && !x.has(flagNoBody|flagEnded) {
		x.bytes.Add(n)
	}
	if err == nil {
		return
	}
	x.mu.Lock()
	defer x.mu.Unlock()
	switch {
	case x.has(flagEnded), errors.Is(err, http.ErrBodyNotAllowed), errors.Is(err, http.ErrContentLength), errors.Is(err, http.ErrHijacked):
	case errors.Is(err, http.ErrHandlerTimeout):
		x.set(flagSuperseded)
	default:
		x.set(flagWriteError)
	}
}

func (x *Exchange) flush() error {
	if x.has(flagEnded) {
		return errEnded
	}
	x.openBody()
	err := http.NewResponseController(x.beneath).Flush()
	if err == nil {
		x.set(flagHeaderOut)
	}
	x.wrote(0, err)
	return err
}

func (x *Exchange) hijack() (net.Conn, *bufio.ReadWriter, error) {
	if x.has(flagEnded) {
		return nil, nil, errEnded
	}
	conn, rw, err := http.NewResponseController(x.beneath).Hijack()
	if err == nil {
		x.mu.Lock()
		defer x.mu.Unlock()
		if !x.has(flagCommitted) && !x.has(flagEnded) {
			x.status, x.first = http.StatusSwitchingProtocols, x.elapsed()
			x.set(flagNoBody)
		}
		x.set(flagHijacked)
	}
	return conn, rw, err
}

// sniffed is how much is read to know that there is anything; net/http looks
// at as much to guess the content type.
const sniffed = 512

// readFrom hands the source to the writer beneath, which may send it without
// copying (sendfile). An empty source sends nothing, not even the header, so
// the first block is read here while the header is still open.
func (x *Exchange) readFrom(src io.Reader) (int64, error) {
	if x.has(flagEnded) {
		return 0, errEnded
	}
	var first int64
	if !x.Committed() {
		n, err := x.writeFirstBlock(src)
		if n == 0 || err != nil {
			if errors.Is(err, io.EOF) {
				err = nil
			}
			return n, err
		}
		first = n
	}
	x.openBody()
	n, err := x.beneath.(io.ReaderFrom).ReadFrom(src)
	x.wrote(n, err)
	return first + n, err
}

// writeFirstBlock writes the first data that src gives. Its error may be
// io.EOF.
func (x *Exchange) writeFirstBlock(src io.Reader) (int64, error) {
	block := make([]byte, sniffed)
	n, readErr := 0, error(nil)
	for n == 0 && readErr == nil {
		n, readErr = src.Read(block)
	}
	if n == 0 {
		return 0, readErr
	}
	x.openBody()
	written, err := x.beneath.Write(block[:n])
	x.wrote(int64(written), err)
	switch {
	case err != nil:
	case written < n:
		err = io.ErrShortWrite
	default:
		err = readErr
	}
	return int64(written), err
}

func (x *Exchange) push(target string, opts *http.PushOptions) error {
	return x.beneath.(http.Pusher).Push(target, opts)
}
