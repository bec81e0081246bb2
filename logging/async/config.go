package async

import (
	"errors"
	"fmt"
	"io"
)

const (
	defaultLines, maxLines = 8192, 1 << 20
	defaultBytes, maxBytes = 4 << 20, 1 << 30
)

// Config configures a [Writer]. It is copied by New.
type Config struct {
	// Output receives one Write for each line and is never called twice at once.
	// Required. What it fails to take is counted and not tried again. It must not
	// keep the slice, and stays the caller's to close.
	Output io.Writer
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
	return errors.Join(faults...)
}
