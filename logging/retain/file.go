package retain

import (
	"bytes"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"sync"
	"time"
)

var errClosed = fmt.Errorf("retain: %w", os.ErrClosed)

var _ io.WriteCloser = (*File)(nil)

// File writes log lines to files that it deletes when they expire. Make it with
// Open and Close it; the zero File is not usable. It is safe for concurrent use.
type File struct {
	dir, name   string
	period, age time.Duration
	report      func(Event)
	now         func() time.Time

	stop, done chan struct{}
	counters   counters

	mu     sync.Mutex
	closed bool
	file   *os.File    // nil where none is open
	info   fs.FileInfo // of file, as it was opened
	path   string      // of file
	span   span        // of file
	events []Event     // to be told when the lock is given back
}

// Open deletes the files whose time is over, opens the one for now, and keeps
// deleting until Close. Its error names every fault of cfg, or what stands in
// the way of writing or deleting: a directory or a file that cannot be made,
// read, opened or deleted. Report hears of the latter too.
func Open(cfg Config) (*File, error) {
	if err := cfg.validate(); err != nil {
		return nil, err
	}
	// Another working directory must not make it another directory.
	dir, err := filepath.Abs(cfg.Dir)
	if err != nil {
		return nil, fmt.Errorf("retain: open: %w", err)
	}
	f := &File{
		dir: dir, name: cfg.Name, period: cfg.Period, age: cfg.Age, report: cfg.Report, now: cfg.Now,
		stop: make(chan struct{}), done: make(chan struct{}),
	}
	if err := f.Reopen(); err != nil {
		return nil, err
	}
	wait, err := f.sweep()
	if err != nil {
		f.mu.Lock()
		f.release(f.now())
		f.unlock()
		return nil, err
	}
	go f.run(wait)
	return f, nil
}

// Retention returns the longest time that a line is kept: Age plus Period. It
// is the time to state in a policy or manifest.
func (f *File) Retention() time.Duration { return f.age + f.period }

// Write appends lines, each of which should be whole and end with a newline, to the
// file of the current period by one write. When it fails, what was not written is
// lost and counted, and the next Write opens the file anew. A file that was deleted,
// moved or replaced meanwhile, with or without its directory, is made again: a
// look at the path before each Write makes sure.
// After Close it returns an error that is os.ErrClosed.
func (f *File) Write(lines []byte) (int, error) {
	f.mu.Lock()
	n, err := f.write(lines)
	f.unlock()
	all := countLines(lines)
	whole := all
	if err != nil {
		whole = bytes.Count(lines[:min(n, max(len(lines)-1, 0))], newline)
	}
	f.counters.lines.Add(uint64(whole))
	f.counters.lost.Add(uint64(all - whole))
	return n, err
}

var newline = []byte{'\n'}

// countLines counts the lines, of which the last may lack its newline.
func countLines(text []byte) int {
	n := bytes.Count(text, newline)
	if len(text) > 0 && text[len(text)-1] != '\n' {
		n++
	}
	return n
}

func (f *File) write(lines []byte) (int, error) {
	now := f.now()
	if f.closed {
		f.note(NotWritten, now, span{}, errClosed)
		return 0, errClosed
	}
	s, err := spanAt(now, f.period)
	if err != nil {
		f.note(NotWritten, now, span{}, err)
		return 0, err
	}
	if f.file == nil || f.span != s || !f.inPlace() {
		if err := f.open(now, s); err != nil {
			return 0, err
		}
	}
	n, err := f.file.Write(lines)
	if err != nil {
		err = fmt.Errorf("retain: write: %w", err)
		f.note(NotWritten, now, s, err)
		// What was cut short is mended when it is opened again.
		f.release(now)
	}
	return n, err
}

// inPlace reports whether the open file is still the one at its path. Lines
// written to another one would be lost, or never expire.
func (f *File) inPlace() bool {
	info, err := os.Lstat(f.path)
	return err == nil && os.SameFile(f.info, info)
}

// Reopen closes the file and opens the one for now, making it where it was
// moved away: call it on SIGHUP where something else moves log files. (What was
// moved has another name and does not expire.) On error the next Write tries
// again.
func (f *File) Reopen() error {
	f.mu.Lock()
	defer f.unlock()
	if f.closed {
		return errClosed
	}
	now := f.now()
	s, err := spanAt(now, f.period)
	if err != nil {
		f.note(NotOpened, now, span{}, err)
		return err
	}
	return f.open(now, s)
}

// open closes what is open and opens the file of a span. The lock is held.
func (f *File) open(now time.Time, s span) error {
	f.release(now)
	name := s.fileName(f.name)
	file, info, err := openFile(f.dir, name)
	if err != nil {
		err = fmt.Errorf("retain: open %s: %w", filepath.Join(f.dir, name), err)
		f.note(NotOpened, now, s, err)
		return err
	}
	f.file, f.info, f.path, f.span = file, info, filepath.Join(f.dir, name), s
	return nil
}

// release closes the open file, if there is one. The lock is held.
func (f *File) release(now time.Time) error {
	if f.file == nil {
		return nil
	}
	err := f.file.Close()
	if err != nil {
		err = fmt.Errorf("retain: close: %w", err)
		f.note(NotClosed, now, f.span, err)
	}
	f.file, f.info = nil, nil
	return err
}

// note keeps an event until unlock. The lock is held.
func (f *File) note(k Kind, now time.Time, s span, err error) {
	f.events = append(f.events, f.event(k, now, s, err))
}

// unlock gives the lock back and tells what was noted while it was held.
func (f *File) unlock() {
	events := f.events
	f.events = nil
	f.mu.Unlock()
	for _, e := range events {
		f.tell(e)
	}
}

// Close closes the file and ends deleting: what is there stays until the next
// Open. It waits for the File's goroutine. Its error is that of closing the
// file. Called again it returns nil.
func (f *File) Close() error {
	f.mu.Lock()
	if f.closed {
		f.mu.Unlock()
		<-f.done
		return nil
	}
	f.closed = true
	err := f.release(f.now())
	f.unlock()
	close(f.stop)
	<-f.done
	return err
}
