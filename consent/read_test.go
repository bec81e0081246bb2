package consent_test

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"hash"
	"net/http"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/candorhttp/candor/consent"
	"github.com/candorhttp/candor/consent/exchange"
)

// readers are a request with a valid consent cookie among others, the exchange
// by itself, and the manager around a page that does not ask and one that does.
func readers(t testing.TB) (m *consent.Manager, r *http.Request, bare, unread, read http.Handler) {
	cfg := config(t)
	cfg.Now = nil
	m = newManager(t, cfg)
	r, err := http.NewRequest("GET", "/", nil)
	require.NoError(t, err)
	value := consent.NewCodec(cfg.Keys, "consent").Encode(grantCookie())
	r.Header.Set("Cookie", "sid=0123456789abcdef; theme=dark; consent="+value+"; visits=7")
	page := http.HandlerFunc(func(http.ResponseWriter, *http.Request) {})
	bare = http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		x, w, r := exchange.Begin(w, r)
		x.Serve(page, w, r)
	})
	asks := http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) { m.Peek(exchange.From(r.Context())) })
	return m, r, bare, m.Middleware(page), m.Middleware(asks)
}

// BenchmarkRead compares, in one run, what a visitor costs: the exchange by
// itself, the middleware with a cookie that no one reads, one that is read, what
// the reading is of that (from the request's lines to a decision), and the floor
// under it: the cookie found, one HMAC-SHA256 of the same bytes, base64 and the
// walk through the payload.
func BenchmarkRead(b *testing.B) {
	m, r, bare, unread, read := readers(b)
	w := &nowhere{http.Header{}}
	for _, bench := range []struct {
		name    string
		handler http.Handler
	}{{"exchange", bare}, {"unread", unread}, {"read", read}} {
		b.Run(bench.name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				clear(w.header)
				bench.handler.ServeHTTP(w, r)
			}
		})
	}
	b.Run("peek", func(b *testing.B) {
		b.ReportAllocs()
		x, _, _ := exchange.Begin(w, r)
		for b.Loop() {
			consent.Reread(m, x)
		}
	})
	b.Run("decode", func(b *testing.B) {
		b.ReportAllocs()
		c := consent.NewCodec(newKeys(b), "consent")
		text := c.Encode(grantCookie())
		s := consent.Stored{Answers: make([]consent.Answer, 0, 8)}
		for b.Loop() {
			_ = c.DecodeInto(&s, text, noon)
		}
	})
	b.Run("floor", func(b *testing.B) {
		b.ReportAllocs()
		f := newFloor()
		for b.Loop() {
			f.read(r)
		}
	})
}

// floor is what nobody can do without: verify and walk.
type floor struct {
	mac       hash.Hash
	name      []byte
	raw, text [256]byte
	sum       [32]byte
	answers   [8]consent.Answer
}

func newFloor() *floor {
	return &floor{mac: hmac.New(sha256.New, make([]byte, 32)), name: []byte("consent\x00")}
}

func (f *floor) read(r *http.Request) int {
	_, value, _ := strings.Cut(r.Header["Cookie"][0], "consent=")
	value, _, _ = strings.Cut(value, ";")
	n := copy(f.text[:], value)
	n, _ = base64.RawURLEncoding.Decode(f.raw[:], f.text[:n])
	payload, tag := f.raw[:n-16], f.raw[n-16:n]
	f.mac.Reset()
	f.mac.Write(f.name)
	f.mac.Write(payload)
	sum := f.mac.Sum(f.sum[:0])
	_ = hmac.Equal(tag, sum[:16])
	s := consent.Stored{Answers: f.answers[:0]}
	consent.PayloadInto(&s, payload, noon)
	return len(s.Answers)
}

// Both sides of the comparison read the same cookie.
func TestReadersFindTheCookie(t *testing.T) {
	m, r, _, _, _ := readers(t)
	require.Equal(t, 3, newFloor().read(r))
	x, _, _ := exchange.Begin(&nowhere{http.Header{}}, r)
	require.Equal(t, consent.Granted, consent.Reread(m, x).State(consent.Preferences))
}
