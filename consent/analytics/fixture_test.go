package analytics_test

import (
	"context"
	"errors"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/candorhttp/candor/consent"
	"github.com/candorhttp/candor/consent/analytics"
	"github.com/candorhttp/candor/consent/ledger"
)

const measurement = consent.Purpose("measurement") // on until refused

// stats is a recipient that the policy names for every purpose.
const stats = "Stats Ltd"

func policy() consent.Policy {
	declare := func(p consent.Purpose, number int, basis consent.Basis) consent.Processing {
		text := consent.Text{"en": string(p)}
		return consent.Processing{Purpose: p, Number: number, Basis: basis, Title: text, Text: text, Retention: text, Recipients: []string{stats}}
	}
	marketing := declare(consent.Marketing, 4, consent.Consent)
	marketing.SharesData = true
	return consent.Policy{
		Version: 2, Effective: "2026-10-01", Languages: []string{"en"},
		Controller: consent.Controller{Name: "Shop", Address: "1 Road", Email: "privacy@shop.example"},
		Authority:  consent.Authority{Name: "Authority", URL: "https://authority.example/complain"},
		Recipients: []consent.Recipient{{Name: stats, Country: "US", Safeguard: consent.SafeguardSCC}, {Name: "Nobody GmbH", Country: "DE", Safeguard: consent.SafeguardNone}},
		Processing: []consent.Processing{
			declare(consent.Authentication, 1, consent.Essential),
			declare(consent.Analytics, 3, consent.Consent),
			marketing,
			declare(measurement, 5, consent.Objection),
		},
	}
}

func newKeys(t testing.TB) consent.Keys {
	t.Helper()
	k, err := consent.ParseKeys(consent.GenerateKey())
	require.NoError(t, err)
	return k
}

// newManager returns a manager of the sample policy, changed by edits.
func newManager(t testing.TB, edits ...func(*consent.Config)) *consent.Manager {
	t.Helper()
	cfg := consent.Config{Policy: policy(), Keys: newKeys(t), Ledger: ledger.Memory(), Insecure: true}
	for _, edit := range edits {
		edit(&cfg)
	}
	m, err := consent.New(cfg)
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, m.Close(context.Background())) })
	return m
}

// sink is a destination that a test looks into.
type sink struct {
	to     analytics.Destination
	answer func(ctx context.Context, attempt int, batch []analytics.Delivery) error // nil accepts

	mu       sync.Mutex
	attempts int
	got      []analytics.Delivery // of batches that were answered with nil
	some     uint64               // accepted of batches of which others were refused
	batches  [][]string           // ids of each attempt
}

func firstParty(name string, batch int) *sink {
	return &sink{to: analytics.Destination{Name: name, MaxEvents: batch}}
}

func thirdParty(name string, batch int) *sink {
	return &sink{to: analytics.Destination{Name: name, Recipient: stats, Endpoint: "https://stats.example/api", MaxEvents: batch}}
}

func (s *sink) Destination() analytics.Destination { return s.to }

func (s *sink) Send(ctx context.Context, batch []analytics.Delivery) error {
	s.mu.Lock()
	s.attempts++
	n := s.attempts
	var ids []string
	for _, d := range batch {
		ids = append(ids, d.ID)
	}
	s.batches = append(s.batches, ids)
	s.mu.Unlock()
	if s.answer != nil {
		if err := s.answer(ctx, n, batch); err != nil {
			var r *analytics.Rejected
			if errors.As(err, &r) {
				s.mu.Lock()
				s.some += uint64(len(batch) - len(r.Indexes))
				s.mu.Unlock()
			}
			return err
		}
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, d := range batch {
		d.Properties = slices.Clone(d.Properties)
		s.got = append(s.got, d)
	}
	return nil
}

func (s *sink) all() []analytics.Delivery {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.got)
}

func (s *sink) partly() uint64 {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.some
}

// tally keeps counts without bounds.
type tally struct {
	mu    sync.Mutex
	cells map[analytics.Cell]int
}

func (c *tally) Count(_ time.Time, cell analytics.Cell) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.cells == nil {
		c.cells = map[analytics.Cell]int{}
	}
	c.cells[cell]++
}

func (c *tally) of(event string) int {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.cells[analytics.Cell{Event: event}]
}

