package main

import (
	"errors"
	"fmt"
	"io/fs"
	"net/http"
	"os"
	"path/filepath"

	"github.com/candorhttp/candor/consent"
	"github.com/candorhttp/candor/consent/analytics"
	"github.com/candorhttp/candor/consent/analytics/statspage"
	"github.com/candorhttp/candor/consent/experiment"
	"github.com/candorhttp/candor/cookies"
)

// newGoodsTrial is the shop's experiment: do cards sell more teapots than a
// list? Visitors who did not agree see the list, as everybody always did.
func newGoodsTrial(gate *cookies.Gate, keys consent.Keys, counters *analytics.Counters) (*experiment.Experiment, error) {
	cookie, err := cookies.NewSealed[string](gate, keys, "exp_goods")
	if err != nil {
		return nil, err
	}
	return experiment.New(experiment.Config{
		Name: "goods", Arms: []experiment.Arm{{Name: "list"}, {Name: "cards"}}, Keys: keys, Cookie: cookie, Exposed: counters.Exposed,
	})
}

// newCounters counts what is declared, by the day.
func newCounters() (*analytics.Counters, error) {
	return analytics.NewCounters(analytics.CountersConfig{
		Events: declared(), Experiments: []string{"goods"},
		UnsafeRunning: true, // so that the sample has something to show on its first day
	})
}

// newStats is the page of the counts, for whoever is signed in. A real shop asks
// whether they work there.
func newStats(counters *analytics.Counters, goods *experiment.Experiment, sessions *cookies.Sealed[session]) (*statspage.Page, error) {
	return statspage.New(statspage.Config{
		Counters: counters, Experiments: []*experiment.Experiment{goods},
		Allow: func(r *http.Request) bool { _, err := sessions.Get(r); return err == nil },
	})
}

// loadCounts reads the counts that an earlier process saved below the directory.
func loadCounts(counters *analytics.Counters, dir string) error {
	if dir == "" {
		return nil
	}
	f, err := os.Open(filepath.Join(dir, "counts"))
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	defer f.Close()
	if err := counters.Load(f); err != nil {
		return fmt.Errorf("%s: %w", f.Name(), err)
	}
	return nil
}

// saveCounts keeps the counts for the next process. One that is killed loses
// what it counted, and nothing else.
func saveCounts(counters *analytics.Counters, dir string) error {
	if dir == "" {
		return nil
	}
	name := filepath.Join(dir, "counts")
	f, err := os.OpenFile(name+".new", os.O_CREATE|os.O_TRUNC|os.O_WRONLY, 0o600)
	if err != nil {
		return err
	}
	if err := errors.Join(counters.Save(f), f.Sync(), f.Close()); err != nil {
		return err
	}
	return os.Rename(name+".new", name)
}
