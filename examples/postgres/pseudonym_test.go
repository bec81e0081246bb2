package postgres_test

import (
	"database/sql"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/candorhttp/candor/examples/postgres/pgtest"
	"github.com/candorhttp/candor/iputil/pseudonym"
	"github.com/candorhttp/candor/iputil/pseudonym/storetest"
)

func store(t *testing.T, db *sql.DB) *pseudonym.Postgres {
	t.Helper()
	s, err := pseudonym.NewPostgres(db)
	require.NoError(t, err)
	return s
}

func TestPseudonymStore(t *testing.T) {
	server := pgtest.Start(t)
	db := server.Open()
	defer db.Close()
	var wg sync.WaitGroup
	for range 8 { // replicas that are deployed at once
		wg.Go(func() { require.NoError(t, store(t, db).Migrate(t.Context())) })
	}
	wg.Wait()
	storetest.Run(t, func(t *testing.T) pseudonym.Store {
		_, err := db.ExecContext(t.Context(), `DELETE FROM candor_pseudonym_keys`)
		require.NoError(t, err)
		return store(t, db)
	})
}

// clock is one replica's; the keyrings' timers run by the real one.
type clock struct {
	mu  sync.Mutex
	now time.Time
}

func (c *clock) Now() time.Time { c.mu.Lock(); defer c.mu.Unlock(); return c.now }

func (c *clock) add(d time.Duration) { c.mu.Lock(); defer c.mu.Unlock(); c.now = c.now.Add(d) }

func replica(t *testing.T, db *sql.DB, c *clock) *pseudonym.Keyring {
	t.Helper()
	k, err := pseudonym.New(pseudonym.Config{Store: store(t, db), Now: c.Now})
	require.NoError(t, err)
	t.Cleanup(k.Close)
	return k
}

func name(t *testing.T, k *pseudonym.Keyring) string {
	t.Helper()
	out, err := k.Append(nil, "log", []byte("203.0.113.9"))
	if err != nil {
		require.ErrorIs(t, err, pseudonym.ErrNoKey)
		require.Empty(t, out)
	}
	return string(out)
}

// eventually waits until a keyring has the key of a new epoch.
func eventually(t *testing.T, k *pseudonym.Keyring) string {
	t.Helper()
	var got string
	require.Eventually(t, func() bool { got = name(t, k); return got != "" }, 20*time.Second, 10*time.Millisecond)
	return got
}

func digits(pseudonym string) string { return pseudonym[strings.LastIndexByte(pseudonym, ':'):] }

func TestReplicasShareEpochs(t *testing.T) {
	server := pgtest.Start(t)
	first, second := server.Open(), server.Open()
	defer first.Close()
	defer second.Close()
	require.NoError(t, store(t, first).Migrate(t.Context()))
	c := &clock{now: time.Date(2026, 11, 24, 23, 0, 0, 0, time.UTC)}

	// Two that start at once agree.
	var a, b *pseudonym.Keyring
	var wg sync.WaitGroup
	wg.Go(func() { a = replica(t, first, c) })
	wg.Go(func() { b = replica(t, second, c) })
	wg.Wait()
	today := name(t, a)
	require.NotEmpty(t, today)
	require.Equal(t, today, name(t, b))
	require.Equal(t, today, name(t, replica(t, second, c)), "after a restart")

	// Days pass: new keys, the same for both, and none of the old ones is left.
	seen := map[string]bool{digits(today): true}
	for range 3 {
		c.add(24 * time.Hour)
		next := eventually(t, a)
		require.Equal(t, next, eventually(t, b))
		require.False(t, seen[digits(next)])
		seen[digits(next)] = true
	}
	var keys int
	require.NoError(t, first.QueryRow(`SELECT count(key) FROM candor_pseudonym_keys`).Scan(&keys))
	require.Equal(t, 2, keys, "today's and yesterday's")
	var rows int
	require.NoError(t, first.QueryRow(`SELECT count(*) FROM candor_pseudonym_keys`).Scan(&rows))
	require.Equal(t, 3, rows, "and one that says what is over")

	// The clock of one goes back by more than an epoch: nothing is made again.
	c.add(-72 * time.Hour)
	require.Empty(t, name(t, a))
	late := replica(t, second, c)
	require.Empty(t, name(t, late))
}

func TestPseudonymsWhileTheServerIsAway(t *testing.T) {
	server := pgtest.Start(t)
	db := server.Open()
	defer db.Close()
	require.NoError(t, store(t, db).Migrate(t.Context()))
	c := &clock{now: time.Date(2026, 11, 24, 12, 0, 0, 0, time.UTC)}
	k := replica(t, db, c)
	today := name(t, k)
	require.NotEmpty(t, today)

	server.Kill()
	require.Equal(t, today, name(t, k), "the key is here")
	c.add(24 * time.Hour)
	require.Empty(t, name(t, k), "no pseudonym, and never the raw value")
	require.Eventually(t, func() bool { return k.Stats().Failed >= 2 }, 20*time.Second, 10*time.Millisecond)
	require.Empty(t, name(t, k))

	server.Run()
	tomorrow := eventually(t, k)
	require.NotEqual(t, digits(today), digits(tomorrow))
}

// A service without the right to make or read the table gets no pseudonyms.
func TestTableIsMissing(t *testing.T) {
	server := pgtest.Start(t)
	db := server.Open()
	defer db.Close()
	k := replica(t, db, &clock{now: time.Now()})
	require.Empty(t, name(t, k))
	require.EqualValues(t, 2, k.Stats().Failed)
	_, err := store(t, db).Key(t.Context(), pseudonym.Epoch{Number: 1, Length: time.Hour}, [32]byte{0: 0xAB, 31: 0xCD})
	require.Error(t, err)
	require.NotContains(t, strings.ToLower(err.Error()), "ab")
}
