package ledger

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/candorhttp/candor/consent"
)

// Append implements [consent.Ledger]. It returns when the entry is committed or
// will not be. While the database is away it tries for [PostgresConfig.Timeout].
func (l *InPostgres) Append(ctx context.Context, e consent.Entry) (uint64, error) {
	r, err := newEntry(e)
	if err == nil {
		// For the time until it is taken; then the batch has as much again.
		waiting, cancel := context.WithTimeout(ctx, l.timeout)
		err = l.submit(waiting, r)
		cancel()
	}
	if err != nil {
		return 0, fmt.Errorf("ledger: append: %w", err)
	}
	return r.seq(), nil
}

// run commits batches until the ledger is closed.
func (l *InPostgres) run() {
	for {
		var records []record
		batch := l.gather(func() {}, func(r record) { records = append(records, r) })
		if len(batch) == 0 {
			return
		}
		err := l.commit(records)
		for _, q := range batch {
			q.done <- err
		}
	}
}

func (l *InPostgres) commit(records []record) error {
	ctx, cancel := context.WithTimeout(context.Background(), l.timeout)
	defer cancel()
	doubt, err := l.transact(ctx, func(context.Context, *sql.Tx) (change, error) { return change{records: records}, nil })
	if err != nil {
		l.counters.failed.Add(uint64(len(records)))
		if doubt != nil {
			l.running.Go(func() { l.dispel(*doubt) })
		}
		return err
	}
	l.counters.batches.Add(1)
	l.counters.appended.Add(uint64(len(records)))
	return nil
}

// change is what one transaction does.
type change struct {
	records []record // to append
	empty   []uint64 // numbers whose payloads go
}

// doubt is a commit whose answer was lost.
type doubt struct {
	first, last uint64
	link        [linkSize]byte // of the last
}

const (
	firstPause = 5 * time.Millisecond
	maxPause   = 500 * time.Millisecond
)

// transact makes a change, and tries again what may be tried again until ctx
// ends. When it returns an error nothing was changed, unless there is a doubt.
func (l *InPostgres) transact(ctx context.Context, plan func(context.Context, *sql.Tx) (change, error)) (*doubt, error) {
	var unsure *doubt
	for pause := firstPause; ; pause = min(2*pause, maxPause) {
		err := l.try(ctx, &unsure, plan)
		if err == nil || !again(err) {
			return unsure, err
		}
		select {
		case <-ctx.Done():
			return unsure, err
		case <-time.After(pause/2 + rand.N(pause/2)):
			l.counters.retries.Add(1)
		}
	}
}

// try makes a change once. A commit whose answer was lost is looked up under the
// lock that it held: whoever has that lock knows that the other is over.
func (l *InPostgres) try(ctx context.Context, unsure **doubt, plan func(context.Context, *sql.Tx) (change, error)) error {
	tx, err := l.db.BeginTx(ctx, &sql.TxOptions{Isolation: sql.LevelReadCommitted})
	if err != nil {
		return err
	}
	defer func() { _ = tx.Rollback() }()
	now, err := lockHead(ctx, tx)
	if err != nil {
		return err
	}
	if *unsure != nil {
		there, err := (*unsure).there(ctx, tx)
		if err != nil {
			return err
		}
		*unsure = nil
		if there {
			return nil
		}
	}
	c, err := plan(ctx, tx)
	if err != nil || len(c.records) == 0 {
		return err
	}
	first, h := now.seq+1, newHasher()
	for _, r := range c.records {
		now.seq++
		r.seal(h, now.seq, first, &now.link)
	}
	if err := insert(ctx, tx, c.records, now); err != nil {
		return err
	}
	if len(c.empty) > 0 {
		if _, err := tx.ExecContext(ctx, `UPDATE candor_ledger SET salt = NULL, payload = NULL WHERE seq = ANY($1::text::bigint[])`, array(c.empty)); err != nil {
			return err
		}
	}
	if err := tx.Commit(); err != nil {
		l.counters.unsure.Add(1)
		*unsure = &doubt{first, now.seq, now.link}
		return lost{err}
	}
	return nil
}

// lost is the error of a commit whose answer did not come.
type lost struct{ error }

func (e lost) Unwrap() error { return e.error }

