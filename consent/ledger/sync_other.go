//go:build !linux

package ledger

import "os"

func syncFile(f *os.File) error { return f.Sync() }
