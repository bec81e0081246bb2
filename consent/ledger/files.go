package ledger

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/candorhttp/candor/consent"
)

// FilesConfig configures [Open]. It is copied.
type FilesConfig struct {
	// Dir is the directory of the ledger; required. It is made when missing,
	// for this user alone. Nothing else belongs in it.
	Dir string
	// LockWait is how long Open waits for another process to let go of Dir, as
	// in a rolling restart; 0 means 10 seconds.
	LockWait time.Duration
	// KeepDays is after how many days payloads are removed, looked at when the
	// ledger is opened and every day while it is open. 0 keeps all; otherwise at
	// least 400, see [Files.Prune].
	KeepDays int
}

const (
	defaultLockWait = 10 * time.Second
	lockPoll        = 20 * time.Millisecond
	// minKeepDays is the longest that a consent cookie lives (RFC 6265bis §5.5).
	// A withdrawal that is forgotten earlier would let a copied cookie count
	// again.
	minKeepDays = 400
)

var (
	// ErrClosed is returned by a ledger after Close.
	ErrClosed = errors.New("the ledger is closed")
	// ErrLocked is returned by Open when another process kept the directory.
	ErrLocked = errors.New("another process writes this ledger")
	// ErrDamaged is wrapped by the errors about entries that are not what was
	// written. [Verify] says more.
	ErrDamaged = errors.New("the ledger is damaged")
)

// Files is the ledger in a directory, for one process at a time. Make it with
// [Open]; it is safe for concurrent use.
//
// Append returns when the entry is on the disk; writers that wait at the same
// time share one fsync. Memory does not grow with the ledger, but for 8 bytes
// for each 16 MiB of it. History and Erase read the whole ledger, one at a time.
type Files struct {
	dir      string
	keepDays int
	disk     disk
	lock     *os.File
	stop     context.CancelFunc // ends the daily pruning
	stopped  sync.WaitGroup

	oldestImage atomic.Int32 // day

	// one lets one of History, Erase and Prune run.
	one chan struct{}
	// removing is held while bytes of a record are overwritten.
	removing   sync.RWMutex
	unfinished map[uint64]place

	queue
	// mu of the queue guards these as well.
	segs    []uint64
	durable position

	// Only the committer uses these.
	active   *os.File
	markFile *os.File
	h        *hasher
	buf      []byte
	dirty    bool   // bytes may stand behind the durable ones
	room     int64  // size of the active segment
	marked   uint64 // as far as the mark says

	counters filesCounters
}

// position is an end of the ledger.
type position struct {
	mark
	end int64 // offset in the last segment
}

type filesCounters struct {
	appended, failed, batches, erased, pruned, pruneFailed atomic.Uint64
}

// FilesStats is a snapshot of counters since Open.
type FilesStats struct {
	Appended    uint64 // entries that became durable
	Failed      uint64 // entries that could not be kept; their writers were told
	Batches     uint64 // how many fsyncs that took
	Erased      uint64 // payloads removed by Erase
	Pruned      uint64 // payloads removed by age
	PruneFailed uint64 // daily prunings that ended in an error and are tried again
}

var _ consent.Ledger = (*Files)(nil)

// Open opens or makes the ledger in cfg.Dir. It waits for the lock, reads and
// verifies everything (about a second for a million entries), removes the torn
// tail that a crash leaves, and completes erasures and prunings that were cut
// short. Any other damage is an error that wraps [ErrDamaged] and nothing is
// changed. Call Close at the end.
func Open(cfg FilesConfig) (*Files, error) {
	var faults []error
	if cfg.Dir == "" {
		faults = append(faults, errors.New("ledger: config: Dir: is missing; name a directory that the service may write"))
	}
	if cfg.LockWait < 0 {
		faults = append(faults, fmt.Errorf("ledger: config: LockWait: is %v; choose a time, or 0 for %v", cfg.LockWait, defaultLockWait))
	}
	faults = append(faults, checkKeepDays("config", cfg.KeepDays))
	if err := errors.Join(faults...); err != nil {
		return nil, err
	}
	if cfg.LockWait == 0 {
		cfg.LockWait = defaultLockWait
	}
	l := &Files{dir: cfg.Dir, keepDays: cfg.KeepDays, disk: wholeDisk, one: make(chan struct{}, 1), h: newHasher()}
	l.arrived.L = &l.mu
	if err := l.open(cfg.LockWait); err != nil {
		return nil, fmt.Errorf("ledger: open: %w", errors.Join(err, l.closeFiles()))
	}
	ctx, stop := context.WithCancel(context.Background())
	l.stop = stop
	l.stopped.Go(l.run)
	l.stopped.Go(func() { l.daily(ctx) })
	return l, nil
}

func (l *Files) open(wait time.Duration) error {
	if err := os.MkdirAll(l.dir, 0o700); err != nil {
		return err
	}
	if err := l.takeLock(wait); err != nil {
		return err
	}
	if err := l.create(); err != nil {
		return err
	}
	return l.recover()
}

