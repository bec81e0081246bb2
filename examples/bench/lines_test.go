package bench_test

import (
	"encoding/json"
	"net/http"
	"runtime"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// line sends one request through what was built and returns the line.
func line(t *testing.T, build build, a answer) string {
	t.Helper()
	out := &recording{}
	s := newSite(t, out)
	w := &response{header: http.Header{}}
	w.serve(build(s, out), s.request(t, a))
	text := out.text.String()
	require.Equal(t, 1, strings.Count(text, "\n"), text)
	return text
}

// values reads a line of JSON, and takes out what differs from request to
// request once it was seen to have its form.
func values(t *testing.T, text string) map[string]any {
	t.Helper()
	var v map[string]any
	require.NoError(t, json.Unmarshal([]byte(text), &v))
	for name, form := range map[string]string{
		"time":                         `^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$`,
		"http.server.request.duration": `^0(\.\d{1,3})?$`,
		"request.id":                   `^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$`,
		"client.pseudonym":             `^p1:\d{8}:[0-9a-f]{32}$`,
	} {
		if x, ok := v[name]; ok {
			require.Regexp(t, form, x, name)
			delete(v, name)
		} else {
			require.Equal(t, "client.pseudonym", name, "absent")
		}
	}
	return v
}

// Both floors do the same work as what they are the floor of: the same fields
// with the same values, of which Candor has some more.
func TestLinesAgree(t *testing.T) {
	yes := map[string]any{
		"http.request.method": "GET", "url.query": "page=2", "http.response.status_code": 200.0,
		"http.response.body.size": float64(len(body)), "client.address": "203.0.113.0",
		"user_agent.name": "Chrome", "user_agent.version": "141", "user_agent.device": "desktop",
		"http.request.referrer": "https://search.example", "consent.state": "granted",
	}
	no := map[string]any{
		"http.request.method": "GET", "url.query": "page=2", "http.response.status_code": 200.0,
		"http.response.body.size": float64(len(body)), "client.address": "203.0.0.0",
		"user_agent.name": "Chrome", "user_agent.device": "desktop", "consent.state": "unset",
	}
	for _, row := range []struct {
		name          string
		floor, candor build
		answer        answer
		want          map[string]any
		fields        int // of a floor; time, duration, id and pseudonym with them
	}{
		{"log, granted", buildFloor, buildCandorLog, granted, yes, 14},
		{"log, withheld", buildFloor, buildCandorLog, withheld, no, 11},
		{"verified, granted", buildFloorVerified, buildCandorLog, granted, yes, 14},
		{"chain, granted", buildFloorChain, buildCandorChain, granted, yes, 14},
		{"chain, withheld", buildFloorChain, buildCandorChain, withheld, no, 11},
	} {
		t.Run(row.name, func(t *testing.T) {
			text := line(t, row.floor, row.answer)
			var all map[string]any
			require.NoError(t, json.Unmarshal([]byte(text), &all))
			require.Len(t, all, row.fields)
			require.Equal(t, row.want, values(t, text))

			text = line(t, row.candor, row.answer)
			require.Equal(t, row.answer == granted, strings.Contains(text, `"client.pseudonym"`))
			require.NoError(t, json.Unmarshal([]byte(text), &all))
			require.GreaterOrEqual(t, len(all), row.fields)
			require.Subset(t, values(t, text), row.want)
			for _, kept := range []string{"secret", "203.0.113.77", "teapots", "c2Vzc2lvbg", "/pots"} {
				require.NotContains(t, text, kept)
			}
		})
	}
}

// The chains answer the same, and show the handler the same cookies.
func TestChainsAgree(t *testing.T) {
	for _, row := range []struct {
		name   string
		answer answer
		sets   []string
		shown  string // but the consent cookie
	}{
		{"granted", granted, []string{setLine}, sent},
		{"withheld", withheld, nil, "session=c2Vzc2lvbg"},
	} {
		t.Run(row.name, func(t *testing.T) {
			out := &recording{}
			s := newSite(t, out)
			r := s.request(t, row.answer)
			for name, wrap := range map[string]func(http.Handler) http.Handler{
				"floor":  func(next http.Handler) http.Handler { return newFloorChain(next, out, s.keys) },
				"candor": s.chain,
			} {
				shown := ""
				inner := asking(allowed)
				h := wrap(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
					shown, _, _ = strings.Cut(r.Header.Get("Cookie"), "; "+cookieName)
					inner.ServeHTTP(w, r)
				}))
				before := r.Header.Clone()
				w := &response{header: http.Header{}}
				w.serve(h, r)
				require.Equal(t, before, r.Header, "%s changes the request", name)
				require.Equal(t, row.shown, shown, name)
				want := http.Header{"Cache-Control": {"private"}, "Vary": {"Cookie"}}
				if row.sets != nil {
					want["Set-Cookie"] = row.sets
				}
				require.Equal(t, want, w.header, name)
			}
		})
	}
}

