package main

import (
	"context"
	"database/sql"
	"os"
	"regexp"
	"strconv"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/candorhttp/candor/consent"
	"github.com/candorhttp/candor/consent/analytics"
	"github.com/candorhttp/candor/consent/analytics/sink"
	"github.com/candorhttp/candor/consent/ledger"
	"github.com/candorhttp/candor/iputil/pseudonym"
)

const crowd = 64

// duration is how long the crowd is there: 20 seconds, or CANDOR_SCALE_OUT.
func duration(t *testing.T) time.Duration {
	text := os.Getenv("CANDOR_SCALE_OUT")
	if text == "" {
		return 20 * time.Second
	}
	d, err := time.ParseDuration(text)
	require.NoError(t, err)
	require.GreaterOrEqual(t, d, 10*time.Second)
	return d
}

// watch measures by how much this machine lets those wait who should run. What
// is promised is two seconds; what is allowed here is a second more, for the way
// through HAProxy and the test itself, and the longest such wait.
func watch(ctx context.Context) (slack func() time.Duration) {
	var worst atomic.Int64
	go func() {
		const tick = 10 * time.Millisecond
		for ctx.Err() == nil {
			begun := time.Now()
			time.Sleep(tick)
			if late := int64(time.Since(begun) - tick); late > worst.Load() {
				worst.Store(late)
			}
		}
	}()
	return func() time.Duration { return time.Second + time.Duration(worst.Load()) }
}

// Two replicas serve a crowd that chooses, looks around and withdraws; one of
// them is killed and started again. What visitors were told holds.
func TestCrowdOnTwoReplicas(t *testing.T) {
	lasts := duration(t)
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	slack := watch(ctx)
	events := &collector{}
	c := newCluster(t, 2, events.addresses(t)...)
	db, err := sql.Open("pgx", c.database)
	require.NoError(t, err)
	defer db.Close()
	// Somebody else on the same store makes the same pseudonyms.
	epochs, err := pseudonym.NewPostgres(db)
	require.NoError(t, err)
	names, err := pseudonym.New(pseudonym.Config{Store: epochs})
	require.NoError(t, err)
	defer names.Close()
	begun := time.Now()

	told := &truth{slack: slack, kept: map[change]consent.EntryKind{}, subjects: map[consent.Subject]bool{}, ended: map[consent.Subject]time.Time{}}
	visitors := make([]*visitor, crowd)
	var wg sync.WaitGroup
	load, stop := context.WithTimeout(ctx, lasts)
	defer stop()
	for i := range visitors {
		visitors[i] = &visitor{truth: told, client: from(i), url: c.url}
		wg.Go(func() { visitors[i].live(load) })
	}
	time.Sleep(lasts / 3)
	c.kill(0)
	time.Sleep(lasts / 6)
	c.start(0)
	wg.Wait()
	events.takeAll()

	// Everybody has heard of everything now, the replica that was away too: it read the ledger.
	time.Sleep(promised + slack())
	for _, v := range visitors {
		wg.Go(func() {
			for _, s := range v.old[max(0, len(v.old)-6):] {
				v.show(s) // HAProxy takes turns
				v.show(s)
			}
			v.client.CloseIdleConnections()
		})
	}
	wg.Wait()
	c.stop()

	records, err := ledger.Postgres(db, ledger.PostgresConfig{})
	require.NoError(t, err)
	defer func() { require.NoError(t, records.Close()) }()
	require.Empty(t, told.wrong)
	told.checkLedger(t, records)
	told.checkEvents(t, events.arrivals(), names, begun)
	checkLogs(t, c.replicas)

	require.Positive(t, told.replayed)
	require.Positive(t, withdrawn(t, c.replicas[1]), "events waited when their visitor withdrew")
	require.Less(t, told.failed, told.pages/10, "a killed replica is not a killed site")
	t.Logf("%v: %d choices acknowledged, %d not answered; %d pages, %d failed; %d superseded cookies shown, the oldest that counted was %v old; slack %v",
		lasts, len(told.kept)+told.refusals, told.unknown, told.pages, told.failed, told.replayed, told.latest.Round(time.Millisecond), slack().Round(time.Millisecond))
}

