package logtest_test

import (
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/candorhttp/candor/logging"
	"github.com/candorhttp/candor/logging/logtest"
)

// held returns what Manifest finds fault with.
func held(t *testing.T, manifest, file string) string {
	t.Helper()
	w := &watched{TB: t}
	logtest.Manifest(w, []byte(manifest), file)
	require.LessOrEqual(t, len(w.errors), 1)
	return strings.Join(w.errors, "")
}

// The file in the repository is what runs, or the test fails with what changed.
func TestManifest(t *testing.T) {
	manifest := func(query ...string) string {
		access, err := logging.New(logging.Config{Output: io.Discard, Query: query})
		require.NoError(t, err)
		defer access.Close()
		return string(access.Manifest())
	}
	file := filepath.Join(t.TempDir(), "log.json")
	t.Setenv(logtest.UpdateVariable, "")
	require.Contains(t, held(t, manifest(), file), "run the test once with CANDOR_UPDATE=1")

	t.Setenv(logtest.UpdateVariable, "1")
	require.Empty(t, held(t, manifest(), file))
	require.FileExists(t, file)
	t.Setenv(logtest.UpdateVariable, "0")
	require.Empty(t, held(t, manifest(), file))

	// A name of a query that is logged from now on.
	fault := held(t, manifest("page"), file)
	require.Contains(t, fault, "\n-      \"transform\": \"")
	require.Contains(t, fault, "\n+      \"transform\": \"")
	require.Contains(t, fault, "declared: page")
	require.Contains(t, fault, "\n-      \"form\": ")
	require.Equal(t, 4, strings.Count(fault, "\n"), fault)
	kept, err := os.ReadFile(file)
	require.NoError(t, err)
	require.Equal(t, manifest(), string(kept), "it is not written unasked")

	t.Setenv(logtest.UpdateVariable, "1")
	require.Empty(t, held(t, manifest("page"), file))
	t.Setenv(logtest.UpdateVariable, "")
	require.Empty(t, held(t, manifest("page"), file))
	require.Contains(t, held(t, "b\na\n", put(t, "a\nb\n")), "another order")
	require.Contains(t, held(t, strings.Repeat("x\n", 99)+manifest(), put(t, strings.Repeat("1\n", 99)+manifest("page"))), "(and more)")

	t.Setenv(logtest.UpdateVariable, "1")
	require.Contains(t, held(t, "", filepath.Join(t.TempDir(), "no", "such")), "logtest: manifest: ")
}

func put(t *testing.T, text string) string {
	t.Helper()
	file := filepath.Join(t.TempDir(), "file")
	require.NoError(t, os.WriteFile(file, []byte(text), 0o600))
	return file
}
