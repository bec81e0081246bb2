package ledger_test

import (
	"context"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/candorhttp/candor/consent"
	"github.com/candorhttp/candor/consent/ledger"
	"github.com/candorhttp/candor/consent/ledger/ledgertest"
)

func openFiles(t testing.TB, dir string) *ledger.Files {
	t.Helper()
	l, err := ledger.Open(ledger.FilesConfig{Dir: dir})
	require.NoError(t, err)
	t.Cleanup(func() { _ = l.Close() })
	return l
}

func add(t testing.TB, l consent.Ledger, e consent.Entry) uint64 {
	t.Helper()
	seq, err := l.Append(t.Context(), e)
	require.NoError(t, err)
	return seq
}

func scan(t testing.TB, l consent.Ledger) (out []consent.Entry) {
	t.Helper()
	require.NoError(t, l.Scan(t.Context(), 0, func(e consent.Entry) error { out = append(out, e); return nil }))
	return out
}

// good verifies a directory that must have no fault.
func good(t testing.TB, dir string, checkpoints ...ledger.Checkpoint) ledger.Report {
	t.Helper()
	r, err := ledger.Verify(t.Context(), dir, checkpoints...)
	require.NoError(t, err)
	require.Empty(t, r.Faults)
	return r
}

// lastFile returns the segment that is written to.
func lastFile(t testing.TB, dir string) string {
	t.Helper()
	names, err := filepath.Glob(filepath.Join(dir, "*.records"))
	require.NoError(t, err)
	require.NotEmpty(t, names)
	return slices.Max(names)
}

const writers = 64

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

func TestFiles(t *testing.T) {
	ledgertest.Run(t, func(t *testing.T) consent.Ledger { return openFiles(t, t.TempDir()) })
}

func TestFilesStay(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "new", "ledger")
	l := openFiles(t, dir)
	local := ledgertest.Grant(subject(1), 1)
	local.Time = local.Time.In(time.FixedZone("elsewhere", 3600))
	add(t, l, local)
	long := ledgertest.Grant(subject(2), 1)
	long.Kind = "something new"
	for range 64 {
		long.Granted = append(long.Granted, consent.Purpose(strings.Repeat("p", 64)))
	}
	add(t, l, long)
	add(t, l, ledgertest.Refusal())
	before := scan(t, l)
	require.NoError(t, l.Close())
	again := openFiles(t, dir)
	require.Equal(t, before, scan(t, again))
	require.Equal(t, long.Granted, before[1].Granted)
	require.Equal(t, time.UTC, before[0].Time.Location())
	require.EqualValues(t, 4, add(t, again, ledgertest.Refusal()))
	r := good(t, dir)
	require.Equal(t, [5]uint64{4, 1, 2, 0, 1}, [5]uint64{r.Entries, r.Grants, r.Refusals, r.Withdrawals, r.Others})

	info, err := os.Stat(dir)
	require.NoError(t, err)
	require.Equal(t, os.FileMode(0o700), info.Mode().Perm())
	names, err := os.ReadDir(dir)
	require.NoError(t, err)
	for _, d := range names {
		info, err := d.Info()
		require.NoError(t, err)
		require.Equal(t, os.FileMode(0o600), info.Mode().Perm(), d.Name())
	}
}

func TestFilesOverManySegments(t *testing.T) {
	dir := t.TempDir()
	l := openFiles(t, dir)
	const n = 67_000
	require.NoError(t, l.Fill(n, func(i int) consent.Entry { return ledgertest.Grant(subject(int64(i+1)), 1) }))
	names, err := filepath.Glob(filepath.Join(dir, "*.records"))
	require.NoError(t, err)
	require.Len(t, names, 3)
	afters := []uint64{0, 1, n - 1, n, n + 1}
	for _, name := range names[1:] {
		first, err := strconv.ParseUint(strings.TrimSuffix(filepath.Base(name), ".records"), 10, 64)
		require.NoError(t, err)
		afters = append(afters, first-2, first-1, first, first+1)
	}
	for _, after := range afters {
		next := after
		require.NoError(t, l.Scan(t.Context(), after, func(e consent.Entry) error {
			next++
			if e.Seq != next { // asked 600,000 times, so without require
				t.Errorf("entry %d follows %d", e.Seq, next-1)
			}
			return nil
		}))
		require.Equal(t, max(after, n), next)
	}
	own, err := l.History(t.Context(), subject(n))
	require.NoError(t, err)
	require.Len(t, own, 1)
	require.NoError(t, l.Close())
	again := openFiles(t, dir)
	require.EqualValues(t, n+1, add(t, again, ledgertest.Refusal()))
	require.EqualValues(t, n+1, good(t, dir).Entries)
}

