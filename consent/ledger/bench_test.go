//go:build unix

package ledger_test

import (
	"errors"
	"os"
	"path/filepath"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/candorhttp/candor/consent"
	"github.com/candorhttp/candor/consent/ledger"
)

// recordSize is what one common entry takes in a file.
const recordSize = 512

// BenchmarkAppend compares 64 writers with a bare loop that appends the same
// bytes and calls fsync once for every 64 of them, in turns, because a disk is
// not equally fast all the time. One operation is one entry of each.
func BenchmarkAppend(b *testing.B) {
	f, err := os.Create(filepath.Join(b.TempDir(), "bare"))
	require.NoError(b, err)
	defer f.Close()
	l := openFiles(b, b.TempDir())
	batch := make([]byte, writers*recordSize)
	var bare, ours time.Duration
	const turn = 32 * writers
	b.ResetTimer()
	for left := b.N; left > 0; left -= turn {
		n := min(left, turn)
		begin := time.Now()
		for i := 0; i < n; i += writers {
			_, err := f.Write(batch)
			if err = errors.Join(err, f.Sync()); err != nil {
				b.Fatal(err)
			}
		}
		between := time.Now()
		appendAll(b, l, n)
		bare, ours = bare+between.Sub(begin), ours+time.Since(between)
	}
	b.StopTimer()
	s := l.Stats()
	b.ReportMetric(float64(s.Appended)/float64(max(s.Batches, 1)), "entries/fsync")
	b.ReportMetric(float64(b.N)/bare.Seconds(), "bare-entries/s")
	b.ReportMetric(float64(b.N)/ours.Seconds(), "entries/s")
	b.ReportMetric(bare.Seconds()/ours.Seconds(), "of-bare")
}

// processorTime is what this process had of all processors: with it, a figure
// for one core does not depend on what else runs.
func processorTime() time.Duration {
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		panic(err)
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}

// BenchmarkRead measures what reads all of a ledger, for one entry.
func BenchmarkRead(b *testing.B) {
	const n = 200_000
	dir := b.TempDir()
	l := openFiles(b, dir)
	appendAll(b, l, n)
	perEntry := func(name string, read func() error) {
		b.Run(name, func(b *testing.B) {
			begin := processorTime()
			for b.Loop() {
				if err := read(); err != nil {
					b.Fatal(err)
				}
			}
			b.ReportMetric(float64(b.N)*n/b.Elapsed().Seconds(), "entries/s")
			b.ReportMetric(float64(b.N)*n/(processorTime()-begin).Seconds(), "entries/cpu-s")
		})
	}
	perEntry("Verify", func() error {
		r, err := ledger.Verify(b.Context(), dir)
		require.Zero(b, r.Faulty)
		return err
	})
	perEntry("Scan", func() error { return l.Scan(b.Context(), 0, func(consent.Entry) error { return nil }) })
	perEntry("History", func() error { _, err := l.History(b.Context(), subject(n)); return err })
}
