package bench_test

import (
	"fmt"
	"io"
	"log"
	"log/slog"
	"net/http"
	"strconv"
	"testing"
	"time"

	"github.com/felixge/httpsnoop"
	"github.com/go-chi/chi/v5/middleware"
	"github.com/go-chi/httplog/v3"
	"github.com/gorilla/handlers"
	"github.com/rs/zerolog"
	"github.com/rs/zerolog/hlog"
	sloghttp "github.com/samber/slog-http"
	"github.com/stretchr/testify/require"
)

// build puts a middleware around the handler that belongs to it.
type build func(s *site, out io.Writer) http.Handler

func buildFloor(_ *site, out io.Writer) http.Handler { return newFloor(http.HandlerFunc(page), out) }

func buildFloorChain(s *site, out io.Writer) http.Handler {
	return newFloorChain(asking(floorAllowed), out, s.keys)
}

func buildFloorVerified(s *site, out io.Writer) http.Handler {
	return floorVerified{newFloorChain(http.HandlerFunc(page), out, s.keys)}
}

func buildCandorLog(s *site, _ io.Writer) http.Handler {
	return s.access.Middleware(http.HandlerFunc(page))
}

func buildCandorChain(s *site, _ io.Writer) http.Handler { return s.chain(asking(allowed)) }

func buildGorilla(_ *site, out io.Writer) http.Handler {
	return handlers.CombinedLoggingHandler(out, http.HandlerFunc(page))
}

func buildChi(_ *site, out io.Writer) http.Handler {
	formatter := &middleware.DefaultLogFormatter{Logger: log.New(out, "", log.LstdFlags), NoColor: true}
	return middleware.RequestLogger(formatter)(http.HandlerFunc(page))
}

func buildHTTPLog(_ *site, out io.Writer) http.Handler {
	logger := slog.New(slog.NewJSONHandler(out, &slog.HandlerOptions{ReplaceAttr: httplog.SchemaECS.ReplaceAttr}))
	options := &httplog.Options{Level: slog.LevelInfo, Schema: httplog.SchemaECS, RecoverPanics: true}
	return httplog.RequestLogger(logger, options)(http.HandlerFunc(page))
}

func buildSlogHTTP(_ *site, out io.Writer) http.Handler {
	return sloghttp.New(slog.New(slog.NewJSONHandler(out, nil)))(http.HandlerFunc(page))
}

func buildHlog(_ *site, out io.Writer) http.Handler {
	h := hlog.AccessHandler(func(r *http.Request, status, size int, duration time.Duration) {
		hlog.FromRequest(r).Info().
			Str("method", r.Method).
			Stringer("url", r.URL).
			Int("status", status).
			Int("size", size).
			Dur("duration", duration).
			Msg("")
	})(http.HandlerFunc(page))
	h = hlog.RequestIDHandler("req_id", "Request-Id")(h)
	h = hlog.RefererHandler("referer")(h)
	h = hlog.UserAgentHandler("user_agent")(h)
	h = hlog.RemoteAddrHandler("ip")(h)
	return hlog.NewHandler(zerolog.New(out).With().Timestamp().Logger())(h)
}

func buildHTTPSnoop(_ *site, out io.Writer) http.Handler {
	logger := log.New(out, "", log.LstdFlags)
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		m := httpsnoop.CaptureMetrics(http.HandlerFunc(page), w, r)
		logger.Printf("%s %s (code=%d dt=%s written=%d)", r.Method, r.URL, m.Code, m.Duration, m.Written)
	})
}

// measure sends the request through what was built, for as long as b wants.
func measure(b *testing.B, build build, a answer) {
	out := &counter{}
	s := newSite(b, out)
	r := s.request(b, a)
	h := build(s, out)
	w := &response{header: http.Header{}}
	b.ReportAllocs()
	for b.Loop() {
		w.serve(h, r)
	}
	require.EqualValues(b, b.N, out.writes.Load(), "one line for each request")
}

