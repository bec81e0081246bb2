// Package ledgertest is what every ledger passes. Call [Run] from the tests of
// an implementation of [consent.Ledger].
package ledgertest

import (
	"context"
	"errors"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/candorhttp/candor/consent"
)

var day = time.Date(2026, 11, 15, 12, 30, 45, 0, time.UTC)

// Grant returns an entry of a yes, for tests.
func Grant(s consent.Subject, revision uint64) consent.Entry {
	return consent.Entry{
		Time: day, Kind: consent.EntryGrant, Subject: s, Revision: revision, Policy: 3,
		Granted: []consent.Purpose{consent.Analytics}, Denied: []consent.Purpose{consent.Marketing},
		Language: "en", TextHash: "00ff", Method: consent.MethodForm, Regime: "opt-in", GPC: true,
	}
}

// Refusal returns an entry of a no by nobody in particular, for tests.
func Refusal() consent.Entry {
	return consent.Entry{Time: day, Kind: consent.EntryRefusal, Policy: 3, Denied: []consent.Purpose{consent.Analytics}, Language: "en", TextHash: "00ff", Method: consent.MethodJSON, Regime: "opt-out"}
}

// Run runs the conformance tests. open returns an empty ledger each time.
func Run(t *testing.T, open func(t *testing.T) consent.Ledger) {
	one, two := consent.Subject{1}, consent.Subject{2}
	scan := func(t *testing.T, l consent.Ledger, after uint64) (out []consent.Entry) {
		t.Helper()
		require.NoError(t, l.Scan(t.Context(), after, func(e consent.Entry) error { out = append(out, e); return nil }))
		return out
	}
	add := func(t *testing.T, l consent.Ledger, e consent.Entry) consent.Entry {
		t.Helper()
		seq, err := l.Append(t.Context(), e)
		require.NoError(t, err)
		e.Seq = seq
		return e
	}

	t.Run("entries come back as they were, in order", func(t *testing.T) {
		l := open(t)
		require.Empty(t, scan(t, l, 0))
		want := []consent.Entry{add(t, l, Grant(one, 1)), add(t, l, Refusal()), add(t, l, Grant(two, 1)), add(t, l, Grant(one, 2))}
		require.Equal(t, want, scan(t, l, 0))
		for i := range want {
			require.Positive(t, want[i].Seq)
			require.True(t, i == 0 || want[i].Seq > want[i-1].Seq, "numbers ascend")
			require.Equal(t, want[i+1:], append([]consent.Entry{}, scan(t, l, want[i].Seq)...), "after %d", want[i].Seq)
		}
	})
	t.Run("scan stops with the error of its caller", func(t *testing.T) {
		l := open(t)
		add(t, l, Refusal())
		add(t, l, Refusal())
		stop, n := errors.New("stop"), 0
		require.ErrorIs(t, l.Scan(t.Context(), 0, func(consent.Entry) error { n++; return stop }), stop)
		require.Equal(t, 1, n)
	})
	t.Run("a history is of one subject", func(t *testing.T) {
		l := open(t)
		want := []consent.Entry{add(t, l, Grant(one, 1))}
		add(t, l, Refusal())
		add(t, l, Grant(two, 1))
		want = append(want, add(t, l, Grant(one, 2)))
		got, err := l.History(t.Context(), one)
		require.NoError(t, err)
		require.Equal(t, want, got)
		got, err = l.History(t.Context(), consent.Subject{9})
		require.NoError(t, err)
		require.Empty(t, got)
		got, err = l.History(t.Context(), consent.Subject{})
		require.NoError(t, err)
		require.Empty(t, got, "nobody has no history")
	})
	t.Run("what is erased is gone", func(t *testing.T) {
		l := open(t)
		add(t, l, Grant(one, 1))
		kept := add(t, l, Grant(two, 1))
		add(t, l, Grant(one, 2))
		n, err := l.Erase(t.Context(), one)
		require.NoError(t, err)
		require.Equal(t, 2, n)
		got, err := l.History(t.Context(), one)
		require.NoError(t, err)
		require.Empty(t, got)
		require.Equal(t, []consent.Entry{kept}, scan(t, l, 0))
		n, err = l.Erase(t.Context(), one)
		require.NoError(t, err)
		require.Zero(t, n)
		require.Greater(t, add(t, l, Refusal()).Seq, kept.Seq+1, "its numbers are not used again")
	})
	t.Run("an ended context is an error and keeps nothing", func(t *testing.T) {
		l := open(t)
		ended, cancel := context.WithCancel(t.Context())
		cancel()
		_, err := l.Append(ended, Grant(one, 1))
		require.Error(t, err)
		_, err = l.Erase(ended, one)
		require.Error(t, err)
		_, err = l.History(ended, one)
		require.Error(t, err)
		require.Error(t, l.Scan(ended, 0, func(consent.Entry) error { return nil }))
		require.Empty(t, scan(t, l, 0))
	})
	t.Run("what the caller keeps does not change it", func(t *testing.T) {
		l := open(t)
		e := Grant(one, 1)
		add(t, l, e)
		e.Granted[0] = "changed"
		for _, got := range scan(t, l, 0) {
			require.Equal(t, consent.Analytics, got.Granted[0])
		}
	})
	t.Run("many at once", func(t *testing.T) {
		l := open(t)
		var wg sync.WaitGroup
		for i := range 8 {
			wg.Go(func() {
				for j := range 50 {
					if _, err := l.Append(context.Background(), Grant(consent.Subject{byte(i + 1)}, uint64(j+1))); err != nil {
						t.Error(err)
					}
				}
			})
		}
		wg.Wait()
		all := scan(t, l, 0)
		require.Len(t, all, 400)
		require.True(t, slices.IsSortedFunc(all, func(a, b consent.Entry) int { return int(a.Seq) - int(b.Seq) }))
		for i := range 8 {
			own, err := l.History(t.Context(), consent.Subject{byte(i + 1)})
			require.NoError(t, err)
			require.Len(t, own, 50)
			for j, e := range own {
				require.EqualValues(t, j+1, e.Revision, "one writer's order is kept")
			}
		}
	})
	t.Run("an entry of any kind comes back", func(t *testing.T) {
		l := open(t)
		image := add(t, l, consent.Entry{Time: day, Kind: consent.EntryErasure, Subject: one.Image()})
		other := add(t, l, consent.Entry{Time: day, Kind: "of a later version", Policy: 1})
		require.Equal(t, []consent.Entry{image, other}, scan(t, l, 0))
	})
	t.Run("followers hear of every entry", func(t *testing.T) {
		l, ok := open(t).(consent.Follower)
		if !ok {
			return // one process has it for itself
		}
		follow(t, l, add)
	})
}

