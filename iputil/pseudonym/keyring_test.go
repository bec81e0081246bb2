package pseudonym_test

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"hash"
	"net/netip"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/candorhttp/candor/iputil/pseudonym"
)

// clock is a clock that a test sets.
type clock struct {
	mu sync.Mutex
	t  time.Time
}

func (c *clock) now() time.Time  { c.mu.Lock(); defer c.mu.Unlock(); return c.t }
func (c *clock) set(t time.Time) { c.mu.Lock(); defer c.mu.Unlock(); c.t = t }

var day = time.Date(2026, 11, 15, 23, 0, 0, 0, time.UTC)

func keyring(t testing.TB, cfg pseudonym.Config) *pseudonym.Keyring {
	t.Helper()
	k, err := pseudonym.New(cfg)
	require.NoError(t, err)
	t.Cleanup(k.Close)
	return k
}

func name(t testing.TB, k *pseudonym.Keyring, purpose string, fields ...string) string {
	t.Helper()
	var list [][]byte
	for _, f := range fields {
		list = append(list, []byte(f))
	}
	out, err := k.Append(nil, purpose, list...)
	require.NoError(t, err)
	return string(out)
}

func TestSameWithinAnEpochAndPurpose(t *testing.T) {
	c := &clock{t: day}
	k := keyring(t, pseudonym.Config{Now: c.now})
	a := name(t, k, "log", "198.51.100.77")
	require.Regexp(t, `^p1:20261115:[0-9a-f]{32}$`, a)
	require.Equal(t, a, name(t, k, "log", "198.51.100.77"))
	require.NotEqual(t, a, name(t, k, "log", "198.51.100.78"))
	require.NotEqual(t, a, name(t, k, "events", "198.51.100.77"), "another purpose")
	require.NotEqual(t, a, name(t, keyring(t, pseudonym.Config{Now: c.now}), "log", "198.51.100.77"), "another process")
	require.NotContains(t, a, "198")
}

// No two lists of purpose and fields run together into the same bytes.
func TestFieldsDoNotRunTogether(t *testing.T) {
	k := keyring(t, pseudonym.Config{})
	seen := map[string]string{}
	for _, list := range [][]string{{"a", "b", "c"}, {"ab", "c"}, {"a", "bc"}, {"abc"}, {"abc", ""}, {"", "abc"}, {"a", "", "bc"}, {"a\x01b", "c"}} {
		n := name(t, k, list[0], list[1:]...)
		require.Empty(t, seen[n], "%q and %q", list, seen[n])
		seen[n] = fmt.Sprintf("%q", list)
	}
}

// An epoch's key is gone two epochs later: the same input, another name, and
// no way back.
func TestKeyIsDestroyed(t *testing.T) {
	c := &clock{t: day}
	var receipts []pseudonym.Receipt
	k := keyring(t, pseudonym.Config{Now: c.now, Destroyed: func(r pseudonym.Receipt) { receipts = append(receipts, r) }})
	first := name(t, k, "log", "a")
	c.set(day.Add(2 * time.Hour))
	second := name(t, k, "log", "a")
	require.NotEqual(t, first[len("p1:20261115:"):], second[len("p1:20261116:"):])
	require.True(t, strings.HasPrefix(second, "p1:20261116:"))
	require.Empty(t, receipts)

	c.set(day)
	require.Equal(t, first, name(t, k, "log", "a"), "a clock that goes back finds the previous key")

	c.set(day.Add(26 * time.Hour))
	name(t, k, "log", "a")
	require.Equal(t, []pseudonym.Receipt{{
		Epoch: "20261115", From: time.Date(2026, 11, 15, 0, 0, 0, 0, time.UTC),
		Until: time.Date(2026, 11, 16, 0, 0, 0, 0, time.UTC), At: day.Add(26 * time.Hour),
	}}, receipts)

	c.set(day)
	dst := []byte("kept ")
	out, err := k.Append(dst, "log", []byte("a"))
	require.ErrorIs(t, err, pseudonym.ErrNoKey)
	require.Equal(t, "kept ", string(out), "never the raw value")

	c.set(day.Add(100 * 24 * time.Hour))
	name(t, k, "log", "a")
	require.Len(t, receipts, 3, "after a long pause nothing older is left")
}

// What began before midnight is named after its own day; a time to come neither
// makes a key nor destroys one.
func TestNamesOfAMomentAgo(t *testing.T) {
	c := &clock{t: day}
	var receipts int
	k := keyring(t, pseudonym.Config{Now: c.now, Destroyed: func(pseudonym.Receipt) { receipts++ }})
	first := name(t, k, "log", "a")
	c.set(day.Add(2 * time.Hour))
	second := name(t, k, "log", "a")
	at := func(when time.Time) (string, error) {
		out, err := k.AppendAt(nil, when, "log", []byte("a"))
		return string(out), err
	}
	for when, want := range map[time.Duration]string{0: first, time.Hour - 1: first, time.Hour: second, 24 * time.Hour: second} {
		got, err := at(day.Add(when))
		require.NoError(t, err)
		require.Equal(t, want, got, when)
	}
	for _, when := range []time.Duration{-24 * time.Hour, 25 * time.Hour, 1000 * time.Hour} {
		got, err := at(day.Add(when))
		require.ErrorIs(t, err, pseudonym.ErrNoKey)
		require.Empty(t, got)
	}
	require.Zero(t, receipts)
	require.Equal(t, second, name(t, k, "log", "a"))
	c.set(day.Add(26 * time.Hour))
	got, err := at(day.Add(26 * time.Hour))
	require.NoError(t, err)
	require.True(t, strings.HasPrefix(got, "p1:20261117:"), "it is so now")
	require.Equal(t, 1, receipts)
}

