//go:build linux || darwin

package ledger_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"path/filepath"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/candorhttp/candor/consent"
	"github.com/candorhttp/candor/consent/ledger/ledgertest"
)

const sectorSize = 512

var errPower = errors.New("there is no power")

// powerDisk is a disk that keeps only what was waited for: when the power goes,
// any of the sectors written since may be what they were before.
type powerDisk struct {
	mu      sync.Mutex
	random  *rand.Rand
	left    int // operations until the power goes
	pending []sector
	mark    []byte // the oldest that may be left
}

type sector struct {
	file   string
	at     int64
	before []byte
}

func (d *powerDisk) spend() bool { d.left--; return d.left >= 0 }

func (d *powerDisk) write(f *os.File, b []byte, at int64) error {
	d.mu.Lock()
	defer d.mu.Unlock()
	ok := d.spend()
	if !ok && d.left < -1 {
		return errPower
	}
	for first := at / sectorSize * sectorSize; first < at+int64(len(b)); first += sectorSize {
		before := make([]byte, sectorSize)
		if _, err := f.ReadAt(before, first); err != nil && !errors.Is(err, io.EOF) {
			return err
		}
		d.pending = append(d.pending, sector{f.Name(), first, before})
	}
	if _, err := f.WriteAt(b, at); err != nil {
		return err
	}
	if !ok {
		return errPower
	}
	return nil
}

func (d *powerDisk) sync(f *os.File) error {
	d.mu.Lock()
	defer d.mu.Unlock()
	if !d.spend() {
		return errPower
	}
	kept := d.pending[:0]
	for _, s := range d.pending {
		if s.file != f.Name() {
			kept = append(kept, s)
		}
	}
	d.pending = kept
	if filepath.Base(f.Name()) != "mark" {
		return nil
	}
	var err error
	d.mark, err = os.ReadFile(f.Name())
	return err
}

func (d *powerDisk) truncate(f *os.File, size int64) error {
	d.mu.Lock()
	defer d.mu.Unlock()
	if !d.spend() {
		return errPower
	}
	return f.Truncate(size)
}

// lose puts back any of the sectors that nobody waited for, the last first.
func (d *powerDisk) lose(t *testing.T) {
	chance := d.random.Float64()
	for i := len(d.pending) - 1; i >= 0; i-- {
		if d.random.Float64() < chance {
			s := d.pending[i]
			f, err := os.OpenFile(s.file, os.O_WRONLY, 0)
			require.NoError(t, err)
			_, err = f.WriteAt(s.before, s.at)
			require.NoError(t, errors.Join(err, f.Close()))
		}
	}
}

// Whatever a loss of power leaves of the sectors that were not waited for, and
// however old the mark is, the ledger opens and has what it acknowledged.
func TestLossOfPower(t *testing.T) {
	for seed := range uint64(200) {
		t.Run(fmt.Sprint(seed), func(t *testing.T) {
			random := rand.New(rand.NewPCG(seed, 1))
			dir := t.TempDir()
			l := openFiles(t, dir)
			mark, err := os.ReadFile(filepath.Join(dir, "mark"))
			require.NoError(t, err)
			d := &powerDisk{random: random, left: 1 + random.IntN(60), mark: mark}
			l.SetDisk(d.write, d.sync, d.truncate)
			p := promised{map[uint64]consent.Subject{}, map[uint64]consent.Subject{}, map[uint64]consent.Subject{}}
			var mu sync.Mutex
			note := func(f func()) { mu.Lock(); defer mu.Unlock(); f() }
			var wg sync.WaitGroup
			for i := range int64(6) {
				wg.Go(func() {
					for n := i + 1; ; n += 6 {
						s := subject(n)
						seq, err := l.Append(context.Background(), ledgertest.Grant(s, 1))
						if err != nil {
							return
						}
						note(func() { p.kept[seq] = s })
						if n%20 != 0 {
							continue
						}
						note(func() { delete(p.kept, seq); p.maybe[seq] = s })
						if _, err := l.Erase(context.Background(), s); err != nil {
							return
						}
						note(func() { delete(p.maybe, seq); p.erased[seq] = s })
					}
				})
			}
			wg.Wait()
			require.Error(t, l.Close())
			d.lose(t)
			if random.IntN(2) == 0 {
				require.NoError(t, os.WriteFile(filepath.Join(dir, "mark"), d.mark, 0o600))
			}
			again := openFiles(t, dir)
			p.hold(t, again)
			add(t, again, ledgertest.Refusal())
			r := good(t, dir)
			require.Zero(t, r.Unfinished)
			require.Zero(t, r.Torn)
		})
	}
}
