package postgres_test

import (
	"context"
	"database/sql"
	"fmt"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/candorhttp/candor/consent/ledger"
	"github.com/candorhttp/candor/consent/ledger/ledgertest"
	"github.com/candorhttp/candor/examples/postgres/pgtest"
)

const mostReplicas, writers = 8, 32

// spread has 32 goroutines for each replica do n operations in all, numbered
// above after.
func spread(b *testing.B, replicas, after, n int, do func(replica, i int) error) {
	var next atomic.Int64
	var wg sync.WaitGroup
	for r := range replicas {
		for range writers {
			wg.Go(func() {
				for {
					i := int(next.Add(1))
					if i > n {
						return
					}
					if err := do(r, after+i); err != nil {
						b.Error(err)
						return
					}
				}
			})
		}
	}
	wg.Wait()
}

// BenchmarkAppend compares replicas of 32 writers with goroutines that INSERT the
// same rows into a table with the same columns and indexes, each in a transaction
// of its own, as many as two replicas have, in turns. One operation is one entry
// of each.
func BenchmarkAppend(b *testing.B) {
	server := pgtest.Start(b)
	url := newSchema(b, server)
	var dbs [mostReplicas]*sql.DB
	var ledgers [mostReplicas]*ledger.InPostgres
	for i := range dbs {
		dbs[i] = connect(b, "pgx", url)
		if i >= 2 {
			dbs[i].SetMaxOpenConns(8) // the server has 200 for all
		}
		ledgers[i] = onPostgres(b, dbs[i], 0)
	}
	require.NoError(b, ledgers[0].Migrate(b.Context()))
	ctx := context.Background()
	for i := range 200 {
		add(b, ledgers[0], ledgertest.Grant(subject(1<<30+i), 1))
	}
	exec(b, dbs[0], `CREATE TABLE bare (LIKE candor_ledger INCLUDING ALL)`)
	type row struct {
		kind, day, ref                  int64
		commitment, link, salt, payload []byte
	}
	var rows []row
	found, err := dbs[0].Query(`SELECT kind, day, ref, commitment, link, salt, payload FROM candor_ledger`)
	require.NoError(b, err)
	for found.Next() {
		var r row
		require.NoError(b, found.Scan(&r.kind, &r.day, &r.ref, &r.commitment, &r.link, &r.salt, &r.payload))
		rows = append(rows, r)
	}
	require.NoError(b, found.Err())
	insert := func(i, n int) error {
		r := rows[n%len(rows)]
		_, err := dbs[i].ExecContext(ctx, `INSERT INTO bare (seq, kind, day, ref, commitment, link, salt, payload) VALUES ($1, $2, $3, $4, $5, $6, $7, $8)`,
			n, r.kind, r.day, r.ref, r.commitment, r.link, r.salt, r.payload)
		return err
	}
	keep := func(i, n int) error {
		_, err := ledgers[i].Append(ctx, ledgertest.Grant(subject(n), 1))
		return err
	}
	// No run pays for connections.
	spread(b, mostReplicas, 0, 4000, func(i, _ int) error { return dbs[i].PingContext(ctx) })
	batches := func() (n uint64) {
		for _, l := range ledgers {
			n += l.Stats().Batches
		}
		return n
	}
	for _, replicas := range []int{1, 2, 4, mostReplicas} {
		b.Run(fmt.Sprintf("replicas=%d", replicas), func(b *testing.B) {
			exec(b, dbs[0], `TRUNCATE bare`)
			before := batches()
			var bare, ours time.Duration
			const turn = 2000
			b.ResetTimer()
			for done := 0; done < b.N; done += turn {
				n := min(turn, b.N-done)
				begin := time.Now()
				spread(b, 2, done, n, insert)
				between := time.Now()
				spread(b, replicas, done, n, keep)
				bare, ours = bare+between.Sub(begin), ours+time.Since(between)
			}
			b.StopTimer()
			b.ReportMetric(float64(b.N)/float64(batches()-before), "entries/transaction")
			b.ReportMetric(float64(b.N)/bare.Seconds(), "bare-entries/s")
			b.ReportMetric(float64(b.N)/ours.Seconds(), "entries/s")
			b.ReportMetric(bare.Seconds()/ours.Seconds(), "of-bare")
		})
	}
}
