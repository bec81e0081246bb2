//go:build linux || darwin

package ledger_test

import (
	"fmt"
	"os"
	"os/exec"
	"testing"
)

// children are what this test binary does instead of testing when it is started
// by itself, with the name in the environment.
var children = map[string]func(dir string) error{
	"appends until it is killed": appendUntilKilled,
	"fills a small disk":         fillSmallDisk,
}

const childEnv, childDir = "CANDOR_LEDGER_CHILD", "CANDOR_LEDGER_DIR"

func TestMain(m *testing.M) {
	if child, ok := children[os.Getenv(childEnv)]; ok {
		if err := child(os.Getenv(childDir)); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		os.Exit(0)
	}
	os.Exit(m.Run())
}

func child(t testing.TB, name, dir string) *exec.Cmd {
	t.Helper()
	cmd := exec.Command(os.Args[0])
	cmd.Env = append(os.Environ(), childEnv+"="+name, childDir+"="+dir)
	cmd.Stderr = os.Stderr
	return cmd
}
