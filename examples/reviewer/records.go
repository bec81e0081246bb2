package main

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/candorhttp/candor/consent"
	"github.com/candorhttp/candor/consent/ledger"
)

// verifyLedger reads a ledger directory, which a service may be using, and says
// what is wrong with it and what it holds.
func verifyLedger(ctx context.Context, dir string) (found []finding, holds string, err error) {
	r, err := ledger.Verify(ctx, dir)
	if err != nil {
		return nil, "", fmt.Errorf("reviewer: ledger: %w", err)
	}
	for _, f := range r.Faults {
		found = append(found, finding{Visit: "ledger", Kind: "ledger: " + string(f.Kind), Name: fmt.Sprintf("entry %d", f.Seq), Where: "the chain", Why: "it is not what was written"})
	}
	return found, fmt.Sprintf("%d entries: %d grants, %d refusals, %d withdrawals, %d others; %d erased, %d past their time and removed. The chain ends with entry %d.",
		r.Entries, r.Grants, r.Refusals, r.Withdrawals, r.Others, r.Erased, r.Pruned, r.Last), nil
}

// kept is one row of what is kept for how long.
type kept struct{ Kind, What, How string }

// retention gathers from the manifest how long what is kept, by kind.
func retention(m *consent.Manifest) (out []kept) {
	for _, c := range m.Cookies {
		life := "until the browser closes"
		if c.LifetimeDays > 0 {
			life = fmt.Sprintf("%g days", c.LifetimeDays)
		}
		out = append(out, kept{"cookie", c.Name, life})
	}
	fields := map[string][]string{}
	for _, f := range m.Log {
		fields[f.Retention] = append(fields[f.Retention], f.Name)
	}
	times := make([]string, 0, len(fields))
	for t := range fields {
		times = append(times, t)
	}
	slices.Sort(times)
	for _, t := range times {
		out = append(out, kept{"log", strings.Join(fields[t], ", "), t})
	}
	for _, r := range m.Records {
		out = append(out, kept{"records", r.Store, r.Retention})
	}
	for _, c := range m.Counters {
		out = append(out, kept{"counter", c.Name, c.Retention})
	}
	for _, e := range m.Experiments {
		out = append(out, kept{"experiment", e.Name, fmt.Sprintf("%g days", e.KeepDays)})
	}
	return out
}
