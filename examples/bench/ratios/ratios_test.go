package main

import (
	"errors"
	"math"
	"strings"
	"testing"
	"testing/iotest"

	"github.com/stretchr/testify/require"
)

const sample = `goos: linux
goarch: amd64
pkg: example.com/bench
BenchmarkFloor-2             	  100	      100 ns/op	      32 B/op	       1 allocs/op
BenchmarkFloor-2             	  100	      900 ns/op	      32 B/op	       1 allocs/op
BenchmarkFloor-2             	  100	      200 ns/op	      32 B/op	       1 allocs/op
BenchmarkFloorChain          	  100	      400.0 ns/op	      32 B/op	       3 allocs/op
BenchmarkCandorLog-16        	  100	      250 ns/op	      32 B/op	       4 allocs/op
BenchmarkCandorLog-16        	  100	      350 ns/op	      32 B/op	       4 allocs/op
BenchmarkFloorWithheld-2     	  100	      150 ns/op
BenchmarkCandorChainRefused-2	  100	      600 ns/op	 12 some/op	      32 B/op	      12 allocs/op
BenchmarkVisitors/1000000-2  	  100	      700 ns/op
PASS
ok  	example.com/bench	4.2s
`

func TestTable(t *testing.T) {
	var out strings.Builder
	require.NoError(t, run(strings.NewReader(sample), &out))
	require.Equal(t, `| | ns | allocations | × Floor | × FloorChain | × GorillaCombined |
|---|--:|--:|--:|--:|--:|
| FloorWithheld | 150 |  | 1.00 |  |  |
| Floor | 200 | 1 | 1.00 | 0.50 |  |
| CandorLog | 300 | 4 | 1.50 | 0.75 |  |
| FloorChain | 400 | 3 | 2.00 | 1.00 |  |
| CandorChainRefused | 600 | 12 | 4.00 |  |  |
| Visitors/1000000 | 700 |  | 3.50 | 1.75 |  |
`, out.String())
}

func TestGorillaIsTheBaseOfEveryRequest(t *testing.T) {
	results, err := read(strings.NewReader("BenchmarkGorillaCombined-2 1 200 ns/op\nBenchmarkFloorChainWithheld-2 1 100 ns/op\n"))
	require.NoError(t, err)
	require.Contains(t, table(results), "| FloorChainWithheld | 100 |  |  | 1.00 | 0.50 |\n")
}

func TestWhatCannotBeRead(t *testing.T) {
	for name, row := range map[string]struct{ in, want string }{
		"nothing":        {"", "no benchmarks"},
		"a failed run":   {"--- FAIL: BenchmarkFloor\nFAIL\n", "no benchmarks"},
		"not a time":     {"BenchmarkFloor-2 100 fast ns/op\n", "ns/op is not a time"},
		"no time at all": {"BenchmarkFloor-2 100 0 ns/op\n", "ns/op is not a time"},
		"NaN":            {"BenchmarkFloor-2 100 NaN ns/op\n", "ns/op is not a time"},
		"infinite":       {"BenchmarkFloor-2 100 Inf ns/op\n", "ns/op is not a time"},
		"bad allocs":     {"BenchmarkFloor-2 100 1 ns/op x allocs/op\n", "allocs/op is not a number"},
		"a long line":    {"BenchmarkFloor-2 " + strings.Repeat("1", maxLine), "token too long"},
		"too many":       {strings.Repeat("BenchmarkFloor-2 100 1 ns/op\n", maxResults+1), "give one run"},
	} {
		t.Run(name, func(t *testing.T) {
			var out strings.Builder
			require.ErrorContains(t, run(strings.NewReader(row.in), &out), row.want)
			require.Empty(t, out.String())
		})
	}
	broken := errors.New("broken pipe")
	require.ErrorIs(t, run(iotest.ErrReader(broken), &strings.Builder{}), broken)
}

func TestNamesLoseTheirEnds(t *testing.T) {
	for in, want := range map[string]string{
		"BenchmarkFloor": "Floor", "BenchmarkFloor-2": "Floor", "BenchmarkVisitors/100-16": "Visitors/100",
		"BenchmarkX/a-b": "X/a-b", "BenchmarkX-": "X-", "Benchmark": "",
	} {
		require.Equal(t, want, benchmark(in))
	}
}

func TestMedian(t *testing.T) {
	require.True(t, math.IsNaN(median(nil)))
	require.Equal(t, 3.0, median([]float64{3}))
	require.Equal(t, 2.5, median([]float64{4, 1, 3, 2}))
	require.Equal(t, 3.0, median([]float64{1000, 1, 3}))
	require.Equal(t, math.MaxFloat64, median([]float64{math.MaxFloat64, math.MaxFloat64}))
}

func FuzzRead(f *testing.F) {
	f.Add(sample)
	f.Add("Benchmark|x 1 1 ns/op\n")
	f.Fuzz(func(t *testing.T, in string) {
		results, err := read(strings.NewReader(in))
		if err != nil {
			require.Empty(t, results)
			return
		}
		lines := strings.Split(strings.TrimSuffix(table(results), "\n"), "\n")
		require.Len(t, lines, 2+len(results))
		for _, line := range lines {
			require.Equal(t, 7, strings.Count(strings.ReplaceAll(line, `\|`, ""), "|"), line)
		}
	})
}
