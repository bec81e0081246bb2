package soak_test

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/netip"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/candorhttp/candor/consent"
	"github.com/candorhttp/candor/consent/analytics"
	"github.com/candorhttp/candor/consent/ledger"
	"github.com/candorhttp/candor/cookies"
	"github.com/candorhttp/candor/iputil"
	"github.com/candorhttp/candor/logging"
)

// What must never leave the request it came in.
const (
	canaryMail  = "canary.person@mail.example"
	canaryToken = "tok_9f8e7d6c5b4a39281706f5e4d3c2b1a0"
	canaryAgent = "CanaryBrowser/7.31 (serial 44bd7ab0c1)"
)

// world is what outlives a restart: the disk, the clock, the keys, and what is
// wrong with them just now.
type world struct {
	dir     string
	log     *faultyWriter
	stderr  *buffer
	clock   atomic.Int64 // offset in nanoseconds
	version atomic.Int64 // of the policy
	good    atomic.Int64 // the version since which a yes is good
	keys    []string     // newest first
	ledger  faults
	sinks   [2]faults
	truth   truth
}

func (w *world) now() time.Time { return time.Now().Add(time.Duration(w.clock.Load())) }

// faults says how a dependency behaves.
type faults struct{ mode atomic.Int32 }

const (
	works int32 = iota
	fails
	hangs
)

var errInjected = errors.New("injected fault")

// pass returns nil when the dependency works, and else fails at once or when ctx
// ends.
func (f *faults) pass(ctx context.Context) error {
	switch f.mode.Load() {
	case fails:
		return errInjected
	case hangs:
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(300 * time.Millisecond):
			return errInjected
		}
	}
	return nil
}

// faultyLedger is a file ledger whose disk goes away.
type faultyLedger struct {
	*ledger.Files
	faults *faults
}

func (l faultyLedger) Append(ctx context.Context, e consent.Entry) (uint64, error) {
	if err := l.faults.pass(ctx); err != nil {
		return 0, err
	}
	return l.Files.Append(ctx, e)
}

// faultyWriter is a log file whose disk is full now and then.
type faultyWriter struct {
	faults faults
	file   io.Writer
	failed atomic.Uint64
}

func (w *faultyWriter) Write(p []byte) (int, error) {
	if w.faults.mode.Load() != works {
		w.failed.Add(1)
		return 0, errInjected
	}
	return w.file.Write(p)
}

// buffer collects what a process prints.
type buffer struct {
	mu   sync.Mutex
	text bytes.Buffer
}

func (b *buffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.text.Write(p)
}

func (b *buffer) String() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.text.String()
}

// site is one life of the service.
type site struct {
	manager *consent.Manager
	gate    *cookies.Gate
	access  *logging.Access
	records *ledger.Files
	events  *analytics.Pipeline
	handler http.Handler
	parts   []consent.Describer
	running sync.WaitGroup
}

func (w *world) policy() consent.Policy {
	text := func(s string) consent.Text { return consent.Text{"en": s} }
	p := consent.Policy{
		Version: int(w.version.Load()), Effective: "2026-11-01", Languages: []string{"en"},
		Controller: consent.Controller{Name: "Teapot Shop", Address: "1 Kettle Lane, Dublin", Email: "privacy@shop.example"},
		Authority:  consent.Authority{Name: "Data Protection Commission", URL: "https://www.dataprotection.ie/"},
	}
	for i, purpose := range []consent.Purpose{consent.Authentication, consent.Preferences, consent.Analytics} {
		basis := consent.Consent
		if purpose == consent.Authentication {
			basis = consent.Essential
		}
		p.Processing = append(p.Processing, consent.Processing{
			Purpose: purpose, Number: i + 1, Basis: basis, Title: text(string(purpose)), Text: text(string(purpose)), Retention: text("30 days"),
			GoodSince: int(w.good.Load()),
		})
	}
	return p
}

// start brings the service up on what the world holds.
func (w *world) start() (*site, error) {
	keys, err := consent.ParseKeys(strings.Join(w.keys, ","))
	if err != nil {
		return nil, err
	}
	visitors, err := iputil.NewResolver(iputil.Proxies{Header: "X-Forwarded-For", Trusted: []netip.Prefix{netip.MustParsePrefix("127.0.0.0/8")}})
	if err != nil {
		return nil, err
	}
	records, err := ledger.Open(ledger.FilesConfig{Dir: filepath.Join(w.dir, "consent")})
	if err != nil {
		return nil, err
	}
	s := &site{records: records}
	policy, logger := w.policy(), slog.New(slog.NewJSONHandler(w.stderr, nil))
	s.manager, err = consent.New(consent.Config{
		Policy: policy, Keys: keys, Ledger: faultyLedger{records, &w.ledger}, Visitors: visitors, Insecure: true, Logger: logger, Now: w.now,
	})
	if err != nil {
		return nil, errors.Join(err, records.Close())
	}
	inventory, err := cookies.NewInventory(policy, cookies.Spec{
		Name: "visits", Purpose: consent.Analytics, Lifetime: 24 * time.Hour, Description: consent.Text{"en": "Counts visits."},
	})
	if err == nil {
		s.gate, err = cookies.NewGate(cookies.GateConfig{Inventory: inventory, Consent: s.manager, Insecure: true, Logger: logger, Now: w.now})
	}
	if err == nil {
		s.access, err = logging.New(logging.Config{Output: w.log, Visitors: visitors, Consent: s.manager, Query: []string{"page"}})
	}
	if err != nil {
		return nil, errors.Join(err, records.Close())
	}
	// One sink is quick, the other has a share of the faults of its own.
	s.events, err = analytics.New(analytics.Config{
		Consent: s.manager, Logger: logger,
		Sinks: []analytics.Sink{faultySink{"quick", &w.sinks[0], &w.truth}, faultySink{"slow", &w.sinks[1], &w.truth}},
		Events: []analytics.Spec{{
			Name: "read", Description: consent.Text{"en": "A page was read."}, Sinks: []string{"quick", "slow"},
			Properties: []analytics.PropertySpec{{Name: "visitor", Kind: analytics.KindEnum, Values: visitorNames()}},
		}},
	})
	if err != nil {
		return nil, errors.Join(err, records.Close())
	}
	s.parts = []consent.Describer{inventory, s.access, records, s.events}
	mux := http.NewServeMux()
	mux.Handle("/privacy/", s.manager.Handler(s.parts...))
	pages(mux, s.events)
	s.handler = s.access.Middleware(s.manager.Middleware(s.gate.Middleware(s.events.Middleware(mux))))
	return s, nil
}

