package retain_test

import (
	"io/fs"
	"os"
	"path/filepath"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/candorhttp/candor/logging/retain"
)

// The directory went away, with the file that is open: lines must not go where
// nobody finds them.
func TestDirectoryGone(t *testing.T) {
	dir := directory(t)
	var told events
	f := open(t, retain.Config{Dir: dir, Age: day, Report: told.add, Now: (&clock{t: noon}).now})
	write(t, f, "1\n")
	require.NoError(t, os.RemoveAll(dir))
	require.NoError(t, os.WriteFile(dir, nil, 0o600), "so that it cannot be made")
	for range 2 {
		n, err := f.Write([]byte("2\n"))
		require.ErrorContains(t, err, "retain: open "+dir)
		require.Zero(t, n)
		require.Equal(t, err, told.last().Err)
	}
	require.NoError(t, os.Remove(dir))
	write(t, f, "3\n")
	require.Equal(t, map[string]string{of(noon): "3\n"}, holds(t, dir))
	require.Equal(t, []retain.Kind{retain.NotOpened, retain.NotOpened}, told.kinds())
	require.Equal(t, retain.Stats{Lines: 2, Lost: 2, NotOpened: 2}, f.Stats())
	info, err := os.Stat(dir)
	require.NoError(t, err)
	require.Equal(t, 0o700|os.ModeDir, info.Mode())
}

// Several lines in one Write count one by one, written or lost.
func TestLinesTogether(t *testing.T) {
	dir := directory(t)
	f := open(t, retain.Config{Dir: dir, Age: day, Now: (&clock{t: noon}).now})
	write(t, f, "1\n2\n3\n")
	require.Equal(t, map[string]string{of(noon): "1\n2\n3\n"}, holds(t, dir))
	require.Equal(t, retain.Stats{Lines: 3}, f.Stats())
	require.NoError(t, f.Close())
	for _, lines := range []string{"4\n5\n", "6\nno newline"} {
		_, err := f.Write([]byte(lines))
		require.ErrorIs(t, err, os.ErrClosed)
	}
	require.Equal(t, retain.Stats{Lines: 3, Lost: 4}, f.Stats())
}

// A file that was moved or replaced is not written any more: under its other
// name it would never expire.
func TestFileMovedAway(t *testing.T) {
	dir := directory(t)
	f := open(t, retain.Config{Dir: dir, Age: day, Now: (&clock{t: noon}).now})
	path := filepath.Join(dir, of(noon))
	write(t, f, "1\n")
	require.NoError(t, os.Rename(path, path+".1"))
	write(t, f, "2\n")
	require.Equal(t, map[string]string{of(noon): "2\n", of(noon) + ".1": "1\n"}, holds(t, dir))
	require.NoError(t, os.Rename(path+".1", path))
	write(t, f, "3\n")
	require.Equal(t, map[string]string{of(noon): "1\n3\n"}, holds(t, dir))
	require.NoError(t, os.Rename(path, path+".1"))
	require.NoError(t, f.Reopen())
	require.Equal(t, map[string]string{of(noon): "", of(noon) + ".1": "1\n3\n"}, holds(t, dir))
	require.Equal(t, retain.Stats{Lines: 3}, f.Stats())
}

// A failing write is an error, and the next one opens the file anew.
func TestWriteFails(t *testing.T) {
	dir := directory(t)
	var told events
	f := open(t, retain.Config{Dir: dir, Age: day, Report: told.add, Now: (&clock{t: noon}).now})
	require.NoError(t, retain.CloseUnderneath(f))
	_, err := f.Write([]byte("1\n"))
	require.ErrorIs(t, err, os.ErrClosed)
	write(t, f, "2\n")
	require.Equal(t, map[string]string{of(noon): "2\n"}, holds(t, dir))
	require.Equal(t, []retain.Kind{retain.NotWritten, retain.NotClosed}, told.kinds())
	require.Equal(t, retain.Stats{Lines: 1, Lost: 1, NotClosed: 1}, f.Stats())
	for _, e := range told.list {
		require.Equal(t, of(noon), e.File)
		require.Equal(t, noon, e.At)
	}
}

// A crash cut a line short: it spoils no other.
func TestTornLineIsEnded(t *testing.T) {
	dir := directory(t)
	put(t, dir, of(noon), "whole\n{\"half\":")
	f := open(t, retain.Config{Dir: dir, Age: day, Now: (&clock{t: noon}).now})
	write(t, f, "next\n")
	require.NoError(t, f.Reopen())
	write(t, f, "last\n")
	require.Equal(t, map[string]string{of(noon): "whole\n{\"half\":\nnext\nlast\n"}, holds(t, dir))
}

