package analytics_test

import (
	"context"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/candorhttp/candor/consent/analytics"
)

func within(t *testing.T, d time.Duration) context.Context {
	ctx, cancel := context.WithTimeout(t.Context(), d)
	t.Cleanup(cancel)
	return ctx
}

// Shutdown sends what is queued, keeps trying until its context ends, and says
// what was lost. That no goroutine is left is seen by the bubble, which cannot
// end with one.
func TestShutdown(t *testing.T) {
	for _, tt := range []struct {
		name   string
		answer func(ctx context.Context, attempt int) error
		grace  time.Duration
		sent   uint64
		err    string
		took   time.Duration // at most
	}{
		{name: "nothing in the way", answer: func(context.Context, int) error { return nil }, grace: time.Minute, sent: 5},
		{name: "tries until it works", answer: func(_ context.Context, n int) error { return until(4, temporary(0))(n) }, grace: time.Minute, sent: 5, took: 10 * time.Second},
		{
			name: "until the context ends", answer: func(context.Context, int) error { return temporary(0) }, grace: 20 * time.Second,
			err: "analytics: shutdown: sink own: 5 events lost\ncontext deadline exceeded", took: 20 * time.Second,
		},
		{
			name: "hung until its context ends", answer: func(ctx context.Context, _ int) error { <-ctx.Done(); return ctx.Err() }, grace: 3 * time.Second,
			err: "analytics: shutdown: sink own: 5 events lost\ncontext deadline exceeded", took: 3 * time.Second,
		},
		{
			name: "refused", answer: func(context.Context, int) error { return &analytics.Failed{Kind: analytics.Permanent} }, grace: time.Minute,
			err: "analytics: shutdown: sink own: 5 events lost",
		},
	} {
		t.Run(tt.name, func(t *testing.T) {
			inTime(t, func(t *testing.T) {
				own := firstParty("own", 10)
				own.answer = func(ctx context.Context, n int, _ []analytics.Delivery) error { return tt.answer(ctx, n) }
				s := newSite(t, newManager(t), analytics.Config{Sinks: []analytics.Sink{own}, Events: []analytics.Spec{click("", "own")}}, nil)
				cookie := s.choose("", `{"analytics":true}`)
				s.track(cookie, 5)
				begun := time.Now()
				err := s.events.Shutdown(within(t, tt.grace))
				require.LessOrEqual(t, time.Since(begun), tt.took)
				if tt.err == "" {
					require.NoError(t, err)
				} else {
					require.EqualError(t, err, tt.err)
				}
				require.Equal(t, err, s.events.Shutdown(t.Context()), "the second call says the same")
				st := s.stats()
				require.Equal(t, tt.sent, st.Sent)
				require.Zero(t, st.Queued+st.InFlight+st.Bytes)
				s.track(cookie, 1)
				require.EqualValues(t, 1, s.stats().Dropped[analytics.Closed])
				require.True(t, sums(s.stats()))
				require.NoError(t, s.events.Flush(t.Context()), "nothing is waiting")
			})
		})
	}
}

// A sink that does not let go holds up nobody, and what it says later changes
// nothing.
func TestShutdownWithAStuckSink(t *testing.T) {
	inTime(t, func(t *testing.T) {
		release := make(chan struct{})
		own := firstParty("own", 2)
		own.answer = func(context.Context, int, []analytics.Delivery) error { <-release; return nil }
		s := newSite(t, newManager(t), analytics.Config{Sinks: []analytics.Sink{own}, Events: []analytics.Spec{click("", "own")}}, nil)
		s.track(s.choose("", `{"analytics":true}`), 5)
		synctest.Wait()
		begun := time.Now()
		require.EqualError(t, s.events.Shutdown(within(t, time.Second)), "analytics: shutdown: sink own: 5 events lost\ncontext deadline exceeded")
		require.Less(t, time.Since(begun), 2*time.Second)
		st := s.stats()
		require.Equal(t, map[analytics.Reason]uint64{analytics.Shut: 5}, st.Dropped)
		close(release)
		synctest.Wait()
		require.Equal(t, st, s.stats())
	})
}

// What a visitor took back is not lost.
func TestShutdownAfterAWithdrawal(t *testing.T) {
	inTime(t, func(t *testing.T) {
		own := firstParty("own", 100)
		s := newSite(t, newManager(t), analytics.Config{Sinks: []analytics.Sink{own}, Events: []analytics.Spec{click("", "own")}}, nil)
		cookie := s.choose("", `{"analytics":true}`)
		s.track(cookie, 5)
		s.withdraw(cookie)
		require.NoError(t, s.events.Shutdown(t.Context()))
		require.Equal(t, map[analytics.Reason]uint64{analytics.Withdrawn: 5}, s.stats().Dropped)
		require.Empty(t, own.batches)
	})
}

func TestFlush(t *testing.T) {
	inTime(t, func(t *testing.T) {
		release := make(chan struct{})
		own := firstParty("own", 2)
		own.answer = func(context.Context, int, []analytics.Delivery) error { <-release; return nil }
		s, cookie := with(t, own)
		s.track(cookie, 3)
		require.EqualError(t, s.events.Flush(within(t, time.Second)), "analytics: flush: sink own: 3 events are waiting: context deadline exceeded")
		// What comes later is not waited for.
		done := make(chan error)
		go func() { done <- s.events.Flush(context.Background()) }()
		synctest.Wait()
		s.track(cookie, 4)
		release <- struct{}{}
		synctest.Wait()
		select {
		case <-done:
			t.Fatal("too early")
		default:
		}
		release <- struct{}{}
		require.NoError(t, <-done)
		require.Equal(t, 7, s.stats().Queued+s.stats().InFlight+int(s.stats().Sent))
		close(release)
		s.flush()
		require.EqualValues(t, 7, s.stats().Sent)
	})
}
