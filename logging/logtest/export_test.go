package logtest

import (
	"net/netip"
	"time"
)

// Canary is what the tests see of a canary.
type Canary struct {
	Kind, Place, Value, Core string
	Wholes                   []string
	Addr                     netip.Addr
}

// NewCorpus returns the canaries of a new run, and what reports them.
func NewCorpus(paths ...string) (canaries []Canary, report func(text []byte) []string) {
	c := newCorpus(paths)
	for _, one := range c.canaries {
		canaries = append(canaries, Canary{one.kind.String(), one.place, one.value, one.cores[0], one.wholes, one.addr})
	}
	return canaries, newSearcher(c.canaries).report
}

// Forms returns every text that is looked for.
func Forms(paths ...string) (texts []string) {
	for _, c := range newCorpus(paths).canaries {
		for _, f := range c.forms() {
			texts = append(texts, f.text)
		}
	}
	return texts
}

// Wait sets how long the kit waits for all requests, for one, and for handlers
// to return.
func (k Kit) Wait(total, answer, end time.Duration) Kit {
	k.wait = patience{total, answer, end}
	return k
}

// Target is a path of Kit.Paths with its braces replaced.
func Target(path, segment string) string {
	return (&draft{path: path, segment: segment}).target()
}

const MinForm = minForm
