package async_test

import (
	"context"
	"fmt"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/candorhttp/candor/logging/async"
)

// Many goroutines against a small queue and against Close: every line is
// accounted for, whole, and in the order of its writer.
func TestNothingUncounted(t *testing.T) {
	for _, bound := range []struct{ lines, bytes int }{{4, 0}, {0, 64}, {1, 31}, {0, 0}} {
		t.Run(fmt.Sprintf("%d lines %d bytes", bound.lines, bound.bytes), func(t *testing.T) {
			var told uint64
			out := &output{}
			w := writer(t, async.Config{Output: out, Lines: bound.lines, Bytes: bound.bytes, Dropped: func(n uint64) []byte {
				told += n
				return []byte("dropped\n")
			}})
			const writers, each = 4, 2000
			var taken, refused [writers]int
			var wg sync.WaitGroup
			for i := range writers {
				wg.Go(func() {
					for j := range each {
						line := fmt.Sprintf("%d %d %s\n", i, j, strings.Repeat("x", j%17))
						if n, err := w.Write([]byte(line)); err == nil && n == len(line) {
							taken[i]++
						} else {
							refused[i]++
						}
						if j%100 == 0 {
							s := w.Stats()
							if s.Queued > max(bound.lines, 1)+1 && bound.lines > 0 {
								t.Errorf("%d lines queued", s.Queued)
							}
							time.Sleep(time.Microsecond)
						}
					}
				})
			}
			wg.Wait()
			require.NoError(t, w.Close(context.Background()))
			s := w.Stats()
			require.EqualValues(t, taken[0]+taken[1]+taken[2]+taken[3], s.Written)
			require.EqualValues(t, refused[0]+refused[1]+refused[2]+refused[3], s.Dropped)
			require.EqualValues(t, writers*each, s.Written+s.Dropped)
			require.Zero(t, s.Queued)
			require.Equal(t, s.Dropped, told)
			last := [writers]int{-1, -1, -1, -1}
			var lines uint64
			for _, line := range out.lines {
				if line == "dropped\n" {
					continue
				}
				lines++
				f := strings.Split(strings.TrimSuffix(line, "\n"), " ")
				i, err := strconv.Atoi(f[0])
				require.NoError(t, err)
				j, err := strconv.Atoi(f[1])
				require.NoError(t, err)
				require.Equal(t, strings.Repeat("x", j%17), f[2])
				require.Greater(t, j, last[i])
				last[i] = j
			}
			require.Equal(t, s.Written, lines)
		})
	}
}

func TestCloseWhileWriting(t *testing.T) {
	out := &output{}
	w := writer(t, async.Config{Output: out})
	var wg sync.WaitGroup
	for range 4 {
		wg.Go(func() {
			for range 1000 {
				w.Write([]byte("line\n"))
			}
		})
	}
	for range 2 {
		wg.Go(func() {
			if err := w.Close(context.Background()); err != nil {
				t.Error(err)
			}
		})
	}
	wg.Wait()
	s := w.Stats()
	require.EqualValues(t, 4000, s.Written+s.Dropped)
	require.EqualValues(t, s.Written, len(out.lines))
}
