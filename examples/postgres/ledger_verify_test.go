package postgres_test

import (
	"bytes"
	"context"
	"crypto/ed25519"
	"database/sql"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/candorhttp/candor/consent"
	"github.com/candorhttp/candor/consent/ledger"
	"github.com/candorhttp/candor/consent/ledger/ledgertest"
	"github.com/candorhttp/candor/examples/postgres/pgtest"
)

// canary is a text that no other entry has.
const canary = "Zq7LxCanaryText"

func ago(s consent.Subject, days int) consent.Entry {
	e := ledgertest.Grant(s, 1)
	e.Time = time.Now().UTC().AddDate(0, 0, -days).Truncate(time.Second)
	return e
}

func add(t testing.TB, l consent.Ledger, e consent.Entry) uint64 {
	t.Helper()
	seq, err := l.Append(t.Context(), e)
	require.NoError(t, err)
	return seq
}

func exec(t testing.TB, db *sql.DB, statements ...string) {
	t.Helper()
	for _, s := range statements {
		_, err := db.ExecContext(t.Context(), s)
		require.NoError(t, err, s)
	}
}

// written fills a ledger: five entries of subjects 1 to 5, the second erased by
// number 6.
func written(t testing.TB, l consent.Ledger) {
	for i := range 5 {
		add(t, l, ledgertest.Grant(subject(i+1), 1))
	}
	n, err := l.Erase(t.Context(), subject(2))
	require.NoError(t, err)
	require.Equal(t, 1, n)
}

// change is an SQL expression that is another value of the same form.
func flip(column string) string {
	return `set_byte(` + column + `, 9, get_byte(` + column + `, 9) # 1)`
}

func TestTamperingIsFound(t *testing.T) {
	server := pgtest.Start(t)
	for name, row := range map[string]struct {
		statement string
		seq       uint64
		kind      ledger.FaultKind
	}{
		"number":           {`UPDATE candor_ledger SET seq = 30 WHERE seq = 3`, 3, ledger.FaultMissing},
		"reference":        {`UPDATE candor_ledger SET ref = 1 WHERE seq = 3`, 3, ledger.FaultChanged},
		"number beyond":    {`UPDATE candor_ledger SET seq = 4611686018427387904 WHERE seq = 3`, 3, ledger.FaultMissing},
		"day":              {`UPDATE candor_ledger SET day = day + 1 WHERE seq = 3`, 3, ledger.FaultChanged},
		"kind":             {`UPDATE candor_ledger SET kind = 2 WHERE seq = 3`, 3, ledger.FaultChanged},
		"kind beyond":      {`UPDATE candor_ledger SET kind = kind + 256 WHERE seq = 3`, 3, ledger.FaultChanged},
		"commitment":       {`UPDATE candor_ledger SET commitment = ` + flip("commitment") + ` WHERE seq = 3`, 3, ledger.FaultChanged},
		"link":             {`UPDATE candor_ledger SET link = ` + flip("link") + ` WHERE seq = 3`, 3, ledger.FaultChanged},
		"salt":             {`UPDATE candor_ledger SET salt = ` + flip("salt") + ` WHERE seq = 3`, 3, ledger.FaultPayload},
		"payload":          {`UPDATE candor_ledger SET payload = ` + flip("payload") + ` WHERE seq = 3`, 3, ledger.FaultPayload},
		"longer payload":   {`UPDATE candor_ledger SET payload = payload || '\x00' WHERE seq = 3`, 3, ledger.FaultPayload},
		"empty payload":    {`UPDATE candor_ledger SET payload = '' WHERE seq = 3`, 3, ledger.FaultPayload},
		"no salt":          {`UPDATE candor_ledger SET salt = NULL WHERE seq = 3`, 3, ledger.FaultPayload},
		"no payload":       {`UPDATE candor_ledger SET payload = NULL WHERE seq = 3`, 3, ledger.FaultPayload},
		"emptied":          {`UPDATE candor_ledger SET salt = NULL, payload = NULL WHERE seq = 3`, 3, ledger.FaultRemoved},
		"deleted":          {`DELETE FROM candor_ledger WHERE seq = 3`, 3, ledger.FaultMissing},
		"last deleted":     {`DELETE FROM candor_ledger WHERE seq = 6`, 6, ledger.FaultMissing},
		"all deleted":      {`DELETE FROM candor_ledger`, 1, ledger.FaultMissing},
		"erasure changed":  {`UPDATE candor_ledger SET ref = 3 WHERE seq = 6`, 6, ledger.FaultChanged},
		"exchanged":        {`UPDATE candor_ledger SET seq = -seq; UPDATE candor_ledger SET seq = CASE seq WHEN -3 THEN 4 WHEN -4 THEN 3 ELSE -seq END`, 3, ledger.FaultChanged},
		"put in":           {`INSERT INTO candor_ledger SELECT 7, kind, day, ref, commitment, link, salt, payload FROM candor_ledger WHERE seq = 5`, 7, ledger.FaultChanged},
		"head moved back":  {`UPDATE candor_ledger_head SET seq = 5, link = (SELECT link FROM candor_ledger WHERE seq = 5)`, 6, ledger.FaultMark},
		"head of another":  {`UPDATE candor_ledger_head SET link = ` + flip("link"), 6, ledger.FaultMark},
		"head is gone":     {`DELETE FROM candor_ledger_head`, 0, ledger.FaultMark},
		"head moved ahead": {`UPDATE candor_ledger_head SET seq = 9`, 7, ledger.FaultMissing},
	} {
		t.Run(name, func(t *testing.T) {
			l, db := migrated(t, server)
			written(t, l)
			good(t, l)
			exec(t, db, strings.Split(row.statement, "; ")...)
			r, err := l.Verify(t.Context())
			require.NoError(t, err)
			var found []ledger.FaultKind
			for _, f := range r.Faults {
				if f.Seq == row.seq {
					found = append(found, f.Kind)
				}
			}
			require.Contains(t, found, row.kind, "%v", r.Faults)
			if row.kind != ledger.FaultMark {
				require.ErrorIs(t, l.Scan(t.Context(), 0, func(consent.Entry) error { return nil }), errorOf(row.kind), "%v", r.Faults)
			}
		})
	}
}

