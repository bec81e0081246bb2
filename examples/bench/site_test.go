package bench_test

import (
	"bytes"
	"context"
	"io"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"os"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/candorhttp/candor/consent"
	"github.com/candorhttp/candor/consent/ledger"
	"github.com/candorhttp/candor/cookies"
	"github.com/candorhttp/candor/iputil"
	"github.com/candorhttp/candor/iputil/pseudonym"
	"github.com/candorhttp/candor/logging"
)

// answer is what the visitor said before the request that is measured.
type answer int

const (
	granted  answer = iota // yes to analytics and preferences
	withheld               // nothing
	refused                // no to both
)

const (
	userAgent  = "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/141.0.0.0 Safari/537.36"
	hops       = "203.0.113.77, 10.1.2.3, 10.1.2.4"
	proxy      = "10.0.0.2:41234"
	sent       = "session=c2Vzc2lvbg; theme=dark; lang=en; visits=7"
	setLine    = "visits=8; Path=/; Max-Age=2592000; HttpOnly; Secure; SameSite=Lax"
	cookieName = "__Host-consent"
)

var (
	body     = []byte("<!doctype html><title>Teapots</title><p>Short and stout.\n")
	networks = []netip.Prefix{netip.MustParsePrefix("10.0.0.0/8")}
)

// site is Candor as a service has it, without the service.
type site struct {
	keys    consent.Keys
	manager *consent.Manager
	gate    *cookies.Gate
	access  *logging.Access
}

// newSite takes the policy of the quickstart and writes its lines to out.
func newSite(t testing.TB, out io.Writer) *site {
	t.Helper()
	text, err := os.ReadFile("../quickstart/policy.json")
	require.NoError(t, err)
	policy, err := consent.ParsePolicy(text)
	require.NoError(t, err)
	s := &site{}
	s.keys, err = consent.ParseKeys(consent.GenerateKey())
	require.NoError(t, err)
	visitors, err := iputil.NewResolver(iputil.Proxies{Header: "X-Forwarded-For", Trusted: networks})
	require.NoError(t, err)
	s.manager, err = consent.New(consent.Config{Policy: policy, Keys: s.keys, Ledger: ledger.Memory(), Visitors: visitors})
	require.NoError(t, err)
	specs := []cookies.Spec{
		{Name: "session", Purpose: consent.Authentication},
		{Name: "theme", Purpose: consent.Preferences, Lifetime: 90 * 24 * time.Hour},
		{Name: "lang", Purpose: consent.Preferences, Lifetime: 90 * 24 * time.Hour},
		{Name: "visits", Purpose: consent.Analytics, Lifetime: 30 * 24 * time.Hour},
	}
	for i := range specs {
		specs[i].Description = consent.Text{"en": "A cookie.", "de": "Ein Cookie."}
	}
	inventory, err := cookies.NewInventory(policy, specs...)
	require.NoError(t, err)
	s.gate, err = cookies.NewGate(cookies.GateConfig{Inventory: inventory, Consent: s.manager})
	require.NoError(t, err)
	keyring, err := pseudonym.New(pseudonym.Config{})
	require.NoError(t, err)
	s.access, err = logging.New(logging.Config{
		Output: out, Visitors: visitors, Consent: s.manager, Query: []string{"page"}, Pseudonyms: keyring,
	})
	require.NoError(t, err)
	t.Cleanup(func() {
		s.access.Close()
		keyring.Close()
		require.NoError(t, s.manager.Close(context.Background()))
	})
	return s
}

// chain is the whole of it, outermost first: log, manager, gate.
func (s *site) chain(next http.Handler) http.Handler {
	return s.access.Middleware(s.manager.Middleware(s.gate.Middleware(next)))
}

// choose makes the choice with the manager's own endpoint and returns the pair
// for the Cookie field.
func (s *site) choose(t testing.TB, json string) string {
	t.Helper()
	r := httptest.NewRequest("POST", "https://shop.example/privacy/decision", strings.NewReader(json))
	r.Header.Set("Content-Type", "application/json")
	w := httptest.NewRecorder()
	s.manager.Middleware(s.manager.Handler()).ServeHTTP(w, r)
	require.Equal(t, http.StatusOK, w.Code)
	set := w.Result().Cookies()
	require.Len(t, set, 1)
	require.Equal(t, cookieName, set[0].Name)
	return set[0].Name + "=" + set[0].Value
}

// request is the one that everything here is measured with.
func (s *site) request(t testing.TB, a answer) *http.Request {
	t.Helper()
	r := httptest.NewRequest("GET", "/pots?page=2&q=secret", nil)
	r.Host = "shop.example"
	r.RemoteAddr = proxy
	r.Header = http.Header{
		"Accept":          {"text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8"},
		"Accept-Encoding": {"gzip, deflate, br"},
		"Accept-Language": {"en-GB,en;q=0.9"},
		"User-Agent":      {userAgent},
		"Referer":         {"https://search.example/find?q=teapots"},
		"X-Forwarded-For": {hops},
		"Cookie":          {sent},
	}
	switch a {
	case granted:
		r.Header.Set("Cookie", sent+"; "+s.choose(t, `{"grants":{"analytics":true,"preferences":true}}`))
	case refused:
		r.Header.Set("Cookie", sent+"; "+s.choose(t, `{"grants":{"analytics":false,"preferences":false}}`))
	}
	return r
}

// page is the handler that access logs stand around.
func page(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write(body) }

// asking is the handler that chains stand around: it asks for consent by the
// chain's own means, sets one cookie and leaves it to the gate.
func asking(allowed func(context.Context) bool) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		_ = allowed(r.Context())
		w.Header()["Set-Cookie"] = []string{setLine}
		_, _ = w.Write(body)
	})
}

func allowed(ctx context.Context) bool { return consent.Allowed(ctx, consent.Analytics) }

// response costs nothing and can be used again.
type response struct {
	header http.Header
	status int
}

func (w *response) Header() http.Header         { return w.header }
func (w *response) Write(p []byte) (int, error) { return len(p), nil }
func (w *response) WriteHeader(status int)      { w.status = status }

// serve sends the request once. What the last time left behind is taken away:
// slog-http writes its request id into the request's own header.
func (w *response) serve(h http.Handler, r *http.Request) {
	clear(w.header)
	delete(r.Header, "X-Request-Id")
	h.ServeHTTP(w, r)
}

// counter is an output that keeps nothing.
type counter struct{ writes, bytes atomic.Int64 }

func (c *counter) Write(p []byte) (int, error) {
	c.writes.Add(1)
	c.bytes.Add(int64(len(p)))
	return len(p), nil
}

// recording is an output that keeps everything.
type recording struct {
	mu   sync.Mutex
	text bytes.Buffer
}

func (r *recording) Write(p []byte) (int, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.text.Write(p)
}
