package analytics_test

import (
	"context"
	"math/rand/v2"
	"net/http"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/candorhttp/candor/consent/analytics"
)

// 100,000 events for three sinks that fail in every way there is, with
// withdrawals, flushes and a shutdown in between: at every moment every event is
// accounted for, nothing is sent twice where that counts twice, and nothing
// after its visitor's withdrawal.
func TestEveryEventIsAccountedFor(t *testing.T) {
	const visitors, rounds, each = 50, 200, 10 // 100,000 events
	seed := rand.Uint64()
	t.Logf("seed %d", seed)
	inTime(t, func(t *testing.T) {
		r := rand.New(rand.NewPCG(seed, 1))
		sinks := []*sink{firstParty("one", 1), thirdParty("many", 50), firstParty("twice", 7)}
		sinks[2].to.Idempotent = true
		for i, s := range sinks {
			faults := rand.New(rand.NewPCG(seed, uint64(i+2)))
			s.answer = func(ctx context.Context, _ int, batch []analytics.Delivery) error {
				return fault(ctx, faults, len(batch))
			}
		}
		var s *site
		page := func(_ http.ResponseWriter, r *http.Request) {
			for range each {
				s.events.Track(r.Context(), analytics.Event{Name: "click", Properties: []analytics.Property{analytics.Int("items", 3)}})
			}
		}
		s = newSite(t, newManager(t), analytics.Config{
			Sinks:  []analytics.Sink{sinks[0], sinks[1], sinks[2]},
			Events: []analytics.Spec{click("", "one", "many", "twice")}, QueueEvents: 3000, QueueBytes: 400_000,
		}, map[string]http.HandlerFunc{"/ten": page})
		check := func() {
			for name, st := range s.events.Stats().Sinks {
				require.True(t, sums(st), "%s: %+v", name, st)
				require.LessOrEqual(t, st.Bytes, 400_000)
				require.LessOrEqual(t, st.Queued, 3000)
			}
		}
		cookies := make([]string, visitors)
		for i := range cookies {
			cookies[i] = s.choose("", `{"analytics":true}`)
		}
		for range rounds {
			for i := range cookies {
				s.get("/ten", cookies[i])
				if r.IntN(40) == 0 {
					cookies[i] = s.choose(s.withdraw(cookies[i]), `{"analytics":true}`)
				}
			}
			check()
			if r.IntN(20) == 0 {
				_ = s.events.Flush(within(t, time.Duration(r.IntN(3000))*time.Millisecond))
			} else {
				time.Sleep(time.Duration(r.IntN(4000)) * time.Millisecond)
			}
			check()
		}
		_ = s.events.Shutdown(within(t, time.Minute))
		synctest.Wait()
		check()
		for i, st := range s.events.Stats().Sinks {
			require.EqualValues(t, visitors*rounds*each, st.Accepted, i)
			require.Zero(t, st.Queued+st.InFlight+st.Bytes, i)
			require.NotZero(t, st.Sent, i)
			for _, why := range []analytics.Reason{analytics.Full, analytics.Withdrawn, analytics.Refused, analytics.Invalid} {
				require.NotZero(t, st.Dropped[why], "%s %s", i, why)
			}
		}
		for _, k := range sinks {
			require.EqualValues(t, len(k.all()), s.events.Stats().Sinks[k.to.Name].Sent-k.partly(), k.to.Name)
		}
		for _, k := range sinks[:2] {
			seen := map[string]bool{}
			for _, d := range k.all() {
				require.False(t, seen[d.ID], "sent twice")
				seen[d.ID] = true
			}
		}
	})
}

// fault is what a bad day does to an attempt.
func fault(ctx context.Context, r *rand.Rand, n int) error {
	select {
	case <-ctx.Done():
	case <-time.After(time.Duration(r.IntN(40)) * time.Millisecond):
	}
	switch r.IntN(24) {
	case 0:
		return &analytics.Failed{Kind: analytics.Permanent, Reason: "status 400"}
	case 1, 2:
		return temporary(time.Duration(r.IntN(5)) * time.Second)
	case 3:
		return ambiguous()
	case 4:
		<-ctx.Done()
		return ctx.Err()
	case 5:
		panic("on purpose")
	case 6, 7:
		return &analytics.Rejected{Indexes: []int{r.IntN(n)}, Reason: "invalid"}
	}
	return nil
}
