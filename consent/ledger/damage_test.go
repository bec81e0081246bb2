package ledger_test

import (
	"crypto/sha256"
	"encoding/binary"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/candorhttp/candor/consent"
	"github.com/candorhttp/candor/consent/ledger"
	"github.com/candorhttp/candor/consent/ledger/ledgertest"
)

// entrySize is the length of common entries, and headSize where they begin.
const (
	entrySize = 512
	headSize  = 128
)

// written returns the directory of a closed ledger: five entries of subjects 1
// to 5, the second erased by number 6.
func written(t testing.TB) string {
	dir := t.TempDir()
	l := openFiles(t, dir)
	for i := range int64(5) {
		add(t, l, ledgertest.Grant(subject(i+1), 1))
	}
	_, err := l.Erase(t.Context(), subject(2))
	require.NoError(t, err)
	require.NoError(t, l.Close())
	return dir
}

// change rewrites the only segment of a ledger.
func change(t testing.TB, dir string, f func(b []byte) []byte) {
	name := lastFile(t, dir)
	b, err := os.ReadFile(name)
	require.NoError(t, err)
	require.NoError(t, os.WriteFile(name, f(b), 0o600))
}

// end is where the records of written end: five entries and an erasure.
const end = headSize + 5*entrySize + 128

func flip(at int) func(b []byte) []byte {
	return func(b []byte) []byte { b[at] ^= 1; return b }
}

// record gives the bytes of entry seq.
func record(b []byte, seq int) []byte {
	return b[headSize+(seq-1)*entrySize : headSize+seq*entrySize]
}

func TestDamageIsFound(t *testing.T) {
	at := func(seq, offset int) int { return headSize + (seq-1)*entrySize + offset }
	for _, row := range []struct {
		name   string
		change func(b []byte) []byte
		seq    uint64
		kind   ledger.FaultKind
	}{
		{"number", flip(at(3, 7)), 3, ledger.FaultChanged},
		{"reference", flip(at(3, 15)), 3, ledger.FaultChanged},
		{"batch", flip(at(3, 16)), 3, ledger.FaultChanged},
		{"later batch", flip(at(3, 23) - 1), 3, ledger.FaultChanged},
		{"day", flip(at(3, 27)), 3, ledger.FaultChanged},
		{"length", flip(at(3, 29)), 3, ledger.FaultPayload},
		{"kind", flip(at(3, 30)), 3, ledger.FaultChanged},
		{"commitment", flip(at(3, 40)), 3, ledger.FaultChanged},
		{"link", flip(at(3, 70)), 3, ledger.FaultChanged},
		{"salt", flip(at(3, 100)), 3, ledger.FaultPayload},
		{"subject", flip(at(3, 130)), 3, ledger.FaultPayload},
		{"choice", flip(at(3, 200)), 3, ledger.FaultPayload},
		{"padding", flip(at(3, 511)), 3, ledger.FaultPayload},
		{"last entry", flip(at(5, 200)), 5, ledger.FaultPayload},
		{"erasure", flip(end - 128 + 15), 6, ledger.FaultChanged},
		{"marked as gone", flip(at(3, 31)), 3, ledger.FaultRemoved},
		{"gone in another way", func(b []byte) []byte { b[at(3, 31)] = 2; return b }, 3, ledger.FaultUnreadable},
		{"emptied", func(b []byte) []byte {
			r := record(b, 3)
			r[31] = 1
			clear(r[96:])
			return b
		}, 3, ledger.FaultRemoved},
		{"taken out", func(b []byte) []byte { return append(b[:at(3, 0)], b[at(4, 0):]...) }, 3, ledger.FaultMissing},
		{"put in twice", func(b []byte) []byte {
			return append(append([]byte{}, b[:at(4, 0)]...), b[at(3, 0):]...)
		}, 4, ledger.FaultChanged},
		{"exchanged", func(b []byte) []byte {
			var r [entrySize]byte
			copy(r[:], record(b, 3))
			copy(record(b, 3), record(b, 4))
			copy(record(b, 4), r[:])
			return b
		}, 3, ledger.FaultMissing},
		{"zeros for an entry", func(b []byte) []byte { clear(record(b, 3)); return b }, 3, ledger.FaultUnreadable},
		{"cut off", func(b []byte) []byte { return b[:at(5, 0)] }, 5, ledger.FaultMissing},
		{"cut within", func(b []byte) []byte { return b[:at(5, 300)] }, 5, ledger.FaultUnreadable},
		{"zeros to the end", func(b []byte) []byte { clear(b[at(5, 0):]); return b }, 5, ledger.FaultMissing},
		{"all", func([]byte) []byte { return nil }, 1, ledger.FaultUnreadable},
		{"head", flip(3), 1, ledger.FaultUnreadable},
		{"first link", flip(40), 1, ledger.FaultChanged},
	} {
		t.Run(row.name, func(t *testing.T) {
			dir := written(t)
			change(t, dir, row.change)
			after, err := os.ReadFile(lastFile(t, dir))
			require.NoError(t, err)
			r, err := ledger.Verify(t.Context(), dir)
			require.NoError(t, err)
			require.NotEmpty(t, r.Faults)
			require.Equal(t, row.seq, r.Faults[0].Seq, "%v", r.Faults)
			require.Equal(t, row.kind, r.Faults[0].Kind, "%v", r.Faults)

			_, err = ledger.Open(ledger.FilesConfig{Dir: dir})
			require.ErrorIs(t, err, ledger.ErrDamaged)
			unchanged, err := os.ReadFile(lastFile(t, dir))
			require.NoError(t, err)
			require.Equal(t, after, unchanged, "nothing is dropped and nothing is written")
		})
	}
}

