package ledger_test

import (
	"bytes"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/candorhttp/candor/consent/ledger"
	"github.com/candorhttp/candor/consent/ledger/ledgertest"
)

// unmarked returns a ledger of n entries whose mark is as old as it can be:
// that of an empty one. So it may look after a loss of power.
func unmarked(t testing.TB, n int) string {
	dir := t.TempDir()
	require.NoError(t, openFiles(t, dir).Close())
	mark, err := os.ReadFile(filepath.Join(dir, "mark"))
	require.NoError(t, err)
	l := openFiles(t, dir)
	for i := range n {
		add(t, l, ledgertest.Grant(subject(int64(i+1)), 1))
	}
	require.NoError(t, l.Close())
	require.NoError(t, os.WriteFile(filepath.Join(dir, "mark"), mark, 0o600))
	change(t, dir, func(b []byte) []byte { return b[:headSize+n*entrySize] })
	return dir
}

func TestTornTailIsRepaired(t *testing.T) {
	whole := unmarked(t, 3)
	content, err := os.ReadFile(lastFile(t, whole))
	require.NoError(t, err)
	keep := headSize + 2*entrySize
	tails := map[string][]byte{"nothing": {}, "zeros": make([]byte, 3*entrySize), "noise": bytes.Repeat([]byte{0xa5}, 700)}
	for n := 1; n < entrySize; n += 37 {
		tails["cut after "+string(rune('0'+n/100))+" hundred and more"] = content[keep : keep+n]
	}
	for from := 0; from < entrySize; from += 128 {
		hole := bytes.Clone(content[keep:])
		clear(hole[from : from+128])
		tails["a hole at "+string(rune('0'+from/128))] = hole
	}
	for name, tail := range tails {
		t.Run(name, func(t *testing.T) {
			dir := unmarked(t, 3)
			change(t, dir, func(b []byte) []byte { return append(b[:keep:keep], tail...) })
			r := good(t, dir)
			require.EqualValues(t, 2, r.Entries)
			require.Equal(t, name == "nothing" || name == "zeros", r.Torn == 0)
			l := openFiles(t, dir)
			require.Len(t, scan(t, l), 2)
			require.EqualValues(t, 3, add(t, l, ledgertest.Refusal()))
			r = good(t, dir)
			require.EqualValues(t, 3, r.Entries)
			require.Zero(t, r.Torn)
		})
	}
}

// What was durable before the last batch is not a torn tail, whatever the mark
// says.
func TestDamageBeforeTheLastBatchIsNoTornTail(t *testing.T) {
	for _, at := range []int{7, 29, 40, 70, 100, 200, 511} {
		dir := unmarked(t, 3)
		change(t, dir, flip(headSize+entrySize+at))
		before, err := os.ReadFile(lastFile(t, dir))
		require.NoError(t, err)
		_, err = ledger.Open(ledger.FilesConfig{Dir: dir})
		require.ErrorIs(t, err, ledger.ErrDamaged)
		require.ErrorContains(t, err, "entry 2: unreadable")
		after, err := os.ReadFile(lastFile(t, dir))
		require.NoError(t, err)
		require.Equal(t, before, after)
	}
}

func TestCrashWhileANewFileIsMade(t *testing.T) {
	for name, content := range map[string][]byte{"empty": {}, "short": []byte("candor ledger"), "zeros": make([]byte, 128)} {
		t.Run(name, func(t *testing.T) {
			dir := unmarked(t, 3)
			require.NoError(t, os.WriteFile(filepath.Join(dir, "00000000000000000004.records"), content, 0o600))
			require.EqualValues(t, 3, good(t, dir).Entries)
			l := openFiles(t, dir)
			require.EqualValues(t, 4, add(t, l, ledgertest.Refusal()))
			require.Len(t, scan(t, l), 4)
			require.EqualValues(t, 4, good(t, dir).Entries)
		})
	}
}

func TestCrashWhileALedgerIsMade(t *testing.T) {
	for name, content := range map[string][]byte{"empty": {}, "short": []byte("candor ledger"), "zeros": make([]byte, 128)} {
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			require.NoError(t, os.WriteFile(filepath.Join(dir, "00000000000000000001.records"), content, 0o600))
			require.NoError(t, os.WriteFile(filepath.Join(dir, "mark.tmp"), nil, 0o600))
			l := openFiles(t, dir)
			require.EqualValues(t, 1, add(t, l, ledgertest.Refusal()))
			good(t, dir)
		})
	}
}
