//go:build !race

// Under the race detector sync.Pool forgets at random, so allocations are not
// counted there.

package consent_test

import (
	"net/http"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/candorhttp/candor/consent"
)

func TestCookieReadAllocatesNothing(t *testing.T) {
	c := consent.NewCodec(newKeys(t), "consent")
	text := c.Encode(grantCookie())
	s := consent.Stored{Answers: make([]consent.Answer, 0, 8)}
	allocs := testing.AllocsPerRun(100, func() {
		if err := c.DecodeInto(&s, text, noon); err != nil {
			t.Fatal(err)
		}
	})
	require.Zero(t, allocs)
}

// The manager costs one allocation beside the exchange, whether or not somebody
// reads the visitor's cookie.
func TestMiddlewareAllocations(t *testing.T) {
	_, r, bare, unread, read := readers(t)
	w := &nowhere{http.Header{}}
	count := func(h http.Handler) float64 {
		return testing.AllocsPerRun(200, func() { clear(w.header); h.ServeHTTP(w, r) })
	}
	exchange := count(bare)
	require.LessOrEqual(t, count(unread), exchange+1)
	require.LessOrEqual(t, count(read), exchange+1)
}
