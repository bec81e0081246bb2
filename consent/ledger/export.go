package ledger

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"time"

	"github.com/candorhttp/candor/consent"
)

// Export writes entries as JSON, one object a line, for somebody who asks what
// is kept of them. It is what ledgerctl does; the entries come from History.
func Export(w io.Writer, entries []consent.Entry) error {
	out := json.NewEncoder(w)
	for _, e := range entries {
		if err := out.Encode(e); err != nil {
			return fmt.Errorf("ledger: export: %w", err)
		}
	}
	return nil
}

// ReadHistory is [Files.History] of the ledger in dir, beside a service that has
// it open: it needs no lock and changes nothing.
func ReadHistory(ctx context.Context, dir string, s consent.Subject) ([]consent.Entry, error) {
	for try := 1; ; try++ {
		out, err := readHistory(ctx, dir, s)
		if err == nil {
			return out, nil
		}
		// A service that erases at this moment looks like damage, but not again.
		if !errors.Is(err, ErrDamaged) || try == tries {
			return nil, fmt.Errorf("ledger: history: %w", err)
		}
		time.Sleep(tryAgain)
	}
}

func readHistory(ctx context.Context, dir string, s consent.Subject) (out []consent.Entry, err error) {
	v := newVerifier(ctx, dir, noLock{})
	if err := v.begin(); err != nil {
		return nil, err
	}
	if v.report.Faulty > 0 {
		return nil, fmt.Errorf("%w: %v", ErrDamaged, v.report.Faults[0])
	}
	if s.IsZero() {
		return nil, nil
	}
	err = v.over(func(_ uint64, _ int64, r record) error {
		if erased, pruned := v.removed(r); !r.of(s) || erased || pruned {
			return nil
		}
		if !r.intact(v.h) {
			return fmt.Errorf("%w: the payload of entry %d was changed", ErrDamaged, r.seq())
		}
		e, err := r.entry()
		out = append(out, e)
		return err
	})
	return out, err
}
