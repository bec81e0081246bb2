package ledger_test

import (
	"bytes"
	"context"
	"encoding/hex"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/candorhttp/candor/consent"
	"github.com/candorhttp/candor/consent/ledger"
	"github.com/candorhttp/candor/consent/ledger/ledgertest"
)

// canary is a text that no other entry has.
const canary = "Zq7LxCanaryText"

// traces are the bytes by which an entry of subject 7 could be found: subject,
// salt, the head of the payload, and what is around a text that only it has.
func traces(t testing.TB, dir string, seqs ...uint64) [][]byte {
	s := subject(7)
	out := [][]byte{s[:], []byte(hex.EncodeToString(s[:])), []byte(canary)}
	for _, r := range naive(t, dir) {
		if slices.Contains(seqs, r.seq) {
			at := bytes.Index(r.payload, []byte(canary))
			require.Positive(t, at)
			out = append(out, r.salt[:12], r.salt[20:], r.payload[:20], r.payload[at-9:at+6])
		}
	}
	return out
}

// requireEmptied looks at the records themselves: nothing but zeros where salt
// and payload were.
func requireEmptied(t testing.TB, dir string, seqs ...uint64) {
	t.Helper()
	for _, r := range naive(t, dir) {
		if slices.Contains(seqs, r.seq) {
			require.EqualValues(t, 1, r.gone)
			require.Equal(t, make([]byte, 32), r.salt)
			require.Equal(t, make([]byte, len(r.payload)), r.payload)
		}
	}
}

// requireNowhere searches every file below dir.
func requireNowhere(t testing.TB, dir string, traces [][]byte) {
	t.Helper()
	require.NoError(t, filepath.WalkDir(dir, func(path string, d os.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		b, err := os.ReadFile(path)
		for i, trace := range traces {
			require.False(t, bytes.Contains(b, trace), "trace %d in %s", i, path)
		}
		return err
	}))
}

func marked(revision uint64) consent.Entry {
	e := ledgertest.Grant(subject(7), revision)
	e.Language = canary
	return e
}

func TestErasedLeavesNoByte(t *testing.T) {
	dir := t.TempDir()
	l := openFiles(t, dir)
	seqs := []uint64{add(t, l, marked(1))}
	add(t, l, ledgertest.Grant(subject(1), 1))
	seqs = append(seqs, add(t, l, marked(2)))
	add(t, l, ledgertest.Refusal())
	e := marked(3)
	e.Regime = strings.Repeat("long", 500)
	seqs = append(seqs, add(t, l, e))
	before, find := l.Checkpoint(), traces(t, dir, seqs...)
	require.Len(t, find, 3+3*4)
	b, err := os.ReadFile(lastFile(t, dir))
	require.NoError(t, err)
	for i, trace := range find {
		require.Equal(t, i != 1, bytes.Contains(b, trace), "the search finds what is there: %d", i)
	}

	n, err := l.Erase(t.Context(), subject(7))
	require.NoError(t, err)
	require.Equal(t, 3, n)
	requireNowhere(t, dir, find)
	requireEmptied(t, dir, seqs...)
	r := good(t, dir, before)
	require.Equal(t, [3]uint64{2, 3, 8}, [3]uint64{r.Entries, r.Erased, r.Last})
	require.EqualValues(t, 3, l.Stats().Erased)
	require.NoError(t, l.Close())
	requireNowhere(t, dir, find)
	require.Len(t, scan(t, openFiles(t, dir)), 2)
}

// A process that ends after the erasure is in the chain and before the payload
// is gone leaves what an old copy put back leaves. Open completes both.
func TestOpenCompletesErasures(t *testing.T) {
	for name, put := range map[string]func(now, before []byte){
		"nothing was overwritten": func(now, before []byte) { copy(now, before) },
		"a half was overwritten":  func(now, before []byte) { copy(now[200:], before[200:]) },
		"all but the flag":        func(now, before []byte) { now[31] = 0 },
	} {
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			l := openFiles(t, dir)
			find := traces(t, dir)
			find = append(find, traces(t, dir, add(t, l, marked(1)))...)
			add(t, l, ledgertest.Refusal())
			before, err := os.ReadFile(lastFile(t, dir))
			require.NoError(t, err)
			_, err = l.Erase(t.Context(), subject(7))
			require.NoError(t, err)
			require.NoError(t, l.Close())
			change(t, dir, func(b []byte) []byte { put(record(b, 1), record(before, 1)); return b })

			r := good(t, dir)
			require.Equal(t, [3]uint64{1, 0, 1}, [3]uint64{r.Entries, r.Erased, r.Unfinished})
			l = openFiles(t, dir)
			requireNowhere(t, dir, find)
			r = good(t, dir)
			require.Equal(t, [3]uint64{1, 1, 0}, [3]uint64{r.Entries, r.Erased, r.Unfinished})
			require.Len(t, scan(t, l), 1)
		})
	}
}

// A failed overwrite is an error; the next Open has the last word.
func TestEraseOnABrokenDisk(t *testing.T) {
	dir := t.TempDir()
	l := openFiles(t, dir)
	find := traces(t, dir, add(t, l, marked(1)))
	l.SetFaults(ledger.Faults{Write: errors.New("disk full"), Sync: errors.New("disk full")})
	_, err := l.Erase(t.Context(), subject(7))
	require.ErrorContains(t, err, "disk full")
	l.SetFaults(ledger.Faults{})
	n, err := l.Erase(t.Context(), subject(7))
	require.NoError(t, err)
	require.Equal(t, 1, n)
	requireNowhere(t, dir, find)
	good(t, dir)
}

