//go:build !race

// Under the race detector sync.Pool forgets at random, so allocations are not
// counted there.

package cookies_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/candorhttp/candor/consent"
)

// What the gate allocates over the bare handler, the exchange included.
func TestGateAllocations(t *testing.T) {
	manager := benchManager(t)
	s := newSite(t, options{}, nil)
	granted := s.choose("", `{"analytics":true}`)
	const others = "cart=1; lang=en; csrf=2"
	for _, tt := range []struct {
		name, cookie, line string
		manager            *consent.Manager
		most               float64
	}{
		{"all allowed", benchCookie, benchLine, nil, 2},
		{"all allowed, with a manager", benchCookie, benchLine, manager, 2},
		{"allowed and hardened", benchCookie, "sid=1; Path=/", manager, 3},
		{"none sent", "", benchLine, manager, 2},
		{"all withheld", "_ga=1; _gid=2; _gat=3; fbp=4", "_ga=1; Path=/", manager, 6},
		{"all withheld, none declared", "a=1; b=2; c=3; d=4", "rogue=1; Path=/", manager, 6},
		{"allowed by consent", granted + "; _ga=1; " + others, "_ga=1; Path=/; Secure; HttpOnly; SameSite=Lax", s.manager, 5},
	} {
		t.Run(tt.name, func(t *testing.T) {
			page := setsLine(tt.line)
			bare := testing.AllocsPerRun(200, serves(t, page, tt.cookie))
			gated := testing.AllocsPerRun(200, serves(t, benchGate(t, tt.manager).Middleware(page), tt.cookie))
			require.LessOrEqual(t, gated-bare, tt.most)
		})
	}
}
