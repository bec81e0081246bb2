//go:build !race

// Under the race detector sync.Pool forgets at random, so allocations are not
// counted there.

package bench_test

import (
	"net/http"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestAllocations(t *testing.T) {
	for _, row := range []struct {
		name   string
		build  build
		answer answer
		most   float64
	}{
		{"Floor", buildFloor, granted, 1},
		{"FloorChain", buildFloorChain, granted, 6},
		{"FloorVerified", buildFloorVerified, granted, 4},
		{"CandorLog", buildCandorLog, granted, 2},
		{"CandorLogWithheld", buildCandorLog, withheld, 2},
		{"CandorChain", buildCandorChain, granted, 4},
		{"CandorChainWithheld", buildCandorChain, withheld, 8},
	} {
		out := &counter{}
		s := newSite(t, out)
		r := s.request(t, row.answer)
		h := row.build(s, out)
		w := &response{header: http.Header{}}
		allocs := testing.AllocsPerRun(500, func() { w.serve(h, r) })
		t.Logf("%s: %v allocations", row.name, allocs)
		require.LessOrEqual(t, allocs, row.most, row.name)
	}
}
