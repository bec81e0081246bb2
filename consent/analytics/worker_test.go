package analytics_test

import (
	"context"
	"errors"
	"net/http"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/candorhttp/candor/consent/analytics"
)

func temporary(after time.Duration) error {
	return &analytics.Failed{Kind: analytics.Temporary, After: after, Reason: "status 503"}
}

func ambiguous() error { return &analytics.Failed{Reason: "connection broke"} }

// with returns a site with one sink and the cookie of somebody who said yes.
func with(t *testing.T, s *sink) (*site, string) {
	site := newSite(t, newManager(t), analytics.Config{
		Sinks: []analytics.Sink{s}, Events: []analytics.Spec{click("", s.to.Name), bareClick(s.to.Name)},
	}, nil)
	t.Cleanup(func() { require.True(t, sums(site.events.Stats().Sinks[s.to.Name])) })
	return site, site.choose("", `{"analytics":true}`)
}

// bareClick is allowed without a yes.
func bareClick(sinks ...string) analytics.Spec {
	s := click(measurement, sinks...)
	s.Name = "bare_click"
	return s
}

func (s *site) track(cookie string, n int) {
	for range n {
		s.get("/track", cookie)
	}
}

func (s *site) stats() analytics.SinkStats {
	for _, st := range s.events.Stats().Sinks {
		return st
	}
	panic("no sink")
}

func TestBatches(t *testing.T) {
	inTime(t, func(t *testing.T) {
		own := firstParty("own", 3)
		s, cookie := with(t, own)
		s.track(cookie, 7)
		synctest.Wait()
		require.Equal(t, []int{3, 3}, lengths(own), "full ones go at once")
		time.Sleep(990 * time.Millisecond)
		synctest.Wait()
		require.Len(t, lengths(own), 2)
		time.Sleep(20 * time.Millisecond)
		synctest.Wait()
		require.Equal(t, []int{3, 3, 1}, lengths(own), "others wait a second for more")
		s.track(cookie, 1)
		begun := time.Now()
		s.flush()
		require.Zero(t, time.Since(begun), "but not in a hurry")
		require.Equal(t, analytics.SinkStats{Accepted: 8, Sent: 8, Dropped: map[analytics.Reason]uint64{}, Attempts: 4}, s.stats())
	})
}

func lengths(s *sink) (n []int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, b := range s.batches {
		n = append(n, len(b))
	}
	return n
}

// Every kind of answer, and what becomes of a batch of three.
func TestAnswers(t *testing.T) {
	dropped := func(why analytics.Reason, n uint64) map[analytics.Reason]uint64 {
		return map[analytics.Reason]uint64{why: n}
	}
	for _, tt := range []struct {
		name       string
		idempotent bool
		answer     func(attempt int) error
		attempts   uint64
		sent       uint64
		dropped    map[analytics.Reason]uint64
	}{
		{name: "accepted", answer: func(int) error { return nil }, attempts: 1, sent: 3},
		{
			name: "refused for good", answer: func(int) error { return &analytics.Failed{Kind: analytics.Permanent, Reason: "status 400"} },
			attempts: 1, dropped: dropped(analytics.Refused, 3),
		},
		{
			name: "single ones refused", answer: func(int) error { return &analytics.Rejected{Indexes: []int{0, 2, 2, 9, -1}, Reason: "invalid"} },
			attempts: 1, sent: 1, dropped: dropped(analytics.Invalid, 2),
		},
		{
			name: "wrapped", answer: func(int) error { return errors.Join(&analytics.Rejected{Indexes: []int{1}}) },
			attempts: 1, sent: 2, dropped: dropped(analytics.Invalid, 1),
		},
		{name: "temporary, then accepted", answer: until(4, temporary(0)), attempts: 4, sent: 3},
		{name: "temporary for ever", answer: func(int) error { return temporary(time.Hour) }, attempts: 2, dropped: dropped(analytics.Expired, 3)},
		{name: "ambiguous", answer: until(2, ambiguous()), attempts: 1, dropped: dropped(analytics.Unknown, 3)},
		{name: "ambiguous where twice is once", idempotent: true, answer: until(2, ambiguous()), attempts: 2, sent: 3},
		{name: "not of this package", answer: until(2, errors.New("boom")), attempts: 1, dropped: dropped(analytics.Unknown, 3)},
		{name: "not of this package where twice is once", idempotent: true, answer: until(2, errors.New("boom")), attempts: 2, sent: 3},
		{name: "panics", answer: func(int) error { panic("visitor@example.com") }, attempts: 1, dropped: dropped(analytics.Unknown, 3)},
	} {
		t.Run(tt.name, func(t *testing.T) {
			inTime(t, func(t *testing.T) {
				own := firstParty("own", 3)
				own.to.Idempotent = tt.idempotent
				own.answer = func(_ context.Context, n int, _ []analytics.Delivery) error { return tt.answer(n) }
				s, cookie := with(t, own)
				s.track(cookie, 3)
				time.Sleep(11 * time.Minute)
				synctest.Wait()
				st := s.stats()
				if tt.dropped == nil {
					tt.dropped = map[analytics.Reason]uint64{}
				}
				require.Equal(t, tt.sent, st.Sent)
				require.Equal(t, tt.dropped, st.Dropped)
				require.Zero(t, st.Queued+st.InFlight+st.Bytes)
				if tt.name == "temporary for ever" {
					require.GreaterOrEqual(t, st.Attempts, tt.attempts)
					require.LessOrEqual(t, st.Attempts, tt.attempts+1)
				} else {
					require.Equal(t, tt.attempts, st.Attempts)
				}
				for _, ids := range own.batches {
					require.Equal(t, own.batches[0], ids, "the same ids in every attempt")
				}
			})
		})
	}
}

