package soak_test

import (
	"bytes"
	"fmt"
	"io/fs"
	"net/http/httptest"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/candorhttp/candor/consent"
	"github.com/candorhttp/candor/consent/ledger"
	"github.com/candorhttp/candor/logging/logaudit/audit"
)

// Invariants 1, 2, 3 and 9 are held by the visitors themselves, at every answer:
// what was taken back does not count, nothing undeclared or not allowed is set,
// the body is the handler's, a no is never turned away. The rest is here.

func manifestOf(t *testing.T, s *site) []byte {
	t.Helper()
	w := httptest.NewRecorder()
	s.handler.ServeHTTP(w, httptest.NewRequest("GET", "/privacy/manifest.json", nil))
	require.Equal(t, 200, w.Code)
	return w.Body.Bytes()
}

// checkLedger: every acknowledged yes is there, none that nobody heard of, and
// the chain verifies (invariants 1 and 6).
func (w *world) checkLedger(t *testing.T, told *tally) {
	t.Helper()
	dir := filepath.Join(w.dir, "consent")
	report, err := ledger.Verify(t.Context(), dir)
	require.NoError(t, err)
	require.Empty(t, report.Faults)
	records, err := ledger.Open(ledger.FilesConfig{Dir: dir})
	require.NoError(t, err)
	defer func() { require.NoError(t, records.Close()) }()
	var grants, others int64
	require.NoError(t, records.Scan(t.Context(), 0, func(e consent.Entry) error {
		if e.Kind == consent.EntryGrant {
			grants++
		} else {
			others++
		}
		return nil
	}))
	require.GreaterOrEqual(t, grants, told.grants.Load(), "an acknowledged yes is missing")
	require.LessOrEqual(t, grants, told.grants.Load()+told.lostGrants.Load(), "a yes that nobody was told of")
	require.GreaterOrEqual(t, others, told.refusals.Load()+told.withdrawn.Load(), "a no is missing")
}

// checkLog: the files hold what the manifest says, and nothing else (invariants
// 2 and 8).
func (w *world) checkLog(t *testing.T, manifest []byte) {
	t.Helper()
	a, err := audit.New(bytes.NewReader(manifest))
	require.NoError(t, err)
	f, err := os.Open(filepath.Join(w.dir, "access.log"))
	require.NoError(t, err)
	defer f.Close()
	found := 0
	require.NoError(t, a.Read(f, "access.log", func(f audit.Finding) {
		if found++; found < 10 {
			t.Error(f)
		}
	}))
	require.Positive(t, a.Stats().Lines)
}

// checkCanaries: nothing of a visitor is in any file or message (invariant 4).
func (w *world) checkCanaries(t *testing.T) {
	t.Helper()
	canaries := []string{canaryMail, canaryToken, canaryAgent, "44bd7ab0c1", "canary.person", "198.51.100.23"}
	for i := range visitors {
		canaries = append(canaries, fmt.Sprintf("203.0.%d.77", i))
	}
	search := func(where string, text []byte) {
		for _, canary := range canaries {
			require.False(t, bytes.Contains(text, []byte(canary)), "%s holds a canary", where)
		}
	}
	require.NoError(t, filepath.WalkDir(w.dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		text, err := os.ReadFile(path)
		search(path, text)
		return err
	}))
	said := w.stderr.String()
	search("standard error", []byte(said))
	require.Contains(t, said, "http: panic serving", "the panics were heard of")
}

// measured is what a process holds.
type measured struct {
	goroutines int
	heap       uint64
}

func measure() measured {
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return measured{runtime.NumGoroutine(), m.HeapAlloc}
}

// maxGrowth is more than the superseded set of a whole soak takes, and far less
// than what one leaked request in a thousand would.
const maxGrowth = 64 << 20

// checkBounded: no goroutine is left and the memory is what it was (invariant 7).
func (m measured) checkBounded(t *testing.T) {
	t.Helper()
	require.Eventually(t, func() bool { return runtime.NumGoroutine() <= m.goroutines+3 }, 10*time.Second, 50*time.Millisecond, "goroutines are left")
	now := measure()
	require.Less(t, now.heap, m.heap+maxGrowth, "the memory grew")
}

// checkAlive: after all that the service starts, takes a yes and a no, and
// remembers both.
func (w *world) checkAlive(t *testing.T) {
	t.Helper()
	s, err := w.start()
	require.NoError(t, err)
	defer func() { require.NoError(t, s.stop(t.Context())) }()
	ask := func(method, path, body, cookie string) *httptest.ResponseRecorder {
		r := httptest.NewRequest(method, path, strings.NewReader(body))
		r.Header.Set("Content-Type", "application/json")
		if cookie != "" {
			r.Header.Set("Cookie", cookie)
		}
		w := httptest.NewRecorder()
		s.handler.ServeHTTP(w, r)
		return w
	}
	yes := ask("POST", "/privacy/decision", `{"grants":{"analytics":true}}`, "")
	require.Equal(t, 200, yes.Code)
	require.Equal(t, "true", ask("GET", "/allowed", "", taken(yes.Header())).Body.String())
	require.Equal(t, 200, ask("POST", "/privacy/withdraw", `{}`, taken(yes.Header())).Code)
	require.Equal(t, "false", ask("GET", "/allowed", "", taken(yes.Header())).Body.String())
}