// lockHead waits for the other processes and returns the end of the chain. A
// process that falls silent while it has the lock loses it.
func lockHead(ctx context.Context, tx *sql.Tx) (mark, error) {
	var seq int64
	var link []byte
	err := tx.QueryRowContext(ctx, `SELECT seq, link, set_config('idle_in_transaction_session_timeout', '10s', true)
		FROM candor_ledger_head FOR UPDATE`).Scan(&seq, &link, new(string))
	switch {
	case errors.Is(err, sql.ErrNoRows):
		return mark{}, fmt.Errorf("%w: the table candor_ledger_head is empty", ErrDamaged)
	case err != nil:
		return mark{}, err
	case seq < 0 || len(link) != linkSize:
		return mark{}, fmt.Errorf("%w: the table candor_ledger_head was changed", ErrDamaged)
	}
	return mark{uint64(seq), [linkSize]byte(link)}, nil
}

func (d *doubt) there(ctx context.Context, tx *sql.Tx) (there bool, err error) {
	err = tx.QueryRowContext(ctx, `SELECT EXISTS (SELECT 1 FROM candor_ledger WHERE seq = $1 AND link = $2)`, int64(d.last), d.link[:]).Scan(&there)
	return there, err
}

// dispel sees to it that what writers were told is not kept is not, should it
// turn out that it was committed.
func (l *InPostgres) dispel(d doubt) {
	_, _ = l.transact(l.ended, func(ctx context.Context, tx *sql.Tx) (c change, err error) {
		there, err := d.there(ctx, tx)
		for seq := d.first; there && seq <= d.last; seq++ {
			c.records = append(c.records, newRecord(unit, kindErasure, today(), seq))
			c.empty = append(c.empty, seq)
		}
		return c, err
	})
}

// insert adds records and moves the head in one statement, whose text is always
// the same. The binary parts go as one value and are cut up by the server,
// because arrays of them have no form that all drivers share.
func insert(ctx context.Context, tx *sql.Tx, records []record, now mark) error {
	var numbers strings.Builder
	var parts []byte
	for i, r := range records {
		if i > 0 {
			numbers.WriteByte(';')
		}
		for _, n := range [...]int64{int64(r.seq()), int64(r.kind()), int64(r.day()), int64(r.ref()), int64(len(parts) + 1)} {
			numbers.WriteString(strconv.FormatInt(n, 10))
			numbers.WriteByte(',')
		}
		payload := r[payloadAt:]
		numbers.WriteString(strconv.Itoa(len(payload)))
		parts = append(parts, r[32:payloadAt]...)
		parts = append(parts, payload...)
	}
	_, err := tx.ExecContext(ctx, `
		WITH head AS (UPDATE candor_ledger_head SET seq = $3::bigint, link = $4::bytea),
		entry AS (SELECT string_to_array(line, ',')::bigint[] AS n FROM unnest(string_to_array($1::text, ';')) AS line)
		INSERT INTO candor_ledger (seq, kind, day, ref, commitment, link, salt, payload)
		SELECT n[1], n[2], n[3], n[4],
			substring($2::bytea from n[5]::int for 32), substring($2::bytea from n[5]::int + 32 for 32),
			CASE WHEN n[6] > 0 THEN substring($2::bytea from n[5]::int + 64 for 32) END,
			CASE WHEN n[6] > 0 THEN substring($2::bytea from n[5]::int + 96 for n[6]::int) END
		FROM entry`, numbers.String(), parts, int64(now.seq), now.link[:])
	return err
}

// array is the text form of an array of numbers.
func array(numbers []uint64) string {
	b := []byte{'{'}
	for i, n := range numbers {
		if i > 0 {
			b = append(b, ',')
		}
		b = strconv.AppendUint(b, n, 10)
	}
	return string(append(b, '}'))
}

// again reports whether what failed may work when it is tried again: anything
// that has no SQLSTATE, because then the connection failed, and the states that
// say so (PostgreSQL, appendix A).
func again(err error) bool {
	if errors.Is(err, ErrDamaged) {
		return false
	}
	var state interface{ SQLState() string }
	if errors.As(err, new(lost)) || !errors.As(err, &state) {
		return true
	}
	class := state.SQLState()
	if len(class) != 5 {
		return true
	}
	// Connection, rollback (serialization, deadlock), resources, lock not
	// available, operator intervention (restart), and a server that is read-only
	// because another took over.
	return slices.Contains([]string{"08", "40", "53", "55", "57"}, class[:2]) || class == "25006"
}
