package ledger

import (
	"errors"
	"os"
	"syscall"
)

// syncFile waits until contents and size of f are on the disk. Times of the
// file may lag; within room that was made before, that saves the file system
// its journal.
func syncFile(f *os.File) error {
	for {
		err := syscall.Fdatasync(int(f.Fd()))
		if !errors.Is(err, syscall.EINTR) {
			return os.NewSyscallError("fdatasync", err)
		}
	}
}
