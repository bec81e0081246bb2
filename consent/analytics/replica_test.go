package analytics_test

import (
	"context"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/candorhttp/candor/consent"
	"github.com/candorhttp/candor/consent/analytics"
	"github.com/candorhttp/candor/consent/ledger"
)

// followed is a ledger that several processes share, each of which looks for new
// entries once a second.
type followed struct{ consent.Ledger }

func (l followed) Follow(ctx context.Context, after uint64, yield func(consent.Entry) error) error {
	for {
		err := l.Scan(ctx, after, func(e consent.Entry) error {
			after = e.Seq
			return yield(e)
		})
		if err != nil {
			return err
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(time.Second):
		}
	}
}

// The yes is taken back at one replica; what another one has queued is gone
// within two seconds.
func TestWithdrawalAtAnotherReplica(t *testing.T) {
	inTime(t, func(t *testing.T) {
		keys, records := newKeys(t), followed{ledger.Memory()}
		share := func(c *consent.Config) { c.Keys, c.Ledger = keys, records }
		down := firstParty("own", 10)
		down.answer = func(context.Context, int, []analytics.Delivery) error { return temporary(time.Minute) }
		cfg := analytics.Config{Sinks: []analytics.Sink{down}, Events: []analytics.Spec{click("", "own")}}
		here, there := newSite(t, newManager(t, share), cfg, nil), newSite(t, newManager(t, share), analytics.Config{}, nil)
		cookie, other := here.choose("", `{"analytics":true}`), here.choose("", `{"analytics":true}`)
		here.track(cookie, 12)
		here.track(other, 1)
		synctest.Wait() // ten are in the worker's hands
		there.withdraw(cookie)
		time.Sleep(2 * time.Second)
		synctest.Wait()
		st := here.stats()
		require.Equal(t, map[analytics.Reason]uint64{analytics.Withdrawn: 12}, st.Dropped)
		require.Equal(t, 1, st.Queued+st.InFlight)
		here.track(cookie, 1)
		require.Equal(t, 1, here.stats().Queued+here.stats().InFlight, "the cookie counts for nothing")
	})
}
