package ledger

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"time"

	"github.com/candorhttp/candor/consent"
)

// PostgresConfig configures [Postgres]. It is copied.
type PostgresConfig struct {
	// Timeout is how long an entry is tried to be kept while the database is
	// away or another replica is at work; 0 means 5 seconds. Append returns
	// within twice that.
	Timeout time.Duration
	// KeepDays is after how many days payloads are removed, looked at every
	// day. 0 keeps all; otherwise at least 400, see [InPostgres.Prune].
	KeepDays int
}

const defaultTimeout = 5 * time.Second

// InPostgres is the ledger in a PostgreSQL database (12 or newer), for any
// number of processes at once. Make it with [Postgres]; it is safe for
// concurrent use.
//
// Append returns when the entry is committed; writers of one process that wait
// at the same time share one transaction. The processes take turns with a lock
// on one row, so numbers ascend without gaps in the order of the commits, and
// what a reader has passed it never has to look at again. Memory does not grow
// with the ledger.
type InPostgres struct {
	queue

	db       *sql.DB
	timeout  time.Duration
	keepDays int
	ended    context.Context // by Close
	end      context.CancelFunc
	running  sync.WaitGroup

	// last is a number that was committed; later ones may be.
	last  atomic.Uint64
	fence atomic.Int64 // as far as this process knows

	counters postgresCounters
}

type postgresCounters struct {
	appended, failed, batches, retries, unsure, erased, pruned, pruneFailed atomic.Uint64
}

// PostgresStats is a snapshot of counters of this process since [Postgres].
type PostgresStats struct {
	Appended    uint64 // entries that were committed
	Failed      uint64 // entries that could not be kept; their writers were told
	Batches     uint64 // how many transactions that took
	Retries     uint64 // transactions that were tried again
	Unsure      uint64 // commits whose answer was lost, and looked up afterwards
	Erased      uint64 // payloads removed by Erase
	Pruned      uint64 // payloads removed by age
	PruneFailed uint64 // prunings by age that ended in an error and are tried again
}

var _ consent.Follower = (*InPostgres)(nil)

// Postgres returns the ledger in db, through any driver of database/sql. It does
// not connect. The tables are made by [InPostgres.Migrate]; they are found and
// made through the search_path of the connections, so two ledgers may live in
// two schemas. db stays the caller's to close, after Close.
func Postgres(db *sql.DB, cfg PostgresConfig) (*InPostgres, error) {
	var faults []error
	if db == nil {
		faults = append(faults, errors.New("ledger: postgres: db: is missing; give the one of sql.Open"))
	}
	if cfg.Timeout < 0 {
		faults = append(faults, fmt.Errorf("ledger: postgres: Timeout: is %v; choose a time, or 0 for %v", cfg.Timeout, defaultTimeout))
	}
	faults = append(faults, checkKeepDays("postgres", cfg.KeepDays))
	if err := errors.Join(faults...); err != nil {
		return nil, err
	}
	if cfg.Timeout == 0 {
		cfg.Timeout = defaultTimeout
	}
	l := &InPostgres{db: db, timeout: cfg.Timeout, keepDays: cfg.KeepDays}
	l.arrived.L = &l.mu
	l.ended, l.end = context.WithCancel(context.Background())
	l.running.Go(l.run)
	l.running.Go(l.daily)
	return l, nil
}

// schema makes the tables where they are not there. The chain is in the clear
// columns; salt and payload are NULL when they are gone. The last index is for
// images only.
var schema = []string{
	`SELECT pg_advisory_xact_lock(hashtext('candor_ledger'))`, // CREATE IF NOT EXISTS alone fails when two run at once
	`CREATE TABLE IF NOT EXISTS candor_ledger (
		seq bigint PRIMARY KEY,
		kind smallint NOT NULL,
		day integer NOT NULL,
		ref bigint NOT NULL,
		commitment bytea NOT NULL CHECK (octet_length(commitment) = 32),
		link bytea NOT NULL CHECK (octet_length(link) = 32),
		salt bytea CHECK (octet_length(salt) = 32),
		payload bytea
	)`,
	`CREATE INDEX IF NOT EXISTS candor_ledger_subject ON candor_ledger (substring(payload from 1 for 16))
		WHERE substring(payload from 1 for 16) <> '\x00000000000000000000000000000000'`,
	`CREATE INDEX IF NOT EXISTS candor_ledger_images ON candor_ledger (day) WHERE kind = 4 AND payload IS NOT NULL`,
	`CREATE TABLE IF NOT EXISTS candor_ledger_head (
		one boolean PRIMARY KEY DEFAULT true CHECK (one),
		seq bigint NOT NULL,
		link bytea NOT NULL CHECK (octet_length(link) = 32),
		fence bigint NOT NULL DEFAULT 0
	)`,
	`INSERT INTO candor_ledger_head (seq, link)
		SELECT 0, decode(repeat('00', 32), 'hex') WHERE NOT EXISTS (SELECT 1 FROM candor_ledger)
		ON CONFLICT DO NOTHING`,
	appendFunction,
}