// A consent cookie that was changed is nobody's grant, for the floor as well.
func TestChangedCookieGrantsNothing(t *testing.T) {
	for name, build := range map[string]build{"floor": buildFloorChain, "candor": buildCandorChain} {
		out := &recording{}
		s := newSite(t, out)
		r := s.request(t, granted)
		cookie := r.Header.Get("Cookie")
		last := len(cookie) - 8
		other := byte('A')
		if cookie[last] == other {
			other = 'B'
		}
		r.Header.Set("Cookie", cookie[:last]+string(other)+cookie[last+1:])
		w := &response{header: http.Header{}}
		w.serve(build(s, out), r)
		require.NotContains(t, w.header, "Set-Cookie", name)
		require.NotContains(t, out.text.String(), "client.pseudonym", name)
	}
}

// A visitor who refused is rid of the three cookies.
func TestRefusedExpires(t *testing.T) {
	out := &recording{}
	s := newSite(t, out)
	w := &response{header: http.Header{}}
	w.serve(buildCandorChain(s, out), s.request(t, refused))
	lines := w.header["Set-Cookie"]
	require.Len(t, lines, 3)
	for _, l := range lines {
		require.Contains(t, l, "Max-Age=0")
	}
}

// The others' logs are set up so that each writes its line.
func TestPeersWriteTheirLine(t *testing.T) {
	for name, row := range map[string]struct {
		build build
		holds []string
	}{
		"gorilla":   {buildGorilla, []string{`"GET /pots?page=2&q=secret HTTP/1.1" 200 `, userAgent, "https://search.example/find?q=teapots"}},
		"chi":       {buildChi, []string{`"GET http://shop.example/pots?page=2&q=secret HTTP/1.1" from 10.0.0.2:41234 - 200`}},
		"httplog":   {buildHTTPLog, []string{`"http.response.status_code":200`, userAgent}},
		"slog-http": {buildSlogHTTP, []string{`"status":200`, `"path":"/pots"`, `"id":"`}},
		"hlog":      {buildHlog, []string{`"status":200`, userAgent, `"req_id":"`, `"referer":"`}},
		"httpsnoop": {buildHTTPSnoop, []string{"code=200", "written="}},
	} {
		t.Run(name, func(t *testing.T) {
			text := line(t, row.build, granted)
			for _, part := range row.holds {
				require.Contains(t, text, part)
			}
		})
	}
}

// What is kept does not grow with the number of visitors.
func TestMemoryDoesNotGrowWithVisitors(t *testing.T) {
	out := &counter{}
	s := newSite(t, out)
	many := s.crowd(t, 1_000_000)
	h := buildCandorChain(s, out)
	w := &response{header: http.Header{}}
	heap := func(requests int) int64 {
		for range requests {
			w.serve(h, many.next())
		}
		runtime.GC()
		var m runtime.MemStats
		runtime.ReadMemStats(&m)
		return int64(m.HeapAlloc)
	}
	before := heap(1000)
	after := heap(50_000)
	t.Logf("heap %d KiB after 1,000 visitors, %d KiB after 51,000", before>>10, after>>10)
	require.Less(t, after-before, int64(256<<10))
}

func TestCrowdIsOfDifferentVisitors(t *testing.T) {
	s := newSite(t, &counter{})
	for _, count := range []int{100, 1_000_000} {
		many := s.crowd(t, count)
		seen := map[string]bool{}
		for range min(count, 10_000) {
			seen[many.next().Header["X-Forwarded-For"][0]] = true
		}
		require.Len(t, seen, min(count, 10_000))
	}
}
