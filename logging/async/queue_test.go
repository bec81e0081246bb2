package async_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/candorhttp/candor/logging/async"
)

// The ring does what a list does that is looked through each time. Each byte of
// steps pushes a line of its length, or takes one out where it is odd.
func FuzzQueue(f *testing.F) {
	f.Add(uint8(3), uint8(10), []byte{2, 4, 6, 1, 8, 1, 1, 10, 255, 2})
	f.Add(uint8(1), uint8(1), []byte{2, 2, 1, 2})
	f.Add(uint8(200), uint8(7), []byte{2, 2, 2, 1, 4, 1, 1, 6, 1, 1, 6})
	f.Fuzz(func(t *testing.T, lines, bytes uint8, steps []byte) {
		if lines == 0 || bytes == 0 {
			return
		}
		type row struct {
			line    string
			missing uint64
		}
		var reference []row
		used := 0
		q := async.NewQueue(int(lines), int(bytes))
		for i, s := range steps {
			if s%2 == 1 {
				if len(reference) > 0 {
					line, missing := q.Pop()
					require.Equal(t, reference[0], row{line, missing})
					used -= len(line)
					reference = reference[1:]
				}
				continue
			}
			line := make([]byte, s/2)
			for j := range line {
				line[j] = byte(i + j)
			}
			room := len(reference) < int(lines) && used+len(line) <= int(bytes)
			require.Equal(t, room, q.Push(line, uint64(i)))
			if room {
				used += len(line)
				reference = append(reference, row{string(line), uint64(i)})
			}
		}
		for _, r := range reference {
			line, missing := q.Pop()
			require.Equal(t, r, row{line, missing})
		}
	})
}
