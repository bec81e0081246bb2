package analytics_test

import (
	"context"
	"net/http"
	"net/http/httptest"
	"runtime"
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/candorhttp/candor/consent/analytics"
	"github.com/candorhttp/candor/consent/exchange"
)

// null accepts everything and keeps nothing.
type null struct{ batch int }

func (n null) Destination() analytics.Destination {
	return analytics.Destination{Name: "null", MaxEvents: n.batch}
}

func (null) Send(context.Context, []analytics.Delivery) error { return nil }

// hung answers when its context ends, and so at shutdown.
type hung struct{ name string }

func (h hung) Destination() analytics.Destination { return analytics.Destination{Name: h.name} }

func (hung) Send(ctx context.Context, _ []analytics.Delivery) error {
	<-ctx.Done()
	return ctx.Err()
}

// visit runs a function inside the exchange of a visitor with a cookie.
func (s *site) visit(cookie string, f func(r *http.Request)) {
	s.handler = s.manager.Middleware(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) { f(r) }))
	s.get("/", cookie, "User-Agent", firefox)
}

var properties = [...]analytics.Property{
	analytics.Enum("size", "small"), analytics.Bool("first", true), analytics.Int("items", 3), analytics.Float("took", 12.5),
}

// Track of an accepted event allocates the event and no more.
func TestTrackAllocates(t *testing.T) {
	s := newSite(t, newManager(t), analytics.Config{Sinks: []analytics.Sink{hung{"hung"}}, Events: []analytics.Spec{click("", "hung")}}, nil)
	yes := s.choose("", `{"analytics":true}`)
	s.visit(yes, func(r *http.Request) {
		ctx := r.Context()
		n := testing.AllocsPerRun(1000, func() { s.events.Track(ctx, analytics.Event{Name: "click", Properties: properties[:]}) })
		require.LessOrEqual(t, n, 1.0)
	})
	require.Greater(t, s.stats().Accepted, uint64(1000))
	s.visit("", func(r *http.Request) {
		ctx := r.Context()
		require.Zero(t, testing.AllocsPerRun(1000, func() { s.events.Track(ctx, analytics.Event{Name: "click", Properties: properties[:]}) }), "without consent nothing is made")
	})
}

// A full queue holds as much memory as it may, and not much more or less.
func TestMemoryOfAFullQueue(t *testing.T) {
	const limit = 8 << 20
	inUse := func() int64 {
		var m runtime.MemStats
		for range 3 {
			runtime.GC()
		}
		runtime.ReadMemStats(&m)
		return int64(m.HeapAlloc)
	}
	for name, spec := range map[string]analytics.Spec{"four properties": click("", "hung"), "sixteen": wide("hung")} {
		t.Run(name, func(t *testing.T) {
			m := newManager(t)
			before := inUse()
			s := newSite(t, m, analytics.Config{Sinks: []analytics.Sink{hung{"hung"}}, Events: []analytics.Spec{spec}, QueueEvents: 1 << 20, QueueBytes: limit}, nil)
			yes := s.choose("", `{"analytics":true}`)
			given := make([]analytics.Property, 0, 16)
			for _, p := range spec.Properties {
				given = append(given, analytics.Int(p.Name, 1))
			}
			if name == "four properties" {
				given = properties[:]
			}
			s.visit(yes, func(r *http.Request) {
				for s.stats().Dropped[analytics.Full] == 0 {
					for range 1000 {
						s.events.Track(r.Context(), analytics.Event{Name: spec.Name, Properties: given})
					}
				}
			})
			held := inUse() - before
			st := s.stats()
			t.Logf("%d events, %d bytes by count, %d in the heap", st.Queued, st.Bytes, held)
			require.InEpsilon(t, limit, st.Bytes, 0.01)
			require.InEpsilon(t, limit, held, 0.20)
			runtime.KeepAlive(s)
		})
	}
}

func wide(sinks ...string) analytics.Spec {
	s := click("", sinks...)
	s.Name, s.Properties, s.Count = "wide", nil, nil
	for i := range 16 {
		s.Properties = append(s.Properties, analytics.PropertySpec{Name: "p" + string(rune('a'+i)), Kind: analytics.KindInt, Max: 100})
	}
	return s
}

// BenchmarkGate is the decision about a page view of somebody who was never
// asked, in an exchange that is there already: what analytics adds to it.
func BenchmarkGate(b *testing.B) {
	s := newSite(b, newManager(b), analytics.Config{Sinks: []analytics.Sink{null{100}}, Events: []analytics.Spec{analytics.PageViews("null")}}, nil)
	for name, cookie := range map[string]string{"never asked": "", "refused": s.choose("", `{"analytics":false}`)} {
		b.Run(name, func(b *testing.B) {
			s.visit(cookie, func(r *http.Request) {
				x := exchange.From(r.Context())
				b.ReportAllocs()
				for b.Loop() {
					s.events.AtEnd(x)
				}
			})
		})
	}
}

