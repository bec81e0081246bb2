package ledger

import (
	"context"
	"io"
	"os"
)

// Faults are what the disk of a test does wrong.
type Faults struct {
	Write    error // a write keeps the first half of its bytes and fails
	Sync     error
	Truncate error
}

// SetFaults breaks or mends the disk. Call it while nobody appends.
func (l *Files) SetFaults(f Faults) {
	l.disk = wholeDisk
	if f.Write != nil {
		l.disk.write = func(file *os.File, b []byte, at int64) error {
			if _, err := file.WriteAt(b[:len(b)/2], at); err != nil {
				return err
			}
			return f.Write
		}
	}
	if f.Sync != nil {
		l.disk.sync = func(*os.File) error { return f.Sync }
	}
	if f.Truncate != nil {
		l.disk.truncate = func(*os.File, int64) error { return f.Truncate }
	}
}

// NoSync makes the ledger fast and not durable, for tests with many entries.
func (l *Files) NoSync() { l.disk.sync = func(*os.File) error { return nil } }

// VerifyOnce is Verify without its patience with a service that erases, with so
// many entries in each pass over the payloads; 0 means as many as Verify.
func VerifyOnce(ctx context.Context, dir string, window uint64) (Report, error) {
	v := newVerifier(ctx, dir, noLock{})
	if window > 0 {
		v.window = window
	}
	err := v.run()
	return v.report, err
}

// Parse calls visit with what a payload decodes to, for records as a file has
// them.
func Parse(file io.ReaderAt, size int64, visit func(seq uint64, decoded bool)) {
	h := newHasher()
	_, _ = newReader(noLock{}).each(file, 0, size, func(_ int64, r record) error {
		r.wellFormed()
		r.sound(h)
		ok := false
		if r.kind().kept() && len(r) >= minEntry {
			_, err := r.entry()
			ok = err == nil
		}
		visit(r.seq(), ok)
		return nil
	})
}

// SetDisk has the ledger write, wait and truncate through other functions. Call
// it while nobody appends.
func (l *Files) SetDisk(write func(*os.File, []byte, int64) error, sync func(*os.File) error, truncate func(*os.File, int64) error) {
	l.disk = disk{write, sync, truncate}
}