func TestOpenRefuses(t *testing.T) {
	_, err := ledger.Open(ledger.FilesConfig{LockWait: -1, KeepDays: 30})
	for _, field := range []string{"Dir:", "LockWait:", "KeepDays:"} {
		require.ErrorContains(t, err, "ledger: config: "+field)
	}
	file := filepath.Join(t.TempDir(), "file")
	require.NoError(t, os.WriteFile(file, nil, 0o600))
	_, err = ledger.Open(ledger.FilesConfig{Dir: file})
	require.Error(t, err)
	dir := t.TempDir()
	require.NoError(t, os.WriteFile(filepath.Join(dir, "7.records"), nil, 0o600))
	_, err = ledger.Open(ledger.FilesConfig{Dir: dir})
	require.ErrorContains(t, err, "7.records is not a name of a ledger file")
}

func TestTooLargeIsRefused(t *testing.T) {
	l := openFiles(t, t.TempDir())
	e := ledgertest.Refusal()
	e.Language = strings.Repeat("x", 64<<10)
	_, err := l.Append(t.Context(), e)
	require.ErrorIs(t, err, ledger.ErrTooLarge)
	e = ledgertest.Refusal()
	e.Time = time.Date(10_000, 1, 1, 0, 0, 0, 0, time.UTC)
	_, err = l.Append(t.Context(), e)
	require.ErrorContains(t, err, "no JSON form")
	require.Empty(t, scan(t, l))
}

func TestSecondWriterWaits(t *testing.T) {
	dir := t.TempDir()
	first := openFiles(t, dir)
	_, err := ledger.Open(ledger.FilesConfig{Dir: dir, LockWait: time.Millisecond})
	require.ErrorIs(t, err, ledger.ErrLocked)
	require.ErrorContains(t, err, "was not free within 1ms; end the process that has it")

	got := make(chan error)
	go func() {
		second, err := ledger.Open(ledger.FilesConfig{Dir: dir})
		if err == nil {
			err = second.Close()
		}
		got <- err
	}()
	add(t, first, ledgertest.Refusal())
	require.NoError(t, first.Close())
	require.NoError(t, <-got, "it was there as soon as the first let go")
}

func TestAfterClose(t *testing.T) {
	l := openFiles(t, t.TempDir())
	add(t, l, ledgertest.Refusal())
	require.NoError(t, l.Close())
	require.ErrorIs(t, l.Close(), ledger.ErrClosed)
	_, err := l.Append(t.Context(), ledgertest.Refusal())
	require.ErrorIs(t, err, ledger.ErrClosed)
	require.ErrorIs(t, l.Scan(t.Context(), 0, func(consent.Entry) error { return nil }), ledger.ErrClosed)
}

func TestFilesInTheManifest(t *testing.T) {
	for days, want := range map[int]string{0: "until erased; nothing is removed by age", 700: "700 days; then kind, day and a salted commitment stay"} {
		l, err := ledger.Open(ledger.FilesConfig{Dir: t.TempDir(), KeepDays: days})
		require.NoError(t, err)
		var m consent.Manifest
		l.Describe(&m)
		require.NoError(t, l.Close())
		require.Len(t, m.Records, 1)
		require.Equal(t, "files", m.Records[0].Store)
		require.Equal(t, want, m.Records[0].Retention)
	}
}
