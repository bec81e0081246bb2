package iputil

import (
	"io"
	"net"
	"time"
)

// tcpConn is a TCP connection that says less of where it comes from. It hands
// on what net/http and crypto/tls ask for beside net.Conn: ReadFrom (sendfile),
// WriteTo (splice) and CloseWrite. What else *net.TCPConn has, SyscallConn and
// File above all, would be a way to the address and is not offered.
type tcpConn struct {
	c *net.TCPConn
	hidden
}

func (t *tcpConn) LocalAddr() net.Addr  { return t.c.LocalAddr() }
func (t *tcpConn) RemoteAddr() net.Addr { return t.remote }

func (t *tcpConn) Read(p []byte) (int, error) {
	n, err := t.c.Read(p)
	return n, t.scrub(err)
}

func (t *tcpConn) Write(p []byte) (int, error) {
	n, err := t.c.Write(p)
	return n, t.scrub(err)
}

func (t *tcpConn) ReadFrom(src io.Reader) (int64, error) {
	n, err := t.c.ReadFrom(src)
	return n, t.scrub(err)
}

func (t *tcpConn) WriteTo(dst io.Writer) (int64, error) {
	n, err := t.c.WriteTo(dst)
	return n, t.scrub(err)
}

func (t *tcpConn) Close() error      { return t.scrub(t.c.Close()) }
func (t *tcpConn) CloseRead() error  { return t.scrub(t.c.CloseRead()) }
func (t *tcpConn) CloseWrite() error { return t.scrub(t.c.CloseWrite()) }

func (t *tcpConn) SetDeadline(at time.Time) error      { return t.scrub(t.c.SetDeadline(at)) }
func (t *tcpConn) SetReadDeadline(at time.Time) error  { return t.scrub(t.c.SetReadDeadline(at)) }
func (t *tcpConn) SetWriteDeadline(at time.Time) error { return t.scrub(t.c.SetWriteDeadline(at)) }

// otherConn is any other connection: of a listener of the host's own.
type otherConn struct {
	c net.Conn
	hidden
}

func (o *otherConn) LocalAddr() net.Addr  { return o.c.LocalAddr() }
func (o *otherConn) RemoteAddr() net.Addr { return o.remote }

func (o *otherConn) Read(p []byte) (int, error) {
	n, err := o.c.Read(p)
	return n, o.scrub(err)
}

func (o *otherConn) Write(p []byte) (int, error) {
	n, err := o.c.Write(p)
	return n, o.scrub(err)
}

// CloseWrite does nothing where the connection cannot be half closed, as
// net/http does then.
func (o *otherConn) CloseWrite() error {
	if w, ok := o.c.(interface{ CloseWrite() error }); ok {
		return o.scrub(w.CloseWrite())
	}
	return nil
}

func (o *otherConn) Close() error { return o.scrub(o.c.Close()) }

func (o *otherConn) SetDeadline(at time.Time) error      { return o.scrub(o.c.SetDeadline(at)) }
func (o *otherConn) SetReadDeadline(at time.Time) error  { return o.scrub(o.c.SetReadDeadline(at)) }
func (o *otherConn) SetWriteDeadline(at time.Time) error { return o.scrub(o.c.SetWriteDeadline(at)) }