// follow tests a ledger that many processes share.
func follow(t *testing.T, l consent.Follower, add func(*testing.T, consent.Ledger, consent.Entry) consent.Entry) {
	one, two := consent.Subject{1}, consent.Subject{2}
	before := add(t, l, Refusal())
	add(t, l, Grant(one, 1))
	_, err := l.Erase(t.Context(), one)
	require.NoError(t, err)
	want := []consent.Entry{add(t, l, Grant(two, 1))}

	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	heard, ended := make(chan consent.Entry), make(chan error, 1)
	go func() {
		ended <- l.Follow(ctx, before.Seq, func(e consent.Entry) error { heard <- e; return nil })
	}()
	hear := func(want consent.Entry) {
		t.Helper()
		select {
		case got := <-heard:
			require.Equal(t, want, got)
		case <-time.After(10 * time.Second):
			require.Fail(t, "nothing was heard")
		}
	}
	hear(want[0])
	for i := range uint64(3) {
		hear(add(t, l, Grant(two, i+2)))
	}
	for range 3 {
		want = append(want, add(t, l, Refusal()))
	}
	for _, e := range want[1:] {
		hear(e)
	}
	cancel()
	require.ErrorIs(t, <-ended, context.Canceled)

	broken, n := errors.New("broken"), 0
	err = l.Follow(t.Context(), 0, func(consent.Entry) error { n++; return broken })
	require.ErrorIs(t, err, broken)
	require.Equal(t, 1, n)
}
