package logtest

import (
	"bytes"
	"sync"
)

// Sink is something that the service under test writes to: its log, its error
// log, what its error reporter or its metrics would have sent.
type Sink struct {
	// Name stands in the report. Required.
	Name string
	// Read returns everything that was written so far, each time from the
	// beginning. It is called when the server is closed, some times, and must
	// flush what waits in buffers and queues. Required.
	Read func() []byte
	// MayBeEmpty lets the test pass when nothing was written. By default that
	// fails it, because a log that is not connected holds no canary either.
	MayBeEmpty bool
}

// Buffer is a bytes.Buffer that handlers and a test may use at the same time.
// The zero Buffer is empty and ready.
type Buffer struct {
	mu  sync.Mutex
	buf bytes.Buffer
}

// Write implements io.Writer. It never fails.
func (b *Buffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.buf.Write(p)
}

// Bytes returns a copy of everything written so far.
func (b *Buffer) Bytes() []byte {
	b.mu.Lock()
	defer b.mu.Unlock()
	return bytes.Clone(b.buf.Bytes())
}

// Sink returns the buffer as a sink with a name.
func (b *Buffer) Sink(name string) Sink { return Sink{Name: name, Read: b.Bytes} }