func TestClosedKeyringMakesNoNames(t *testing.T) {
	var receipts int
	k, err := pseudonym.New(pseudonym.Config{Destroyed: func(pseudonym.Receipt) { receipts++ }})
	require.NoError(t, err)
	k.Close()
	k.Close()
	require.Equal(t, 1, receipts)
	for _, k := range []*pseudonym.Keyring{k, nil, {}} {
		out, err := k.Append(nil, "log", []byte("a"))
		require.ErrorIs(t, err, pseudonym.ErrNoKey)
		require.Empty(t, out)
	}
}

// An idle process destroys its keys in time as well.
func TestKeysExpireWhenIdle(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var receipts []pseudonym.Receipt
		var mu sync.Mutex
		k, err := pseudonym.New(pseudonym.Config{Epoch: time.Hour, Destroyed: func(r pseudonym.Receipt) {
			mu.Lock()
			defer mu.Unlock()
			receipts = append(receipts, r)
		}})
		require.NoError(t, err)
		defer k.Close()
		time.Sleep(5*time.Hour + time.Minute)
		synctest.Wait()
		mu.Lock()
		defer mu.Unlock()
		require.Len(t, receipts, 4, "all but the current and the previous one")
		for _, r := range receipts {
			require.WithinDuration(t, r.Until.Add(time.Hour), r.At, time.Minute, "when the following epoch ended")
		}
	})
}

func TestConcurrentUseAcrossEpochs(t *testing.T) {
	c := &clock{t: day}
	k := keyring(t, pseudonym.Config{Now: c.now})
	var wg sync.WaitGroup
	for i := range 4 {
		wg.Go(func() {
			for j := range 500 {
				if i == 0 {
					c.set(day.Add(time.Duration(j) * time.Hour))
				}
				_, _ = k.Append(nil, "log", []byte{byte(i)})
			}
		})
	}
	wg.Wait()
}

func TestStats(t *testing.T) {
	c := &clock{t: day}
	k := keyring(t, pseudonym.Config{Now: c.now})
	c.set(day.Add(48 * time.Hour))
	name(t, k, "log", "a")
	c.set(day)
	_, err := k.Append(nil, "log", []byte("a"))
	require.ErrorIs(t, err, pseudonym.ErrNoKey)
	require.Equal(t, pseudonym.Stats{Made: 2, Destroyed: 1, Refused: 1}, k.Stats())
	require.Zero(t, (*pseudonym.Keyring)(nil).Stats())
}

// Whoever asks while a key is being destroyed gets the right pseudonym or none.
func TestDestructionWhileInUse(t *testing.T) {
	for range 50 {
		k := keyring(t, pseudonym.Config{})
		want := name(t, k, "log", "a")
		var wg sync.WaitGroup
		for range 4 {
			wg.Go(func() {
				for range 50 {
					if got, err := k.Append(nil, "log", []byte("a")); err == nil && string(got) != want {
						t.Errorf("got %s, want %s", got, want)
					}
				}
			})
		}
		k.Close()
		wg.Wait()
	}
}

func TestFaults(t *testing.T) {
	for _, epoch := range []time.Duration{-1, time.Second, 400 * 24 * time.Hour} {
		_, err := pseudonym.New(pseudonym.Config{Epoch: epoch})
		require.ErrorContains(t, err, "pseudonym: config: Epoch")
	}
	k := keyring(t, pseudonym.Config{})
	_, err := k.Append(nil, "log", make([][]byte, 9)...)
	require.Error(t, err)
	_, err = k.Append(nil, "log", make([]byte, 2000))
	require.Error(t, err)
	require.Equal(t, "pseudonym.Keyring", fmt.Sprintf("%v", k))
	require.Equal(t, "pseudonym.Keyring", fmt.Sprintf("%#v", k))
}

// The peer to compare with is the same text by hand: one key for ever, the same
// message, no epochs and so no clock.
func BenchmarkPseudonym(b *testing.B) {
	addr := netip.MustParseAddr("198.51.100.77").As4()
	buf := make([]byte, 0, 128)
	b.Run("keyring", func(b *testing.B) {
		k := keyring(b, pseudonym.Config{})
		b.ReportAllocs()
		for b.Loop() {
			_, _ = k.Append(buf, "log", addr[:])
		}
	})
	b.Run("pooled HMAC", func(b *testing.B) {
		pool := sync.Pool{New: func() any { return hmac.New(sha256.New, make([]byte, 32)) }}
		message, sum := make([]byte, 0, 64), make([]byte, 0, 32)
		b.ReportAllocs()
		for b.Loop() {
			h := pool.Get().(hash.Hash)
			h.Reset()
			message = append(append(append(message[:0], 3), "log"...), 4)
			h.Write(append(message, addr[:]...))
			sum = h.Sum(sum[:0])
			_ = hex.AppendEncode(append(append(buf, "p1:"...), "20261115:"...), sum[:16])
			pool.Put(h)
		}
	})
	b.Run("keyring on all cores", func(b *testing.B) {
		k := keyring(b, pseudonym.Config{})
		b.RunParallel(func(pb *testing.PB) {
			buf := make([]byte, 0, 128)
			for pb.Next() {
				_, _ = k.Append(buf, "log", addr[:])
			}
		})
	})
}