// Nothing but a regular file is opened or deleted, and no link is followed.
func TestWhatIsNoRegularFile(t *testing.T) {
	target := filepath.Join(t.TempDir(), "target")
	kinds := map[string]func(path string) error{
		"symbolic link":          func(path string) error { return os.Symlink(target, path) },
		"symbolic link to a log": func(path string) error { return os.Symlink(of(noon.Add(-day)), path) },
		"dangling link":          func(path string) error { return os.Symlink("nowhere", path) },
		"directory":              func(path string) error { return os.Mkdir(path, 0o700) },
	}
	for name, put := range kinds {
		t.Run("in the place of the current file: "+name, func(t *testing.T) {
			dir := directory(t)
			require.NoError(t, os.Mkdir(dir, 0o700))
			require.NoError(t, os.WriteFile(target, []byte("other"), 0o600))
			require.NoError(t, os.WriteFile(filepath.Join(dir, of(noon.Add(-day))), []byte("other"), 0o600))
			require.NoError(t, put(filepath.Join(dir, of(noon))))
			var told events
			_, err := retain.Open(retain.Config{Dir: dir, Name: "access", Age: day, Report: told.add, Now: (&clock{t: noon}).now})
			require.ErrorContains(t, err, "is not a regular file; remove it")
			require.Equal(t, []retain.Kind{retain.NotOpened}, told.kinds())
			for _, path := range []string{target, filepath.Join(dir, of(noon.Add(-day)))} {
				text, err := os.ReadFile(path)
				require.NoError(t, err)
				require.Equal(t, "other", string(text))
			}
			require.NoFileExists(t, filepath.Join(dir, "nowhere"))
		})
		t.Run("with the name of an expired file: "+name, func(t *testing.T) {
			dir := directory(t)
			require.NoError(t, os.Mkdir(dir, 0o700))
			require.NoError(t, os.WriteFile(target, []byte("other"), 0o600))
			path := filepath.Join(dir, of(noon.Add(-9*day)))
			require.NoError(t, put(path))
			var told events
			_, err := retain.Open(retain.Config{Dir: dir, Name: "access", Age: day, Report: told.add, Now: (&clock{t: noon}).now})
			require.ErrorContains(t, err, "is not a regular file; remove it")
			require.Equal(t, []retain.Kind{retain.NotDeleted}, told.kinds())
			_, err = os.Lstat(path)
			require.NoError(t, err)
			require.FileExists(t, target)
		})
	}
}

// A link that is put in the place of the open file is not followed either.
func TestLinkInPlaceOfTheOpenFile(t *testing.T) {
	dir := directory(t)
	target := filepath.Join(t.TempDir(), "target")
	f := open(t, retain.Config{Dir: dir, Age: day, Now: (&clock{t: noon}).now})
	path := filepath.Join(dir, of(noon))
	require.NoError(t, os.Rename(path, target))
	require.NoError(t, os.Symlink(target, path))
	_, err := f.Write([]byte("1\n"))
	require.ErrorContains(t, err, "is not a regular file")
	text, err := os.ReadFile(target)
	require.NoError(t, err)
	require.Empty(t, text)
}

// A deletion that fails is tried again each minute until it succeeds.
func TestDeletingFails(t *testing.T) {
	dir := directory(t)
	synctest.Test(t, func(t *testing.T) {
		var told events
		f := open(t, retain.Config{Dir: dir, Age: day, Report: told.add})
		path := filepath.Join(dir, of(time.Now()))
		require.NoError(t, os.Remove(path))
		require.NoError(t, os.Mkdir(path, 0o700))
		time.Sleep(2*day + 150*time.Second)
		synctest.Wait()
		require.Equal(t, []retain.Kind{retain.NotDeleted, retain.NotDeleted, retain.NotDeleted}, told.kinds())
		require.Equal(t, filepath.Base(path), told.last().File)
		require.NoError(t, os.Remove(path))
		require.NoError(t, os.WriteFile(path, nil, 0o600))
		time.Sleep(time.Minute)
		synctest.Wait()
		require.NoFileExists(t, path)
		require.Equal(t, retain.Expired, told.last().Kind)
		require.Equal(t, retain.Stats{Deleted: 1, NotDeleted: 3}, f.Stats())

		require.NoError(t, os.Remove(dir))
		time.Sleep(time.Hour)
		synctest.Wait()
		require.Equal(t, retain.NotListed, told.last().Kind)
		require.ErrorIs(t, told.last().Err, fs.ErrNotExist)
		require.NotZero(t, f.Stats().NotListed)
		require.NoError(t, f.Close())
	})
}

func TestClose(t *testing.T) {
	dir := directory(t)
	synctest.Test(t, func(t *testing.T) {
		var told events
		f := open(t, retain.Config{Dir: dir, Age: day, Report: told.add})
		write(t, f, "1\n")
		require.NoError(t, f.Close())
		require.NoError(t, f.Close())
		_, err := f.Write([]byte("2\n"))
		require.ErrorIs(t, err, os.ErrClosed)
		require.ErrorIs(t, f.Reopen(), os.ErrClosed)
		require.Equal(t, retain.Stats{Lines: 1, Lost: 1}, f.Stats())
		require.Equal(t, []retain.Kind{retain.NotWritten}, told.kinds())
		time.Sleep(30 * day)
		require.Equal(t, map[string]string{of(time.Now().Add(-30 * day)): "1\n"}, holds(t, dir), "nobody deletes after Close")
	})
}

func TestCloseTellsOfTheFile(t *testing.T) {
	f := open(t, retain.Config{Dir: directory(t), Age: day})
	require.NoError(t, retain.CloseUnderneath(f))
	require.ErrorContains(t, f.Close(), "retain: close: ")
	require.EqualValues(t, 1, f.Stats().NotClosed)
}