// What the chain says is erased does not count, also while the disk does not let
// go of it.
func TestEraseThatCouldNotOverwrite(t *testing.T) {
	for name, half := range map[string]int{"nothing": 0, "the first half": 256, "all": 512} {
		for _, restart := range []bool{false, true} {
			t.Run(fmt.Sprintf("%s was overwritten, restart %v", name, restart), func(t *testing.T) {
				dir := t.TempDir()
				l := openFiles(t, dir)
				seq := add(t, l, marked(1))
				find := traces(t, dir, seq)
				add(t, l, ledgertest.Grant(subject(1), 1))
				broken := errors.New("broken")
				l.SetDisk(func(f *os.File, b []byte, at int64) error {
					if at != headSize {
						_, err := f.WriteAt(b, at)
						return err
					}
					_, err := f.WriteAt(b[:half], at)
					return errors.Join(broken, err)
				}, (*os.File).Sync, (*os.File).Truncate)
				for range 2 {
					_, err := l.Erase(t.Context(), subject(7))
					require.ErrorIs(t, err, broken)
					require.Len(t, scan(t, l), 1)
					own, err := l.History(t.Context(), subject(7))
					require.NoError(t, err)
					require.Empty(t, own)
				}
				l.SetFaults(ledger.Faults{})
				if restart {
					require.NoError(t, l.Close())
					l = openFiles(t, dir)
				}
				n, err := l.Erase(t.Context(), subject(7))
				require.NoError(t, err)
				require.Zero(t, n, "it was erased before")
				requireNowhere(t, dir, find)
				requireEmptied(t, dir, seq)
				r := good(t, dir)
				require.Equal(t, [3]uint64{1, 1, 3}, [3]uint64{r.Entries, r.Erased, r.Last})
			})
		}
	}
}

// The image of somebody who was erased stays as long as a cookie can live.
func TestImagesExpire(t *testing.T) {
	dir := t.TempDir()
	l := openFiles(t, dir)
	image := func(s consent.Subject, days int) consent.Entry {
		e := ago(s, days)
		return consent.Entry{Time: e.Time, Kind: consent.EntryErasure, Subject: s}
	}
	add(t, l, image(subject(7), 401))
	kept := image(subject(1), 399)
	kept.Seq = add(t, l, kept)
	add(t, l, ago(subject(2), 900))
	find := [][]byte{bytesOfSubject(subject(7))}
	require.NoError(t, l.Close())
	require.EqualValues(t, 2, good(t, dir).Images)

	l = openFiles(t, dir)
	require.Eventually(t, func() bool { return l.Stats().Pruned == 1 }, 30*time.Second, time.Millisecond)
	requireNowhere(t, dir, find)
	r := good(t, dir)
	require.Equal(t, [3]uint64{1, 1, 1}, [3]uint64{r.Images, r.Erased, r.Entries})
	require.Equal(t, kept, scan(t, l)[0])
	require.NoError(t, l.Close())
	l = openFiles(t, dir)
	require.NoError(t, l.Close())
	require.Zero(t, l.Stats().Pruned)
	require.EqualValues(t, 4, good(t, dir).Last)
}

func bytesOfSubject(s consent.Subject) []byte { return s[:] }

func TestErasingBesideEverythingElse(t *testing.T) {
	dir := t.TempDir()
	l := openFiles(t, dir)
	for i := range int64(200) {
		add(t, l, ledgertest.Grant(subject(i%20), 1))
	}
	var wg sync.WaitGroup
	for i := range int64(20) {
		wg.Go(func() {
			n, err := l.Erase(context.Background(), subject(i))
			if err != nil || n != 10 {
				t.Error(n, err)
			}
		})
		wg.Go(func() {
			if _, err := l.Append(context.Background(), ledgertest.Refusal()); err != nil {
				t.Error(err)
			}
			if err := l.Scan(context.Background(), 0, func(consent.Entry) error { return nil }); err != nil {
				t.Error(err)
			}
		})
		wg.Go(func() {
			if r, err := ledger.Verify(context.Background(), dir); err != nil || r.Faulty > 0 {
				t.Error(r.Faults, err)
			}
		})
	}
	wg.Wait()
	require.Len(t, scan(t, l), 20)
	r := good(t, dir)
	require.Equal(t, [2]uint64{20, 200}, [2]uint64{r.Entries, r.Erased})
}

func TestReadHistoryBesideTheService(t *testing.T) {
	dir := t.TempDir()
	l := openFiles(t, dir)
	add(t, l, ledgertest.Grant(subject(1), 1))
	add(t, l, ledgertest.Grant(subject(2), 1))
	add(t, l, ledgertest.Grant(subject(1), 2))
	want, err := l.History(t.Context(), subject(1))
	require.NoError(t, err)
	require.Len(t, want, 2)
	got, err := ledger.ReadHistory(t.Context(), dir, subject(1))
	require.NoError(t, err)
	require.Equal(t, want, got)
	got, err = ledger.ReadHistory(t.Context(), dir, consent.Subject{})
	require.NoError(t, err)
	require.Empty(t, got)
	_, err = ledger.ReadHistory(t.Context(), t.TempDir(), subject(1))
	require.Error(t, err)
	change(t, dir, flip(headSize+200))
	_, err = ledger.ReadHistory(t.Context(), dir, subject(1))
	require.ErrorIs(t, err, ledger.ErrDamaged)
}
