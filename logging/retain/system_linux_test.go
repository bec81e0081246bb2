package retain_test

import (
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/candorhttp/candor/logging/retain"
)

// The file of a period that is over is closed also when idle: an open one would
// keep its lines on the disk after its name is gone.
func TestIdleFileIsClosed(t *testing.T) {
	dir := directory(t)
	synctest.Test(t, func(t *testing.T) {
		f := open(t, retain.Config{Dir: dir, Age: day})
		require.True(t, isOpen(t, dir))
		time.Sleep(day)
		synctest.Wait()
		require.False(t, isOpen(t, dir))
		write(t, f, "line\n")
		require.True(t, isOpen(t, dir))
		require.NoError(t, f.Close())
		require.False(t, isOpen(t, dir))
	})
}

// isOpen reports whether this process has a file of the directory open.
func isOpen(t *testing.T, dir string) bool {
	links, err := filepath.Glob("/proc/self/fd/*")
	require.NoError(t, err)
	return slices.ContainsFunc(links, func(l string) bool { return strings.HasPrefix(readLink(l), dir) })
}

// readLink returns where a symbolic link leads, "" where it is gone.
func readLink(path string) string {
	target, err := os.Readlink(path)
	if err != nil {
		return ""
	}
	return target
}

// fullDisk names what tells the test binary that it is TestFullDisk's child.
const fullDisk = "CANDOR_TEST_FULL_DISK"

// The disk takes a part of a line and no more. The line is lost and counted;
// when there is space again, the next one is whole and stands by itself. The
// limit is the whole process's, so a child has it: what the testing package
// writes here would meet it too.
func TestFullDisk(t *testing.T) {
	if os.Getenv(fullDisk) == "" {
		self, err := os.Executable()
		require.NoError(t, err)
		child := exec.Command(self, "-test.run=^TestFullDisk$", "-test.v")
		child.Env = append(os.Environ(), fullDisk+"=1")
		out, err := child.CombinedOutput()
		require.NoError(t, err, "%s", out)
		require.Contains(t, string(out), "--- PASS: TestFullDisk", "the child ran it")
		return
	}
	signal.Ignore(syscall.SIGXFSZ)
	var before syscall.Rlimit
	require.NoError(t, syscall.Getrlimit(syscall.RLIMIT_FSIZE, &before))
	limit := func(bytes uint64) {
		require.NoError(t, syscall.Setrlimit(syscall.RLIMIT_FSIZE, &syscall.Rlimit{Cur: bytes, Max: before.Max}))
	}

	dir := directory(t)
	var told events
	f := open(t, retain.Config{Dir: dir, Age: day, Report: told.add, Now: (&clock{t: noon}).now})
	write(t, f, "first\n")
	limit(10)
	n, err := f.Write([]byte("second\n"))
	require.ErrorIs(t, err, syscall.EFBIG)
	require.Equal(t, 4, n)
	n, err = f.Write([]byte("third\n"))
	require.ErrorIs(t, err, syscall.EFBIG)
	require.Zero(t, n)
	limit(before.Cur)
	write(t, f, "fourth\n")
	write(t, f, "fifth\n")
	require.Equal(t, map[string]string{of(noon): "first\nseco\nfourth\nfifth\n"}, holds(t, dir))
	require.Equal(t, retain.Stats{Lines: 3, Lost: 2, NotOpened: 1}, f.Stats())
	require.Equal(t, []retain.Kind{retain.NotWritten, retain.NotOpened}, told.kinds())
}
