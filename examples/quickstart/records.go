package main

import (
	"path/filepath"

	"github.com/candorhttp/candor/consent"
	"github.com/candorhttp/candor/consent/ledger"
)

// records is where choices are kept, and says so in the manifest.
type records interface {
	consent.Ledger
	consent.Describer
}

// recordsIn opens the ledger below dir. Without a directory it lasts as long as
// the process.
func recordsIn(dir string) (r records, end func() error, err error) {
	if dir == "" {
		return ledger.Memory(), func() error { return nil }, nil
	}
	l, err := ledger.Open(ledger.FilesConfig{Dir: filepath.Join(dir, "consent")})
	if err != nil {
		return nil, nil, err
	}
	return l, l.Close, nil
}
