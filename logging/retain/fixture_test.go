package retain_test

import (
	"os"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/candorhttp/candor/logging/retain"
)

const day = 24 * time.Hour

var noon = time.Date(2026, 11, 24, 12, 0, 0, 0, time.UTC)

// clock is a clock that a test sets.
type clock struct {
	mu sync.Mutex
	t  time.Time
}

func (c *clock) now() time.Time  { c.mu.Lock(); defer c.mu.Unlock(); return c.t }
func (c *clock) set(t time.Time) { c.mu.Lock(); defer c.mu.Unlock(); c.t = t }

// events keeps what was reported.
type events struct {
	mu   sync.Mutex
	list []retain.Event
}

func (e *events) add(v retain.Event) { e.mu.Lock(); defer e.mu.Unlock(); e.list = append(e.list, v) }

func (e *events) kinds() (kinds []retain.Kind) {
	e.mu.Lock()
	defer e.mu.Unlock()
	for _, v := range e.list {
		kinds = append(kinds, v.Kind)
	}
	return kinds
}

func (e *events) last() retain.Event { e.mu.Lock(); defer e.mu.Unlock(); return e.list[len(e.list)-1] }

// directory returns one that is not there yet.
func directory(t testing.TB) string { return filepath.Join(t.TempDir(), "logs") }

func open(t testing.TB, cfg retain.Config) *retain.File {
	t.Helper()
	if cfg.Name == "" {
		cfg.Name = "access"
	}
	f, err := retain.Open(cfg)
	require.NoError(t, err)
	t.Cleanup(func() { f.Close() })
	return f
}

func write(t testing.TB, f *retain.File, line string) {
	t.Helper()
	n, err := f.Write([]byte(line))
	require.NoError(t, err)
	require.Equal(t, len(line), n)
}

// holds returns the files of a directory and what is in them.
func holds(t testing.TB, dir string) map[string]string {
	t.Helper()
	entries, err := os.ReadDir(dir)
	require.NoError(t, err)
	found := map[string]string{}
	for _, e := range entries {
		text, err := os.ReadFile(filepath.Join(dir, e.Name()))
		require.NoError(t, err)
		found[e.Name()] = string(text)
	}
	return found
}

// put makes a file as an earlier process would have left it.
func put(t testing.TB, dir, name, text string) {
	t.Helper()
	require.NoError(t, os.MkdirAll(dir, 0o700))
	require.NoError(t, os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600))
}

// of names the file of a day.
func of(t time.Time) string { return retain.FileName("access", t, day) }
