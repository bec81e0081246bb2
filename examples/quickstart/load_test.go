package main

import (
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"runtime"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/candorhttp/candor/consent/ledger"
)

// Two hundred visitors at once, each choosing, browsing and withdrawing: every
// answer is the one for that visitor, and the memory stays flat. It runs for two
// seconds, or for CANDOR_LOAD, a duration.
func TestParallelVisitors(t *testing.T) {
	lasts := 2 * time.Second
	if d, err := time.ParseDuration(os.Getenv("CANDOR_LOAD")); err == nil {
		lasts = d
	}
	s := start(t, newKeys(t))
	var requests, wrong atomic.Int64
	var first sync.Once
	fail := func(format string, args ...any) {
		wrong.Add(1)
		first.Do(func() { t.Errorf(format, args...) })
	}
	transport := &http.Transport{MaxIdleConnsPerHost: 200}
	end := time.Now().Add(lasts)
	heap := func() uint64 {
		runtime.GC()
		var m runtime.MemStats
		runtime.ReadMemStats(&m)
		return m.HeapAlloc
	}
	var middle uint64
	var wg sync.WaitGroup
	for i := range 200 {
		wg.Go(func() {
			address := fmt.Sprintf("10.%d.%d.7", i/100, i)
			cookie, granted := "", false
			send := func(method, path, body string) (*http.Response, string) {
				r, err := http.NewRequest(method, s.URL+path, strings.NewReader(body))
				if err != nil {
					fail("%v", err)
					return nil, ""
				}
				r.Header = http.Header{"X-Forwarded-For": {address}, "Content-Type": {"application/json"}}
				if cookie != "" {
					r.Header["Cookie"] = []string{cookie + "; visits=7"}
				}
				w, err := transport.RoundTrip(r)
				if err != nil {
					fail("%s: %v", path, err)
					return nil, ""
				}
				defer w.Body.Close()
				text, _ := io.ReadAll(w.Body)
				requests.Add(1)
				for _, c := range w.Cookies() {
					if c.Name == "consent" {
						cookie = "consent=" + c.Value
					}
				}
				return w, string(text)
			}
			for n := 0; time.Now().Before(end); n++ {
				switch n % 8 {
				case 1:
					if w, text := send("POST", "/privacy/decision", fmt.Sprintf(`{"grants":{"analytics":%v}}`, i%2 == 0)); w != nil && w.StatusCode != 200 {
						if w.StatusCode != http.StatusTooManyRequests {
							fail("%d %s", w.StatusCode, text)
						}
						continue
					}
					granted = i%2 == 0
				case 6:
					if w, text := send("POST", "/privacy/withdraw", ""); w != nil && w.StatusCode != 200 {
						fail("%d %s", w.StatusCode, text)
					}
					granted = false
				default:
					w, text := send("GET", "/", "")
					if w == nil {
						return
					}
					sets := strings.Contains(strings.Join(w.Header["Set-Cookie"], "\n"), "visits=8")
					shown := strings.Contains(text, `<output id="visits">7</output>`)
					if w.StatusCode != 200 || sets != granted || shown != granted {
						fail("visitor %d, granted %v: status %d, set %v, shown %v", i, granted, w.StatusCode, sets, shown)
					}
				}
				if i == 0 && middle == 0 && time.Until(end) < lasts/2 {
					middle = heap()
				}
			}
		})
	}
	wg.Wait()
	transport.CloseIdleConnections()
	last := heap()
	t.Logf("%d requests, %d wrong; heap %d KiB in the middle, %d KiB at the end", requests.Load(), wrong.Load(), middle>>10, last>>10)
	require.Zero(t, wrong.Load())
	// The ledger and the log of this test are in memory and grow as they must:
	// below a KiB a request.
	require.Less(t, int64(last), int64(middle)+requests.Load()*1024+(8<<20))
}

// The whole chain around a trivial handler.
func chainHandler(t testing.TB, granted bool) (http.Handler, *http.Request) {
	t.Helper()
	site, err := newSite(newKeys(t), nil, ledger.Memory(), io.Discard, nil)
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, site.close(t.Context())) })
	trivial := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		http.SetCookie(w, &http.Cookie{Name: "visits", Value: "1", Path: "/"})
		_, _ = io.WriteString(w, "hello")
	})
	mux := http.NewServeMux()
	mux.Handle("/privacy/", site.manager.Handler())
	mux.Handle("/", trivial)
	h := wrap(mux, site.layers()...)
	r := httptest.NewRequest("GET", "/", nil)
	r.Header.Set("User-Agent", "Mozilla/5.0 (X11; Linux x86_64; rv:128.0) Gecko/20100101 Firefox/128.0")
	r.Header.Set("Referer", "https://search.example/")
	cookie := "session=1; theme=dark; visits=7; last_login=x"
	if granted {
		choose := httptest.NewRequest("POST", "/privacy/decision", strings.NewReader(`{"grants":{"analytics":true,"preferences":true,"login_memory":true}}`))
		choose.Header.Set("Content-Type", "application/json")
		w := httptest.NewRecorder()
		h.ServeHTTP(w, choose)
		require.Equal(t, 200, w.Code)
		cookie += "; consent=" + w.Result().Cookies()[0].Value
	}
	r.Header.Set("Cookie", cookie)
	return h, r
}

func BenchmarkChain(b *testing.B) {
	for _, granted := range []bool{true, false} {
		h, r := chainHandler(b, granted)
		b.Run(fmt.Sprintf("granted=%v", granted), func(b *testing.B) {
			b.ReportAllocs()
			w := &sink{h: http.Header{}}
			for b.Loop() {
				clear(w.h)
				h.ServeHTTP(w, r)
			}
		})
	}
}

// sink is a response that costs nothing.
type sink struct{ h http.Header }

func (s *sink) Header() http.Header         { return s.h }
func (s *sink) Write(p []byte) (int, error) { return len(p), nil }
func (s *sink) WriteHeader(int)             {}
