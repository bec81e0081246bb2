package ledger

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"time"
)

// Verify is [Verify] for this store, by the same code: it reads everything twice
// from one snapshot, changes nothing and may run beside the services. The row
// of candor_ledger_head is what the mark is in files.
func (l *InPostgres) Verify(ctx context.Context, checkpoints ...Checkpoint) (Report, error) {
	a := newAuditor(ctx, checkpoints)
	tx, err := l.db.BeginTx(ctx, &sql.TxOptions{Isolation: sql.LevelRepeatableRead, ReadOnly: true})
	if err == nil {
		err = a.audit(tx)
		_ = tx.Rollback() // of nothing
	}
	a.report.sort()
	if err != nil {
		return a.report, fmt.Errorf("ledger: verify: %w", err)
	}
	return a.report, nil
}

func (a *auditor) audit(tx *sql.Tx) error {
	var err error
	if a.mark, err = head(a.ctx, tx); err != nil {
		if !errors.Is(err, ErrDamaged) {
			return err
		}
		a.report.fault(0, FaultMark, "%v", err)
	}
	err = each(a.ctx, tx, func(r record) error { a.chain(r); return a.alive() },
		`SELECT seq, kind, day, ref, commitment, link, NULL::bytea, NULL::bytea FROM candor_ledger ORDER BY seq`)
	if err != nil {
		return err
	}
	a.endOfChain()
	if a.mark.seq < a.report.Last {
		a.report.fault(a.mark.seq+1, FaultMark, "the table candor_ledger_head does not know of it")
	}
	for {
		err := each(a.ctx, tx, func(r record) error { a.payload(r); return a.alive() },
			`SELECT `+columns+` FROM candor_ledger WHERE seq >= $1 AND seq < $1 + $2 AND kind < 64 ORDER BY seq`, int64(a.base), int64(a.window))
		if err != nil {
			return err
		}
		if !a.nextWindow() {
			return nil
		}
		err = each(a.ctx, tx, func(r record) error { a.note(r); return a.alive() },
			`SELECT `+columns+` FROM candor_ledger WHERE kind = 64`)
		if err != nil {
			return err
		}
	}
}

// Checkpoint returns the checkpoint of what is committed now.
func (l *InPostgres) Checkpoint(ctx context.Context) (Checkpoint, error) {
	now, err := head(ctx, l.db)
	if err != nil {
		return Checkpoint{}, wrap("checkpoint", err)
	}
	return Checkpoint{Seq: now.seq, Link: now.link, Time: time.Now().UTC().Truncate(time.Second)}, nil
}
