package logging_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/candorhttp/candor/logging"
)

// The real GoAccess reads the combined format and counts what was sent.
func TestGoAccessReadsCombined(t *testing.T) {
	goaccess, err := exec.LookPath("goaccess")
	if err != nil {
		if os.Getenv("CANDOR_REQUIRE") == "1" {
			t.Fatal("goaccess is not installed; install Debian's package of that name")
		}
		t.Skip("goaccess is not installed")
	}
	do, _ := alone(t, logging.Config{Format: logging.Combined, Query: []string{"page"}}, func(w http.ResponseWriter, r *http.Request) {
		if r.PathValue("id") == "nobody" {
			http.NotFound(w, r)
			return
		}
		hello(w, r)
	})
	dir := t.TempDir()
	log, err := os.Create(filepath.Join(dir, "access.log"))
	require.NoError(t, err)
	const n = 60
	var size int
	for i := range n {
		r := get(fmt.Sprintf("/users/%d?page=%d", i, i%3))
		switch i % 4 {
		case 0:
			r.Header.Set("User-Agent", chrome)
		case 1:
			r = get("/users/nobody")
		case 2:
			r.Method = "BREW"
			r.RemoteAddr = "@"
		case 3:
			r.RemoteAddr = fmt.Sprintf("[2001:db8:%x::1]:9", i)
			r.Header.Set("User-Agent", "curl/8.5")
		}
		line := do(r)
		require.NotEmpty(t, line)
		size += len(line)
		_, err := log.WriteString(line)
		require.NoError(t, err)
	}
	require.NoError(t, log.Close())
	report := filepath.Join(dir, "report.json")
	out, err := exec.Command(goaccess, log.Name(), "--log-format=COMBINED", "--no-global-config", "-o", report, "--invalid-requests="+filepath.Join(dir, "invalid")).CombinedOutput()
	require.NoError(t, err, string(out))
	invalid, _ := os.ReadFile(filepath.Join(dir, "invalid"))
	text, err := os.ReadFile(report)
	require.NoError(t, err)
	var got struct {
		General struct {
			Total  int `json:"total_requests"`
			Valid  int `json:"valid_requests"`
			Failed int `json:"failed_requests"`
		}
		Requests struct {
			Data []struct {
				Hits struct{ Count int }
				Data string
			}
		}
		NotFound struct {
			Data []struct {
				Hits struct{ Count int }
				Data string
			}
		} `json:"not_found"`
		Browsers struct {
			Data []struct {
				Hits struct{ Count int }
				Data string
			}
		}
	}
	require.NoError(t, json.Unmarshal(text, &got))
	require.Equal(t, n, got.General.Total)
	require.Zero(t, got.General.Failed, "%s", invalid)
	require.Equal(t, n, got.General.Valid)
	hits := map[string]int{}
	for _, row := range got.Requests.Data {
		hits[row.Data] += row.Hits.Count
	}
	for page := range 3 {
		require.Positive(t, hits[fmt.Sprintf("/users/{id}?page=%d", page)], "%v", hits)
	}
	missing := 0
	for _, row := range got.NotFound.Data {
		require.Equal(t, "/users/{id}", row.Data)
		missing += row.Hits.Count
	}
	require.Equal(t, n/4, missing)
	browsers := map[string]int{}
	for _, row := range got.Browsers.Data {
		browsers[row.Data] += row.Hits.Count
	}
	require.Equal(t, n/4, browsers["Chrome"], "%v", browsers)
}
