package exchange_test

import (
	"context"
	"net/http"
	"net/http/httptest"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/candorhttp/candor/consent/exchange"
)

// Several middlewares, one exchange, one wrapper, one end.
func TestMiddlewaresShareTheExchange(t *testing.T) {
	var seen []*exchange.Exchange
	var writers []http.ResponseWriter
	layer := func(next http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			x, w, r := exchange.Begin(w, r)
			seen, writers = append(seen, x), append(writers, w)
			x.Serve(next, w, r)
		})
	}
	m := newWatch()
	mux := http.NewServeMux()
	mux.HandleFunc("GET /users/{id}", func(w http.ResponseWriter, r *http.Request) { write(w, 1) })
	h := layer(m.Middleware(layer(mux)))
	h.ServeHTTP(httptest.NewRecorder(), httptest.NewRequest("GET", "/users/jane", nil))
	require.Len(t, seen, 2)
	require.Same(t, seen[0], seen[1])
	require.Equal(t, writers[0], writers[1])
	require.Equal(t, []int{200}, m.statuses)
	require.Equal(t, "GET /users/{id}", m.route)
	require.False(t, seen[0].SecondWriter())
}

// The route is lost to outer middleware when something copies the request, and
// is known all the same, also when the handler panics.
func TestRoute(t *testing.T) {
	mux := http.NewServeMux()
	mux.HandleFunc("/a/{x}", func(http.ResponseWriter, *http.Request) {})
	mux.HandleFunc("/panic", func(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) })
	copies := func(next http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			next.ServeHTTP(w, r.WithContext(context.WithValue(r.Context(), struct{ int }{}, 1)))
		})
	}
	for path, want := range map[string]string{"/a/secret": "/a/{x}", "/panic": "/panic", "/nothing": ""} {
		outer, inner := newWatch(), newWatch()
		func() {
			defer func() { _ = recover() }()
			outer.Middleware(copies(inner.Middleware(mux))).ServeHTTP(httptest.NewRecorder(), httptest.NewRequest("GET", path, nil))
		}()
		require.Equal(t, want, outer.route, path)
		alone := newWatch()
		func() {
			defer func() { _ = recover() }()
			alone.Middleware(mux).ServeHTTP(httptest.NewRecorder(), httptest.NewRequest("GET", path, nil))
		}()
		require.Equal(t, want, alone.route, path)
	}
}

// The first route that is set stays: the innermost middleware returns first.
func TestFirstRouteStays(t *testing.T) {
	x, w, r := exchange.Begin(httptest.NewRecorder(), httptest.NewRequest("GET", "/", nil))
	x.SetRoute("/inner/{id}")
	x.SetRoute("/outer/")
	x.Serve(http.NotFoundHandler(), w, r)
	x.SetRoute("/late")
	require.Equal(t, "/inner/{id}", x.Route())
}

// A handler that asks is told the route, whatever stands between it and the
// middleware that made the exchange; one that goes on after its time is not.
func TestRouteWhileTheHandlerRuns(t *testing.T) {
	var x *exchange.Exchange
	var during string
	mux := http.NewServeMux()
	mux.HandleFunc("GET /a/{x}", func(_ http.ResponseWriter, r *http.Request) {
		x = exchange.From(r.Context())
		during = x.Route()
	})
	hidden := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { mux.ServeHTTP(w, r.Clone(r.Context())) })
	copies := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		newWatch().Middleware(mux).ServeHTTP(w, r.Clone(r.Context()))
	})
	routed := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		x := exchange.From(r.Context())
		x.RouteBy(r, func(r *http.Request) string { return r.Method + " /by/{template}" })
		newWatch().Middleware(hidden).ServeHTTP(w, r)
		require.Equal(t, "GET /by/{template}", x.Route())
		x.RouteBy(nil, nil)
	})
	for name, c := range map[string]struct {
		h             http.Handler
		during, after string
	}{
		"mux": {mux, "GET /a/{x}", "GET /a/{x}"}, "copied before a middleware": {copies, "GET /a/{x}", "GET /a/{x}"},
		"copied after": {hidden, "", ""}, "other router": {routed, "GET /by/{template}", ""},
	} {
		newWatch().Middleware(c.h).ServeHTTP(httptest.NewRecorder(), httptest.NewRequest("GET", "/a/secret", nil))
		require.Equal(t, c.during, during, name)
		require.Equal(t, c.after, x.Route(), name)
		x.RouteBy(httptest.NewRequest("GET", "/", nil), func(*http.Request) string { return "/late" })
		require.Equal(t, c.after, x.Route(), name)
	}
}