func TestDamageIsFoundWhileOpen(t *testing.T) {
	dir := t.TempDir()
	l := openFiles(t, dir)
	for i := range int64(3) {
		add(t, l, ledgertest.Grant(subject(i+1), 1))
	}
	for _, at := range []int{headSize + entrySize + 31, headSize + entrySize + 140, headSize + entrySize + 40} {
		change(t, dir, flip(at))
		require.ErrorIs(t, l.Scan(t.Context(), 0, func(consent.Entry) error { return nil }), ledger.ErrDamaged)
		_, err := l.History(t.Context(), subject(1))
		require.ErrorIs(t, err, ledger.ErrDamaged)
		_, err = l.Erase(t.Context(), subject(1))
		require.ErrorIs(t, err, ledger.ErrDamaged)
		change(t, dir, flip(at))
	}
	require.Len(t, scan(t, l), 3)
}

func TestTheMarkIsNeeded(t *testing.T) {
	for name, change := range map[string]func(string) error{
		"missing": os.Remove,
		"damaged": func(name string) error { return os.WriteFile(name, make([]byte, 64), 0o600) },
		"short":   func(name string) error { return os.Truncate(name, 10) },
	} {
		t.Run(name, func(t *testing.T) {
			dir := written(t)
			require.NoError(t, change(filepath.Join(dir, "mark")))
			r, err := ledger.Verify(t.Context(), dir)
			require.NoError(t, err)
			require.Equal(t, ledger.FaultMark, r.Faults[0].Kind)
			_, err = ledger.Open(ledger.FilesConfig{Dir: dir})
			require.ErrorIs(t, err, ledger.ErrDamaged)
		})
	}
}

// forge makes the chain of a ledger fit itself again, from entry seq on, and
// its mark fit the chain: what somebody does who knows the format.
func forge(t testing.TB, dir string, seq int) {
	change(t, dir, func(b []byte) []byte {
		prev := b[24:56]
		var r []byte
		last := uint64(0)
		for at := headSize; at+128 <= len(b); at += len(r) {
			if r = b[at:][:int(binary.BigEndian.Uint16(b[at+28:]))*128]; len(r) == 0 {
				break
			}
			last = binary.BigEndian.Uint64(r)
			if last >= uint64(seq) {
				covered := append([]byte{}, r[:8]...)
				covered = append(covered, r[30])
				covered = append(covered, r[24:28]...)
				covered = append(covered, r[8:16]...)
				covered = append(append(covered, prev...), r[32:64]...)
				sum := sha256.Sum256(covered)
				copy(r[64:96], sum[:])
			}
			prev = r[64:96]
		}
		m := append([]byte("candor mark 1\n\x00\x00"), binary.BigEndian.AppendUint64(nil, last)...)
		m = append(m, prev...)
		sum := sha256.Sum256(m)
		require.NoError(t, os.WriteFile(filepath.Join(dir, "mark"), append(m, sum[:8]...), 0o600))
		return b
	})
}

