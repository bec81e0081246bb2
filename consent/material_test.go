package consent_test

import (
	"context"
	"errors"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/candorhttp/candor/consent"
	"github.com/candorhttp/candor/consent/ledger"
)

// told collects what OnMaterialChange is told.
type told chan consent.MaterialChange

func (c told) hook(_ context.Context, m consent.MaterialChange) error { c <- m; return nil }

// deploy starts a process with a policy on a ledger, and ends it with the test.
func deploy(t *testing.T, cfg consent.Config, p consent.Policy) *site {
	cfg.Policy = p
	m := newManager(t, cfg)
	t.Cleanup(func() { _ = m.Close(context.Background()) })
	return serve(t, m, nil)
}

func TestMaterialChangeIsToldOnce(t *testing.T) {
	heard := make(told, 9)
	cfg := config(t)
	cfg.OnMaterialChange = heard.hook
	s := deploy(t, cfg, policy())
	stays := s.choose("", `{"analytics":true}`)
	s.choose("", `{"preferences":true}`)
	s.json("/privacy/withdraw", s.choose("", `{"analytics":true}`), "")
	less := s.choose("", `{"analytics":true,"marketing":true}`)
	s.choose(less, `{"analytics":false}`)
	more := s.choose("", `{"analytics":true}`)
	s.choose(more, `{"marketing":true}`)
	require.Empty(t, heard, "an empty ledger knows of nothing older")

	minor := policy()
	minor.Version = 4
	deploy(t, cfg, minor)
	require.Empty(t, heard, "minor")

	material := newerPolicy()
	material.Version = 5
	material.Changes[1].Version, material.Processing[2].GoodSince = 5, 5
	deploy(t, cfg, material)
	change := <-heard
	require.Equal(t, 3, change.From, "nobody chose under version 4")
	require.Equal(t, 5, change.To)
	require.Equal(t, []consent.Purpose{consent.Analytics}, change.Purposes)
	require.Len(t, change.Changes, 1)
	require.Equal(t, "newer", change.Changes[0].Summary["en"])

	held := entries(t, cfg.Ledger)
	var who []consent.Subject
	for subject, err := range change.Subjects(t.Context()) {
		require.NoError(t, err)
		who = append(who, subject)
	}
	codec := consent.NewCodec(cfg.Keys, "consent")
	want := []consent.Subject{}
	for _, cookie := range []string{stays, more} {
		stored, err := codec.Decode(cookie[len("consent="):], noon)
		require.NoError(t, err)
		want = append(want, stored.Subject)
	}
	require.Equal(t, want, who, "whose yes to analytics still stood")
	for range change.Subjects(t.Context()) {
		break // may stop early
	}
	ended, cancel := context.WithCancel(t.Context())
	cancel()
	for _, err := range change.Subjects(ended) {
		require.ErrorIs(t, err, context.Canceled)
	}

	last := held[len(held)-1]
	require.Equal(t, consent.EntryPolicy, last.Kind)
	require.True(t, last.Subject.IsZero())
	deploy(t, cfg, material)
	deploy(t, cfg, minor) // rolled back
	deploy(t, cfg, material)
	require.Len(t, entries(t, cfg.Ledger), len(held), "said once")
	require.Empty(t, heard)
}

// Processes that start at once on one ledger tell it once among them.
func TestMaterialChangeIsToldByOneProcess(t *testing.T) {
	heard := make(told, 9)
	cfg := config(t)
	l := newSharedLedger()
	cfg.Ledger = l
	s := deploy(t, cfg, policy())
	s.choose("", `{"analytics":true}`)
	cfg.OnMaterialChange = heard.hook
	l.meet(3)
	done := make(chan struct{})
	for range 3 {
		go func() { deploy(t, cfg, newerPolicy()); done <- struct{}{} }()
	}
	for range 3 {
		<-done
	}
	<-heard
	require.Empty(t, heard)
}

// The hook is called until it succeeds, and Close says when it never did.
func TestMaterialChangeIsToldAgain(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var calls atomic.Int32
		cfg := config(t)
		cfg.Now = nil
		cfg.Policy = newerPolicy()
		cfg.Ledger = ledger.Memory()
		_, err := cfg.Ledger.Append(t.Context(), consent.Entry{Kind: consent.EntryGrant, Time: time.Now(), Policy: 3, Subject: consent.Subject{1}, Revision: 1, Granted: []consent.Purpose{consent.Analytics}})
		require.NoError(t, err)
		cfg.OnMaterialChange = func(context.Context, consent.MaterialChange) error {
			switch calls.Add(1) {
			case 1:
				return errors.New("mail server down")
			case 2:
				panic("jane@example.com")
			}
			return nil
		}
		m := newManager(t, cfg)
		time.Sleep(time.Hour)
		require.EqualValues(t, 3, calls.Load())
		require.NoError(t, m.Close(t.Context()))

		cfg.Policy.Version, cfg.Policy.Processing[2].GoodSince = 5, 5
		cfg.OnMaterialChange = func(context.Context, consent.MaterialChange) error { return errors.New("down") }
		m = newManager(t, cfg)
		time.Sleep(time.Hour)
		require.ErrorContains(t, m.Close(t.Context()), "OnMaterialChange did not succeed")
	})
}