// checkLedger holds the chain, and that every choice that was acknowledged is in
// it, once, and nothing else but what was not answered.
func (told *truth) checkLedger(t *testing.T, records *ledger.InPostgres) {
	t.Helper()
	report, err := records.Verify(t.Context())
	require.NoError(t, err)
	require.Empty(t, report.Faults)
	there := map[change]consent.EntryKind{}
	refusals, entries := 0, 0
	require.NoError(t, records.Scan(t.Context(), 0, func(e consent.Entry) error {
		entries++
		if e.Subject.IsZero() {
			refusals++
			return nil
		}
		at := change{e.Subject, e.Revision}
		require.Empty(t, there[at], "a choice is there twice")
		there[at] = e.Kind
		return nil
	}))
	lost := 0
	for at, kind := range told.kept {
		if there[at] != kind {
			lost++
		}
	}
	require.Zero(t, lost, "acknowledged choices that are not in the ledger")
	require.GreaterOrEqual(t, refusals, told.refusals)
	known := len(told.kept) + told.refusals
	require.LessOrEqual(t, entries, known+told.unknown)
	require.Greater(t, known, 10*crowd/2, "it was a crowd")
}

// checkEvents holds that nothing arrived of anybody later than they were
// promised, and that both replicas called a visitor the same.
func (told *truth) checkEvents(t *testing.T, came []arrival, names *pseudonym.Keyring, begun time.Time) {
	t.Helper()
	const scope = "analytics/analytics/matomo"
	whose := map[string]consent.Subject{}
	for s := range told.subjects {
		for _, at := range []time.Time{begun, time.Now()} { // midnight may be in between
			text, err := names.AppendAt(nil, at, scope, s[:])
			require.NoError(t, err)
			whose[sink.Visitor(analytics.Delivery{Pseudonym: string(text)}, 8)] = s
		}
	}
	from := map[consent.Subject]int{} // a bit for each replica
	var latest time.Duration
	strangers, late := 0, 0
	for _, a := range came {
		s, ok := whose[a.visitor]
		if !ok {
			strangers++
			continue
		}
		from[s] |= 1 << a.replica
		if at, ok := told.ended[s]; ok {
			after := a.at.Sub(at)
			latest = max(latest, after)
			if after > promised+told.slack() {
				late++
			}
		}
	}
	both := 0
	for _, replicas := range from {
		if replicas == 3 {
			both++
		}
	}
	t.Logf("%d events of %d visitors sent, those of %d by both replicas; the last after a withdrawal was %v late", len(came), len(from), both, latest.Round(time.Millisecond))
	require.Zero(t, late, "events later than promised")
	if sameDay := begun.UTC().YearDay() == time.Now().UTC().YearDay(); sameDay {
		require.Zero(t, strangers, "events under pseudonyms that the shared keys do not make")
	}
	require.Positive(t, both)
}

// checkLogs holds that the access logs of both replicas know each of the crowd
// under one name.
func checkLogs(t *testing.T, replicas []*process) {
	t.Helper()
	all := map[string]map[string]bool{}
	for _, p := range replicas {
		seen := p.names()
		require.NotEmpty(t, seen)
		for epoch, names := range seen {
			if all[epoch] == nil {
				all[epoch] = map[string]bool{}
			}
			for name := range names {
				all[epoch][name] = true
			}
		}
	}
	for epoch, names := range all {
		require.LessOrEqual(t, len(names), crowd, "replicas do not agree in epoch %s", epoch)
	}
}

var withdrawnCount = regexp.MustCompile(`"msg":"ended".*"withdrawn":(\d+)`)

// withdrawn is how many events a replica says that it dropped because of a
// withdrawal.
func withdrawn(t *testing.T, p *process) int {
	t.Helper()
	m := withdrawnCount.FindStringSubmatch(p.said.String())
	require.NotNil(t, m, "%s", p.said.String())
	n, err := strconv.Atoi(m[1])
	require.NoError(t, err)
	return n
}
