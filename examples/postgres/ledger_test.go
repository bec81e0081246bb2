package postgres_test

import (
	"context"
	"database/sql"
	"fmt"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	_ "github.com/lib/pq" // the driver "postgres"
	"github.com/stretchr/testify/require"

	"github.com/candorhttp/candor/consent"
	"github.com/candorhttp/candor/consent/ledger"
	"github.com/candorhttp/candor/consent/ledger/ledgertest"
	"github.com/candorhttp/candor/examples/postgres/pgtest"
)

var schemas atomic.Int64

// newSchema makes a schema of its own for a ledger and returns the address of
// databases that see no other.
func newSchema(t testing.TB, server *pgtest.Server) string {
	t.Helper()
	name := fmt.Sprintf("ledger%d", schemas.Add(1))
	db := server.Open()
	defer db.Close()
	_, err := db.ExecContext(t.Context(), "CREATE SCHEMA "+name)
	require.NoError(t, err)
	return server.URL() + "&search_path=" + name
}

func connect(t testing.TB, driver, url string) *sql.DB {
	t.Helper()
	db, err := sql.Open(driver, url)
	require.NoError(t, err)
	db.SetMaxIdleConns(50)
	t.Cleanup(func() { _ = db.Close() })
	return db
}

func onPostgres(t testing.TB, db *sql.DB, timeout time.Duration) *ledger.InPostgres {
	t.Helper()
	l, err := ledger.Postgres(db, ledger.PostgresConfig{Timeout: timeout})
	require.NoError(t, err)
	t.Cleanup(func() { _ = l.Close() })
	return l
}

// migrated returns a ledger with nothing in it.
func migrated(t testing.TB, server *pgtest.Server) (*ledger.InPostgres, *sql.DB) {
	t.Helper()
	db := connect(t, "pgx", newSchema(t, server))
	l := onPostgres(t, db, 0)
	require.NoError(t, l.Migrate(t.Context()))
	return l, db
}

func subject(n int) consent.Subject {
	return consent.Subject{0xc0, byte(n >> 24), byte(n >> 16), byte(n >> 8), byte(n), 0xde}
}

func scan(t testing.TB, l consent.Ledger) (out []consent.Entry) {
	t.Helper()
	require.NoError(t, l.Scan(t.Context(), 0, func(e consent.Entry) error { out = append(out, e); return nil }))
	return out
}

func good(t testing.TB, l *ledger.InPostgres, checkpoints ...ledger.Checkpoint) ledger.Report {
	t.Helper()
	r, err := l.Verify(t.Context(), checkpoints...)
	require.NoError(t, err)
	require.Empty(t, r.Faults)
	return r
}

func TestLedger(t *testing.T) {
	server := pgtest.Start(t)
	for _, driver := range []string{"pgx", "postgres"} {
		t.Run(driver, func(t *testing.T) {
			ledgertest.Run(t, func(t *testing.T) consent.Ledger {
				l := onPostgres(t, connect(t, driver, newSchema(t, server)), 0)
				require.NoError(t, l.Migrate(t.Context()))
				return l
			})
		})
	}
}

func TestMigrateAtOnceAndAgain(t *testing.T) {
	server := pgtest.Start(t)
	db := connect(t, "pgx", newSchema(t, server))
	l := onPostgres(t, db, 0)
	var wg sync.WaitGroup
	for range 8 { // replicas that are deployed at once
		wg.Go(func() { require.NoError(t, l.Migrate(t.Context())) })
	}
	wg.Wait()
	seq, err := l.Append(t.Context(), ledgertest.Grant(subject(1), 1))
	require.NoError(t, err)
	require.EqualValues(t, 1, seq)
	require.NoError(t, l.Migrate(t.Context()), "a later deployment")
	require.EqualValues(t, 1, good(t, l).Entries)
}