func BenchmarkFloor(b *testing.B)           { measure(b, buildFloor, granted) }
func BenchmarkFloorChain(b *testing.B)      { measure(b, buildFloorChain, granted) }
func BenchmarkFloorVerified(b *testing.B)   { measure(b, buildFloorVerified, granted) }
func BenchmarkCandorLog(b *testing.B)       { measure(b, buildCandorLog, granted) }
func BenchmarkCandorChain(b *testing.B)     { measure(b, buildCandorChain, granted) }
func BenchmarkGorillaCombined(b *testing.B) { measure(b, buildGorilla, granted) }
func BenchmarkChiLogger(b *testing.B)       { measure(b, buildChi, granted) }
func BenchmarkHTTPLog(b *testing.B)         { measure(b, buildHTTPLog, granted) }
func BenchmarkSlogHTTP(b *testing.B)        { measure(b, buildSlogHTTP, granted) }
func BenchmarkHlog(b *testing.B)            { measure(b, buildHlog, granted) }
func BenchmarkHTTPSnoop(b *testing.B)       { measure(b, buildHTTPSnoop, granted) }

func BenchmarkFloorWithheld(b *testing.B)       { measure(b, buildFloor, withheld) }
func BenchmarkFloorChainWithheld(b *testing.B)  { measure(b, buildFloorChain, withheld) }
func BenchmarkCandorLogWithheld(b *testing.B)   { measure(b, buildCandorLog, withheld) }
func BenchmarkCandorChainWithheld(b *testing.B) { measure(b, buildCandorChain, withheld) }
func BenchmarkCandorChainRefused(b *testing.B)  { measure(b, buildCandorChain, refused) }

// BenchmarkCandorChainParallel is for a mutex profile:
// go test -run '^$' -bench Parallel -cpu 2 -mutexprofile mutex.prof
func BenchmarkCandorChainParallel(b *testing.B) {
	s := newSite(b, &counter{})
	r := s.request(b, granted)
	h := buildCandorChain(s, nil)
	b.ReportAllocs()
	b.RunParallel(func(p *testing.PB) {
		w, own := &response{header: http.Header{}}, r.Clone(b.Context())
		for p.Next() {
			w.serve(h, own)
		}
	})
}

// BenchmarkVisitors gives each request another address, and one of 100
// consent cookies, in turn. What it takes to write the address is the same for
// any number of visitors.
func BenchmarkVisitors(b *testing.B) {
	for _, visitors := range []int{100, 1_000_000} {
		b.Run(fmt.Sprint(visitors), func(b *testing.B) {
			out := &counter{}
			s := newSite(b, out)
			many := s.crowd(b, visitors)
			h := buildCandorChain(s, out)
			w := &response{header: http.Header{}}
			b.ReportAllocs()
			for b.Loop() {
				w.serve(h, many.next())
			}
			require.EqualValues(b, b.N, out.writes.Load())
		})
	}
}

// crowd is one request after the other from different visitors.
type crowd struct {
	r       *http.Request
	count   int
	at      int
	cookies []string
	hops    []byte
}

func (s *site) crowd(t testing.TB, count int) *crowd {
	c := &crowd{r: s.request(t, withheld), count: count}
	for range min(count, 100) {
		c.cookies = append(c.cookies, sent+"; "+s.choose(t, `{"grants":{"analytics":true,"preferences":true}}`))
	}
	return c
}

func (c *crowd) next() *http.Request {
	// A prime stride, so that neighbours do not follow each other.
	c.at = (c.at + 611_953) % c.count
	b := append(c.hops[:0], "198."...)
	for shift := 16; shift >= 0; shift -= 8 {
		b = strconv.AppendInt(b, int64(c.at>>shift&0xff), 10)
		b = append(b, '.')
	}
	c.hops = append(b[:len(b)-1], ", 10.1.2.3, 10.1.2.4"...)
	c.r.Header["X-Forwarded-For"][0] = string(c.hops)
	c.r.Header["Cookie"][0] = c.cookies[c.at%len(c.cookies)]
	return c.r
}
