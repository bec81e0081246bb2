package audit

import (
	"bufio"
	"bytes"
	"errors"
	"io"
	"net/netip"
	"time"
)

// lines audits one log, line by line.
type lines struct {
	audit    *Audit
	name     string
	now      int64
	report   func(Finding)
	number   int // of the line, from 1
	findings uint64

	judge  func(line []byte) // of the log's format; nil until its first line
	object object
	clock  clock

	// What the line has.
	seen      []int // at a field: the last line that had it
	present   []int // declared fields
	addresses []shownAddress
	said      []byte // consent.state
	dated     bool
	written   int64 // seconds since 1970
}

type shownAddress struct {
	field   int
	address netip.Addr
}

func newLines(a *Audit, name string, now time.Time, report func(Finding)) *lines {
	return &lines{audit: a, name: name, now: now.Unix(), report: report, seen: make([]int, len(a.fields))}
}

// read goes through the log.
func (l *lines) read(in *bufio.Reader) error {
	for {
		line, err := in.ReadSlice('\n')
		if err != nil && !errors.Is(err, io.EOF) && !errors.Is(err, bufio.ErrBufferFull) {
			return err
		}
		if len(line) == 0 {
			return nil
		}
		l.number++
		tooLong := errors.Is(err, bufio.ErrBufferFull)
		for errors.Is(err, bufio.ErrBufferFull) {
			_, err = in.ReadSlice('\n')
		}
		if err != nil && !errors.Is(err, io.EOF) {
			return err
		}
		if !tooLong {
			line = bytes.TrimSuffix(bytes.TrimSuffix(line, []byte("\n")), []byte("\r"))
			tooLong = len(line) > maxLine
		}
		if tooLong {
			l.found(noField, Long)
			continue
		}
		l.line(line)
	}
}

// line judges a line; empty ones say nothing.
func (l *lines) line(text []byte) {
	if l.judge == nil {
		start := bytes.TrimLeft(text, " \t\r")
		if len(start) == 0 {
			return
		}
		l.judge = l.combined
		if start[0] == '{' {
			l.judge = l.json
		}
	}
	if len(text) > 0 {
		l.present, l.addresses, l.said, l.dated = l.present[:0], l.addresses[:0], l.said[:0], false
		l.judge(text)
	}
}

func (l *lines) found(name string, kind Kind) {
	l.findings++
	l.report(Finding{File: l.name, Line: l.number, Field: name, Kind: kind})
}

// json judges a line of JSON.
func (l *lines) json(text []byte) {
	o := &l.object
	o.reset(text)
	for guess := 0; ; {
		switch o.next() {
		case broken:
			l.found(noField, Malformed)
			return
		case ended:
			l.finish(string(l.said))
			return
		}
		i := l.audit.lookUp(o.key, guess)
		if i < 0 {
			l.undeclared(o.key, o.value, o.nested)
			continue
		}
		guess = i + 1
		l.declared(i, o)
	}
}

// lookUp returns the place of a key, or -1. Keys mostly stand in the order of
// the manifest: guess is the place of the next.
func (a *Audit) lookUp(key []byte, guess int) int {
	if guess < len(a.fields) && a.fields[guess].name == string(key) {
		return guess
	}
	if i, ok := a.index[string(key)]; ok {
		return i
	}
	return -1
}

// undeclared reports a field that may not be there, and what it holds.
func (l *lines) undeclared(key, value []byte, nested bool) {
	name := shown(key)
	l.found(name, Undeclared)
	if nested {
		l.found(name, Nested)
		return
	}
	l.search(name, value, everything)
}

// declared judges a member of a line.
func (l *lines) declared(i int, o *object) {
	name := l.audit.fields[i].name
	if !l.enter(i) {
		l.found(name, Duplicate)
	}
	if o.nested {
		l.found(name, Nested)
		return
	}
	switch i {
	case l.audit.time:
		l.date(l.clock.rfc3339(o.value))
	case l.audit.state:
		l.said = append(l.said[:0], o.value...)
	}
	l.value(i, o.value, o.ascii)
}

// enter notes that a field is in the line, and reports whether it was not yet.
func (l *lines) enter(i int) bool {
	if l.seen[i] == l.number {
		return false
	}
	l.seen[i] = l.number
	l.present = append(l.present, i)
	return true
}

// date notes when the line was written. Of several times the oldest counts.
func (l *lines) date(t int64, ok bool) {
	if ok && (!l.dated || t < l.written) {
		l.written, l.dated = t, true
	}
}

// value judges the value of a declared field.
func (l *lines) value(i int, value []byte, ascii bool) {
	f := &l.audit.fields[i]
	look := f.look
	if !f.form.match(value, ascii) {
		l.found(f.name, Form)
		look = everything // the form explains nothing
	} else if f.address {
		a, err := netip.ParseAddr(string(value))
		if err != nil {
			l.found(f.name, Form)
			return
		}
		l.addresses = append(l.addresses, shownAddress{i, a})
		return
	}
	if look != 0 {
		l.search(f.name, value, look)
	}
}

// search reports what stands in a value and has no place there.
func (l *lines) search(name string, value []byte, look kinds) {
	found := find(value, look, l.audit.kept)
	if found == 0 {
		return
	}
	for _, k := range []struct {
		kind  kinds
		named Kind
	}{{email, Email}, {token, Token}, {card, Card}, {phone, Phone}, {address, Address}} {
		if found&k.kind != 0 {
			l.found(name, k.named)
		}
	}
}

// finish judges what depends on the whole line. said is what the line says of
// the purpose that opens the granted fields.
func (l *lines) finish(said string) {
	a := l.audit
	granted := said == "granted" || a.silence && (said == "unset" || said == "stale")
	for _, s := range l.addresses {
		f := &a.fields[s.field]
		kept := f.strict
		if granted {
			kept = f.yes
		}
		if shows(s.address, kept) {
			l.found(f.name, Bits)
		}
	}
	const slack = 24 * 60 * 60 // for clocks
	if a.time >= 0 && (!l.dated || l.written > l.now+slack) {
		l.found(a.fields[a.time].name, Undated)
	}
	for _, i := range l.present {
		f := &a.fields[i]
		if f.granted && !granted {
			l.found(f.name, Tier)
		}
		if l.dated && l.now-l.written > f.keep {
			l.found(f.name, Retention)
		}
	}
}
