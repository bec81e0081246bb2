package cookies_test

import (
	"net/http"
	"testing"

	"github.com/gorilla/securecookie"
	"github.com/stretchr/testify/require"

	"github.com/candorhttp/candor/consent"
	"github.com/candorhttp/candor/consent/exchange"
	"github.com/candorhttp/candor/consent/ledger"
	"github.com/candorhttp/candor/cookies"
)

// The gate's cost is stated as a ratio, so that it can be held against any
// machine: (BenchmarkGate/allowed - BenchmarkGate/bare) / BenchmarkGate/parse,
// where parse is http.ParseSetCookie of the same line. The exchange, which all
// middlewares of this library share, is a part of it; BenchmarkGate/exchange is
// that part alone. Read the least of several runs:
//
//	go test ./cookies -run - -bench 'Gate|Signed' -count 10

const (
	benchLine   = "sid=38afes7a8; Path=/; Expires=Tue, 24 Nov 2026 12:00:00 GMT; Max-Age=3600; Secure; HttpOnly; SameSite=Lax"
	benchCookie = "sid=38afes7a8; cart=12; lang=en; csrf=9f86d081884c7d65"
)

// benchGate is a gate whose four cookies are essential.
func benchGate(t testing.TB, manager *consent.Manager) *cookies.Gate {
	sid := spec("sid", necessary)
	sid.Lifetime = cookies.MaxLifetime
	inventory, err := cookies.NewInventory(policy(), sid, spec("cart", necessary), spec("lang", necessary), spec("csrf", necessary), spec("_ga", consent.Analytics))
	require.NoError(t, err)
	gate, err := cookies.NewGate(cookies.GateConfig{Inventory: inventory, Consent: manager})
	require.NoError(t, err)
	return gate
}

func benchManager(t testing.TB) *consent.Manager {
	keys, err := consent.ParseKeys(consent.GenerateKey())
	require.NoError(t, err)
	manager, err := consent.New(consent.Config{Policy: policy(), Keys: keys, Ledger: ledger.Memory()})
	require.NoError(t, err)
	return manager
}

// discard is the least of a ResponseWriter.
type discard struct{ h http.Header }

func (d *discard) Header() http.Header         { return d.h }
func (d *discard) Write(p []byte) (int, error) { return len(p), nil }
func (d *discard) WriteHeader(int)             {}

// setsLine is a handler that sets one line and answers.
func setsLine(line string) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header()["Set-Cookie"] = []string{line}
		w.WriteHeader(http.StatusNoContent)
	})
}

// serves returns what one request to h costs.
func serves(t testing.TB, h http.Handler, cookie string) func() {
	r, err := http.NewRequest("GET", "https://shop.example/", nil)
	require.NoError(t, err)
	r.Header["Cookie"] = []string{cookie}
	r.Header["User-Agent"] = []string{"bench"}
	w := &discard{http.Header{}}
	return func() {
		clear(w.h)
		h.ServeHTTP(w, r)
	}
}

func loop(f func()) func(b *testing.B) {
	return func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			f()
		}
	}
}

// onlyExchange is what every middleware of the library begins with.
func onlyExchange(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		x, w, r := exchange.Begin(w, r)
		x.Serve(next, w, r)
	})
}

func BenchmarkGate(b *testing.B) {
	page := setsLine(benchLine)
	manager := benchManager(b)
	b.Run("parse", loop(func() { _, _ = http.ParseSetCookie(benchLine) }))
	b.Run("bare", loop(serves(b, page, benchCookie)))
	b.Run("exchange", loop(serves(b, onlyExchange(page), benchCookie)))
	b.Run("allowed", loop(serves(b, benchGate(b, nil).Middleware(page), benchCookie)))
	b.Run("allowed with a manager", loop(serves(b, benchGate(b, manager).Middleware(page), benchCookie)))
	b.Run("withheld", loop(serves(b, benchGate(b, manager).Middleware(setsLine("_ga=1; Path=/")), "_ga=1; _gid=2; _gat=3; fbp=4")))
}

func BenchmarkSigned(b *testing.B) {
	gate := benchGate(b, nil)
	keys, err := consent.ParseKeys(consent.GenerateKey())
	require.NoError(b, err)
	signed, err := cookies.NewSigned[login](gate, keys, "sid")
	require.NoError(b, err)
	codec := securecookie.New(keys.Derive("signed cookie/sid", 32)[0], nil).SetSerializer(securecookie.JSONEncoder{})
	value, err := codec.Encode("sid", login{"jane@example.com"})
	require.NoError(b, err)
	r := &http.Request{Header: http.Header{"Cookie": {"cart=12; sid=" + value}}}
	b.Run("securecookie", loop(func() {
		var v login
		if codec.Decode("sid", value, &v) != nil {
			b.Fatal("not read")
		}
	}))
	b.Run("securecookie of a request", loop(func() {
		var v login
		c, err := r.Cookie("sid")
		if err != nil || codec.Decode("sid", c.Value, &v) != nil {
			b.Fatal("not read")
		}
	}))
	b.Run("read", loop(func() {
		if _, err := signed.Get(r); err != nil {
			b.Fatal(err)
		}
	}))
}
