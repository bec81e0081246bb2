package main

import (
	"context"
	"encoding/json"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// The test binary is the command when it is started as a server.
func TestMain(m *testing.M) {
	if len(os.Args) > 1 && os.Args[1] == "-serve" {
		main()
		return
	}
	os.Exit(m.Run())
}

// One short run with the real wrk: every server answers, and the table has a
// row for each.
func TestServed(t *testing.T) {
	if _, err := exec.LookPath("wrk"); err != nil {
		if os.Getenv("CANDOR_REQUIRE") == "1" {
			t.Fatal("wrk is not installed; install Debian's package of that name")
		}
		t.Skip("wrk is not installed")
	}
	var out strings.Builder
	require.NoError(t, run(t.Context(), []string{"-rounds", "1", "-time", "1s", "-connections", "4"}, &out, io.Discard))
	for _, page := range pages {
		require.Contains(t, out.String(), "| "+page+" | bare | ")
		for _, kind := range kinds {
			require.Regexp(t, `\| `+page+` \| `+kind+` \| [0-9]+ \| [0-9.]+ % \| [0-9.]+ \|`, out.String())
		}
	}
}

// Each server does what it is measured for: the chain lets the granted cookie
// out, and each log has a line.
func TestServersDoTheirWork(t *testing.T) {
	for _, page := range pages {
		for _, kind := range kinds {
			ours := kind == "candor" || kind == "queued"
			t.Run(kind+" "+page, func(t *testing.T) {
				dir := t.TempDir()
				s, err := start(t.Context(), kind+" "+page, dir)
				require.NoError(t, err)
				defer s.stop()
				for _, granted := range []bool{true, false} {
					r, err := http.NewRequestWithContext(context.Background(), http.MethodGet, s.url, nil)
					require.NoError(t, err)
					r.Header.Set("Cookie", ownCookies)
					if granted {
						r.Header.Set("Cookie", ownCookies+s.cookie)
					}
					w, err := http.DefaultClient.Do(r)
					require.NoError(t, err)
					body, err := io.ReadAll(w.Body)
					require.NoError(t, err)
					require.NoError(t, w.Body.Close())
					require.Contains(t, string(body), "<title>Teapots</title>")
					require.Equal(t, granted || !ours, w.Header.Get("Set-Cookie") != "")
					require.Equal(t, ours, w.Header.Get("Cache-Control") == "private")
					require.Equal(t, granted && ours && page == "template", strings.Contains(string(body), "Welcome back"))
				}
				s.stop()
				lines, err := os.ReadFile(filepath.Join(dir, kind+"-"+page))
				require.NoError(t, err)
				if kind == "bare" {
					require.Empty(t, lines)
					return
				}
				require.Equal(t, 2, strings.Count(string(lines), "\n"))
				if ours {
					first, _, _ := strings.Cut(string(lines), "\n")
					var line map[string]any
					require.NoError(t, json.Unmarshal([]byte(first), &line))
					require.Equal(t, "granted", line["consent.state"])
					require.Contains(t, line, "client.pseudonym")
				}
			})
		}
	}
}

func TestReadReport(t *testing.T) {
	const text = "Running 5s test @ http://127.0.0.1:1/\n  Latency   1ms\n  61728 requests in 5.00s, 1.00MB read\nRequests/sec:  12345.67\nTransfer/sec: 1MB\n"
	rate, requests, err := readReport(text)
	require.NoError(t, err)
	require.InDelta(t, 12345.67, rate, 0.001)
	require.EqualValues(t, 61728, requests)
	for text, want := range map[string]string{
		"":                                       "does not say",
		"Requests/sec: 7\n":                      "does not say",
		"7 requests in 1s\n":                     "does not say",
		"Requests/sec: fast\n":                   "invalid syntax",
		"many requests in 1s\n":                  "invalid syntax",
		text + "Requests/sec:   0.00\n":          "does not say",
		text + "  0 requests in 5.00s,\n":        "does not say",
		text + "  Non-2xx or 3xx responses: 7\n": "Non-2xx",
		text + "  Socket errors: connect 0, read 3, write 0, timeout 0\n\n": "Socket errors",
	} {
		_, _, err := readReport(text)
		require.ErrorContains(t, err, want)
	}
}

func TestTable(t *testing.T) {
	require.Equal(t, `| page | server | requests/s | of bare | processor µs |
|---|---|--:|--:|--:|
| p | bare | 150 | 100.0 % | 7.0 |
| p | candor | 138 | 92.5 % | 9.5 |
| q | candor | 5 |  | 0.0 |
`, table([]*result{
		{"p", "bare", []float64{100, 200}, []float64{7, 7}}, {"p", "candor", []float64{95, 180}, []float64{9, 10}},
		{"q", "candor", []float64{5}, nil},
	}))
}

func TestFaults(t *testing.T) {
	for _, args := range [][]string{{"-rounds", "0"}, {"-time", "1ms"}, {"-connections", "0"}, {"-serve", "odd hello"}, {"-serve", "bare odd"}, {"-odd"}} {
		require.Error(t, run(t.Context(), args, io.Discard, io.Discard), args)
	}
}
