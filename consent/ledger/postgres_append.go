package ledger

import (
	"context"
	"database/sql"
	"encoding/binary"
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
	unsure, err := l.quick(ctx, records)
	if err != nil && again(err) {
		l.counters.retries.Add(1)
		unsure, err = l.transact(ctx, unsure, func(context.Context, *sql.Tx) (change, error) { return change{records: records}, nil })
	}
	if err != nil {
		l.counters.failed.Add(uint64(len(records)))
		if unsure != nil {
			l.running.Go(func() { l.dispel(*unsure) })
		}
		return err
	}
	l.counters.batches.Add(1)
	l.counters.appended.Add(uint64(len(records)))
	l.last.Store(records[len(records)-1].seq())
	return nil
}

// quick appends entries in one round trip. What fails in it is tried again in
// the other way, in which more can be found out.
func (l *InPostgres) quick(ctx context.Context, records []record) (*doubt, error) {
	lines, parts := make([]byte, 0, 16*len(records)), make([]byte, 0, 640*len(records))
	h := newHasher()
	for i, r := range records {
		if i > 0 {
			lines = append(lines, ';')
		}
		lines = fmt.Appendf(lines, "%d,%d,%d", r.kind(), r.day(), len(r)-payloadAt)
		h.pad(r[saltAt:payloadAt], 0x36)
		parts = append(parts, h.block[:]...)
		h.pad(r[saltAt:payloadAt], 0x5c)
		parts = append(parts, h.block[:]...)
		parts = append(parts, r[saltAt:]...)
	}
	// A connection of its own: what is asked of the pool is asked again when a
	// driver finds the connection bad, and might be done twice.
	conn, err := l.db.Conn(ctx)
	if err != nil {
		return nil, err
	}
	defer func() { _ = conn.Close() }()
	var first int64
	err = conn.QueryRowContext(ctx, `SELECT candor_ledger_append($1::bigint, $2::text, $3::bytea)`, l.fence.Load(), string(lines), parts).Scan(&first)
	if err == nil {
		number(records, uint64(first))
		return nil, nil
	}
	if !answered(err) {
		l.counters.unsure.Add(1)
		return &doubt{l.last.Load(), records, [linkSize]byte(records[0][saltAt:]), true}, lost{err}
	}
	return nil, err
}

// number gives records their numbers.
func number(records []record, first uint64) {
	for i, r := range records {
		binary.BigEndian.PutUint64(r, first+uint64(i))
	}
}

// change is what one transaction does.
type change struct {
	records []record // to append
	empty   []uint64 // numbers whose payloads go
	fence   bool     // keep out what another gave up
}

// doubt is a commit whose answer was lost.
type doubt struct {
	after   uint64 // the records would stand behind this one
	records []record
	proof   [linkSize]byte // salt or link of the first
	waits   bool           // it may still be done, unless a fence is put up
}

// there returns the number of the first record, 0 when it is not there.
func (d *doubt) there(ctx context.Context, tx *sql.Tx) (uint64, error) {
	var first int64
	err := tx.QueryRowContext(ctx, `SELECT seq FROM candor_ledger WHERE seq > $1 AND (salt = $2 OR link = $2)`, int64(d.after), d.proof[:]).Scan(&first)
	if errors.Is(err, sql.ErrNoRows) {
		err = nil
	}
	return uint64(first), err
}

const (
	firstPause = 5 * time.Millisecond
	maxPause   = 500 * time.Millisecond
)