// Whoever may do only what the documentation says can run the service.
func TestPrivileges(t *testing.T) {
	server := pgtest.Start(t)
	l, db := migrated(t, server)
	var schema string
	require.NoError(t, db.QueryRow(`SELECT current_schema()`).Scan(&schema))
	for _, statement := range []string{
		`CREATE ROLE service LOGIN`, `GRANT USAGE ON SCHEMA ` + schema + ` TO service`,
		`GRANT SELECT, INSERT ON candor_ledger TO service`, `GRANT UPDATE (salt, payload) ON candor_ledger TO service`,
		`GRANT SELECT, UPDATE ON candor_ledger_head TO service`,
	} {
		_, err := db.Exec(statement)
		require.NoError(t, err)
	}
	as := connect(t, "pgx", fmt.Sprintf("%s&user=service&search_path=%s", server.URL(), schema))
	var user string
	require.NoError(t, as.QueryRow(`SELECT current_user`).Scan(&user))
	require.Equal(t, "service", user)
	service := onPostgres(t, as, 0)
	old := ledgertest.Grant(subject(2), 1)
	old.Time = time.Now().UTC().AddDate(-2, 0, 0)
	for _, e := range []consent.Entry{ledgertest.Grant(subject(1), 1), old, ledgertest.Refusal()} {
		_, err := service.Append(t.Context(), e)
		require.NoError(t, err)
	}
	n, err := service.Erase(t.Context(), subject(1))
	require.NoError(t, err)
	require.Equal(t, 1, n)
	n, err = service.Prune(t.Context(), time.Now().AddDate(0, 0, -500))
	require.NoError(t, err)
	require.Equal(t, 1, n)
	good(t, service)
	_, err = as.Exec(`DELETE FROM candor_ledger`)
	require.Error(t, err)
	good(t, l)
}

// Two replicas with 32 writers each make one chain; each follower hears all of
// it in order.
func TestReplicasShareOneChain(t *testing.T) {
	server := pgtest.Start(t)
	url := newSchema(t, server)
	first, second := onPostgres(t, connect(t, "pgx", url), 0), onPostgres(t, connect(t, "postgres", url), 0)
	require.NoError(t, first.Migrate(t.Context()))
	const writers, each = 32, 20
	var wg sync.WaitGroup
	var mu sync.Mutex
	kept := map[uint64]consent.Subject{}
	heard := make([]chan consent.Entry, 2)
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	for i, l := range []*ledger.InPostgres{first, second} {
		heard[i] = make(chan consent.Entry, 2*writers*each)
		wg.Go(func() {
			_ = l.Follow(ctx, 0, func(e consent.Entry) error { heard[i] <- e; return nil })
		})
		for w := range writers {
			wg.Go(func() {
				for n := range each {
					s := subject(i<<16 | w<<8 | n)
					seq, err := l.Append(ctx, ledgertest.Grant(s, uint64(n+1)))
					if err != nil {
						t.Error(err)
						return
					}
					mu.Lock()
					kept[seq] = s
					mu.Unlock()
				}
			})
		}
	}
	for i := range heard {
		for seq := uint64(1); seq <= 2*writers*each; seq++ {
			select {
			case e := <-heard[i]:
				require.Equal(t, seq, e.Seq)
			case <-time.After(30 * time.Second):
				require.Fail(t, "not heard", "replica %d, entry %d", i, seq)
			}
		}
	}
	cancel()
	wg.Wait()
	require.Len(t, kept, 2*writers*each)
	for _, e := range scan(t, first) {
		require.Equal(t, kept[e.Seq], e.Subject)
	}
	r := good(t, second)
	require.EqualValues(t, 2*writers*each, r.Entries)
	for _, l := range []*ledger.InPostgres{first, second} {
		s := l.Stats()
		require.EqualValues(t, writers*each, s.Appended)
		require.Less(t, s.Batches, s.Appended/4, "writers share transactions")
	}
}

