package logging

import (
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"slices"
	"sync"

	"github.com/candorhttp/candor/consent"
	"github.com/candorhttp/candor/consent/exchange"
	"github.com/candorhttp/candor/iputil"
	"github.com/candorhttp/candor/iputil/pseudonym"
)

// Access writes one line for each request: declared fields, and nothing else.
// Make it with New; the zero Access is not usable. It is safe for concurrent
// use.
type Access struct {
	fields     []Field
	writes     []write // the same, as a line is made from them
	visitors   *iputil.Resolver
	consent    *consent.Manager
	purpose    consent.Purpose
	preset     Preset
	why        string
	query      []queryName
	mux        *http.ServeMux
	skip       []string
	sample     int
	custom     bool // some field is the host's own
	pseudonyms *pseudonym.Keyring
	own        bool // pseudonyms is the log's own

	format  Format
	handler slog.Handler // in place of output
	mu      sync.Mutex
	output  io.Writer
	tells   bool      // Dropped stands where the output took no lines
	missing uint64    // lines that the output did not take since the last that it took
	torn    bool      // of the last of them it took a part
	lines   sync.Pool // of *line

	counters counters
}

// New returns an Access, or one error that names every fault of cfg. It sends
// an invented request through the configured fields into a buffer and fails if
// any of what must stay out is found there.
func New(cfg Config) (*Access, error) {
	fields, err := cfg.check()
	if err != nil {
		return nil, err
	}
	a := &Access{
		fields: fields, visitors: cfg.Visitors, consent: cfg.Consent, purpose: cfg.Purpose, preset: cfg.Preset, why: cfg.Why,
		query: queryNames(cfg.Query), mux: cfg.Mux, skip: slices.Clone(cfg.Skip), sample: cfg.Sample, custom: len(cfg.Custom) > 0,
		pseudonyms: cfg.Pseudonyms, output: cfg.Output, handler: cfg.Handler, format: cfg.Format,
	}
	counts, ok := cfg.Output.(interface{ CountsDropped() bool })
	a.tells = cfg.Format == JSON && !(ok && counts.CountsDropped())
	for _, f := range fields {
		a.writes = append(a.writes, write{`,"` + f.Name + `":`, f.Tier == Granted, f.value})
	}
	a.lines.New = func() any { return &line{text: make([]byte, 0, 1024)} }
	if a.pseudonyms == nil && slices.ContainsFunc(fields, func(f Field) bool { return f.Name == "client.pseudonym" }) {
		keyring, err := pseudonym.New(pseudonym.Config{})
		if err != nil {
			return nil, fmt.Errorf("logging: %w", err)
		}
		a.pseudonyms, a.own = keyring, true
	}
	if err := a.selfTest(); err != nil {
		a.Close()
		return nil, err
	}
	return a, nil
}

// Close destroys the keys of the log's own keyring. The output is the caller's.
func (a *Access) Close() {
	if a.own {
		a.pseudonyms.Close()
	}
}

// Middleware writes the line of each request when it has ended, after whatever
// stands inside or outside of it in the same exchange.
func (a *Access) Middleware(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		x, w, r := exchange.Begin(w, r)
		if a.consent != nil {
			a.consent.Attach(x)
		}
		if a.custom && customs.Get(x) == nil {
			customs.Set(x, &customValues{})
		}
		x.OnEnd(a)
		x.Serve(next, w, r)
	})
}

// AtEnd implements [exchange.EndHook].
func (a *Access) AtEnd(x *exchange.Exchange) {
	l := a.lines.Get().(*line)
	defer a.lines.Put(l)
	r := &l.record
	r.fill(a, x, &l.scratch)
	defer r.forget()
	if !a.passes(r) {
		return
	}
	if r.granted {
		a.counters.granted.Add(1)
	}
	if a.handler != nil {
		if r.send(a.handler) != nil {
			a.counters.writeErrors.Add(1)
			return
		}
		a.counters.lines.Add(1)
		return
	}
	text := a.append(l.text[:0], r)
	a.write(text)
	if cap(text) <= maxKeptLine {
		l.text = text
	}
}

// line is what one line is made in. Between uses its record is empty.
type line struct {
	record  record
	text    []byte
	scratch scratch
}

// maxKeptLine bounds the buffers that are kept for the next line.
const maxKeptLine = 16 << 10

// append appends the line of a record.
func (a *Access) append(dst []byte, r *record) []byte {
	if a.format == Combined {
		return r.appendCombined(dst)
	}
	return r.appendLine(dst)
}

func (a *Access) write(line []byte) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.torn && a.tells {
		a.tellMissing() // also ends the torn line, which would spoil this one
	}
	n, err := a.output.Write(line)
	if err != nil || n != len(line) {
		a.missing++
		a.torn = a.torn || n > 0
		a.counters.writeErrors.Add(1)
		return
	}
	a.counters.lines.Add(1)
	if a.missing > 0 && a.tells {
		a.tellMissing()
	}
}

// tellMissing says in the log itself that lines are missing.
func (a *Access) tellMissing() {
	told := Dropped(a.missing)
	if a.torn {
		told = append([]byte{'\n'}, told...) // ends what is there of a line
	}
	if n, err := a.output.Write(told); err == nil && n == len(told) {
		a.missing, a.torn = 0, false
	}
}