func TestOnlyACheckpointFindsAForgedChain(t *testing.T) {
	dir := written(t)
	r := good(t, dir)
	before := ledger.Checkpoint{Seq: r.Last, Link: r.Link}
	good(t, dir, before)
	change(t, dir, flip(headSize+2*entrySize+27)) // the day of the third entry
	forge(t, dir, 3)
	good(t, dir)
	r, err := ledger.Verify(t.Context(), dir, before)
	require.NoError(t, err)
	require.Equal(t, []ledger.Fault{{Seq: 6, Kind: ledger.FaultCheckpoint, Text: "the chain is not the one that was signed"}}, r.Faults)

	change(t, dir, func(b []byte) []byte { return b[:headSize+4*entrySize] })
	forge(t, dir, 3)
	r, err = ledger.Verify(t.Context(), dir, before)
	require.NoError(t, err)
	last := r.Faults[len(r.Faults)-1]
	require.Equal(t, ledger.FaultCheckpoint, last.Kind)
	require.Equal(t, "the ledger ends before the checkpoint", last.Text)
}

// However many entries are looked at together, the report is the same.
func TestVerifyInManyPasses(t *testing.T) {
	dir := t.TempDir()
	l := openFiles(t, dir)
	for i := range int64(40) {
		add(t, l, ago(subject(i%9), int(900-20*i)))
	}
	for _, i := range []int64{3, 8} {
		_, err := l.Erase(t.Context(), subject(i))
		require.NoError(t, err)
	}
	_, err := l.Prune(t.Context(), time.Now().AddDate(0, 0, -800))
	require.NoError(t, err)
	require.NoError(t, l.Close())
	for _, tampered := range []bool{false, true} {
		if tampered {
			change(t, dir, flip(headSize+13*entrySize+200))
		}
		want, err := ledger.VerifyOnce(t.Context(), dir, 0)
		require.NoError(t, err)
		require.Equal(t, tampered, want.Faulty > 0)
		require.Positive(t, want.Erased)
		require.Positive(t, want.Pruned)
		for _, window := range []uint64{1, 2, 7, 39, 40, 41, 1000} {
			got, err := ledger.VerifyOnce(t.Context(), dir, window)
			require.NoError(t, err)
			require.Equal(t, want, got, "window %d", window)
		}
	}
}

// A number that cannot be is no reason to look for all below it.
func TestAHugeNumber(t *testing.T) {
	dir := written(t)
	change(t, dir, flip(headSize+2*entrySize))
	r, err := ledger.VerifyOnce(t.Context(), dir, 8)
	require.NoError(t, err)
	require.Positive(t, r.Faulty)
}

func TestMissingFiles(t *testing.T) {
	dir := t.TempDir()
	l := openFiles(t, dir)
	require.NoError(t, l.Fill(67_000, func(i int) consent.Entry { return ledgertest.Grant(subject(int64(i+1)), 1) }))
	require.NoError(t, l.Close())
	names, err := filepath.Glob(filepath.Join(dir, "*.records"))
	require.NoError(t, err)
	require.Len(t, names, 3)
	for _, name := range names {
		missing, err := strconv.ParseUint(strings.TrimSuffix(filepath.Base(name), ".records"), 10, 64)
		require.NoError(t, err)
		require.NoError(t, os.Rename(name, name+".away"))
		r, err := ledger.Verify(t.Context(), dir)
		require.NoError(t, err)
		require.Len(t, r.Faults, 1)
		require.Equal(t, ledger.FaultMissing, r.Faults[0].Kind)
		require.Equal(t, missing, r.Faults[0].Seq)
		_, err = ledger.Open(ledger.FilesConfig{Dir: dir})
		require.ErrorIs(t, err, ledger.ErrDamaged)
		require.NoError(t, os.Rename(name+".away", name))
	}
	good(t, dir)
}
