package main

import (
	"fmt"
	"math"
	"slices"
	"strings"
)

// bases are what the others are compared with.
var bases = []string{"Floor", "FloorChain", "GorillaCombined"}

// otherSets end the names of benchmarks that send another request. They are
// compared with the floors for the request without consent.
var otherSets = []string{"Withheld", "Refused"}

// table returns the results as Markdown, fastest first. A base that was not
// measured leaves its column empty.
func table(results []*result) string {
	medians := map[string]float64{}
	for _, r := range results {
		medians[r.name] = median(r.ns)
	}
	sorted := slices.Clone(results)
	slices.SortStableFunc(sorted, func(a, b *result) int {
		switch x, y := medians[a.name], medians[b.name]; {
		case x < y:
			return -1
		case x > y:
			return 1
		}
		return 0
	})
	var out strings.Builder
	out.WriteString("| | ns | allocations |")
	for _, base := range bases {
		fmt.Fprintf(&out, " × %s |", base)
	}
	out.WriteString("\n|---|--:|--:|" + strings.Repeat("--:|", len(bases)) + "\n")
	for _, r := range sorted {
		fmt.Fprintf(&out, "| %s | %.0f | %s |", cell(r.name), medians[r.name], figure(median(r.allocs), "%.0f"))
		for _, base := range bases {
			fmt.Fprintf(&out, " %s |", figure(medians[r.name]/against(medians, base, r.name), "%.2f"))
		}
		out.WriteByte('\n')
	}
	return out.String()
}

// against returns the base's time for the request that a benchmark sends; NaN
// where it was not measured. gorilla's does the same for any request.
func against(medians map[string]float64, base, name string) float64 {
	for _, set := range otherSets {
		if strings.HasSuffix(name, set) && base != "GorillaCombined" {
			base += "Withheld"
			break
		}
	}
	if ns, ok := medians[base]; ok {
		return ns
	}
	return math.NaN()
}

func figure(x float64, format string) string {
	if math.IsNaN(x) {
		return ""
	}
	return fmt.Sprintf(format, x)
}

// cell keeps a name from ending its cell.
func cell(name string) string { return strings.ReplaceAll(name, "|", "\\|") }
