package ledger

import (
	"context"
	"io"
	"os"

	"github.com/candorhttp/candor/consent"
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

// Fill appends n entries, many with one wait for the disk and without waiting
// for it at all, for tests with many entries.
func (l *Files) Fill(n int, entry func(i int) consent.Entry) error {
	l.disk.sync = func(*os.File) error { return nil }
	records := make([]record, 0, 1000)
	for i := range n {
		r, err := newEntry(entry(i))
		if err != nil {
			return err
		}
		if records = append(records, r); len(records) == cap(records) || i == n-1 {
			if err := l.submit(context.Background(), records...); err != nil {
				return err
			}
			records = records[:0]
		}
	}
	return nil
}

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