// until fails before the n-th attempt.
func until(n int, err error) func(int) error {
	return func(attempt int) error {
		if attempt < n {
			return err
		}
		return nil
	}
}

// Between attempts there is a random time below a bound that doubles, and never
// less than what the destination asked for, up to five minutes.
func TestBackoff(t *testing.T) {
	for name, after := range map[string]time.Duration{"none": 0, "seconds": 20 * time.Second, "a day": 24 * time.Hour, "negative": -time.Hour} {
		t.Run(name, func(t *testing.T) {
			inTime(t, func(t *testing.T) {
				var at []time.Time
				own := firstParty("own", 1)
				own.answer = func(context.Context, int, []analytics.Delivery) error {
					at = append(at, time.Now())
					return temporary(after)
				}
				s, cookie := with(t, own)
				s.track(cookie, 1)
				time.Sleep(11 * time.Minute)
				synctest.Wait()
				require.Greater(t, len(at), 1)
				most := time.Second
				for i := 1; i < len(at); i++ {
					least := min(max(after, 0), 5*time.Minute)
					waited := at[i].Sub(at[i-1])
					require.GreaterOrEqual(t, waited, least)
					require.LessOrEqual(t, waited, least+most)
					most = min(2*most, time.Minute)
				}
			})
		})
	}
}

// A withdrawal takes single events out of a batch that waits for its next
// attempt, and out of the queue behind it.
func TestWithdrawalLeavesTheOthers(t *testing.T) {
	inTime(t, func(t *testing.T) {
		own := firstParty("own", 4)
		own.answer = func(_ context.Context, n int, _ []analytics.Delivery) error {
			return until(2, temporary(30*time.Second))(n)
		}
		s, one := with(t, own)
		two := s.choose("", `{"analytics":true}`)
		s.track(one, 1)
		s.track(two, 1)
		s.track(one, 2)
		synctest.Wait() // the batch is in the worker's hands
		s.track(one, 2)
		s.track(two, 3)
		require.Equal(t, []int{4}, lengths(own))
		again := s.withdraw(one)
		time.Sleep(time.Second)
		st := s.stats()
		require.Equal(t, map[analytics.Reason]uint64{analytics.Withdrawn: 5}, st.Dropped, "at once, not at the next attempt")
		require.Equal(t, 1, st.InFlight)
		require.Equal(t, 3, st.Queued)
		// A new yes is a new visitor, and brings nothing back.
		again = s.choose(again, `{"analytics":true}`)
		s.track(again, 1)
		time.Sleep(time.Minute)
		synctest.Wait()
		require.EqualValues(t, 5, s.stats().Sent)
		require.Equal(t, []int{4, 1, 4}, lengths(own))
		require.Equal(t, own.batches[0][1], own.batches[1][0])
		names := map[string]int{}
		for _, d := range own.all() {
			names[d.Pseudonym]++
		}
		require.Len(t, names, 2)
	})
}