// transact makes a change, and tries again what may be tried again until ctx
// ends. When it returns an error nothing was changed, unless there is a doubt.
func (l *InPostgres) transact(ctx context.Context, unsure *doubt, plan func(context.Context, *sql.Tx) (change, error)) (*doubt, error) {
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
// lock that it held: whoever has that lock knows that the other is over, or that
// it waits for the lock and can be fenced off.
func (l *InPostgres) try(ctx context.Context, unsure **doubt, plan func(context.Context, *sql.Tx) (change, error)) error {
	tx, err := l.db.BeginTx(ctx, &sql.TxOptions{Isolation: sql.LevelReadCommitted})
	if err != nil {
		return err
	}
	defer func() { _ = tx.Rollback() }()
	now, fence, err := lockHead(ctx, tx)
	if err != nil {
		return err
	}
	l.fence.Store(fence)
	if d := *unsure; d != nil {
		first, err := d.there(ctx, tx)
		if err != nil {
			return err
		}
		if first > 0 {
			number(d.records, first)
			*unsure = nil
			return nil
		}
		if !d.waits {
			*unsure = nil
		}
	}
	c, err := plan(ctx, tx)
	if c.fence = c.fence || *unsure != nil; c.fence && err == nil {
		fence++
		_, err = tx.ExecContext(ctx, `UPDATE candor_ledger_head SET fence = $1`, fence)
	}
	if err == nil && len(c.records) > 0 {
		err = c.apply(ctx, tx, now)
	}
	if err != nil || len(c.records) == 0 && !c.fence {
		return err
	}
	if err := tx.Commit(); err != nil {
		l.counters.unsure.Add(1)
		// Where there is a doubt, its proof holds for this try as well.
		if *unsure == nil && len(c.records) > 0 {
			*unsure = &doubt{now.seq, c.records, [linkSize]byte(c.records[0].link()), false}
		}
		return lost{err}
	}
	*unsure = nil
	l.fence.Store(fence)
	return nil
}

// apply appends behind now, and empties.
func (c *change) apply(ctx context.Context, tx *sql.Tx, now mark) error {
	first, h := now.seq+1, newHasher()
	for _, r := range c.records {
		now.seq++
		r.seal(h, now.seq, first, &now.link)
	}
	err := insert(ctx, tx, c.records, now)
	if err == nil && len(c.empty) > 0 {
		_, err = tx.ExecContext(ctx, `UPDATE candor_ledger SET salt = NULL, payload = NULL WHERE seq = ANY($1::text::bigint[])`, array(c.empty))
	}
	return err
}

// lost is the error of a commit whose answer did not come.
type lost struct{ error }

func (e lost) Unwrap() error { return e.error }

// lockHead waits for the other processes and returns the end of the chain. A
// process that falls silent while it has the lock loses it.
func lockHead(ctx context.Context, tx *sql.Tx) (now mark, fence int64, err error) {
	var seq int64
	var link []byte
	err = tx.QueryRowContext(ctx, `SELECT seq, link, fence, set_config('idle_in_transaction_session_timeout', '10s', true)
		FROM candor_ledger_head FOR UPDATE`).Scan(&seq, &link, &fence, new(string))
	if err != nil && !errors.Is(err, sql.ErrNoRows) {
		return now, 0, err
	}
	now, err = headOf(seq, link)
	return now, fence, err
}

// dispel sees to it that what writers were told is not kept is not, should it
// turn out that it was committed.
func (l *InPostgres) dispel(d doubt) {
	_, _ = l.transact(l.ended, nil, func(ctx context.Context, tx *sql.Tx) (c change, err error) {
		first, err := d.there(ctx, tx)
		if first == 0 {
			return change{fence: true}, err
		}
		for i := range uint64(len(d.records)) {
			c.records = append(c.records, newRecord(unit, kindErasure, today(), first+i))
			c.empty = append(c.empty, first+i)
		}
		return c, nil
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

// state is an error that the server answered with. Drivers that say SQLSTATE say
// it in this way.
type state interface {
	error
	SQLState() string
}

// answered reports whether the server said that a statement failed, so that
// nothing was done. A server that goes down (class 57) may have committed before
// it says so.
func answered(err error) bool {
	var s state
	return errors.As(err, &s) && !strings.HasPrefix(s.SQLState(), "57") && !strings.HasPrefix(s.SQLState(), "08")
}

// again reports whether what failed may work when it is tried again: anything
// that has no SQLSTATE, because then the connection failed, and the states that
// say so (PostgreSQL, appendix A).
func again(err error) bool {
	if errors.Is(err, ErrDamaged) {
		return false
	}
	var s state
	if errors.As(err, new(lost)) || !errors.As(err, &s) || len(s.SQLState()) != 5 {
		return true
	}
	// Connection, rollback (serialization, deadlock), resources, lock not
	// available, operator intervention (restart), and a server that is read-only
	// because another took over.
	return slices.Contains([]string{"08", "40", "53", "55", "57"}, s.SQLState()[:2]) || s.SQLState() == "25006"
}