// click is a declared event for the tests.
func click(purpose consent.Purpose, sinks ...string) analytics.Spec {
	return analytics.Spec{
		Name: "click", Purpose: purpose, Description: consent.Text{"en": "A click."}, Sinks: sinks, Script: true,
		Count: []string{"size"},
		Properties: []analytics.PropertySpec{
			{Name: "size", Kind: analytics.KindEnum, Values: []string{"small", "large"}},
			{Name: "first", Kind: analytics.KindBool},
			{Name: "items", Kind: analytics.KindInt, Min: 0, Max: 100},
			{Name: "took", Kind: analytics.KindFloat, Min: 0, Max: 1000, Unit: "ms"},
		},
	}
}

// site is a manager, a pipeline and a router, without a network.
type site struct {
	t       testing.TB
	manager *consent.Manager
	events  *analytics.Pipeline
	handler http.Handler
}

// newSite builds one whose pages are given by pattern; "/track" tracks a click.
func newSite(t testing.TB, m *consent.Manager, cfg analytics.Config, pages map[string]http.HandlerFunc) *site {
	t.Helper()
	cfg.Consent = m
	mux := http.NewServeMux()
	if cfg.Mux == nil {
		cfg.Mux = mux
	}
	events, err := analytics.New(cfg)
	require.NoError(t, err)
	t.Cleanup(func() {
		ended, cancel := context.WithCancel(context.Background())
		cancel()
		_ = events.Shutdown(ended)
	})
	mux.Handle("/privacy/", m.Handler())
	mux.Handle(events.Prefix(), events.Handler())
	mux.HandleFunc("/track", func(w http.ResponseWriter, r *http.Request) {
		events.Track(r.Context(), analytics.Event{Name: "click", Properties: []analytics.Property{analytics.Enum("size", "small")}})
	})
	for pattern, h := range pages {
		mux.HandleFunc(pattern, h)
	}
	return &site{t: t, manager: m, events: events, handler: m.Middleware(events.Middleware(mux))}
}

// do asks for a path with a consent cookie, "" for none; pairs of header fields
// follow.
func (s *site) do(method, path, cookie, body string, header ...string) *httptest.ResponseRecorder {
	s.t.Helper()
	r := httptest.NewRequest(method, path, strings.NewReader(body))
	if cookie != "" {
		r.Header.Set("Cookie", cookie)
	}
	for i := 0; i < len(header); i += 2 {
		r.Header.Add(header[i], header[i+1])
	}
	w := httptest.NewRecorder()
	s.handler.ServeHTTP(w, r)
	return w
}

func (s *site) get(path, cookie string, header ...string) *httptest.ResponseRecorder {
	s.t.Helper()
	return s.do("GET", path, cookie, "", header...)
}

// choose posts a choice and returns the cookie that came of it.
func (s *site) choose(cookie, grants string, header ...string) string {
	s.t.Helper()
	w := s.do("POST", "/privacy/decision", cookie, `{"grants":`+grants+`}`, append(header, "Content-Type", "application/json")...)
	require.Equal(s.t, 200, w.Code, w.Body.String())
	return held(w, cookie)
}

func (s *site) withdraw(cookie string) string {
	s.t.Helper()
	w := s.do("POST", "/privacy/withdraw", cookie, "")
	require.Less(s.t, w.Code, 400)
	return held(w, cookie)
}

func held(w *httptest.ResponseRecorder, cookie string) string {
	for _, c := range w.Result().Cookies() {
		if c.Name == "consent" {
			cookie = "consent=" + c.Value
		}
	}
	return cookie
}

func (s *site) flush() {
	s.t.Helper()
	require.NoError(s.t, s.events.Flush(context.Background()))
}

// sums reports whether every event of a sink is accounted for.
func sums(s analytics.SinkStats) bool {
	n := s.Sent + uint64(s.Queued) + uint64(s.InFlight)
	for _, d := range s.Dropped {
		n += d
	}
	return n == s.Accepted
}

// inTime runs a test whose clock stands at a day in 2026 and moves only while
// everybody waits.
func inTime(t *testing.T, test func(t *testing.T)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		time.Sleep(time.Until(time.Date(2026, 11, 15, 12, 34, 56, 0, time.UTC)))
		test(t)
	})
}
