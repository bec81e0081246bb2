package ledger_test

import (
	"runtime"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/candorhttp/candor/consent"
	"github.com/candorhttp/candor/consent/ledger"
	"github.com/candorhttp/candor/consent/ledger/ledgertest"
)

// allocated returns how many bytes f allocates, whether they are kept or not.
func allocated(f func()) uint64 {
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	f()
	runtime.ReadMemStats(&after)
	return after.TotalAlloc - before.TotalAlloc
}

func TestAMillionEntriesInConstantMemory(t *testing.T) {
	million := 1_000_000
	if raceEnabled {
		million = 100_000 // the detector finds no more in the rest, and takes minutes for it
		t.Logf("%d entries under the race detector", million)
	}
	dir := t.TempDir()
	l := openFiles(t, dir)
	require.NoError(t, l.Fill(million, func(i int) consent.Entry { return ledgertest.Grant(subject(int64(i+1)), 1) }))
	_, err := l.Erase(t.Context(), subject(int64(million/2)))
	require.NoError(t, err)
	require.NoError(t, l.Close())

	require.Less(t, allocated(func() {
		r, err := ledger.Verify(t.Context(), dir)
		require.NoError(t, err)
		require.Empty(t, r.Faults)
		require.Equal(t, [2]uint64{uint64(million - 1), 1}, [2]uint64{r.Entries, r.Erased})
	}), uint64(2<<20), "one buffer, and a bit for each entry in the window")
	require.Less(t, allocated(func() {
		l, err = ledger.Open(ledger.FilesConfig{Dir: dir})
		require.NoError(t, err)
	}), uint64(4<<20))
	n := 0
	require.NoError(t, l.Scan(t.Context(), uint64(million-1000), func(e consent.Entry) error { n++; return nil }))
	require.Equal(t, 1000, n)
	require.Less(t, allocated(func() {
		own, err := l.History(t.Context(), subject(int64(million)))
		require.NoError(t, err)
		require.Len(t, own, 1)
	}), uint64(2<<20))
	require.NoError(t, l.Close())
}
