package bench_test

import (
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"net/http"
	"net/netip"
	"testing"
	"time"

	"github.com/candorhttp/candor/consent/exchange"
	"github.com/candorhttp/candor/consent/exchange/agent"
	"github.com/candorhttp/candor/iputil"
	"github.com/candorhttp/candor/iputil/pseudonym"
)

// BenchmarkParts says what CandorLog is made of. The first rows are what no
// structure can save: they are the same in the floors, but for the request's copy
// and the verified cookie, which Floor does without.
func BenchmarkParts(b *testing.B) {
	s := newSite(b, &counter{})
	r := s.request(b, granted)
	var w http.ResponseWriter = &response{header: http.Header{}}
	run := func(name string, f func()) {
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				f()
			}
		})
	}
	mac, sum := hmac.New(sha256.New, make([]byte, 32)), make([]byte, 0, sha256.Size)
	message := make([]byte, 46) // the consent cookie's name and payload
	run("an HMAC", func() {
		mac.Reset()
		mac.Write(message)
		sum = mac.Sum(sum[:0])
	})
	began := time.Now()
	run("clocks", func() {
		began = time.Now()
		_, _ = time.Since(began), time.Since(began)
	})
	id := make([]byte, 16)
	run("random id", func() { rand.Read(id) })
	var copied *http.Request
	run("request's copy", func() { copied = r.WithContext(r.Context()) })
	_ = copied
	next := http.HandlerFunc(page)
	run("exchange", func() { // with the request's copy and the clocks
		x, w, r := exchange.Begin(w, r)
		x.OnEnd(told{})
		x.Serve(next, w, r)
	})
	run("exchange and decision", func() { // with the cookie's HMAC
		x, w, r := exchange.Begin(w, r)
		x.OnEnd(told{})
		s.manager.Peek(x)
		x.Serve(next, w, r)
	})
	visitors, err := iputil.NewResolver(iputil.Proxies{Header: "X-Forwarded-For", Trusted: networks})
	if err != nil {
		b.Fatal(err)
	}
	run("resolver", func() { visitors.Client(r) })
	run("user agent", func() { agent.Parse(userAgent) })
	names, err := pseudonym.New(pseudonym.Config{})
	if err != nil {
		b.Fatal(err)
	}
	defer names.Close()
	line := make([]byte, 0, 128)
	address := netip.MustParseAddr("203.0.113.77").As16()
	run("pseudonym", func() { line, _ = names.AppendAt(line[:0], began, "log", address[:]) })
}

// told is an end hook, without which an exchange asks no clock at its end.
type told struct{}

func (told) AtEnd(*exchange.Exchange) {}
