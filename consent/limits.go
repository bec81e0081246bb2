package consent

import (
	"hash/maphash"
	"net/netip"
	"sync"
	"time"

	"golang.org/x/time/rate"

	"github.com/candorhttp/candor/iputil"
)

// Grants cost a ledger entry each, so they are limited by truncated address
// (/24, /56): 10 a second after a burst of 300, which leaves room for an office
// behind one address. Refusals and withdrawals are never limited.
const (
	grantRate  = 10
	grantBurst = 300
	// Whoever asks for a history, a receipt, or for an erasure again may have the
	// whole ledger read: one a second from a network after a burst of 30.
	readRate  = 1
	readBurst = 30
	// limitBuckets bounds the memory: addresses share a bucket by a hash with a
	// random seed, so nobody can choose whose bucket to empty.
	limitBuckets = 4096
)

type limits struct {
	rate    rate.Limit
	burst   int
	seed    maphash.Seed
	mu      sync.Mutex
	buckets [limitBuckets]*rate.Limiter
}

func newLimits(r rate.Limit, burst int) *limits {
	return &limits{rate: r, burst: burst, seed: maphash.MakeSeed()}
}

// allow takes one token from the address's network. Visitors whose address is
// unknown share one bucket.
func (l *limits) allow(a netip.Addr, now time.Time) bool {
	text := iputil.Truncate(a, iputil.HideHost).As16()
	i := maphash.Bytes(l.seed, text[:]) % limitBuckets
	l.mu.Lock()
	b := l.buckets[i]
	if b == nil {
		b = rate.NewLimiter(l.rate, l.burst)
		l.buckets[i] = b
	}
	l.mu.Unlock()
	return b.AllowN(now, 1)
}
