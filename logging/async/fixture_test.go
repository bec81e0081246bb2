package async_test

import (
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/candorhttp/candor/logging/async"
)

// output is one that a test can hold up and make fail.
type output struct {
	hold chan struct{} // each Write waits for it, unless it is nil

	mu    sync.Mutex
	lines []string
	fail  bool
	short bool
}

func (o *output) Write(p []byte) (int, error) {
	if o.hold != nil {
		<-o.hold
	}
	o.mu.Lock()
	defer o.mu.Unlock()
	switch {
	case o.fail:
		return 0, errors.New("disk is full")
	case o.short:
		return len(p) - 1, nil
	}
	o.lines = append(o.lines, string(p))
	return len(p), nil
}

func (o *output) set(fail, short bool) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.fail, o.short = fail, short
}

func (o *output) text() string {
	o.mu.Lock()
	defer o.mu.Unlock()
	return strings.Join(o.lines, "")
}

// dropped is how the tests want to be told.
func dropped(n uint64) []byte { return fmt.Appendf(nil, "[%d]\n", n) }

func writer(t testing.TB, cfg async.Config) *async.Writer {
	t.Helper()
	w, err := async.New(cfg)
	require.NoError(t, err)
	return w
}

func write(t testing.TB, w *async.Writer, lines ...string) {
	t.Helper()
	for _, line := range lines {
		n, err := w.Write([]byte(line))
		require.NoError(t, err)
		require.Equal(t, len(line), n)
	}
}

func drop(t testing.TB, w *async.Writer, lines ...string) {
	t.Helper()
	for _, line := range lines {
		n, err := w.Write([]byte(line))
		require.ErrorIs(t, err, async.ErrFull)
		require.Zero(t, n)
	}
}