// A yes that ends while an attempt is under way is looked for again before the
// next one, however soon that is.
func TestWithdrawalBetweenAttempts(t *testing.T) {
	inTime(t, func(t *testing.T) {
		var s *site
		var cookie string
		own := firstParty("own", 1)
		own.answer = func(_ context.Context, n int, _ []analytics.Delivery) error {
			if n%2 == 0 {
				s.withdraw(cookie)
			}
			return temporary(0)
		}
		s, cookie = with(t, own)
		for n := range 50 {
			s.track(cookie, 1)
			time.Sleep(4 * time.Second)
			synctest.Wait()
			require.Len(t, lengths(own), 2*n+2, "a third attempt")
			cookie = s.choose("", `{"analytics":true}`)
		}
	})
}

// Another choice of the visitor's that leaves the yes alone drops nothing.
func TestAnotherChoiceDropsNothing(t *testing.T) {
	inTime(t, func(t *testing.T) {
		own := firstParty("own", 10)
		s, cookie := with(t, own)
		cookie = s.choose(cookie, `{"marketing":true}`)
		s.track(cookie, 2)
		s.choose(cookie, `{"marketing":false}`)
		s.flush()
		require.EqualValues(t, 2, s.stats().Sent)
	})
}

// What names nobody waits a minute, what names somebody ten, whatever the sink
// does.
func TestAge(t *testing.T) {
	inTime(t, func(t *testing.T) {
		release := make(chan struct{})
		own := firstParty("own", 1)
		own.answer = func(context.Context, int, []analytics.Delivery) error { <-release; return nil } // hung, also for its context
		site := newSite(t, newManager(t), analytics.Config{Sinks: []analytics.Sink{own}, Events: []analytics.Spec{click("", "own"), bareClick("own")}}, nil)
		cookie := site.choose("", `{"analytics":true}`)
		site.track(cookie, 1)
		synctest.Wait() // one in the sink's hands
		site.handler = bare(site)
		site.track("", 2)
		site.handler = site.manager.Middleware(trackClick(site, "click"))
		site.track(cookie, 1)
		st := site.stats()
		require.Equal(t, 3, st.Queued)
		time.Sleep(59 * time.Second)
		require.Equal(t, 3, site.stats().Queued)
		time.Sleep(1500 * time.Millisecond)
		st = site.stats()
		require.Equal(t, 1, st.Queued)
		require.Equal(t, map[analytics.Reason]uint64{analytics.Expired: 2}, st.Dropped)
		time.Sleep(8*time.Minute + 55*time.Second)
		require.Equal(t, 1, site.stats().Queued)
		time.Sleep(5 * time.Second)
		require.Equal(t, map[analytics.Reason]uint64{analytics.Expired: 3}, site.stats().Dropped)
		close(release)
		synctest.Wait()
		require.EqualValues(t, 1, site.stats().Sent)
		require.True(t, sums(site.stats()))
	})
}

func trackClick(s *site, name string) http.Handler {
	return http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		s.events.Track(r.Context(), analytics.Event{Name: name})
	})
}

func bare(s *site) http.Handler { return s.manager.Middleware(trackClick(s, "bare_click")) }

func TestBounds(t *testing.T) {
	for name, tt := range map[string]struct{ events, bytes, most int }{
		"events": {5, 0, 5}, "bytes": {0, 1000, 5}, "one": {1, 0, 1},
	} {
		t.Run(name, func(t *testing.T) {
			inTime(t, func(t *testing.T) {
				own := firstParty("own", 1)
				own.answer = func(context.Context, int, []analytics.Delivery) error { return temporary(0) }
				s := newSite(t, newManager(t), analytics.Config{
					Sinks: []analytics.Sink{own}, Events: []analytics.Spec{click("", "own")}, QueueEvents: tt.events, QueueBytes: tt.bytes,
				}, nil)
				cookie := s.choose("", `{"analytics":true}`)
				s.track(cookie, 1)
				synctest.Wait()
				s.track(cookie, 20)
				st := s.stats()
				require.LessOrEqual(t, st.Queued, tt.most)
				require.GreaterOrEqual(t, st.Queued, tt.most-1, "the one in flight counts for its bytes")
				require.EqualValues(t, 20-st.Queued, st.Dropped[analytics.Full])
				if tt.bytes > 0 {
					require.LessOrEqual(t, st.Bytes, tt.bytes)
				}
				require.True(t, sums(st))
			})
		})
	}
}
