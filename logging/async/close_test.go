package async_test

import (
	"context"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/candorhttp/candor/logging/async"
)

func TestCloseDrains(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		out := &output{hold: make(chan struct{})}
		w := writer(t, async.Config{Output: out, Lines: 2, Dropped: dropped})
		write(t, w, "1\n")
		synctest.Wait()
		write(t, w, "2\n", "3\n")
		drop(t, w, "4\n")
		time.AfterFunc(time.Second, func() { close(out.hold) })
		ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
		defer cancel()
		require.NoError(t, w.Close(ctx))
		require.Equal(t, "1\n2\n3\n[1]\n", out.text())
		require.Equal(t, async.Stats{Written: 3, Dropped: 1}, w.Stats())
	})
}

// The output is stuck: Close says what is lost, and the goroutine ends when the
// output lets go of it.
func TestCloseGivesUp(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		out := &output{hold: make(chan struct{})}
		w := writer(t, async.Config{Output: out, Dropped: dropped})
		write(t, w, "1\n")
		synctest.Wait()
		write(t, w, "2\n", "3\n")
		ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
		defer cancel()
		err := w.Close(ctx)
		require.EqualError(t, err, "async: close: 3 lines lost: context deadline exceeded")
		require.ErrorIs(t, err, context.DeadlineExceeded)
		require.Equal(t, async.Stats{Queued: 1, Dropped: 2}, w.Stats())
		close(out.hold)
		require.EqualError(t, w.Close(t.Context()), "async: close: 2 lines lost", "the first one arrived after all")
		require.Equal(t, "1\n", out.text())
		require.Equal(t, async.Stats{Written: 1, Dropped: 2}, w.Stats())
	})
}

// The output holds the line about drops: nothing more is lost, but it is still
// in use.
func TestCloseWhileTellingOfDrops(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		out := &output{hold: make(chan struct{})}
		w := writer(t, async.Config{Output: out, Bytes: 1, Dropped: dropped})
		drop(t, w, "1\n")
		synctest.Wait()
		ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
		defer cancel()
		require.EqualError(t, w.Close(ctx), "async: close: 0 lines lost: context deadline exceeded")
		close(out.hold)
		require.NoError(t, w.Close(t.Context()))
		require.Equal(t, "[1]\n", out.text())
	})
}

func TestCloseCountsWhatTheOutputRefuses(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		out := &output{hold: make(chan struct{}), fail: true}
		w := writer(t, async.Config{Output: out})
		write(t, w, "1\n", "2\n", "3\n")
		time.AfterFunc(time.Second, func() { close(out.hold) })
		for range 2 {
			require.EqualError(t, w.Close(t.Context()), "async: close: 3 lines lost")
		}
		require.Equal(t, async.Stats{Failed: 3}, w.Stats())
	})
}

// A context that ended already loses nothing where there is nothing to lose.
func TestCloseInNoTime(t *testing.T) {
	ended, cancel := context.WithCancel(t.Context())
	cancel()
	for range 100 {
		synctest.Test(t, func(t *testing.T) {
			w := writer(t, async.Config{Output: &output{}})
			write(t, w, "1\n")
			synctest.Wait()
			require.NoError(t, w.Close(ended))
			require.NoError(t, w.Close(ended))
		})
	}
}
