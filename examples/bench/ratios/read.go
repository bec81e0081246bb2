package main

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"math"
	"slices"
	"strconv"
	"strings"
)

const (
	maxLine    = 64 << 10
	maxResults = 10_000 // benchmarks, as well as measurements of one
)

// result is one benchmark with all of its measurements.
type result struct {
	name       string // without "Benchmark" and the number of processors
	ns, allocs []float64
}

// read takes the benchmark lines from in and passes over the others. The order
// is that in which the benchmarks first appear.
func read(in io.Reader) ([]*result, error) {
	var results []*result
	byName := map[string]*result{}
	lines := bufio.NewScanner(in)
	lines.Buffer(nil, maxLine)
	for lines.Scan() {
		fields := strings.Fields(lines.Text())
		if len(fields) < 4 || !strings.HasPrefix(fields[0], "Benchmark") || fields[3] != "ns/op" {
			continue
		}
		name := benchmark(fields[0])
		r := byName[name]
		if r == nil {
			r = &result{name: name}
			byName[name] = r
			results = append(results, r)
		}
		ns, ok := number(fields[2])
		if !ok || ns == 0 {
			return nil, fmt.Errorf("ratios: %q: ns/op is not a time; give the output of go test -bench as it is", name)
		}
		r.ns = append(r.ns, ns)
		if i := slices.Index(fields, "allocs/op"); i > 0 {
			allocs, ok := number(fields[i-1])
			if !ok {
				return nil, fmt.Errorf("ratios: %q: allocs/op is not a number; give the output of go test -bench as it is", name)
			}
			r.allocs = append(r.allocs, allocs)
		}
		if len(results) > maxResults || len(r.ns) > maxResults {
			return nil, fmt.Errorf("ratios: more than %d benchmarks or measurements of one; give one run", maxResults)
		}
	}
	if err := lines.Err(); err != nil {
		return nil, fmt.Errorf("ratios: %w", err)
	}
	if len(results) == 0 {
		return nil, errors.New("ratios: no benchmarks; pipe the output of go test -bench into it")
	}
	return results, nil
}

// benchmark is a name without its ends.
func benchmark(s string) string {
	s = strings.TrimPrefix(s, "Benchmark")
	if i := strings.LastIndexByte(s, '-'); i >= 0 && i+1 < len(s) && strings.Trim(s[i+1:], "0123456789") == "" {
		s = s[:i]
	}
	return s
}

func number(s string) (float64, bool) {
	n, err := strconv.ParseFloat(s, 64)
	return n, err == nil && n >= 0 && !math.IsInf(n, 0)
}

// median returns the middle value, of an even count the mean of the two; NaN
// for none.
func median(values []float64) float64 {
	sorted := slices.Sorted(slices.Values(values))
	n := len(sorted)
	switch {
	case n == 0:
		return math.NaN()
	case n%2 == 1:
		return sorted[n/2]
	}
	return sorted[n/2-1]/2 + sorted[n/2]/2
}