// BenchmarkMiddleware is what the middleware adds to a page without consent,
// beside a chain without it.
func BenchmarkMiddleware(b *testing.B) {
	s := newSite(b, newManager(b), analytics.Config{Sinks: []analytics.Sink{null{100}}, Events: []analytics.Spec{analytics.PageViews("null")}}, nil)
	page := http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { w.Header()["Content-Type"] = htmlType })
	for _, c := range []struct {
		name string
		h    http.Handler
	}{{"without", s.manager.Middleware(page)}, {"with", s.manager.Middleware(s.events.Middleware(page))}} {
		b.Run(c.name, func(b *testing.B) {
			r := httptest.NewRequest("GET", "/", nil)
			r.Header.Set("User-Agent", firefox)
			w := &blank{header: http.Header{}}
			b.ReportAllocs()
			for b.Loop() {
				clear(w.header)
				c.h.ServeHTTP(w, r)
			}
		})
	}
}

var htmlType = []string{"text/html"}

type blank struct{ header http.Header }

func (b *blank) Header() http.Header       { return b.header }
func (*blank) Write(p []byte) (int, error) { return len(p), nil }
func (*blank) WriteHeader(int)             {}

// BenchmarkTrack is one event that a queue takes, while nobody takes it from
// there: the clock stands while the queue is made anew.
func BenchmarkTrack(b *testing.B) {
	const room = 1 << 15
	b.ReportAllocs()
	b.StopTimer()
	for left := b.N; left > 0; left -= room {
		s := newSite(b, newManager(b), analytics.Config{Sinks: []analytics.Sink{hung{"hung"}}, Events: []analytics.Spec{click("", "hung")}, QueueEvents: room, QueueBytes: 64 << 20}, nil)
		yes := s.choose("", `{"analytics":true}`)
		s.visit(yes, func(r *http.Request) {
			ctx := r.Context()
			runtime.GC()
			b.StartTimer()
			for range min(left, room) {
				s.events.Track(ctx, analytics.Event{Name: "click", Properties: properties[:]})
			}
			b.StopTimer()
		})
		require.Zero(b, s.stats().Dropped[analytics.Full])
		ended, cancel := context.WithCancel(context.Background())
		cancel()
		require.Error(b, s.events.Shutdown(ended))
	}
}

// BenchmarkTrackHung is Track while three sinks hang and their queues are full.
// It reports quantiles.
func BenchmarkTrackHung(b *testing.B) {
	s := newSite(b, newManager(b), analytics.Config{
		Sinks: []analytics.Sink{hung{"a"}, hung{"b"}, hung{"c"}}, Events: []analytics.Spec{click("", "a", "b", "c")},
	}, nil)
	took := make([]time.Duration, 0, 1<<22)
	s.visit(s.choose("", `{"analytics":true}`), func(r *http.Request) {
		ctx := r.Context()
		b.ReportAllocs()
		for b.Loop() {
			begun := time.Now()
			s.events.Track(ctx, analytics.Event{Name: "click", Properties: properties[:]})
			if len(took) < cap(took) {
				took = append(took, time.Since(begun))
			}
		}
	})
	slices.Sort(took)
	b.ReportMetric(float64(took[len(took)/2]), "p50-ns")
	b.ReportMetric(float64(took[len(took)*99/100]), "p99-ns")
	b.ReportMetric(float64(took[len(took)*999/1000]), "p999-ns")
}

// BenchmarkThroughput is how many events a second get through to a sink that
// does nothing, while everything else is done: gate, queue, permit, pseudonym,
// id.
func BenchmarkThroughput(b *testing.B) {
	s := newSite(b, newManager(b), analytics.Config{Sinks: []analytics.Sink{null{1000}}, Events: []analytics.Spec{click("", "null")}}, nil)
	s.visit(s.choose("", `{"analytics":true}`), func(r *http.Request) {
		ctx := r.Context()
		b.ReportAllocs()
		n := 0
		for b.Loop() {
			s.events.Track(ctx, analytics.Event{Name: "click", Properties: properties[:]})
			// Bursts no longer than the queue, as the requests of a server have them.
			if n++; n%2048 == 0 {
				for s.stats().Queued > 4096 {
					runtime.Gosched()
				}
			}
		}
	})
	s.flush()
	st := s.stats()
	b.ReportMetric(float64(st.Sent)/b.Elapsed().Seconds(), "sent/s")
	require.Empty(b, st.Dropped)
}

// BenchmarkTrackCounted is Track of an event that goes nowhere and is counted,
// as a whole and by one dimension.
func BenchmarkTrackCounted(b *testing.B) {
	specs := []analytics.Spec{click("")}
	counters, err := analytics.NewCounters(analytics.CountersConfig{Events: specs})
	require.NoError(b, err)
	s := newSite(b, newManager(b), analytics.Config{Events: specs, Counters: counters}, nil)
	s.visit("", func(r *http.Request) {
		ctx := r.Context()
		b.ReportAllocs()
		for b.Loop() {
			s.events.Track(ctx, analytics.Event{Name: "click", Properties: properties[:]})
		}
	})
}
