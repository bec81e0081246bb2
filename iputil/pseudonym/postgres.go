package pseudonym

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
)

// Postgres is a Store in a PostgreSQL database (12 or newer), through any driver
// of database/sql. It is safe for concurrent use.
//
// The keys stand in the table candor_pseudonym_keys in clear. Give nobody but
// the service the right to read it, and leave the table out of backups
// (pg_dump --exclude-table-data): a backup keeps a key for as long as the backup
// is kept, and so do write-ahead logs, replicas of the database and, until the
// next vacuum, its files.
type Postgres struct{ db *sql.DB }

// NewPostgres returns a Postgres on db, which stays the caller's to close. Its
// table is made by Migrate.
func NewPostgres(db *sql.DB) (*Postgres, error) {
	if db == nil {
		return nil, errors.New("pseudonym: postgres: has no database; give the one of sql.Open")
	}
	return &Postgres{db}, nil
}

// Migrate makes the table if it is not there. Run it when deploying; several
// replicas may do it at once. It needs the right to create a table.
func (p *Postgres) Migrate(ctx context.Context) error {
	tx, err := p.db.BeginTx(ctx, nil)
	if err != nil {
		return fmt.Errorf("pseudonym: postgres: %w", err)
	}
	defer func() { _ = tx.Rollback() }()
	// CREATE TABLE IF NOT EXISTS alone fails when two run at once.
	for _, statement := range []string{
		`SELECT pg_advisory_xact_lock(hashtext('candor_pseudonym_keys'))`,
		`CREATE TABLE IF NOT EXISTS candor_pseudonym_keys (
			length bigint NOT NULL, -- of the epoch, in nanoseconds
			number bigint NOT NULL, -- of the epoch, in lengths since 1970
			key bytea,              -- NULL when its time is over
			PRIMARY KEY (length, number),
			CHECK (key IS NULL OR octet_length(key) = 32)
		)`,
	} {
		if _, err := tx.ExecContext(ctx, statement); err != nil {
			return fmt.Errorf("pseudonym: postgres: %w", err)
		}
	}
	if err := tx.Commit(); err != nil {
		return fmt.Errorf("pseudonym: postgres: %w", err)
	}
	return nil
}

// Key implements [Store].
func (p *Postgres) Key(ctx context.Context, epoch Epoch, fresh [32]byte) (key [32]byte, err error) {
	length := int64(epoch.Length)
	// One statement, so that replicas that start at once agree: the first insert
	// wins, and what the others offered is dropped.
	if _, err := p.db.ExecContext(ctx, `
		INSERT INTO candor_pseudonym_keys (length, number, key)
		SELECT $1::bigint, $2::bigint, $3::bytea
		WHERE NOT EXISTS (SELECT 1 FROM candor_pseudonym_keys WHERE length = $1 AND (number > $2 + 1 OR number > $2 AND key IS NULL))
		ON CONFLICT DO NOTHING`, length, epoch.Number, fresh[:]); err != nil {
		return key, fmt.Errorf("pseudonym: postgres: %w", err)
	}
	var kept []byte
	err = p.db.QueryRowContext(ctx, `SELECT key FROM candor_pseudonym_keys WHERE length = $1 AND number = $2`, length, epoch.Number).Scan(&kept)
	defer clear(kept)
	switch {
	case errors.Is(err, sql.ErrNoRows), err == nil && kept == nil:
		return key, ErrNoKey
	case err != nil:
		return key, fmt.Errorf("pseudonym: postgres: %w", err)
	case len(kept) != len(key):
		return key, errors.New("pseudonym: postgres: a key of the table has another length; somebody changed it")
	}
	copy(key[:], kept)
	return key, nil
}

// Forget implements [Store]. One row without a key stays, so that a replica
// whose clock is late cannot make the key again.
func (p *Postgres) Forget(ctx context.Context, epoch Epoch) error {
	length := int64(epoch.Length)
	tx, err := p.db.BeginTx(ctx, nil)
	if err != nil {
		return fmt.Errorf("pseudonym: postgres: %w", err)
	}
	defer func() { _ = tx.Rollback() }()
	for _, statement := range []string{
		`INSERT INTO candor_pseudonym_keys (length, number, key) VALUES ($1, $2 - 1, NULL)
		 ON CONFLICT (length, number) DO UPDATE SET key = NULL WHERE candor_pseudonym_keys.key IS NOT NULL`,
		`DELETE FROM candor_pseudonym_keys WHERE length = $1 AND number < $2 - 1`,
	} {
		if _, err := tx.ExecContext(ctx, statement, length, epoch.Number); err != nil {
			return fmt.Errorf("pseudonym: postgres: %w", err)
		}
	}
	if err := tx.Commit(); err != nil {
		return fmt.Errorf("pseudonym: postgres: %w", err)
	}
	return nil
}
