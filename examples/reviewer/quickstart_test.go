package main

import (
	"bufio"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// quickstart builds and starts the sample shop and returns its address, the file it
// logs to and the directory of its ledger.
func quickstart(t *testing.T) (url, log, ledger string) {
	t.Helper()
	dir := t.TempDir()
	binary, log := filepath.Join(dir, "quickstart"), filepath.Join(dir, "access.log")
	build := exec.Command("go", "build", "-o", binary, "./examples/quickstart")
	build.Dir = filepath.Join("..", "..")
	out, err := build.CombinedOutput()
	require.NoError(t, err, string(out))
	cmd := exec.Command(binary, "-addr", "127.0.0.1:0", "-log", log, "-data", dir)
	stdout, err := cmd.StdoutPipe()
	require.NoError(t, err)
	require.NoError(t, cmd.Start())
	t.Cleanup(func() {
		_ = cmd.Process.Signal(syscall.SIGTERM)
		require.NoError(t, cmd.Wait(), "ends cleanly")
	})
	ready := make(chan string, 1)
	go func() {
		line, _ := bufio.NewReader(stdout).ReadString('\n')
		ready <- line
	}()
	select {
	case line := <-ready:
		address, ok := strings.CutPrefix(strings.TrimSpace(line), "listening on ")
		require.True(t, ok, line)
		return address, log, filepath.Join(dir, "consent")
	case <-time.After(20 * time.Second):
		t.Fatal("the shop does not listen")
	}
	return "", "", ""
}
