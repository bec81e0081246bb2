package main_test

import (
	"bytes"
	"compress/gzip"
	"io"
	"os"
	"os/exec"
	"strings"
	"syscall"
	"testing"

	"github.com/stretchr/testify/require"
)

// repeated gives a text over and over.
type repeated struct {
	text string
	left int
}

func (r *repeated) Read(p []byte) (int, error) {
	if r.left == 0 {
		return 0, io.EOF
	}
	r.left--
	return copy(p, r.text), nil
}

// Audits of any size take less than 64 MiB.
func TestMemory(t *testing.T) {
	path, dir := command(t), files(t)
	lines := strings.Repeat(good, 32<<10/len(good))
	var bomb bytes.Buffer // of one line
	z := gzip.NewWriter(&bomb)
	_, err := io.Copy(z, &repeated{strings.Repeat(" ", 32<<10), 4000})
	require.NoError(t, err)
	require.NoError(t, z.Close())
	for name, log := range map[string]io.Reader{
		"lines":                &repeated{lines, 4000},
		"findings":             &repeated{strings.Repeat(bad, 32<<10/len(bad)), 1000},
		"one line":             &repeated{strings.Repeat("x", 32<<10), 4000},
		"one line, compressed": &bomb,
	} {
		t.Run(name, func(t *testing.T) {
			cmd := exec.Command(path, "-now", at, "-manifest", "manifest.json", "-")
			cmd.Dir, cmd.Stdin = dir, log
			_ = cmd.Run() // fails where there are findings
			usage, ok := cmd.ProcessState.SysUsage().(*syscall.Rusage)
			require.True(t, ok)
			t.Logf("%d KiB", usage.Maxrss)
			require.Less(t, usage.Maxrss, int64(64<<10))
		})
	}
}

func TestOutputThatFailsIsNotClean(t *testing.T) {
	full, err := os.OpenFile("/dev/full", os.O_WRONLY, 0)
	require.NoError(t, err)
	defer full.Close()
	cmd := exec.Command(command(t), "-now", at, "-manifest", "manifest.json", "good.log")
	cmd.Dir, cmd.Stdout = files(t), full
	var exit *exec.ExitError
	require.ErrorAs(t, cmd.Run(), &exit)
	require.Equal(t, 2, exit.ExitCode())
}
