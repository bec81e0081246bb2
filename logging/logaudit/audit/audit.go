package audit

import (
	"bufio"
	"compress/gzip"
	"errors"
	"fmt"
	"io"
	"sync/atomic"
	"time"

	"github.com/candorhttp/candor/iputil"
)

// Audit holds log files against a manifest. Make it with New; the zero Audit is
// not usable. It is safe for concurrent use.
type Audit struct {
	fields      []field
	index       map[string]int
	time, state int        // places of these fields, -1 where not declared
	kept        iputil.Cut // what an address may show outside its own field
	silence     bool       // unset and stale can open the granted fields

	files, lines, findings atomic.Uint64
}

// Stats says what was read so far.
type Stats struct {
	Files, Lines, Findings uint64
}

// Stats returns the counts of all readings that have ended.
func (a *Audit) Stats() Stats {
	return Stats{a.files.Load(), a.lines.Load(), a.findings.Load()}
}

// Read reads a log, lines of JSON or of the combined format, plain or
// compressed with gzip, and hands every finding to report in the order of the
// lines. name is what findings and errors call the log. The error says that the
// log could not be read to its end; what was found before it counts. Memory does
// not grow with the log.
func (a *Audit) Read(r io.Reader, name string, report func(Finding)) error {
	return a.ReadAt(r, name, time.Now(), report)
}

// ReadAt is like Read at another time: lines are as old as they are then.
func (a *Audit) ReadAt(r io.Reader, name string, now time.Time, report func(Finding)) error {
	in, err := plainText(r)
	if err != nil {
		return fmt.Errorf("audit: %s: %w", name, err)
	}
	l := newLines(a, name, now, report)
	err = l.read(in)
	a.files.Add(1)
	a.lines.Add(uint64(l.number))
	a.findings.Add(l.findings)
	if err != nil {
		return fmt.Errorf("audit: %s: %w", name, err)
	}
	return nil
}

// maxLine bounds a line, without its end. The log's own have about 1 KiB at most
// where routes and declared queries are short.
const maxLine = 64 << 10

// plainText returns a reader whose buffer holds a line of maxLine.
func plainText(r io.Reader) (*bufio.Reader, error) {
	const size = maxLine + len("\r\n")
	in := bufio.NewReaderSize(r, size)
	magic, err := in.Peek(2)
	if err != nil && !errors.Is(err, io.EOF) {
		return nil, err
	}
	if string(magic) != "\x1f\x8b" {
		return in, nil
	}
	z, err := gzip.NewReader(in)
	if err != nil {
		return nil, err
	}
	return bufio.NewReaderSize(z, size), nil
}