// visitorNames are the words by which the sinks know of whom an event is. A real
// site declares no such thing.
func visitorNames() (out []string) {
	for i := range visitors {
		out = append(out, fmt.Sprintf("v%d", i))
	}
	return out
}

// stop ends the service: requests first, then what waits, then the ledger.
func (s *site) stop(ctx context.Context) error {
	s.running.Wait()
	// What the sinks do not take in a moment is lost, and counted.
	moment, cancel := context.WithTimeout(ctx, 100*time.Millisecond)
	defer cancel()
	_ = s.events.Shutdown(moment)
	s.access.Close()
	return errors.Join(s.manager.Close(ctx), s.records.Close(), s.balanced())
}

// balanced holds the pipeline to its accounts (invariant 6).
func (s *site) balanced() error {
	for name, sink := range s.events.Stats().Sinks {
		dropped := uint64(0)
		for _, n := range sink.Dropped {
			dropped += n
		}
		if sink.Accepted != sink.Sent+dropped+uint64(sink.Queued+sink.InFlight) {
			return fmt.Errorf("sink %s: %+v does not add up", name, sink)
		}
	}
	return nil
}

var big = bytes.Repeat([]byte("teapot; "), 1<<17)

var bigSum = func() string { sum := sha256.Sum256(big); return hex.EncodeToString(sum[:]) }()

// pages is a service as a team would write it.
func pages(mux *http.ServeMux, events *analytics.Pipeline) {
	mux.HandleFunc("GET /{$}", func(w http.ResponseWriter, _ *http.Request) {
		http.SetCookie(w, &http.Cookie{Name: "visits", Value: "1", Path: "/", MaxAge: 86400 * 365})
		http.SetCookie(w, &http.Cookie{Name: "rogue", Value: canaryToken, Path: "/"})
		fmt.Fprint(w, "home")
	})
	mux.HandleFunc("GET /allowed", func(w http.ResponseWriter, r *http.Request) {
		events.Track(r.Context(), analytics.Event{Name: "read", Properties: []analytics.Property{analytics.Enum("visitor", r.Header.Get("X-Visitor"))}})
		fmt.Fprint(w, consent.Allowed(r.Context(), consent.Analytics))
	})
	mux.HandleFunc("GET /users/{mail}", func(w http.ResponseWriter, _ *http.Request) { fmt.Fprint(w, "user") })
	mux.HandleFunc("GET /panic", func(http.ResponseWriter, *http.Request) { panic("no order for " + canaryMail) })
	mux.HandleFunc("GET /big", func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "application/octet-stream")
		http.ServeContent(w, r, "", time.Time{}, bytes.NewReader(big))
	})
	mux.HandleFunc("GET /stream", func(w http.ResponseWriter, r *http.Request) {
		for i := range 5 {
			if r.Context().Err() != nil {
				return
			}
			fmt.Fprintf(w, "data: %d\n\n", i)
			if http.NewResponseController(w).Flush() != nil {
				return
			}
			time.Sleep(time.Millisecond)
		}
	})
}

const streamed = "data: 0\n\ndata: 1\n\ndata: 2\n\ndata: 3\n\ndata: 4\n\n"

// service is what the clients talk to: the site of the moment, or nobody.
type service struct {
	mu   sync.RWMutex
	site *site
}

// ServeHTTP hands requests to the site that runs. Between two lives it answers as
// a proxy in front would.
func (s *service) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	s.mu.RLock()
	now := s.site
	if now != nil {
		now.running.Add(1)
	}
	s.mu.RUnlock()
	if now == nil {
		w.Header().Set("X-Nobody", "1")
		http.Error(w, "restarting", http.StatusBadGateway)
		return
	}
	defer now.running.Done()
	now.handler.ServeHTTP(w, r)
}

// take returns the site that runs and leaves nobody.
func (s *service) take() *site {
	s.mu.Lock()
	defer s.mu.Unlock()
	old := s.site
	s.site = nil
	return old
}

func (s *service) put(next *site) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.site = next
}