func (l *Files) takeLock(wait time.Duration) (err error) {
	l.lock, err = os.OpenFile(filepath.Join(l.dir, "lock"), os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		return err
	}
	for begun := time.Now(); ; time.Sleep(lockPoll) {
		ok, err := tryLock(l.lock)
		if ok || err != nil {
			return err
		}
		if time.Since(begun) >= wait {
			return fmt.Errorf("%w: %s was not free within %v; end the process that has it", ErrLocked, l.dir, wait)
		}
	}
}

// create makes an empty ledger where there is none. The mark comes last, so a
// ledger without one and with nothing in it was not finished.
func (l *Files) create() error {
	if marked, err := exists(filepath.Join(l.dir, markName)); marked || err != nil {
		return err
	}
	segs, err := segments(l.dir)
	if err != nil {
		return err
	}
	if len(segs) > 1 || len(segs) == 1 && segs[0] != 1 {
		return fmt.Errorf("%w: %w; put it back from where it went", ErrDamaged, errMark)
	}
	if len(segs) == 1 {
		info, err := os.Stat(segmentName(l.dir, 1))
		if err != nil {
			return err
		}
		if info.Size() > segmentHead {
			return fmt.Errorf("%w: %w; put it back from where it went", ErrDamaged, errMark)
		}
	}
	f, err := l.disk.createSegment(l.dir, 1, [linkSize]byte{})
	if err != nil {
		return err
	}
	return errors.Join(f.Close(), createMark(l.dir))
}

// recover verifies what is there and makes it ready for more.
func (l *Files) recover() error {
	if err := removeTemporary(l.dir); err != nil {
		return err
	}
	v := newVerifier(context.Background(), l.dir, noLock{})
	if err := v.run(); err != nil {
		return err
	}
	if v.report.Faulty > 0 {
		return fmt.Errorf("%w: %v (%d faults in all); nothing was changed, restore it from a copy", ErrDamaged, v.report.Faults[0], v.report.Faulty)
	}
	l.segs = v.segs
	l.oldestImage.Store(v.oldestImage)
	l.durable = position{mark{v.report.Last, v.report.Link}, v.end}
	last := l.segs[len(l.segs)-1]
	var err error
	if v.headTorn {
		l.durable.end = segmentHead
		l.active, err = l.disk.createSegment(l.dir, last, l.durable.link)
	} else {
		l.active, _, err = openSegment(l.dir, last, os.O_RDWR)
	}
	if err != nil {
		return err
	}
	l.dirty = v.report.Torn > 0
	if l.room, err = fileSize(l.active); err != nil {
		return err
	}
	if err := l.rollback(); err != nil {
		return err
	}
	// What this process has read counts as durable from here on.
	if err := l.active.Sync(); err != nil {
		return err
	}
	if l.markFile, err = os.OpenFile(filepath.Join(l.dir, markName), os.O_WRONLY, 0); err != nil {
		return err
	}
	if err := l.settle(); err != nil || v.report.Unfinished == 0 {
		return err
	}
	v = newVerifier(context.Background(), l.dir, noLock{})
	v.repair = l.removeOne
	return v.run()
}

// removeTemporary removes what a crash left of files in the making.
func removeTemporary(dir string) error {
	names, err := os.ReadDir(dir)
	for _, d := range names {
		if strings.HasSuffix(d.Name(), ".tmp") {
			err = errors.Join(err, os.Remove(filepath.Join(dir, d.Name())))
		}
	}
	return err
}

// Close waits for the entries that are being appended, and lets go of the
// directory. Later calls return [ErrClosed].
func (l *Files) Close() error {
	if !l.queue.close() {
		return ErrClosed
	}
	l.stop()
	l.stopped.Wait()
	l.one <- struct{}{} // kept: whoever comes later is told that it is closed
	err := l.rollback() // what a failed batch left, if the disk works again
	if err = errors.Join(err, l.settle(), l.closeFiles()); err != nil {
		return fmt.Errorf("ledger: close: %w", err)
	}
	return nil
}

func (l *Files) closeFiles() error {
	var err error
	for _, f := range []*os.File{l.active, l.markFile, l.lock} {
		if f != nil {
			err = errors.Join(err, f.Close())
		}
	}
	return err
}

// alone waits until no other long reader runs, and returns the call that ends
// this one.
func (l *Files) alone(ctx context.Context) (done func(), err error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	select {
	case l.one <- struct{}{}:
	case <-ctx.Done():
		return nil, ctx.Err()
	}
	if l.isClosed() {
		<-l.one
		return nil, ErrClosed
	}
	return func() { <-l.one }, nil
}

// at returns the segments and the end of what is durable now.
func (l *Files) at() ([]uint64, position) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.segs, l.durable // segs is appended to and never changed
}

// Stats returns the counters.
func (l *Files) Stats() FilesStats {
	c := &l.counters
	return FilesStats{
		Appended: c.appended.Load(), Failed: c.failed.Load(), Batches: c.batches.Load(),
		Erased: c.erased.Load(), Pruned: c.pruned.Load(), PruneFailed: c.pruneFailed.Load(),
	}
}

// Describe implements [consent.Describer].
func (l *Files) Describe(m *consent.Manifest) { describe(m, "files", l.keepDays) }
