//go:build linux || darwin

package ledger_test

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/candorhttp/candor/consent"
	"github.com/candorhttp/candor/consent/ledger"
	"github.com/candorhttp/candor/consent/ledger/ledgertest"
)

// appendUntilKilled appends from eight goroutines, now and then erases what it
// appended, and says each time what it was told is done.
func appendUntilKilled(dir string) error {
	l, err := ledger.Open(ledger.FilesConfig{Dir: dir})
	if err != nil {
		return err
	}
	begin := l.Checkpoint().Seq * 1000 // above every number used before
	var wg sync.WaitGroup
	for i := range uint64(8) {
		wg.Go(func() {
			for n := begin + i; ; n += 8 {
				seq, err := l.Append(context.Background(), ledgertest.Grant(subject(int64(n)), 1))
				if err != nil {
					fmt.Fprintln(os.Stderr, err)
					return
				}
				fmt.Fprintf(os.Stdout, "kept %d %d\n", seq, n)
				if n%64 == 0 {
					fmt.Fprintf(os.Stdout, "erasing %d %d\n", seq, n)
					if _, err := l.Erase(context.Background(), subject(int64(n))); err != nil {
						fmt.Fprintln(os.Stderr, err)
						return
					}
					fmt.Fprintf(os.Stdout, "erased %d %d\n", seq, n)
				}
			}
		})
	}
	wg.Wait()
	return errors.New("it gave up")
}

// promised is what a ledger acknowledged.
type promised struct {
	kept, erased map[uint64]consent.Subject
	maybe        map[uint64]consent.Subject // an erasure was begun
}

// read takes in what a child says, and calls enough after so many lines.
func (p *promised) read(r io.Reader, after int, enough func()) error {
	lines := bufio.NewScanner(r)
	for n := 0; ; n++ {
		if n == after {
			enough()
		}
		if !lines.Scan() {
			return lines.Err()
		}
		var what string
		var seq uint64
		var n int64
		if _, err := fmt.Sscanf(lines.Text(), "%s %d %d", &what, &seq, &n); err != nil {
			return err
		}
		switch what {
		case "kept":
			p.kept[seq] = subject(n)
		case "erasing":
			p.maybe[seq] = subject(n)
			delete(p.kept, seq)
		case "erased":
			p.erased[seq] = subject(n)
			delete(p.maybe, seq)
		}
	}
}

// hold checks a ledger against what was promised.
func (p *promised) hold(t *testing.T, l consent.Ledger) {
	t.Helper()
	there := map[uint64]consent.Subject{}
	for _, e := range scan(t, l) {
		there[e.Seq] = e.Subject
	}
	for seq, s := range p.kept {
		require.True(t, there[seq] == s, "entry %d was acknowledged", seq)
	}
	for seq, s := range p.maybe {
		got, ok := there[seq]
		require.True(t, !ok || got == s, "entry %d was acknowledged as another's", seq)
	}
	for seq := range p.erased {
		_, ok := there[seq]
		require.False(t, ok, "entry %d was erased", seq)
	}
}

// kills is how often the process is killed; a directory sees killsEach of them.
const kills, killsEach = 220, 20

func TestKill(t *testing.T) {
	random := rand.New(rand.NewPCG(1, 2))
	said := 0
	for n := 0; n < kills; n += killsEach {
		dir := t.TempDir()
		p := promised{map[uint64]consent.Subject{}, map[uint64]consent.Subject{}, map[uint64]consent.Subject{}}
		for range killsEach {
			cmd := child(t, "appends until it is killed", dir)
			out, err := cmd.StdoutPipe()
			require.NoError(t, err)
			require.NoError(t, cmd.Start())
			// In the middle of its work; one in eight while it opens the ledger.
			kill := func() { _ = cmd.Process.Kill() }
			after, pause := random.IntN(150), time.Duration(random.IntN(1000))*time.Microsecond
			if random.IntN(8) == 0 {
				after, pause = 0, 25*pause
			}
			require.NoError(t, p.read(out, after, func() { time.AfterFunc(pause, kill) }))
			require.ErrorContains(t, cmd.Wait(), "killed")
			if _, err := os.Stat(filepath.Join(dir, "mark")); err != nil {
				continue // there was no ledger yet
			}
			r := good(t, dir)
			require.LessOrEqual(t, uint64(len(p.kept)), r.Entries)
		}
		said += len(p.kept) + len(p.erased)
		p.hold(t, openFiles(t, dir))
		require.Zero(t, good(t, dir).Unfinished)
	}
	require.Greater(t, said, kills, "the children had the time to do something")
}