// errorOf is what a reader of the chain reports. What was removed without a word
// is found by Verify only, which reads what comes after as well.
func errorOf(k ledger.FaultKind) error {
	if k == ledger.FaultRemoved {
		return nil
	}
	return ledger.ErrDamaged
}

func TestCheckpointsOfADatabase(t *testing.T) {
	server := pgtest.Start(t)
	l, db := migrated(t, server)
	written(t, l)
	public, private, err := ed25519.GenerateKey(nil)
	require.NoError(t, err)
	now, err := l.Checkpoint(t.Context())
	require.NoError(t, err)
	text, err := now.Sign(private)
	require.NoError(t, err)
	add(t, l, ledgertest.Refusal())
	read, err := ledger.ReadCheckpoint(text, public)
	require.NoError(t, err)
	r := good(t, l, read)
	require.Equal(t, [2]uint64{6, 7}, [2]uint64{read.Seq, r.Last})

	// Whoever may write everything makes another chain that is whole.
	exec(t, db, `DELETE FROM candor_ledger`, `UPDATE candor_ledger_head SET seq = 0, link = decode(repeat('00', 32), 'hex')`)
	for range 7 {
		add(t, l, ledgertest.Refusal())
	}
	good(t, l)
	r, err = l.Verify(t.Context(), read)
	require.NoError(t, err)
	require.Equal(t, ledger.FaultCheckpoint, r.Faults[0].Kind)
}

func TestPruneOnPostgres(t *testing.T) {
	server := pgtest.Start(t)
	l, _ := migrated(t, server)
	add(t, l, ago(subject(1), 900))
	add(t, l, ago(subject(2), 500))
	add(t, l, ago(subject(3), 800))
	_, err := l.Erase(t.Context(), subject(3))
	require.NoError(t, err)
	_, err = l.Prune(t.Context(), time.Now().AddDate(0, 0, -399))
	require.ErrorContains(t, err, "400 days")
	for _, want := range []int{1, 0} {
		n, err := l.Prune(t.Context(), time.Now().AddDate(0, 0, -700))
		require.NoError(t, err)
		require.Equal(t, want, n)
	}
	r := good(t, l)
	require.Equal(t, [4]uint64{1, 1, 1, 5}, [4]uint64{r.Entries, r.Erased, r.Pruned, r.Last})
	require.Len(t, scan(t, l), 1)
	add(t, l, ago(subject(4), 900)) // late, after the pruning
	require.EqualValues(t, 2, good(t, l).Entries)
}

