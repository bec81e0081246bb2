package logging

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strconv"
)

// rateField says in each line for how many it stands.
func rateField(kept string, sample int) Field {
	return Field{
		Name: "sample.rate", Kind: None, Transform: "how many requests the line stands for: 1 where the answer is 5xx or something failed",
		Purpose: "to count requests of which not all have a line", Retention: kept, Tier: Strict,
		Form: fmt.Sprintf("^(1|%d)$", sample), value: putRate,
	}
}

func putRate(dst []byte, r *record) []byte {
	if r.failed() {
		return append(dst, '1')
	}
	return strconv.AppendInt(dst, int64(r.access.sample), 10)
}

// failed reports what is always logged.
func (r *record) failed() bool {
	o := &r.outcome
	return o.Status >= 500 || o.Panicked || o.Superseded || o.ClientGone || o.WriteError || o.Aborted
}

// passes reports whether the record gets a line.
func (a *Access) passes(r *record) bool {
	if len(a.skip) == 0 && a.sample <= 1 || r.failed() {
		return true
	}
	if len(a.skip) > 0 && slices.Contains(a.skip, routePath(r.x.Route())) {
		a.counters.skipped.Add(1)
		return false
	}
	if a.sample > 1 && rand.IntN(a.sample) != 0 {
		a.counters.sampledOut.Add(1)
		return false
	}
	return true
}
