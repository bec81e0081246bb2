package async

import (
	"errors"
	"fmt"
	"io"
)

const (
	defaultLines, maxLines = 8192, 1 << 20
	defaultBytes, maxBytes = 4 << 20, 1 << 30
	maxTogether            = 16 << 20
)

// Config configures a [Writer]. It is copied by New.
type Config struct {
	// Output receives one Write for each line, or for several, see Together, and is
	// never called twice at once. Required. What it fails to take is counted and
	// not tried again. It must not keep the slice, and stays the caller's to close.
	Output io.Writer
	// Together is how many bytes of whole lines may be handed to the output in one
	// Write; 0 means each line alone and at once, as outputs need to which a Write
	// is a record or a datagram. For a file, some 64 KiB save most of the time that
	// a busy log takes: a line then waits for others, up to 10 ms from when the
	// output is free, less where they are that many bytes or half of what the queue
	// holds. At most 16 MiB.
	Together int
	// Lines is how many lines may be queued; 0 means 8192. At most 1,048,576.
	Lines int
	// Bytes is how many bytes may be queued, and the length of the longest line
	// that is taken; 0 means 4 MiB. At most 1 GiB. One line more is in the hands
	// of the output.
	Bytes int
	// Dropped makes the line that is written where n lines were dropped; nil
	// writes none, as it does where it returns nothing. It should end with a
	// newline. It is called by the Writer's goroutine, without a lock, and must
	// not call Close.
	Dropped func(n uint64) []byte
}

// validate fills in the defaults and lists every fault.
func (c *Config) validate() error {
	var faults []error
	if c.Output == nil {
		faults = append(faults, errors.New("async: config: Output: is missing; give a file or os.Stdout"))
	}
	if c.Lines == 0 {
		c.Lines = defaultLines
	}
	if c.Lines < 0 || c.Lines > maxLines {
		faults = append(faults, fmt.Errorf("async: config: Lines: is %d; choose 1 to %d, or 0 for %d", c.Lines, maxLines, defaultLines))
	}
	if c.Bytes == 0 {
		c.Bytes = defaultBytes
	}
	if c.Bytes < 0 || c.Bytes > maxBytes {
		faults = append(faults, fmt.Errorf("async: config: Bytes: is %d; choose 1 to %d, or 0 for %d", c.Bytes, maxBytes, defaultBytes))
	}
	if c.Together < 0 || c.Together > maxTogether {
		faults = append(faults, fmt.Errorf("async: config: Together: is %d; choose 1 to %d, or 0 for each line alone", c.Together, maxTogether))
	}
	return errors.Join(faults...)
}
