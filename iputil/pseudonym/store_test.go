package pseudonym_test

import (
	"context"
	"errors"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/candorhttp/candor/iputil/pseudonym"
	"github.com/candorhttp/candor/iputil/pseudonym/storetest"
)

func TestMemory(t *testing.T) {
	storetest.Run(t, func(*testing.T) pseudonym.Store { return &pseudonym.Memory{} })
}

func TestPostgresNeedsADatabase(t *testing.T) {
	_, err := pseudonym.NewPostgres(nil)
	require.ErrorContains(t, err, "sql.Open")
}

// flaky is a store that can be out of reach.
type flaky struct {
	pseudonym.Memory
	mu    sync.Mutex
	state string // "", "down" or "hangs"
	calls int
}

var errDown = errors.New("connection refused")

func (f *flaky) set(state string) { f.mu.Lock(); defer f.mu.Unlock(); f.state = state }

func (f *flaky) wait(ctx context.Context) error {
	f.mu.Lock()
	f.calls++
	state := f.state
	f.mu.Unlock()
	switch state {
	case "down":
		return errDown
	case "hangs":
		<-ctx.Done()
		return ctx.Err()
	}
	return nil
}

func (f *flaky) Key(ctx context.Context, e pseudonym.Epoch, fresh [32]byte) ([32]byte, error) {
	if err := f.wait(ctx); err != nil {
		return [32]byte{}, err
	}
	return f.Memory.Key(ctx, e, fresh)
}

func (f *flaky) Forget(ctx context.Context, e pseudonym.Epoch) error {
	if err := f.wait(ctx); err != nil {
		return err
	}
	return f.Memory.Forget(ctx, e)
}

// nameOf makes a pseudonym of the same field, "" where there is none.
func nameOf(t *testing.T, k *pseudonym.Keyring) string {
	t.Helper()
	out, err := k.Append(nil, "log", []byte("203.0.113.9"))
	if err != nil {
		require.ErrorIs(t, err, pseudonym.ErrNoKey)
		require.Empty(t, out)
	}
	return string(out)
}

func shared(t *testing.T, s pseudonym.Store, receipts *[]pseudonym.Receipt) *pseudonym.Keyring {
	t.Helper()
	k, err := pseudonym.New(pseudonym.Config{Epoch: time.Hour, Store: s, Destroyed: func(r pseudonym.Receipt) {
		if receipts != nil {
			*receipts = append(*receipts, r)
		}
	}})
	require.NoError(t, err)
	return k
}

func TestReplicasShareAnEpoch(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		store := &flaky{}
		a := shared(t, store, nil)
		time.Sleep(time.Minute)
		b := shared(t, store, nil)
		first := nameOf(t, a)
		require.NotEmpty(t, first)
		require.Equal(t, first, nameOf(t, b))
		a.Close() // a restart keeps the epoch
		a = shared(t, store, nil)
		require.Equal(t, first, nameOf(t, a))

		time.Sleep(time.Hour)
		synctest.Wait()
		second := nameOf(t, a)
		require.NotEmpty(t, second)
		require.NotEqual(t, first[strings.LastIndexByte(first, ':'):], second[strings.LastIndexByte(second, ':'):])
		require.Equal(t, second, nameOf(t, b))
		a.Close()
		b.Close()
		require.Empty(t, nameOf(t, a))
	})
}

// Nobody asks for a pseudonym, and yet no key outlives the epoch after its own.
func TestSharedKeysEndWhenIdle(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		store := &flaky{}
		var receipts []pseudonym.Receipt
		k := shared(t, store, &receipts)
		defer k.Close()
		number := time.Now().UnixNano() / int64(time.Hour)
		time.Sleep(2*time.Hour + time.Minute)
		synctest.Wait()
		require.Len(t, receipts, 1)
		require.False(t, receipts[0].Kept)
		_, err := store.Memory.Key(t.Context(), pseudonym.Epoch{Number: number, Length: time.Hour}, [32]byte{})
		require.ErrorIs(t, err, pseudonym.ErrNoKey)
		require.EqualValues(t, 3, k.Stats().Made)
	})
}

func TestStoreOutOfReach(t *testing.T) {
	for _, state := range []string{"down", "hangs"} {
		t.Run(state, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				store := &flaky{}
				store.set(state)
				var receipts []pseudonym.Receipt
				k := shared(t, store, &receipts) // starts all the same
				defer k.Close()
				require.Empty(t, nameOf(t, k))
				require.EqualValues(t, 2, k.Stats().Failed)
				store.set("")
				time.Sleep(11 * time.Second)
				synctest.Wait()
				require.NotEmpty(t, nameOf(t, k))

				store.set(state)
				time.Sleep(2 * time.Hour)
				synctest.Wait()
				require.Empty(t, nameOf(t, k))
				require.Len(t, receipts, 1, "destroyed here, store or no store")
				require.True(t, receipts[0].Kept)
				store.set("")
				time.Sleep(11 * time.Second)
				synctest.Wait()
				require.NotEmpty(t, nameOf(t, k))
				made := k.Stats().Made
				calls := store.calls
				time.Sleep(10 * time.Minute)
				require.Equal(t, calls, store.calls, "left alone when all is done")
				require.Equal(t, made, k.Stats().Made)
			})
		})
	}
}

// The clock of one replica is late: it gets no key that the others gave up.
func TestLateReplica(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		store := &flaky{}
		k := shared(t, store, nil)
		defer k.Close()
		time.Sleep(3 * time.Hour)
		synctest.Wait()
		late, err := pseudonym.New(pseudonym.Config{Epoch: time.Hour, Store: store, Now: func() time.Time { return time.Now().Add(-150 * time.Minute) }})
		require.NoError(t, err)
		defer late.Close()
		require.Empty(t, nameOf(t, late))
	})
}

// A new epoch that a request meets before the timer does not make it wait.
func TestFirstRequestOfAnEpochDoesNotWait(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		store := &flaky{}
		var mu sync.Mutex
		var ahead time.Duration
		k, err := pseudonym.New(pseudonym.Config{Epoch: time.Hour, Store: store, Now: func() time.Time {
			mu.Lock()
			defer mu.Unlock()
			return time.Now().Add(ahead)
		}})
		require.NoError(t, err)
		defer k.Close()
		require.NotEmpty(t, nameOf(t, k))
		store.set("hangs")
		mu.Lock()
		ahead = time.Hour // the clock is set forward
		mu.Unlock()
		before := time.Now()
		require.Empty(t, nameOf(t, k))
		require.Zero(t, time.Since(before))
		store.set("")
		time.Sleep(11 * time.Second)
		synctest.Wait()
		require.NotEmpty(t, nameOf(t, k))
	})
}

func TestCloseWhileTheStoreHangs(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		store := &flaky{}
		k := shared(t, store, nil)
		store.set("hangs")
		time.Sleep(time.Hour + time.Second)
		before := time.Now()
		k.Close()
		require.Zero(t, time.Since(before))
		calls := store.calls
		time.Sleep(time.Hour)
		require.Equal(t, calls, store.calls)
	})
}