// What another replica erased is known here by its image alone.
func TestFollowersHearOfErasures(t *testing.T) {
	server := pgtest.Start(t)
	l, db := migrated(t, server)
	other := onPostgres(t, db, 0)
	_, err := l.Append(t.Context(), ledgertest.Grant(subject(1), 1))
	require.NoError(t, err)
	heard := make(chan consent.Entry, 10)
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	go func() { _ = other.Follow(ctx, 1, func(e consent.Entry) error { heard <- e; return nil }) }()
	_, err = l.Append(t.Context(), consent.Entry{Time: time.Now().UTC().Truncate(time.Second), Kind: consent.EntryErasure, Subject: subject(1).Image()})
	require.NoError(t, err)
	_, err = l.Erase(t.Context(), subject(1))
	require.NoError(t, err)
	e := <-heard
	require.Equal(t, consent.EntryErasure, e.Kind)
	require.Equal(t, subject(1).Image(), e.Subject)
	require.Len(t, scan(t, other), 1)
}

func TestSerializationFailuresAreTriedAgain(t *testing.T) {
	server := pgtest.Start(t)
	for _, driver := range []string{"pgx", "postgres"} {
		for _, state := range []string{"40001", "40P01"} {
			t.Run(driver+" "+state, func(t *testing.T) {
				db := connect(t, driver, newSchema(t, server))
				l := onPostgres(t, db, 0)
				require.NoError(t, l.Migrate(t.Context()))
				// nextval is not undone, so the third try works.
				for _, statement := range []string{
					`CREATE SEQUENCE tries`,
					`CREATE FUNCTION fail() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
						IF nextval('tries') <= 2 THEN RAISE EXCEPTION 'try again' USING ERRCODE = '` + state + `'; END IF;
						RETURN NEW; END $$`,
					`CREATE CONSTRAINT TRIGGER fail AFTER INSERT ON candor_ledger DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION fail()`,
				} {
					_, err := db.Exec(statement)
					require.NoError(t, err)
				}
				seq, err := l.Append(t.Context(), ledgertest.Refusal())
				require.NoError(t, err)
				require.EqualValues(t, 1, seq)
				require.EqualValues(t, 2, l.Stats().Retries)
				require.EqualValues(t, 1, good(t, l).Entries)
			})
		}
	}
}

// The database's own default does not matter.
func TestDefaultIsolation(t *testing.T) {
	server := pgtest.Start(t)
	url := newSchema(t, server) + "&default_transaction_isolation=serializable"
	db := connect(t, "pgx", url)
	l, other := onPostgres(t, db, 0), onPostgres(t, connect(t, "pgx", url), 0)
	require.NoError(t, l.Migrate(t.Context()))
	var wg sync.WaitGroup
	for i := range 16 {
		wg.Go(func() {
			for range 10 {
				if _, err := []*ledger.InPostgres{l, other}[i%2].Append(t.Context(), ledgertest.Refusal()); err != nil {
					t.Error(err)
				}
			}
		})
	}
	wg.Wait()
	require.EqualValues(t, 160, good(t, l).Entries)
}

func TestNotMigrated(t *testing.T) {
	server := pgtest.Start(t)
	l := onPostgres(t, connect(t, "pgx", newSchema(t, server)), 0)
	_, err := l.Append(t.Context(), ledgertest.Grant(subject(1), 1))
	require.ErrorContains(t, err, "candor_ledger_append")
	require.Zero(t, l.Stats().Retries, "it would not help")
	require.Error(t, l.Scan(t.Context(), 0, func(consent.Entry) error { return nil }))
	_, err = l.Verify(t.Context())
	require.Error(t, err)
	require.NoError(t, l.Migrate(t.Context()))
	_, err = l.Append(t.Context(), ledgertest.Grant(subject(1), 1))
	require.NoError(t, err)
}

func TestAfterClose(t *testing.T) {
	server := pgtest.Start(t)
	l, _ := migrated(t, server)
	require.NoError(t, l.Close())
	require.ErrorIs(t, l.Close(), ledger.ErrClosed)
	_, err := l.Append(t.Context(), ledgertest.Refusal())
	require.ErrorIs(t, err, ledger.ErrClosed)
	require.ErrorIs(t, l.Follow(t.Context(), 0, func(consent.Entry) error { return nil }), ledger.ErrClosed)
	_, err = l.Erase(t.Context(), subject(1))
	require.ErrorIs(t, err, ledger.ErrClosed)
}
