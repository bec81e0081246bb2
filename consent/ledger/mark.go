package ledger

import (
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"fmt"
	"os"
	"path/filepath"
)

// The mark says how far the ledger was durable when the writer last had nothing
// to do. What it covers can be damaged, but not torn; of what stands behind it,
// each batch says that those before were durable. So only in the batch before a
// sudden end under load is damage taken for a torn tail. The mark is written
// without waiting for the disk and may lag after a loss of power.
const (
	markName  = "mark"
	markMagic = "candor mark 1\n\x00\x00"
	markSize  = 64
)

type mark struct {
	seq  uint64
	link [linkSize]byte
}

func (m mark) bytes() []byte {
	b := make([]byte, 0, markSize)
	b = append(b, markMagic...)
	b = binary.BigEndian.AppendUint64(b, m.seq)
	b = append(b, m.link[:]...)
	sum := sha256.Sum256(b)
	return append(b, sum[:8]...)
}

var errMark = errors.New("the file " + markName + " is missing or damaged")

func readMark(dir string) (mark, error) {
	b, err := os.ReadFile(filepath.Join(dir, markName))
	if errors.Is(err, os.ErrNotExist) {
		return mark{}, errMark
	}
	if err != nil {
		return mark{}, err
	}
	if len(b) != markSize {
		return mark{}, errMark
	}
	m := mark{binary.BigEndian.Uint64(b[16:]), [linkSize]byte(b[24:56])}
	if string(m.bytes()) != string(b) {
		return mark{}, errMark
	}
	return m, nil
}

// createMark makes the first mark of a ledger durable, whole or not at all.
func createMark(dir string) (err error) {
	name := filepath.Join(dir, markName)
	f, err := os.OpenFile(name+".tmp", os.O_WRONLY|os.O_CREATE|os.O_TRUNC, 0o600)
	if err != nil {
		return err
	}
	_, err = f.Write(mark{}.bytes())
	if err = errors.Join(err, f.Sync(), f.Close()); err != nil {
		return fmt.Errorf("%s: %w", markName, err)
	}
	return errors.Join(os.Rename(name+".tmp", name), syncDir(dir))
}
