package soak_test

import (
	"bytes"
	"context"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/candorhttp/candor/consent"
	"github.com/candorhttp/candor/logging"
)

// duration is how long the soak lasts.
func duration(t *testing.T) time.Duration {
	t.Helper()
	text := os.Getenv("CANDOR_SOAK")
	if text == "" {
		return 3 * time.Second
	}
	d, err := time.ParseDuration(text)
	require.NoError(t, err, "CANDOR_SOAK")
	return d
}

func TestSoak(t *testing.T) {
	lasts := duration(t)
	w := &world{dir: t.TempDir(), stderr: &buffer{}, keys: []string{consent.GenerateKey()}, truth: truth{ended: map[string]time.Time{}}}
	w.version.Store(1)
	w.good.Store(1)
	logFile, err := os.OpenFile(filepath.Join(w.dir, "access.log"), os.O_CREATE|os.O_WRONLY|os.O_APPEND, 0o600)
	require.NoError(t, err)
	w.log = &faultyWriter{file: logFile}
	first, err := w.start()
	require.NoError(t, err)
	service := &service{site: first}

	listener, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	server := &http.Server{Handler: service, ErrorLog: logging.ErrorLog(slog.New(slog.NewJSONHandler(w.stderr, nil)))}
	go func() { _ = server.Serve(listener) }()
	url := "http://" + listener.Addr().String()

	before := measure()
	ctx, cancel := context.WithTimeout(t.Context(), lasts)
	defer cancel()
	told := &tally{}
	var all sync.WaitGroup
	transport := &http.Transport{MaxIdleConnsPerHost: visitors}
	for i := range visitors {
		all.Go(func() {
			v := &visitor{
				t: told, truth: &w.truth, name: fmt.Sprintf("v%d", i), url: url, client: &http.Client{Transport: transport, Timeout: 20 * time.Second},
				address: fmt.Sprintf("203.0.%d.77", i), random: rand.New(rand.NewPCG(uint64(i), 4711)),
			}
			v.live(ctx)
		})
	}
	all.Go(func() { wrk(ctx, t, url+"/", lasts) })
	all.Go(func() { w.misbehave(ctx, t, service, lasts) })
	all.Wait()
	transport.CloseIdleConnections()

	// Everything works again; what waited is recorded.
	w.heal()
	last := service.take()
	last.running.Wait()
	stats := last.manager.Stats()
	gate := last.gate.Stats()
	manifest := manifestOf(t, last)
	require.NoError(t, last.stop(t.Context()))
	require.NoError(t, server.Shutdown(t.Context()))
	require.NoError(t, logFile.Close())

	t.Logf("%d read, %d yes, %d no, %d taken back, %d replayed, %d hung up, %d unavailable, %d met nobody, %d limited",
		told.read.Load(), told.grants.Load(), told.refusals.Load(), told.withdrawn.Load(), told.replays.Load(), told.reset.Load(),
		told.unavailable.Load(), told.nobody.Load(), told.limited.Load())
	t.Logf("last life: %+v", gate)
	require.Positive(t, told.read.Load())
	require.Positive(t, told.grants.Load())
	require.Positive(t, told.withdrawn.Load())

	require.Empty(t, told.faults, "what visitors saw")
	t.Logf("%d events sent", w.truth.sent)
	require.Positive(t, w.truth.sent)
	require.Zero(t, w.truth.late, "events that left after their visitor's no was acknowledged")
	w.checkLedger(t, told)
	w.checkLog(t, manifest)
	w.checkCanaries(t)
	require.Zero(t, stats.PendingLost)
	before.checkBounded(t)
	w.checkAlive(t)
}

const visitors = 24

// misbehave breaks one thing after another, and mends it.
func (w *world) misbehave(ctx context.Context, t *testing.T, s *service, lasts time.Duration) {
	random := rand.New(rand.NewPCG(1, 2))
	pause := max(lasts/60, 120*time.Millisecond)
	sleep := func(d time.Duration) {
		select {
		case <-ctx.Done():
		case <-time.After(d):
		}
	}
	acts := []func(){
		func() { w.ledger.mode.Store(fails) },
		func() { w.ledger.mode.Store(hangs) },
		func() { w.log.faults.mode.Store(fails) },
		func() { w.sinks[1].mode.Store(hangs) },
		func() { w.sinks[0].mode.Store(fails); w.sinks[1].mode.Store(fails) },
		func() { w.clock.Store(int64(time.Hour)) },
		func() { w.clock.Store(-int64(3 * time.Hour)) },
		func() { w.clock.Store(int64(20 * time.Hour)) },
		func() { w.restart(t, s) },
		func() { // a minor version
			w.version.Add(1)
			w.restart(t, s)
		},
		func() { // a material one
			w.good.Store(w.version.Add(1))
			w.restart(t, s)
		},
		func() { // keys are rotated; the oldest of more than three goes
			w.keys = append([]string{consent.GenerateKey()}, w.keys[:min(len(w.keys), 2)]...)
			w.restart(t, s)
		},
	}
	for round := 0; ctx.Err() == nil; round++ {
		order := random.Perm(len(acts))
		for _, i := range order {
			if ctx.Err() != nil {
				break
			}
			acts[i]()
			sleep(pause)
			w.heal()
			sleep(pause / 2)
		}
	}
}

// heal mends everything.
func (w *world) heal() {
	w.ledger.mode.Store(works)
	w.log.faults.mode.Store(works)
	w.sinks[0].mode.Store(works)
	w.sinks[1].mode.Store(works)
	w.clock.Store(0)
}

// restart ends the service and brings it up again on the same disk.
func (w *world) restart(t *testing.T, s *service) {
	old := s.take()
	if err := old.stop(context.WithoutCancel(t.Context())); err != nil {
		t.Errorf("the service does not end: %v", err)
	}
	next, err := w.start()
	if err != nil {
		t.Errorf("the service does not start: %v", err)
		return
	}
	s.put(next)
}

// wrk adds load without a memory.
func wrk(ctx context.Context, t *testing.T, url string, lasts time.Duration) {
	path, err := exec.LookPath("wrk")
	if err != nil {
		if os.Getenv("CANDOR_REQUIRE") == "1" {
			t.Error("no wrk; install Debian's package")
		}
		return
	}
	var out bytes.Buffer
	cmd := exec.CommandContext(ctx, path, "-t1", "-c8", fmt.Sprintf("-d%ds", max(int(lasts.Seconds())-1, 1)), "-H", "X-Forwarded-For: 198.51.100.23", url)
	cmd.Stdout, cmd.Stderr = &out, &out
	if err := cmd.Run(); err != nil && ctx.Err() == nil {
		t.Errorf("wrk: %v", err)
	}
}
