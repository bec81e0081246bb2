package async_test

import (
	"bytes"
	"context"
	"io"
	"runtime"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/candorhttp/candor/logging/async"
)

// line is as long as one of an access log.
var line = append(bytes.Repeat([]byte{'x'}, 449), '\n')

// Neither Write nor the goroutine allocates, taking or dropping.
func TestWriteDoesNotAllocate(t *testing.T) {
	for name, size := range map[string]int{"taken": 0, "dropped": 449} {
		w := writer(t, async.Config{Output: io.Discard, Bytes: size})
		for range 100 {
			w.Write(line)
		}
		require.Zero(t, testing.AllocsPerRun(1000, func() { w.Write(line) }), name)
		require.NoError(t, w.Close(context.Background()))
	}
}

// BenchmarkTaken is the cost of a line that is taken while others are handed
// on: the clock stands whenever the queue could be full.
func BenchmarkTaken(b *testing.B) {
	const lines = 4096
	w := writer(b, async.Config{Output: io.Discard, Lines: lines})
	b.ReportAllocs()
	n := 0
	for b.Loop() {
		w.Write(line)
		if n++; n%lines == 0 {
			b.StopTimer()
			for w.Stats().Queued > 0 {
				runtime.Gosched()
			}
			b.StartTimer()
		}
	}
	require.Zero(b, w.Stats().Dropped)
	require.NoError(b, w.Close(context.Background()))
}

// BenchmarkDropped is the cost of a line for which there is no room.
func BenchmarkDropped(b *testing.B) {
	w := writer(b, async.Config{Output: io.Discard, Bytes: len(line) - 1})
	b.ReportAllocs()
	for b.Loop() {
		w.Write(line)
	}
	require.NoError(b, w.Close(context.Background()))
}

// BenchmarkFlood is how many lines get through when all processors do nothing
// but write more than the goroutine can hand on.
func BenchmarkFlood(b *testing.B) {
	w := writer(b, async.Config{Output: io.Discard})
	b.RunParallel(func(pb *testing.PB) {
		for pb.Next() {
			w.Write(line)
		}
	})
	b.ReportMetric(float64(w.Stats().Written)/b.Elapsed().Seconds(), "written/s")
	require.NoError(b, w.Close(context.Background()))
}