// By age, and images of who was erased longer ago than a cookie lives.
func TestTidyOnPostgres(t *testing.T) {
	t.Parallel() // it waits for the first round
	server := pgtest.Start(t)
	db := connect(t, "pgx", newSchema(t, server))
	l, err := ledger.Postgres(db, ledger.PostgresConfig{KeepDays: 450})
	require.NoError(t, err)
	require.NoError(t, l.Migrate(t.Context()))
	image := func(s consent.Subject, days int) consent.Entry {
		return consent.Entry{Time: ago(s, days).Time, Kind: consent.EntryErasure, Subject: s}
	}
	add(t, l, image(subject(1), 401))
	add(t, l, image(subject(2), 399))
	add(t, l, ago(subject(3), 500))
	add(t, l, ago(subject(4), 440))
	require.Eventually(t, func() bool { return l.Stats().Pruned == 2 }, 60*time.Second, 20*time.Millisecond)
	require.NoError(t, l.Close())
	require.Zero(t, l.Stats().PruneFailed)
	again := onPostgres(t, db, 0)
	r := good(t, again)
	require.Equal(t, [4]uint64{1, 1, 1, 1}, [4]uint64{r.Entries, r.Images, r.Erased, r.Pruned})
}

// After VACUUM FULL no file of the tables has a byte of who was erased. The
// write-ahead log has, until it is recycled, as the documentation says.
func TestErasedIsNotInTheTables(t *testing.T) {
	server := pgtest.Start(t)
	l, db := migrated(t, server)
	e := ledgertest.Grant(subject(7), 1)
	e.Language = canary
	add(t, l, e)
	add(t, l, ledgertest.Grant(subject(1), 1))
	var salt []byte
	require.NoError(t, db.QueryRow(`SELECT salt FROM candor_ledger WHERE seq = 1`).Scan(&salt))
	s := subject(7)
	find := [][]byte{s[:], []byte(canary), salt}
	var dir string
	require.NoError(t, db.QueryRow(`SELECT current_setting('data_directory')`).Scan(&dir))
	count := func() (found [3]int) {
		exec(t, db, `CHECKPOINT`)
		require.NoError(t, filepath.WalkDir(filepath.Join(dir, "base"), func(path string, d os.DirEntry, err error) error {
			if err != nil || d.IsDir() {
				return err
			}
			b, err := os.ReadFile(path)
			for i := range find {
				if bytes.Contains(b, find[i]) {
					found[i]++
				}
			}
			return err
		}))
		return found
	}
	before := count()
	require.Positive(t, before[0])
	require.Positive(t, before[1])
	require.Positive(t, before[2])
	n, err := l.Erase(t.Context(), subject(7))
	require.NoError(t, err)
	require.Equal(t, 1, n)
	var left int
	require.NoError(t, db.QueryRow(`SELECT count(*) FROM candor_ledger WHERE salt IS NOT NULL AND seq = 1 OR payload IS NOT NULL AND seq = 1`).Scan(&left))
	require.Zero(t, left)
	exec(t, db, `VACUUM FULL candor_ledger`)
	require.Equal(t, [3]int{}, count())
	good(t, l)
}

func TestErrorsHoldNothingOfAPerson(t *testing.T) {
	server := pgtest.Start(t)
	l, db := migrated(t, server)
	exec(t, db, `ALTER TABLE candor_ledger ADD CHECK (octet_length(payload) < 10)`)
	e := ledgertest.Grant(subject(7), 1)
	e.Language = canary
	_, err := l.Append(t.Context(), e)
	require.Error(t, err)
	require.NotContains(t, err.Error(), canary)
	require.NotContains(t, strings.ToLower(err.Error()), "c000000007de")
	require.Zero(t, l.Stats().Retries)

	ended, cancel := context.WithCancel(t.Context())
	cancel()
	_, err = l.Verify(ended)
	require.ErrorIs(t, err, context.Canceled)
}

func TestExportOnPostgres(t *testing.T) {
	server := pgtest.Start(t)
	l, _ := migrated(t, server)
	written(t, l)
	own, err := l.History(t.Context(), subject(1))
	require.NoError(t, err)
	var out strings.Builder
	require.NoError(t, ledger.Export(&out, own))
	require.Equal(t, 1, strings.Count(out.String(), "\n"))
	require.Contains(t, out.String(), `"granted":["analytics"]`)

	var m consent.Manifest
	l.Describe(&m)
	require.Equal(t, "postgres", m.Records[0].Store)
}
