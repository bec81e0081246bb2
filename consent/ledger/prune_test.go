package ledger_test

import (
	"errors"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/candorhttp/candor/consent"
	"github.com/candorhttp/candor/consent/ledger"
	"github.com/candorhttp/candor/consent/ledger/ledgertest"
)

// ago returns an entry of so many days before now.
func ago(s consent.Subject, days int) consent.Entry {
	e := ledgertest.Grant(s, 1)
	e.Time = time.Now().UTC().AddDate(0, 0, -days).Truncate(time.Second)
	return e
}

func TestPrune(t *testing.T) {
	dir := t.TempDir()
	l := openFiles(t, dir)
	old := ago(subject(7), 900)
	old.Language = canary
	find := traces(t, dir, add(t, l, old))
	add(t, l, ago(subject(1), 500))
	add(t, l, ago(subject(2), 800))
	add(t, l, ago(subject(3), 1))
	_, err := l.Erase(t.Context(), subject(2))
	require.NoError(t, err)
	before := l.Checkpoint()

	limit := time.Now().AddDate(0, 0, -700)
	n, err := l.Prune(t.Context(), limit)
	require.NoError(t, err)
	require.Equal(t, 1, n)
	requireNowhere(t, dir, find)
	r := good(t, dir, before)
	require.Equal(t, [4]uint64{2, 1, 1, 6}, [4]uint64{r.Entries, r.Erased, r.Pruned, r.Last})
	n, err = l.Prune(t.Context(), limit)
	require.NoError(t, err)
	require.Zero(t, n)
	require.EqualValues(t, 6, l.Checkpoint().Seq, "a pruning of nothing is not recorded")

	add(t, l, ago(subject(4), 900)) // late, after the pruning
	require.EqualValues(t, 3, good(t, dir).Entries)
	n, err = l.Prune(t.Context(), time.Now().AddDate(0, 0, -1000))
	require.NoError(t, err)
	require.Zero(t, n)
	n, err = l.Prune(t.Context(), limit)
	require.NoError(t, err)
	require.Equal(t, 1, n)
	require.NoError(t, l.Close())
	require.Len(t, scan(t, openFiles(t, dir)), 2)
	good(t, dir, before)
}

func TestPruneKeepsWhatCookiesNeed(t *testing.T) {
	l := openFiles(t, t.TempDir())
	add(t, l, ago(subject(1), 399))
	_, err := l.Prune(t.Context(), time.Now().AddDate(0, 0, -399))
	require.ErrorContains(t, err, "400 days")
	require.Len(t, scan(t, l), 1)
}

func TestPruneGivesRoomBack(t *testing.T) {
	dir := t.TempDir()
	l := openFiles(t, dir)
	const n = 34_000
	e := ago(subject(1), 500)
	require.NoError(t, l.Fill(n, func(int) consent.Entry { return e }))
	kept := add(t, l, ago(subject(2), 1))
	before := l.Checkpoint()
	first := filepath.Join(dir, "00000000000000000001.records")
	info, err := os.Stat(first)
	require.NoError(t, err)
	require.Greater(t, info.Size(), int64(16<<20))

	pruned, err := l.Prune(t.Context(), time.Now().AddDate(0, 0, -450))
	require.NoError(t, err)
	require.EqualValues(t, kept-1, pruned)
	info, err = os.Stat(first)
	require.NoError(t, err)
	require.Less(t, info.Size(), int64(5<<20))
	r := good(t, dir, before)
	require.Equal(t, [2]uint64{1, kept - 1}, [2]uint64{r.Entries, r.Pruned})
	require.Len(t, scan(t, l), 1)
	require.NoError(t, l.Close())
	require.Len(t, scan(t, openFiles(t, dir)), 1)
}

func TestPruneByAge(t *testing.T) {
	dir := t.TempDir()
	l := openFiles(t, dir)
	add(t, l, ago(subject(1), 900))
	add(t, l, ago(subject(2), 10))
	require.NoError(t, l.Close())
	l, err := ledger.Open(ledger.FilesConfig{Dir: dir, KeepDays: 450})
	require.NoError(t, err)
	require.Eventually(t, func() bool { return l.Stats().Pruned == 1 }, 30*time.Second, time.Millisecond)
	require.NoError(t, l.Close())
	require.Zero(t, l.Stats().PruneFailed)
	require.EqualValues(t, 1, good(t, dir).Entries)
}

func TestOpenCompletesPruning(t *testing.T) {
	dir := t.TempDir()
	l := openFiles(t, dir)
	old := ago(subject(7), 900)
	old.Language = canary
	find := traces(t, dir, add(t, l, old))
	before, err := os.ReadFile(lastFile(t, dir))
	require.NoError(t, err)
	_, err = l.Prune(t.Context(), time.Now().AddDate(0, 0, -500))
	require.NoError(t, err)
	require.NoError(t, l.Close())
	change(t, dir, func(b []byte) []byte { copy(record(b, 1), record(before, 1)); return b })
	require.EqualValues(t, 1, good(t, dir).Unfinished)
	openFiles(t, dir)
	requireNowhere(t, dir, find)
	require.EqualValues(t, 1, good(t, dir).Pruned)
}

func TestPruneOnABrokenDisk(t *testing.T) {
	dir := t.TempDir()
	l := openFiles(t, dir)
	add(t, l, ago(subject(7), 900))
	full := errors.New("disk full")
	l.SetFaults(ledger.Faults{Write: full})
	_, err := l.Prune(t.Context(), time.Now().AddDate(0, 0, -500))
	require.ErrorIs(t, err, full)
	l.SetFaults(ledger.Faults{})
	n, err := l.Prune(t.Context(), time.Now().AddDate(0, 0, -500))
	require.NoError(t, err)
	require.Equal(t, 1, n)
	good(t, dir)
}
