//go:build linux || darwin

package ledger_test

import (
	"context"
	"errors"
	"fmt"
	"os"
	"syscall"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/candorhttp/candor/consent"
	"github.com/candorhttp/candor/consent/ledger"
	"github.com/candorhttp/candor/consent/ledger/ledgertest"
)

// What a disk can do wrong in the middle of a batch, until it is mended.
func TestAppendOnABrokenDisk(t *testing.T) {
	full, readOnly, broken := syscall.ENOSPC, syscall.EROFS, syscall.EIO
	for name, faults := range map[string]ledger.Faults{
		"full, half is written":              {Write: full},
		"read-only":                          {Write: readOnly, Sync: readOnly, Truncate: readOnly},
		"the wait for the disk fails":        {Sync: broken},
		"what was written cannot be removed": {Write: full, Truncate: broken},
		"nothing works":                      {Write: broken, Sync: broken, Truncate: broken},
	} {
		for _, restart := range []bool{false, true} {
			t.Run(fmt.Sprintf("%s, restart %v", name, restart), func(t *testing.T) {
				dir := t.TempDir()
				l := openFiles(t, dir)
				add(t, l, ledgertest.Grant(subject(1), 1))
				before := l.Checkpoint()
				l.SetFaults(faults)
				for i := range int64(3) {
					seq, err := l.Append(t.Context(), marked(uint64(i+1)))
					require.Error(t, err)
					require.Zero(t, seq)
					require.NotContains(t, err.Error(), canary)
				}
				require.EqualValues(t, 3, l.Stats().Failed)
				require.Equal(t, before.Link, l.Checkpoint().Link)
				require.Len(t, scan(t, l), 1, "what is there can be read")
				if !restart {
					l.SetFaults(ledger.Faults{})
				} else {
					_ = l.Close()
					l = openFiles(t, dir)
				}
				require.EqualValues(t, 2, add(t, l, ledgertest.Grant(subject(2), 1)), "it works again as soon as the disk does")
				require.Len(t, scan(t, l), 2)
				require.EqualValues(t, 2, good(t, dir, before).Entries)
				requireNowhere(t, dir, [][]byte{[]byte(canary)})
			})
		}
	}
}

// fillSmallDisk appends where files cannot grow beyond 3 MiB, which is how the
// system behaves when a disk is full: a write is cut short, the next one fails.
// Then the limit goes.
func fillSmallDisk(dir string) error {
	var limit syscall.Rlimit
	if err := syscall.Getrlimit(syscall.RLIMIT_FSIZE, &limit); err != nil {
		return err
	}
	limit.Cur = 3<<20 + 700
	if err := syscall.Setrlimit(syscall.RLIMIT_FSIZE, &limit); err != nil {
		return err
	}
	l, err := ledger.Open(ledger.FilesConfig{Dir: dir})
	if err != nil {
		return err
	}
	n, failed := int64(0), 0
	for ; failed < 10; n++ {
		if n > 10_000 {
			return errors.New("the disk was never full")
		}
		_, err := l.Append(context.Background(), ledgertest.Grant(subject(n+1), 1))
		if err != nil {
			failed++
			if !errors.Is(err, syscall.EFBIG) {
				return err
			}
			n--
		}
	}
	kept := 0
	if err := l.Scan(context.Background(), 0, func(consent.Entry) error { kept++; return nil }); err != nil {
		return err
	}
	if int64(kept) != n {
		return fmt.Errorf("%d acknowledged and %d kept", n, kept)
	}
	limit.Cur = limit.Max
	if err := syscall.Setrlimit(syscall.RLIMIT_FSIZE, &limit); err != nil {
		return err
	}
	if _, err := l.Append(context.Background(), ledgertest.Grant(subject(n+1), 1)); err != nil {
		return err
	}
	fmt.Println(n + 1)
	return l.Close()
}

func TestFullDisk(t *testing.T) {
	dir := t.TempDir()
	out, err := child(t, "fills a small disk", dir).Output()
	require.NoError(t, err)
	var kept uint64
	_, err = fmt.Sscan(string(out), &kept)
	require.NoError(t, err)
	require.Greater(t, kept, uint64(6000))
	r := good(t, dir)
	require.Equal(t, kept, r.Entries)
	require.Zero(t, r.Torn)
}

// A directory that may be read and not written can be verified and not opened.
func TestReadOnlyDirectory(t *testing.T) {
	dir := t.TempDir()
	l := openFiles(t, dir)
	add(t, l, ledgertest.Refusal())
	require.NoError(t, l.Close())
	require.NoError(t, os.Remove(dir+"/lock"))
	require.NoError(t, os.Chmod(dir, 0o500))
	t.Cleanup(func() { _ = os.Chmod(dir, 0o700) })
	good(t, dir)
	if os.Getuid() != 0 { // who may write anywhere
		_, err := ledger.Open(ledger.FilesConfig{Dir: dir})
		require.ErrorIs(t, err, os.ErrPermission)
	}
}