// Something between replaced the writer: the inner middleware keeps it, and
// what is written there is judged when it reaches the exchange's own.
func TestReplacedWriter(t *testing.T) {
	m, inner := newWatch(), newWatch()
	var x *exchange.Exchange
	s := server(t, m.Middleware(http.TimeoutHandler(inner.Middleware(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		x = exchange.From(r.Context())
		w.Header().Add("Set-Cookie", "bad=1")
		write(w, 3)
		require.False(t, x.Committed(), "nothing has left the server")
	})), time.Minute, "")), false)
	w, body, _ := get(t, s)
	require.Equal(t, "xxx", body)
	require.Empty(t, w.Header.Values("Set-Cookie"))
	require.True(t, x.SecondWriter())
	require.Equal(t, exchange.Outcome{Status: 200, Bytes: 3}, m.result(t))
	require.Equal(t, []int{200}, inner.statuses, "its hook ran as well")
}

// Something between replaced the context: the exchange is found by its writer.
func TestReplacedContext(t *testing.T) {
	m, inner := newWatch(), newWatch()
	forget := func(next http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			next.ServeHTTP(w, r.WithContext(context.Background()))
		})
	}
	var outside, inside *exchange.Exchange
	note := func(next http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			outside = exchange.From(r.Context())
			next.ServeHTTP(w, r)
		})
	}
	h := m.Middleware(note(forget(inner.Middleware(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		inside = exchange.From(r.Context())
		write(w, 1)
	})))))
	h.ServeHTTP(httptest.NewRecorder(), httptest.NewRequest("GET", "/", nil))
	require.NotNil(t, inside)
	require.Same(t, outside, inside)
	require.Equal(t, []int{200}, m.statuses)
	require.Equal(t, []int{200}, inner.statuses)
	require.Equal(t, m.result(t), inner.result(t))
}

// A request that is made in the context of an earlier one is one of its own.
func TestContextOfAnEarlierRequest(t *testing.T) {
	var ctx context.Context
	first := newWatch()
	first.Middleware(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { ctx = r.Context() })).
		ServeHTTP(httptest.NewRecorder(), httptest.NewRequest("GET", "/", nil))
	second := newWatch()
	w := httptest.NewRecorder()
	second.Middleware(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { w.WriteHeader(418) })).
		ServeHTTP(w, httptest.NewRequestWithContext(ctx, "GET", "/", nil))
	require.Equal(t, exchange.Outcome{Status: 200}, first.result(t))
	require.Equal(t, exchange.Outcome{Status: 418}, second.result(t))
}

func TestHooksAreRegisteredOnce(t *testing.T) {
	m := newWatch()
	m.Middleware(m.Middleware(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		write(w, 1)
		exchange.From(r.Context()).OnHeader(newWatch()) // too late: ignored
	}))).ServeHTTP(httptest.NewRecorder(), httptest.NewRequest("GET", "/", nil))
	require.Equal(t, []int{200}, m.statuses)
}

// A part that is asked only by another part's hook registers its own then. It
// must run: it would be the one that sends the consent cookie.
func TestHookRegisteredByAHook(t *testing.T) {
	m := newWatch()
	x, w, r := exchange.Begin(httptest.NewRecorder(), httptest.NewRequest("GET", "/", nil))
	x.OnHeader(nested{m})
	x.Serve(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { write(w, 1) }), w, r)
	require.Equal(t, []int{200}, m.statuses)
}

type nested struct{ inner *watch }

func (n nested) BeforeHeader(x *exchange.Exchange, _ int, _ http.Header) { x.OnHeader(n.inner) }

