//go:build !race

// Under the race detector sync.Pool forgets at random, so allocations are not
// counted there.

package pseudonym_test

import (
	"net/netip"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/candorhttp/candor/iputil/pseudonym"
)

func TestAppendAllocatesAtMostOnce(t *testing.T) {
	k := keyring(t, pseudonym.Config{})
	buf := make([]byte, 0, 128)
	addr := netip.MustParseAddr("198.51.100.77").As4()
	require.LessOrEqual(t, testing.AllocsPerRun(200, func() {
		_, err := k.Append(buf, "log", addr[:])
		if err != nil {
			t.Fatal(err)
		}
	}), 1.0)
}
