//go:build !race

// Under the race detector sync.Pool forgets at random, so allocations are not
// counted there.

package main

import (
	"net/http"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestChainAllocations(t *testing.T) {
	for _, granted := range []bool{true, false} {
		h, r := chainHandler(t, granted)
		w := &sink{h: http.Header{}}
		allocs := testing.AllocsPerRun(200, func() {
			clear(w.h)
			h.ServeHTTP(w, r)
		})
		t.Logf("granted=%v: %v allocations", granted, allocs)
		require.LessOrEqual(t, allocs, 20.0)
	}
}
