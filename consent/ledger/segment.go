package ledger

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
)

// Records are in segment files, named by the number of their first record. A
// segment begins with 128 bytes: magic, that number, and the link of the record
// before, so that each can be read by itself.
const (
	segmentMagic = "candor ledger 1\n"
	segmentHead  = unit
	segmentSuf   = ".records"
	// segmentSize is when the next segment is begun.
	segmentSize = 16 << 20
	// roomSize is how much room is made in a segment at a time: zeros behind the
	// last record. Filling room is one write for the disk; growing a file is
	// several.
	roomSize = 1 << 20
	readSize = 256 << 10
)

func segmentName(dir string, first uint64) string {
	return filepath.Join(dir, fmt.Sprintf("%020d", first)+segmentSuf)
}

// segments lists the segments of a directory by their first numbers.
func segments(dir string) ([]uint64, error) {
	names, err := os.ReadDir(dir)
	if err != nil {
		return nil, err
	}
	var out []uint64
	for _, d := range names {
		digits, ok := strings.CutSuffix(d.Name(), segmentSuf)
		if !ok {
			continue
		}
		first, err := strconv.ParseUint(digits, 10, 64)
		if err != nil || len(digits) != 20 || first == 0 {
			return nil, fmt.Errorf("%s is not a name of a ledger file; move it out of the directory", d.Name())
		}
		out = append(out, first)
	}
	slices.Sort(out)
	return out, nil
}

func segmentHeader(first uint64, prev [linkSize]byte) []byte {
	b := make([]byte, segmentHead)
	n := copy(b, segmentMagic)
	binary.BigEndian.PutUint64(b[n:], first)
	copy(b[n+8:], prev[:])
	return b
}

var errSegmentHead = errors.New("the head of the file is damaged")

// openSegment opens a segment and reads its head.
func openSegment(dir string, first uint64, flag int) (f *os.File, prev [linkSize]byte, err error) {
	f, err = os.OpenFile(segmentName(dir, first), flag, 0)
	if err != nil {
		return nil, prev, err
	}
	b := make([]byte, segmentHead)
	_, err = f.ReadAt(b, 0)
	prev = [linkSize]byte(b[len(segmentMagic)+8:])
	if errors.Is(err, io.EOF) || err == nil && !bytes.Equal(b, segmentHeader(first, prev)) {
		err = fmt.Errorf("%s: %w", filepath.Base(f.Name()), errSegmentHead)
	}
	if err != nil {
		return nil, prev, errors.Join(err, f.Close())
	}
	return f, prev, nil
}

// createSegment makes an empty segment and returns it once it is durable.
func (d *disk) createSegment(dir string, first uint64, prev [linkSize]byte) (*os.File, error) {
	f, err := os.OpenFile(segmentName(dir, first), os.O_RDWR|os.O_CREATE|os.O_TRUNC, 0o600)
	if err != nil {
		return nil, err
	}
	if err = d.write(f, segmentHeader(first, prev), 0); err == nil {
		if err = d.sync(f); err == nil {
			err = syncDir(dir)
		}
	}
	if err != nil {
		return nil, errors.Join(err, f.Close(), os.Remove(f.Name()))
	}
	return f, nil
}

// disk is what the tests break.
type disk struct {
	write    func(f *os.File, b []byte, at int64) error
	sync     func(f *os.File) error
	truncate func(f *os.File, size int64) error
}

var wholeDisk = disk{
	write:    func(f *os.File, b []byte, at int64) error { _, err := f.WriteAt(b, at); return err },
	sync:     syncFile,
	truncate: (*os.File).Truncate,
}

// syncDir makes names in dir durable.
func syncDir(dir string) error {
	d, err := os.Open(dir)
	if err != nil {
		return err
	}
	return errors.Join(d.Sync(), d.Close())
}

// reader reads records, a buffer at a time.
type reader struct {
	buf []byte
	// lock is held while a buffer is filled, so that no record is seen half
	// removed by this process.
	lock sync.Locker
}

func newReader(lock sync.Locker) *reader { return &reader{make([]byte, readSize), lock} }

type noLock struct{}

func (noLock) Lock()   {}
func (noLock) Unlock() {}

// each calls visit for the records of f between two offsets. The record is good
// during the call. It returns the offset of the first bytes that are not a
// whole record, to where all are.
func (rd *reader) each(f io.ReaderAt, from, to int64, visit func(at int64, r record) error) (int64, error) {
	for from < to {
		b := rd.buf[:min(int64(len(rd.buf)), to-from)]
		rd.lock.Lock()
		n, err := f.ReadAt(b, from)
		rd.lock.Unlock()
		if err != nil && !errors.Is(err, io.EOF) {
			return from, err
		}
		b = b[:n]
		begin := from
		for len(b) >= unit {
			size := record(b).size()
			if size < unit || size > maxRecord {
				return from, nil
			}
			if size > len(b) {
				break
			}
			if err := visit(from, record(b[:size:size])); err != nil {
				return from, err
			}
			b, from = b[size:], from+int64(size)
		}
		if from == begin {
			return from, nil // not even one: cut off, or the file ended
		}
	}
	return from, nil
}

// restIsZero reports whether nothing but room stands between two offsets.
func (rd *reader) restIsZero(f io.ReaderAt, from, to int64) (bool, error) {
	for from < to {
		b := rd.buf[:min(int64(len(zeros)), to-from)]
		n, err := f.ReadAt(b, from)
		if err != nil && !errors.Is(err, io.EOF) {
			return false, err
		}
		if n == 0 || !allZero(b[:n]) {
			return n == 0, nil
		}
		from += int64(n)
	}
	return true, nil
}

func fileSize(f *os.File) (int64, error) {
	info, err := f.Stat()
	if err != nil {
		return 0, err
	}
	return info.Size(), nil
}

func exists(name string) (bool, error) {
	_, err := os.Stat(name)
	if errors.Is(err, fs.ErrNotExist) {
		return false, nil
	}
	return err == nil, err
}
