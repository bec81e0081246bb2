package ledger_test

import (
	"context"
	"os"
	"path/filepath"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/candorhttp/candor/consent"
	"github.com/candorhttp/candor/consent/ledger"
	"github.com/candorhttp/candor/consent/ledger/ledgertest"
)

const (
	writers = 64
	// recordSize is what one common entry takes in a file.
	recordSize = 512
)

// BenchmarkAppend compares 64 writers with a bare loop that appends the same
// bytes and calls fsync once for every 64 of them. One operation is one entry.
func BenchmarkAppend(b *testing.B) {
	b.Run("bare loop, fsync every 64", func(b *testing.B) {
		f, err := os.Create(filepath.Join(b.TempDir(), "bare"))
		require.NoError(b, err)
		defer f.Close()
		batch := make([]byte, writers*recordSize)
		for i := 0; i < b.N; i += writers {
			if _, err := f.Write(batch); err != nil {
				b.Fatal(err)
			}
			if err := f.Sync(); err != nil {
				b.Fatal(err)
			}
		}
	})
	b.Run("64 writers", func(b *testing.B) {
		l := openFiles(b, b.TempDir())
		b.ResetTimer()
		appendAll(b, l, b.N)
		b.StopTimer()
		s := l.Stats()
		b.ReportMetric(float64(s.Appended)/float64(max(s.Batches, 1)), "entries/fsync")
	})
}

// appendAll appends n entries of as many subjects from 64 goroutines.
func appendAll(tb testing.TB, l *ledger.Files, n int) {
	var next atomic.Int64
	var wg sync.WaitGroup
	for range writers {
		wg.Go(func() {
			for {
				i := next.Add(1)
				if i > int64(n) {
					return
				}
				if _, err := l.Append(context.Background(), ledgertest.Grant(subject(i), 1)); err != nil {
					tb.Error(err)
					return
				}
			}
		})
	}
	wg.Wait()
}

func subject(i int64) consent.Subject {
	return consent.Subject{1, byte(i >> 24), byte(i >> 16), byte(i >> 8), byte(i)}
}

// BenchmarkRead measures what reads all of a ledger, for one entry.
func BenchmarkRead(b *testing.B) {
	const n = 200_000
	dir := b.TempDir()
	l := openFiles(b, dir)
	appendAll(b, l, n)
	perEntry := func(name string, read func() error) {
		b.Run(name, func(b *testing.B) {
			for b.Loop() {
				if err := read(); err != nil {
					b.Fatal(err)
				}
			}
			b.ReportMetric(float64(b.N)*n/b.Elapsed().Seconds(), "entries/s")
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
