package ledger

import (
	"context"
	"database/sql"
	"fmt"
	"time"

	"github.com/candorhttp/candor/consent"
)

// Erase implements [consent.Ledger]. The erasures enter the chain and salts and
// payloads go in one transaction. An entry of the subject that is appended at
// the same moment stays.
func (l *InPostgres) Erase(ctx context.Context, s consent.Subject) (int, error) {
	if err := l.usable(ctx); err != nil {
		return 0, wrap("erase", err)
	}
	n, err := l.eraseThose(ctx, `SELECT seq FROM candor_ledger WHERE `+ofSubject+` ORDER BY seq`, s[:])
	l.counters.erased.Add(uint64(n))
	return n, wrap("erase", err)
}

// eraseThose erases the entries whose numbers a query returns.
func (l *InPostgres) eraseThose(ctx context.Context, query string, arg any) (n int, err error) {
	ctx, cancel := context.WithTimeout(ctx, l.timeout)
	defer cancel()
	_, err = l.transact(ctx, nil, func(ctx context.Context, tx *sql.Tx) (c change, err error) {
		if c.empty, err = numbers(ctx, tx, query, arg); err != nil {
			return c, err
		}
		n = len(c.empty)
		for _, seq := range c.empty {
			c.records = append(c.records, newRecord(unit, kindErasure, today(), seq))
		}
		return c, nil
	})
	if err != nil {
		return 0, err
	}
	return n, nil
}

func numbers(ctx context.Context, tx *sql.Tx, query string, args ...any) (out []uint64, err error) {
	rows, err := tx.QueryContext(ctx, query, args...)
	if err != nil {
		return nil, err
	}
	defer func() { _ = rows.Close() }()
	for rows.Next() {
		var seq int64
		if err := rows.Scan(&seq); err != nil {
			return nil, err
		}
		out = append(out, uint64(seq))
	}
	return out, rows.Err()
}

// Prune removes the payloads of all entries of days before the day of before
// (UTC), and returns how many; see [Files.Prune], which does the same. Payloads
// go some at a time, so that writers need not wait; if it is cut short, the next
// one completes it.
func (l *InPostgres) Prune(ctx context.Context, before time.Time) (int, error) {
	if err := l.usable(ctx); err != nil {
		return 0, wrap("prune", err)
	}
	n, err := l.prune(ctx, dayOf(before))
	return n, wrap("prune", err)
}

// pruneTogether is how many payloads one statement removes.
const pruneTogether = 2000

const prunable = `kind < 64 AND payload IS NOT NULL AND day < $1`

func (l *InPostgres) prune(ctx context.Context, cut int32) (n int, err error) {
	if err := checkCut(cut); err != nil {
		return 0, err
	}
	var there bool
	if err := l.db.QueryRowContext(ctx, `SELECT EXISTS (SELECT 1 FROM candor_ledger WHERE `+prunable+`)`, cut).Scan(&there); err != nil || !there {
		return 0, err
	}
	p := newRecord(unit, kindPruning, cut, 0)
	waiting, cancel := context.WithTimeout(ctx, l.timeout)
	_, err = l.transact(waiting, nil, func(context.Context, *sql.Tx) (change, error) { return change{records: []record{p}}, nil })
	cancel()
	if err != nil {
		return 0, err
	}
	for {
		done, err := l.db.ExecContext(ctx, `UPDATE candor_ledger SET salt = NULL, payload = NULL
			WHERE seq IN (SELECT seq FROM candor_ledger WHERE `+prunable+fmt.Sprintf(` AND seq < $2 LIMIT %d)`, pruneTogether), cut, int64(p.seq()))
		if err != nil {
			return n, err
		}
		some, err := done.RowsAffected()
		n += int(some)
		l.counters.pruned.Add(uint64(some))
		if err != nil || some == 0 {
			return n, err
		}
	}
}

// firstTidy is when old payloads are first looked for: not while services start.
const firstTidy = 10 * time.Second

// daily removes what is too old every day, after a failure every hour. Each
// replica does it, and finds little to do.
func (l *InPostgres) daily() {
	for wait := firstTidy; ; {
		select {
		case <-l.ended.Done():
			return
		case <-time.After(wait):
		}
		wait = dayEvery
		if err := l.tidy(l.ended); err != nil && l.ended.Err() == nil {
			l.counters.pruneFailed.Add(1)
			wait = time.Hour
		}
	}
}

// tidy removes images that keep nothing from counting any more, and what is
// older than KeepDays.
func (l *InPostgres) tidy(ctx context.Context) error {
	n, err := l.eraseThose(ctx, `SELECT seq FROM candor_ledger WHERE kind = 4 AND payload IS NOT NULL AND day < $1 ORDER BY seq LIMIT 10000`, today()-minKeepDays)
	l.counters.pruned.Add(uint64(n))
	if err == nil && l.keepDays > 0 {
		_, err = l.prune(ctx, today()-int32(l.keepDays))
	}
	return err
}