func TestSlots(t *testing.T) {
	var a, b exchange.Slot[string]
	var many [20]exchange.Slot[int]
	x, w, r := exchange.Begin(httptest.NewRecorder(), httptest.NewRequest("GET", "/", nil))
	require.Nil(t, a.Get(x))
	one, two := "one", "two"
	a.Set(x, &one)
	b.Set(x, &two)
	require.Equal(t, "one", *a.Get(x))
	require.Equal(t, "two", *b.Get(x))
	a.Set(x, &two)
	require.Equal(t, "two", *a.Get(x))
	for i := range many {
		many[i].Set(x, &i)
	}
	for i := range many {
		require.Equal(t, i, *many[i].Get(x))
	}
	require.Equal(t, "two", *b.Get(x))
	b.Set(x, &one)
	require.Equal(t, "one", *b.Get(x), "also where the new value has another place")
	b.Set(x, &two)
	var c exchange.Slot[string]
	require.Same(t, &one, c.LoadOrStore(x, &one))
	require.Same(t, &one, c.LoadOrStore(x, &two), "what is there stays")
	require.Same(t, &one, c.Get(x))
	x.Serve(http.NotFoundHandler(), w, r)
	b.Set(x, &one)
	require.Equal(t, "two", *b.Get(x), "kept, and not changed after the end")
	var late exchange.Slot[string]
	require.Same(t, &one, late.LoadOrStore(x, &one))
	require.Same(t, &one, late.LoadOrStore(x, &two))
}

// Slots and hooks are put in and asked for from any goroutine. What somebody
// sees once is not taken back.
func TestSlotsConcurrently(t *testing.T) {
	var many [12]exchange.Slot[int]
	var first exchange.Slot[int]
	x, w, r := exchange.Begin(httptest.NewRecorder(), httptest.NewRequest("GET", "/", nil))
	var ends, headers countingHook
	x.Serve(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		var all sync.WaitGroup
		winners := make([]*int, 8)
		for g := range winners {
			all.Go(func() {
				winners[g] = first.LoadOrStore(x, &g)
				for i := range many {
					many[i].Set(x, &i)
					require.Equal(t, i, *many[i].Get(x))
					x.OnHeader(new(countingHook))
					x.OnEnd(new(countingHook))
				}
				x.OnHeader(&headers)
				x.OnEnd(&ends)
			})
		}
		all.Wait()
		for _, one := range winners {
			require.Same(t, winners[0], one)
		}
	}), w, r)
	require.EqualValues(t, 1, ends.n.Load())
	require.EqualValues(t, 1, headers.n.Load())
}

type countingHook struct{ n atomic.Int32 }

func (c *countingHook) BeforeHeader(*exchange.Exchange, int, http.Header) { c.n.Add(1) }
func (c *countingHook) AtEnd(*exchange.Exchange)                          { c.n.Add(1) }

// The request that the first middleware was given, and its cookie lines, stay
// as they came.
func TestRequestStays(t *testing.T) {
	r := httptest.NewRequest("GET", "/", nil)
	r.Header["Cookie"] = []string{"a=1; b=2", "c=3"}
	x, _, r2 := exchange.Begin(httptest.NewRecorder(), r)
	r2.Header = http.Header{}
	require.Equal(t, []string{"a=1; b=2", "c=3"}, x.CookieLines())
	require.Same(t, r, x.Request())
	require.WithinDuration(t, time.Now(), x.Start(), time.Minute)
}

// Something between takes cookies away from the handlers, in the header map that
// all copies of the request share.
func TestCookieLinesStay(t *testing.T) {
	r := httptest.NewRequest("GET", "/", nil)
	r.Header.Set("Cookie", "a=1")
	x, _, r2 := exchange.Begin(httptest.NewRecorder(), r)
	r2.Header.Del("Cookie")
	require.Equal(t, []string{"a=1"}, x.CookieLines())
}

// Exchange, context and request are one allocation.
func TestBeginAllocatesOnce(t *testing.T) {
	w := httptest.NewRecorder()
	r := httptest.NewRequest("GET", "/", nil)
	next := http.HandlerFunc(func(http.ResponseWriter, *http.Request) {})
	require.LessOrEqual(t, testing.AllocsPerRun(100, func() {
		x, w, r := exchange.Begin(w, r)
		x.Serve(next, w, r)
	}), 1.0)
}

func BenchmarkExchange(b *testing.B) {
	body := []byte("hello")
	bare := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { _, _ = w.Write(body) })
	wrapped := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		x, w, r := exchange.Begin(w, r)
		x.Serve(bare, w, r)
	})
	r := httptest.NewRequest("GET", "/", nil)
	for name, h := range map[string]http.Handler{"bare": bare, "wrapped": wrapped} {
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			w := &discard{h: http.Header{}}
			for b.Loop() {
				h.ServeHTTP(w, r)
			}
		})
	}
}

type discard struct{ h http.Header }

func (d *discard) Header() http.Header { return d.h }

func (d *discard) Write(p []byte) (int, error) { return len(p), nil }

func (d *discard) WriteHeader(int) {}