// appendFunction appends entries in one round trip, so that the row which the
// processes take turns on is never locked while an answer travels. Each line is
// kind, day, length of the payload; the parts are, for each entry, the blocks
// that HMAC begins with (RFC 2104), salt and payload. It returns the number of
// the first. A call whose caller has given it up may still wait for its turn;
// the fence that was put up then keeps it out.
const appendFunction = `CREATE OR REPLACE FUNCTION candor_ledger_append(known bigint, lines text, parts bytea) RETURNS bigint LANGUAGE plpgsql AS $$
	DECLARE
		s bigint; l bytea; f bigint; c bytea; first bigint;
		line text; n int[]; at int := 1;
	BEGIN
		SELECT seq, link, fence INTO STRICT s, l, f FROM candor_ledger_head FOR UPDATE;
		IF f <> known THEN
			RAISE EXCEPTION 'a fence was put up' USING ERRCODE = '40001';
		END IF;
		first := s + 1;
		FOREACH line IN ARRAY string_to_array(lines, ';') LOOP
			n := string_to_array(line, ',')::int[];
			s := s + 1;
			c := sha256(substring(parts from at + 64 for 64) ||
				sha256(substring(parts from at for 64) || int8send(s) || substring(parts from at + 160 for n[3])));
			l := sha256(int8send(s) || set_byte('\x00', 0, n[1]) || int4send(n[2]) || int8send(0) || l || c);
			INSERT INTO candor_ledger (seq, kind, day, ref, commitment, link, salt, payload)
			VALUES (s, n[1], n[2], 0, c, l, substring(parts from at + 128 for 32), substring(parts from at + 160 for n[3]));
			at := at + 160 + n[3];
		END LOOP;
		UPDATE candor_ledger_head SET seq = s, link = l;
		RETURN first;
	END $$`

// Migrate makes the tables and the function where they are not there. Run it when
// deploying; several replicas may do it at once. It needs the right to create tables; the
// service itself needs SELECT and INSERT on candor_ledger, UPDATE of its columns
// salt and payload, SELECT and UPDATE on candor_ledger_head, and EXECUTE on
// candor_ledger_append, which everybody has unless it was revoked.
func (l *InPostgres) Migrate(ctx context.Context) error {
	tx, err := l.db.BeginTx(ctx, nil)
	if err != nil {
		return fmt.Errorf("ledger: migrate: %w", err)
	}
	defer func() { _ = tx.Rollback() }()
	for _, statement := range schema {
		if _, err := tx.ExecContext(ctx, statement); err != nil {
			return fmt.Errorf("ledger: migrate: %w", err)
		}
	}
	if err := tx.Commit(); err != nil {
		return fmt.Errorf("ledger: migrate: %w", err)
	}
	return nil
}

// Close waits for the entries that are being appended. Later calls of Append
// return [ErrClosed]. It does not close the database.
func (l *InPostgres) Close() error {
	if !l.queue.close() {
		return ErrClosed
	}
	l.end()
	l.running.Wait()
	return nil
}

// Stats returns the counters.
func (l *InPostgres) Stats() PostgresStats {
	c := &l.counters
	return PostgresStats{
		Appended: c.appended.Load(), Failed: c.failed.Load(), Batches: c.batches.Load(),
		Retries: c.retries.Load(), Unsure: c.unsure.Load(),
		Erased: c.erased.Load(), Pruned: c.pruned.Load(), PruneFailed: c.pruneFailed.Load(),
	}
}

// Describe implements [consent.Describer].
func (l *InPostgres) Describe(m *consent.Manifest) { describe(m, "postgres", l.keepDays) }
