package consent_test

import (
	"context"
	"errors"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/candorhttp/candor/consent"
	"github.com/candorhttp/candor/consent/ledger"
)

// sharedLedger is a ledger in memory that several managers follow, as the
// processes of one site do.
type sharedLedger struct {
	faultyLedger
	broken chan struct{} // what follows ends when it is closed

	meeting atomic.Pointer[sync.WaitGroup]
}

func newSharedLedger() *sharedLedger {
	l := &sharedLedger{broken: make(chan struct{})}
	l.InMemory = ledger.Memory()
	return l
}

var errBroken = errors.New("connection lost")

func (l *sharedLedger) Follow(ctx context.Context, after uint64, yield func(consent.Entry) error) error {
	l.mu.Lock()
	broken := l.broken
	l.mu.Unlock()
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
		case <-broken:
			return errBroken
		case <-time.After(5 * time.Millisecond):
		}
	}
}

// meet lets the next n appends wait for one another.
func (l *sharedLedger) meet(n int) {
	var wg sync.WaitGroup
	wg.Add(n)
	l.meeting.Store(&wg)
}

func (l *sharedLedger) Append(ctx context.Context, e consent.Entry) (uint64, error) {
	if wg := l.meeting.Load(); wg != nil {
		wg.Done()
		wg.Wait()
		l.meeting.Store(nil)
	}
	return l.faultyLedger.Append(ctx, e)
}

// breakOff ends every Follow that runs.
func (l *sharedLedger) breakOff() {
	l.mu.Lock()
	defer l.mu.Unlock()
	close(l.broken)
	l.broken = make(chan struct{})
}

// replicas starts two sites on one ledger.
func replicas(t *testing.T) (*sharedLedger, *site, *site) {
	t.Helper()
	cfg := config(t)
	l := newSharedLedger()
	cfg.Ledger = l
	one, two := newManager(t, cfg), newManager(t, cfg)
	t.Cleanup(func() {
		require.NoError(t, one.Close(context.Background()))
		require.NoError(t, two.Close(context.Background()))
	})
	return l, serve(t, one, nil), serve(t, two, nil)
}

// soon waits for what must hold within the two seconds that replicas have.
func soon(t *testing.T, holds func() bool, why string) {
	t.Helper()
	require.Eventually(t, holds, 2*time.Second, 5*time.Millisecond, why)
}

func TestWithdrawalReachesTheOtherReplica(t *testing.T) {
	l, one, two := replicas(t)
	c := one.choose("", `{"analytics":true,"marketing":true}`)
	require.Contains(t, two.states(c), `"analytics":"granted"`, "a cookie needs no replication")
	less := one.choose(c, `{"analytics":false}`)
	soon(t, func() bool { return two.states(c) == doubtful }, "a copy of the earlier cookie counts for nothing there")
	require.Contains(t, two.states(less), `"analytics":"denied","marketing":"granted"`)

	l.breakOff()
	less2 := two.choose(less, `{"marketing":false}`)
	soon(t, func() bool { return one.states(less) == doubtful }, "also after the connection was lost")
	require.Contains(t, one.states(less2), `"marketing":"denied"`)
	soon(t, func() bool { return one.m.Stats().FollowErrors+two.m.Stats().FollowErrors == 2 }, "counted")
	require.Zero(t, one.m.Stats().Forked+two.m.Stats().Forked)
}

func TestPermitsEndOnTheOtherReplica(t *testing.T) {
	cfg := config(t)
	l := newSharedLedger()
	cfg.Ledger = l
	m, other := newManager(t, cfg), newManager(t, cfg)
	defer func() { require.NoError(t, m.Close(t.Context())); require.NoError(t, other.Close(t.Context())) }()
	s, take := permits(t, m)
	elsewhere := serve(t, other, nil)
	c := s.choose("", `{"analytics":true}`)
	p := take(c, consent.Analytics)
	more := elsewhere.choose(c, `{"marketing":true}`)
	soon(t, func() bool { return s.states(c) == doubtful }, "heard")
	require.True(t, p.Stands(), "granted more")
	elsewhere.choose(more, `{"analytics":false}`)
	soon(t, func() bool { return !p.Stands() }, "withdrawn")
}

// race posts a no to one site and a yes to the other, from one cookie at once.
func race(c string, one, two *site) (cookies [2]string) {
	var wg sync.WaitGroup
	for i, s := range []*site{one, two} {
		wg.Go(func() {
			grants := `{"analytics":false}`
			if i == 1 {
				grants = `{"marketing":true}`
			}
			cookies[i] = s.choose(c, grants)
		})
	}
	wg.Wait()
	return cookies
}

// Two replicas that are posted to from the same cookie at once make the same
// revision of it. A yes must not outlive the no that the other one took.
func TestRevisionsThatFork(t *testing.T) {
	l, one, two := replicas(t)
	c := one.choose("", `{"analytics":true,"preferences":true}`)
	l.meet(2) // both have looked at the cookie before either appends
	cookies := race(c, one, two)
	held := entries(t, l)
	require.Len(t, held, 3)
	require.Equal(t, held[1].Subject, held[2].Subject)
	require.Equal(t, held[1].Revision, held[2].Revision)
	for _, s := range []*site{one, two} {
		for _, c := range cookies {
			soon(t, func() bool { return s.states(c) == doubtful }, "neither counts")
		}
		require.EqualValues(t, 1, s.m.Stats().Forked)
	}
	cfg := config(t)
	cfg.Ledger = l.InMemory
	again := newManager(t, cfg)
	require.EqualValues(t, 1, again.Stats().Forked, "a process that starts afterwards finds the same in the ledger")
}

// The same without waiting for one another, in whatever order it comes.
func TestRevisionsThatRace(t *testing.T) {
	_, one, two := replicas(t)
	var all []string
	for range 30 {
		cookies := race(one.choose("", `{"analytics":true,"preferences":true}`), one, two)
		all = append(all, cookies[:]...)
	}
	for _, s := range []*site{one, two} {
		for _, c := range all {
			soon(t, func() bool { return !strings.Contains(s.states(c), `"analytics":"granted"`) }, "withdrawn")
		}
	}
}

func TestFollowingEndsWithTheManager(t *testing.T) {
	cfg := config(t)
	l := newSharedLedger()
	cfg.Ledger = l
	m := newManager(t, cfg)
	require.NoError(t, m.Close(t.Context()))
	require.NoError(t, m.Close(t.Context()), "twice is once")
	s := serve(t, m, nil)
	require.Equal(t, undecided, s.states(""), "it goes on answering")
}
