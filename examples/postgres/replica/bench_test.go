package main

import (
	"fmt"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/candorhttp/candor/consent"
)

// BenchmarkDecisions has 64 visitors say yes and take it back, each again and
// again, through HAProxy. One operation is one choice that was acknowledged. Above
// 30,000 of them the visitors meet the limit of grants by network.
func BenchmarkDecisions(b *testing.B) {
	for _, n := range []int{1, 2, 3} {
		b.Run(fmt.Sprintf("replicas=%d", n), func(b *testing.B) {
			c := newCluster(b, n)
			told := &truth{
				slack: func() time.Duration { return 0 }, kept: map[change]consent.EntryKind{},
				subjects: map[consent.Subject]bool{}, ended: map[consent.Subject]time.Time{},
			}
			var next atomic.Int64
			var wg sync.WaitGroup
			b.ResetTimer()
			for i := range crowd {
				v := &visitor{truth: told, client: from(i), url: c.url}
				wg.Go(func() {
					for i := 0; next.Add(1) <= int64(b.N); i++ {
						if i%2 == 0 {
							v.choose("/privacy/decision", `{"grants":{"analytics":true}}`)
						} else {
							v.choose("/privacy/withdraw", `{}`)
						}
					}
				})
			}
			wg.Wait()
			b.StopTimer()
			if told.unknown > 0 || len(told.wrong) > 0 {
				b.Errorf("%d choices were not acknowledged; %v", told.unknown, told.wrong)
			}
			b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "decisions/s")
			c.stop()
		})
	}
}
