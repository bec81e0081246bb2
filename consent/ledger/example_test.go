package ledger_test

import (
	"context"
	"crypto/ed25519"
	"fmt"
	"log"
	"os"
	"path/filepath"

	"github.com/candorhttp/candor/consent"
	"github.com/candorhttp/candor/consent/ledger"
	"github.com/candorhttp/candor/consent/ledger/ledgertest"
)

// A checkpoint that is kept elsewhere shows later that nothing was changed, and
// somebody who was erased is not missing from the proof.
func Example() {
	ctx := context.Background()
	dir, err := os.MkdirTemp("", "candor-example-")
	if err != nil {
		log.Fatal(err)
	}
	defer os.RemoveAll(dir)
	records, err := ledger.Open(ledger.FilesConfig{Dir: filepath.Join(dir, "consent")})
	if err != nil {
		log.Fatal(err)
	}
	defer records.Close()

	// The manager does this when somebody says yes.
	for _, who := range []consent.Subject{{1}, {2}} {
		if _, err := records.Append(ctx, ledgertest.Grant(who, 1)); err != nil {
			log.Fatal(err)
		}
	}
	public, private, err := ed25519.GenerateKey(nil)
	if err != nil {
		log.Fatal(err)
	}
	letter, err := records.Checkpoint().Sign(private) // to an auditor
	if err != nil {
		log.Fatal(err)
	}
	if _, err := records.Erase(ctx, consent.Subject{1}); err != nil {
		log.Fatal(err)
	}

	checkpoint, err := ledger.ReadCheckpoint(letter, public)
	if err != nil {
		log.Fatal(err)
	}
	report, err := ledger.Verify(ctx, filepath.Join(dir, "consent"), checkpoint)
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println("entries:", report.Entries, "erased:", report.Erased, "faults:", report.Faulty)
	// Output: entries: 1 erased: 1 faults: 0
}
