//go:build !race

// Under the race detector sync.Pool forgets at random, so allocations are not
// counted there.

package consent_test

import (
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
