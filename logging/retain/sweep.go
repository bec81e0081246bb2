package retain

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"time"
)

const (
	maxWait   = time.Hour   // so that a clock that was set is noticed
	retryWait = time.Minute // after a failure
	batch     = 512         // names read from the directory at once
)

// run deletes what expires until Close.
func (f *File) run(wait time.Duration) {
	defer close(f.done)
	timer := time.NewTimer(wait)
	defer timer.Stop()
	for {
		select {
		case <-f.stop:
			return
		case <-timer.C:
		}
		wait, err := f.sweep()
		if err != nil { // told already
			wait = retryWait
		}
		timer.Reset(wait)
	}
}

// sweep closes the open file if its period is over, deletes what must not be
// kept, and returns how long there is nothing to do. It holds the lock only for
// closing, as deleting a large file takes a while.
func (f *File) sweep() (time.Duration, error) {
	f.mu.Lock()
	now := f.now()
	current, err := spanAt(now, f.period)
	if err != nil {
		f.note(NotListed, now, span{}, err)
		f.unlock()
		return 0, err
	}
	if f.span != current {
		f.release(now)
	}
	f.unlock()

	next := current.end()
	err = f.each(func(root *os.Root, name string, s span) error {
		why := s.judge(now, f.age)
		if why == "" {
			if at := s.expires(f.age); at.Before(next) {
				next = at
			}
			return nil
		}
		size, err := remove(root, name)
		if errors.Is(err, fs.ErrNotExist) {
			return nil // another process was faster
		}
		if err != nil {
			err = fmt.Errorf("retain: delete %s: %w", name, err)
			f.tell(f.event(NotDeleted, now, s, err))
			return err
		}
		e := f.event(why, now, s, nil)
		e.Size = size
		f.tell(e)
		return nil
	})
	return min(max(next.Sub(now), time.Millisecond), maxWait), err
}

// each calls do with every name in the directory that a file of f can have. It
// returns every error.
func (f *File) each(do func(*os.Root, string, span) error) error {
	unlisted := func(err error) error {
		err = fmt.Errorf("retain: read directory: %w", err)
		f.tell(f.event(NotListed, f.now(), span{}, err))
		return err
	}
	root, err := os.OpenRoot(f.dir)
	if err != nil {
		return unlisted(err)
	}
	defer root.Close()
	list, err := root.Open(".")
	if err != nil {
		return unlisted(err)
	}
	defer list.Close()
	var faults []error
	for {
		names, err := list.Readdirnames(batch)
		for _, name := range names {
			if s, ours := parseName(f.name, name); ours {
				if err := do(root, name, s); err != nil {
					faults = append(faults, err)
				}
			}
		}
		if errors.Is(err, io.EOF) {
			return errors.Join(faults...)
		}
		if err != nil {
			return errors.Join(append(faults, unlisted(err))...)
		}
	}
}

// remove deletes a regular file and returns its size.
func remove(root *os.Root, name string) (int64, error) {
	info, err := root.Lstat(name)
	if err != nil {
		return 0, err
	}
	if !info.Mode().IsRegular() {
		return 0, errNotRegular
	}
	return info.Size(), root.Remove(name)
}
