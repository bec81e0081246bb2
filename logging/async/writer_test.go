package async_test

import (
	"os"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/candorhttp/candor/logging/async"
)

func TestConfigFaults(t *testing.T) {
	for _, row := range []struct {
		name string
		cfg  async.Config
		want []string
	}{
		{"everything", async.Config{Lines: -1, Bytes: -1}, []string{"Output: is missing", "Lines: is -1", "Bytes: is -1"}},
		{"too many lines", async.Config{Output: &output{}, Lines: 1<<20 + 1}, []string{"Lines: is 1048577"}},
		{"too much together", async.Config{Output: &output{}, Together: 1<<24 + 1}, []string{"Together: is 16777217"}},
		{"too many bytes", async.Config{Output: &output{}, Bytes: 1<<30 + 1}, []string{"Bytes: is 1073741825"}},
	} {
		t.Run(row.name, func(t *testing.T) {
			w, err := async.New(row.cfg)
			require.Nil(t, w)
			lines := strings.Split(err.Error(), "\n")
			require.Len(t, lines, len(row.want))
			for i, want := range row.want {
				require.True(t, strings.HasPrefix(lines[i], "async: config: "+want), lines[i])
			}
		})
	}
}

// Write returns while the output is held up; the caller may use its slice again.
func TestWriteDoesNotWait(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		out := &output{hold: make(chan struct{})}
		w := writer(t, async.Config{Output: out})
		line := []byte("1\n")
		for i := range 3 {
			line[0] = byte('1' + i)
			n, err := w.Write(line)
			require.NoError(t, err)
			require.Equal(t, 2, n)
		}
		synctest.Wait()
		require.Equal(t, async.Stats{Queued: 3}, w.Stats())
		require.Empty(t, out.text())
		close(out.hold)
		synctest.Wait()
		require.Equal(t, []string{"1\n", "2\n", "3\n"}, out.lines, "one Write a line, in order")
		require.Equal(t, async.Stats{Written: 3}, w.Stats())
		require.NoError(t, w.Close(t.Context()))
		require.NoError(t, w.Close(t.Context()))
	})
}

// What is missing is said where it is missing, when there is space again.
func TestDropsTheNewestAndSaysSo(t *testing.T) {
	for _, row := range []struct {
		name         string
		lines, bytes int
	}{
		{"too many lines", 2, 0},
		{"too many bytes", 0, 5},
	} {
		t.Run(row.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				out := &output{hold: make(chan struct{})}
				w := writer(t, async.Config{Output: out, Lines: row.lines, Bytes: row.bytes, Dropped: dropped})
				write(t, w, "1\n")
				synctest.Wait() // in the hands of the output
				write(t, w, "2\n", "3\n")
				drop(t, w, "4\n", "5\n", "6\n")
				require.Equal(t, async.Stats{Queued: 3, Dropped: 3}, w.Stats())
				out.hold <- struct{}{}
				synctest.Wait()
				write(t, w, "7\n")
				drop(t, w, "8\n")
				for range 3 {
					out.hold <- struct{}{} // 2, 3 and the count
					synctest.Wait()
				}
				require.Equal(t, "1\n2\n3\n[3]\n", out.text())
				close(out.hold)
				synctest.Wait()
				require.Equal(t, "1\n2\n3\n[3]\n7\n[1]\n", out.text(), "also when no line follows")
				require.Equal(t, async.Stats{Written: 4, Dropped: 4}, w.Stats())
				require.NoError(t, w.Close(t.Context()))
			})
		})
	}
}

func TestLineLongerThanTheQueue(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		out := &output{}
		w := writer(t, async.Config{Output: out, Bytes: 8, Dropped: dropped})
		synctest.Wait() // the goroutine waits for work
		drop(t, w, "123456789")
		synctest.Wait()
		require.Equal(t, "[1]\n", out.text())
		write(t, w, "12345678", "")
		require.NoError(t, w.Close(t.Context()))
		require.Equal(t, "[1]\n12345678", out.text())
		require.Equal(t, async.Stats{Written: 1, Dropped: 1}, w.Stats())
	})
}

func TestNoLineAboutDrops(t *testing.T) {
	for name, none := range map[string]func(uint64) []byte{"nil": nil, "says nothing": func(uint64) []byte { return nil }} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				out := &output{}
				w := writer(t, async.Config{Output: out, Bytes: 2, Dropped: none})
				drop(t, w, "long\n")
				write(t, w, "1\n")
				require.NoError(t, w.Close(t.Context()))
				require.Equal(t, []string{"1\n"}, out.lines)
				require.Equal(t, async.Stats{Written: 1, Dropped: 1}, w.Stats())
			})
		})
	}
}

