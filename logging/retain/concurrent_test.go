package retain_test

import (
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/candorhttp/candor/logging/retain"
)

// Many goroutines write while the clock passes periods, and another process,
// here another File, has the same files. No line is lost, cut or mixed.
func TestConcurrentUse(t *testing.T) {
	dir := directory(t)
	c := &clock{t: noon}
	var told events
	cfg := retain.Config{Dir: dir, Age: time.Hour, Period: time.Minute, Now: c.now}
	var files [2]*retain.File
	for i := range files {
		cfg.Report = func(e retain.Event) { files[i].Stats(); files[i].Retention(); told.add(e) }
		files[i] = open(t, cfg)
	}
	const writers, lines = 4, 200
	var wg sync.WaitGroup
	for w := range writers {
		wg.Go(func() {
			for i := range lines {
				line := fmt.Sprintf("%d-%d-%s\n", w, i, strings.Repeat("x", i))
				if n, err := files[w%2].Write([]byte(line)); err != nil || n != len(line) {
					t.Errorf("%d bytes written: %v", n, err)
				}
				if i%20 == 0 {
					if err := files[w%2].Reopen(); err != nil {
						t.Error(err)
					}
				}
			}
		})
	}
	wg.Go(func() {
		for i := range 40 {
			c.set(noon.Add(time.Duration(i) * 30 * time.Second))
			time.Sleep(time.Millisecond)
		}
	})
	wg.Wait()
	var want []string
	for w := range writers {
		for i := range lines {
			want = append(want, fmt.Sprintf("%d-%d-%s\n", w, i, strings.Repeat("x", i)))
		}
	}
	all := strings.SplitAfter(strings.Join(slices.Collect(maps.Values(holds(t, dir))), ""), "\n")
	all = all[:len(all)-1]
	slices.Sort(want)
	slices.Sort(all)
	for _, line := range all { // one at a time, as a list of all says nothing
		if _, ours := slices.BinarySearch(want, line); !ours {
			t.Errorf("a line that nobody wrote: %.20q, %d bytes", line, len(line))
		}
	}
	require.Len(t, all, len(want))
	require.True(t, slices.Equal(want, all), "a line is missing")
	require.Empty(t, told.kinds())
	require.EqualValues(t, writers*lines, files[0].Stats().Lines+files[1].Stats().Lines)
}

// Two processes, one replacing the other, come to a new period at once: one
// makes the file and both write to it.
func TestFileMadeByAnother(t *testing.T) {
	dir := directory(t)
	c := &clock{t: noon}
	cfg := retain.Config{Dir: dir, Age: 24 * time.Hour, Period: time.Minute, Now: c.now}
	files := [2]*retain.File{open(t, cfg), open(t, cfg)}
	for i := range 500 {
		c.set(noon.Add(time.Duration(i+1) * time.Minute))
		var wg sync.WaitGroup
		for _, f := range files {
			wg.Go(func() {
				if _, err := f.Write([]byte("line\n")); err != nil {
					t.Error(err)
				}
			})
		}
		wg.Wait()
	}
	require.Equal(t, "line\nline\n", holds(t, dir)[retain.FileName("access", c.now(), time.Minute)])
}

// Close while lines are written: each is written or refused, and counted.
func TestCloseWhileWriting(t *testing.T) {
	dir := directory(t)
	f := open(t, retain.Config{Dir: dir, Age: day, Now: (&clock{t: noon}).now})
	var wg sync.WaitGroup
	for range 4 {
		wg.Go(func() {
			for range 100 {
				f.Write([]byte("line\n"))
			}
		})
	}
	for range 2 {
		wg.Go(func() { f.Close() })
	}
	wg.Wait()
	require.EqualValues(t, 400, f.Stats().Lines+f.Stats().Lost)
	require.Equal(t, int(f.Stats().Lines), strings.Count(holds(t, dir)[of(noon)], "line\n"))
}

// A Report that takes its time holds up no line, and Close waits for it: what
// Report needs may be closed afterwards.
func TestSlowReport(t *testing.T) {
	dir := directory(t)
	synctest.Test(t, func(t *testing.T) {
		var ended atomic.Int64
		f := open(t, retain.Config{Dir: dir, Age: day, Report: func(retain.Event) {
			time.Sleep(time.Minute)
			ended.Store(time.Now().UnixNano())
		}})
		require.NoError(t, retain.CloseUnderneath(f))
		go f.Write([]byte("1\n"))
		synctest.Wait()
		begun := time.Now()
		write(t, f, "2\n")
		require.Equal(t, begun, time.Now(), "not held up by the report of the other")

		time.Sleep(2*day + time.Second) // the file expires
		synctest.Wait()
		ended.Store(0)
		require.NoError(t, f.Close())
		require.Equal(t, time.Now().UnixNano(), ended.Load())
	})
}

// Somebody puts a link in the place of the file again and again, at the worst
// moment sooner or later. What it leads to is not opened: its last line, which
// has no end, gets none.
func TestLinkPutInBetween(t *testing.T) {
	dir := directory(t)
	f := open(t, retain.Config{Dir: dir, Age: day, Now: (&clock{t: noon}).now})
	path := filepath.Join(dir, of(noon))
	put(t, dir, "target", "other")
	put(t, dir, "regular", "")
	stop := make(chan struct{})
	var wg sync.WaitGroup
	wg.Go(func() {
		for {
			select {
			case <-stop:
				return
			default:
			}
			os.Symlink("target", filepath.Join(dir, "link"))
			os.Rename(filepath.Join(dir, "link"), path)
			os.Link(filepath.Join(dir, "regular"), filepath.Join(dir, "hard"))
			os.Rename(filepath.Join(dir, "hard"), path)
		}
	})
	for range 3000 {
		f.Reopen()
		f.Write([]byte("line\n"))
	}
	close(stop)
	wg.Wait()
	text, err := os.ReadFile(filepath.Join(dir, "target"))
	require.NoError(t, err)
	require.Equal(t, "other", string(text))
	require.NotZero(t, f.Stats().Lines)
}
