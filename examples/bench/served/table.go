package main

import (
	"fmt"
	"slices"
	"strings"
)

// result is one server behind one sort of page, with what was measured.
type result struct {
	page, kind string
	rates      []float64 // requests a second
	times      []float64 // microseconds of processor time a request
}

// table returns the medians as Markdown, and what they are to the bare server of
// the same page. The share is the median of the shares of each round, as the
// two stood next to each other then.
func table(results []*result) string {
	var b strings.Builder
	b.WriteString("| page | server | requests/s | of bare | processor µs |\n|---|---|--:|--:|--:|\n")
	for _, r := range results {
		bare := bareOf(results, r.page)
		shares := make([]float64, 0, len(r.rates))
		for i, rate := range r.rates {
			if bare != nil && i < len(bare.rates) {
				shares = append(shares, rate/bare.rates[i])
			}
		}
		share := ""
		if len(shares) > 0 {
			share = fmt.Sprintf("%.1f %%", 100*median(shares))
		}
		fmt.Fprintf(&b, "| %s | %s | %.0f | %s | %.1f |\n", r.page, r.kind, median(r.rates), share, median(r.times))
	}
	return b.String()
}

func bareOf(results []*result, page string) *result {
	for _, r := range results {
		if r.page == page && r.kind == "bare" {
			return r
		}
	}
	return nil
}

// median returns the middle value, of an even count the mean of the two, 0 of
// none.
func median(values []float64) float64 {
	sorted := slices.Sorted(slices.Values(values))
	n := len(sorted)
	switch {
	case n == 0:
		return 0
	case n%2 == 1:
		return sorted[n/2]
	}
	return (sorted[n/2-1] + sorted[n/2]) / 2
}