// An output that fails loses the line, and the next one is tried. Of drops it
// could not be told of, it is told together with later ones.
func TestOutputFails(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		out := &output{}
		w := writer(t, async.Config{Output: out, Bytes: 2, Dropped: dropped})
		out.set(true, false)
		write(t, w, "1\n")
		synctest.Wait()
		drop(t, w, "long\n")
		synctest.Wait()
		out.set(false, true)
		write(t, w, "2\n")
		synctest.Wait()
		require.Equal(t, async.Stats{Failed: 2, Dropped: 1}, w.Stats())
		require.Empty(t, out.text())
		out.set(false, false)
		drop(t, w, "long\n")
		write(t, w, "3\n")
		synctest.Wait()
		require.Equal(t, []string{"[2]\n", "3\n"}, out.lines)
		require.NoError(t, w.Close(t.Context()), "these were lost before")
		require.Equal(t, async.Stats{Written: 1, Failed: 2, Dropped: 2}, w.Stats())
	})
}

func TestWriteAfterClose(t *testing.T) {
	out := &output{}
	w := writer(t, async.Config{Output: out, Dropped: dropped})
	require.NoError(t, w.Close(t.Context()))
	n, err := w.Write([]byte("1\n"))
	require.ErrorIs(t, err, os.ErrClosed)
	require.Zero(t, n)
	require.Equal(t, async.Stats{Dropped: 1}, w.Stats())
	require.Empty(t, out.text())
}

// Lines that are queued go together, in their order and whole, up to the bytes
// that were chosen.
func TestLinesTogether(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		out := &output{}
		w := writer(t, async.Config{Output: out, Lines: 100, Together: 8, Dropped: dropped})
		begin := time.Now()
		write(t, w, "1\n", "2\n", "3\n")
		synctest.Wait()
		require.Empty(t, out.text(), "waits for others")
		time.Sleep(10 * time.Millisecond)
		synctest.Wait()
		require.Equal(t, []string{"1\n2\n3\n"}, out.lines)
		require.Equal(t, 10*time.Millisecond, time.Since(begin))
		write(t, w, "44\n", "55\n", "66\n", "longer than that\n")
		synctest.Wait()
		require.Equal(t, []string{"1\n2\n3\n", "44\n55\n", "66\n", "longer than that\n"}, out.lines, "enough, so at once")
		require.Equal(t, 10*time.Millisecond, time.Since(begin))
		write(t, w, "7\n")
		require.NoError(t, w.Close(t.Context()))
		require.Equal(t, 10*time.Millisecond, time.Since(begin), "Close waits for nothing")
		require.Equal(t, "7\n", out.lines[4])
		require.Equal(t, async.Stats{Written: 8}, w.Stats())
	})
}

// Half a queue does not wait, and a line about those that were dropped stands
// where they are missing.
func TestTogetherAndDropped(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		out := &output{hold: make(chan struct{})}
		w := writer(t, async.Config{Output: out, Lines: 4, Together: 1 << 10, Dropped: dropped})
		begin := time.Now()
		write(t, w, "1\n", "2\n")
		synctest.Wait()
		require.Equal(t, 2, w.Stats().Queued)
		write(t, w, "3\n", "4\n", "5\n", "6\n")
		drop(t, w, "lost\n")
		out.hold <- struct{}{}
		synctest.Wait()
		out.hold <- struct{}{}
		synctest.Wait()
		out.hold <- struct{}{}
		synctest.Wait()
		require.Equal(t, []string{"1\n2\n", "3\n4\n5\n6\n", "[1]\n"}, out.lines)
		require.Zero(t, time.Since(begin))
		close(out.hold)
		require.NoError(t, w.Close(t.Context()))
	})
}

// Lines with a gap between them do not go together, though there were room.
func TestNotTogetherAcrossAGap(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		out := &output{hold: make(chan struct{})}
		w := writer(t, async.Config{Output: out, Lines: 2, Together: 4, Dropped: dropped})
		next := func() {
			out.hold <- struct{}{}
			synctest.Wait()
		}
		write(t, w, "0\n")
		synctest.Wait()
		write(t, w, "333\n", "4\n")
		drop(t, w, "lost\n")
		next()
		write(t, w, "5\n")
		close(out.hold)
		require.NoError(t, w.Close(t.Context()))
		require.Equal(t, []string{"0\n", "333\n", "4\n", "[1]\n", "5\n"}, out.lines)
	})
}

// Of lines that went together, those count as written that the output took
// whole.
func TestTogetherAndFailing(t *testing.T) {
	for name, c := range map[string]struct {
		fail, short     bool
		written, failed uint64
	}{"taken": {false, false, 3, 0}, "none": {true, false, 0, 3}, "all but a byte": {false, true, 2, 1}} {
		synctest.Test(t, func(t *testing.T) {
			out := &output{fail: c.fail, short: c.short}
			w := writer(t, async.Config{Output: out, Together: 1 << 10})
			write(t, w, "1\n", "2\n", "3\n")
			time.Sleep(time.Second)
			require.Equal(t, async.Stats{Written: c.written, Failed: c.failed}, w.Stats(), name)
			_ = w.Close(t.Context())
		})
	}
}
