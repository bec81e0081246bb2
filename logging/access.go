package logging

import (
	"errors"
	"fmt"
	"io"
	"net/http"
	"slices"
	"sync"
	"unicode/utf8"

	"github.com/candorhttp/candor/consent"
	"github.com/candorhttp/candor/consent/exchange"
	"github.com/candorhttp/candor/iputil"
	"github.com/candorhttp/candor/iputil/pseudonym"
)

// Config configures an [Access] log. It is copied by New.
type Config struct {
	// Output receives one Write for each line and is never called twice at once.
	// Required. What it fails to take is counted; the traffic goes on.
	Output io.Writer
	// Visitors finds the visitor's address; nil believes the TCP peer alone.
	Visitors *iputil.Resolver
	// Consent knows what the visitor allowed; nil writes the strict fields only.
	Consent *consent.Manager
	// Purpose opens the granted fields; default consent.Analytics.
	Purpose consent.Purpose
	// Query lists the query names that may be logged, with plain values.
	Query []string
	// Pseudonyms makes client.pseudonym; nil makes a keyring of the log's own,
	// with a key for each UTC day. Close destroys that one's keys.
	Pseudonyms *pseudonym.Keyring
}

// Access writes one line for each request: declared fields, and nothing else.
// Make it with New; the zero Access is not usable. It is safe for concurrent
// use.
type Access struct {
	fields     []Field
	visitors   *iputil.Resolver
	consent    *consent.Manager
	purpose    consent.Purpose
	query      []string
	pseudonyms *pseudonym.Keyring
	own        bool // pseudonyms is the log's own

	mu      sync.Mutex
	output  io.Writer
	buffers sync.Pool // of *[]byte

	counters counters
}

// New returns an Access, or one error that names every fault of cfg. It sends
// an invented request through the configured fields into a buffer and fails if
// any of what must stay out is found there.
func New(cfg Config) (*Access, error) {
	var faults []error
	fault := func(format string, args ...any) {
		faults = append(faults, fmt.Errorf("logging: config: "+format, args...))
	}
	if cfg.Output == nil {
		fault("Output: is missing; give a file or os.Stdout")
	}
	if cfg.Purpose == "" {
		cfg.Purpose = consent.Analytics
	}
	if cfg.Consent != nil && !slices.ContainsFunc(cfg.Consent.Policy().Processing, func(p consent.Processing) bool { return p.Purpose == cfg.Purpose }) {
		fault("Purpose: is not in the policy; name the purpose that opens the granted fields")
	}
	for i, name := range cfg.Query {
		if !isQueryName(name) {
			fault("Query[%d]: is not a name that can be logged; use 1 to 64 characters without spaces, '&', '=', '#'", i)
		}
		if slices.Contains(cfg.Query[:i], name) {
			fault("Query[%d]: is given twice; remove one", i)
		}
	}
	if err := errors.Join(faults...); err != nil {
		return nil, err
	}
	a := &Access{
		fields: operations(), visitors: cfg.Visitors, consent: cfg.Consent, purpose: cfg.Purpose,
		query: slices.Clone(cfg.Query), pseudonyms: cfg.Pseudonyms, output: cfg.Output,
	}
	a.buffers.New = func() any { b := make([]byte, 0, 1024); return &b }
	if a.pseudonyms == nil {
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

func isQueryName(s string) bool {
	if s == "" || len(s) > 64 || !utf8.ValidString(s) {
		return false
	}
	for _, r := range s {
		if r <= ' ' || r == 0x7f || r == '&' || r == '=' || r == '#' {
			return false
		}
	}
	return true
}

// Middleware writes the line of each request when it has ended, after whatever
// stands inside or outside of it in the same exchange.
func (a *Access) Middleware(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		x, w, r := exchange.Begin(w, r)
		if a.consent != nil {
			a.consent.Attach(x)
		}
		if ids.Get(x) == nil {
			ids.Set(x, &requestID{inbound: inboundID(a.visitors, x.Request())})
		}
		x.OnEnd(a)
		x.Serve(next, w, r)
	})
}

// AtEnd implements [exchange.EndHook].
func (a *Access) AtEnd(x *exchange.Exchange) {
	var r record
	r.fill(a, x)
	buffer := a.buffers.Get().(*[]byte)
	line := r.appendLine((*buffer)[:0])
	a.write(line)
	if cap(line) <= 16<<10 {
		*buffer = line
		a.buffers.Put(buffer)
	}
	if r.granted {
		a.counters.granted.Add(1)
	}
}

func (a *Access) write(line []byte) {
	a.mu.Lock()
	n, err := a.output.Write(line)
	a.mu.Unlock()
	if err != nil || n != len(line) {
		a.counters.writeErrors.Add(1)
		return
	}
	a.counters.lines.Add(1)
}
