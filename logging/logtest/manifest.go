package logtest

import (
	"bytes"
	"os"
	"slices"
	"strings"
	"testing"
)

// UpdateVariable is the environment variable by which [Manifest] writes the file
// in place of comparing with it, when its value is "1".
const UpdateVariable = "CANDOR_UPDATE"

// maxChanges bounds how many changed lines one failure shows.
const maxChanges = 20

// Manifest holds what a service says of itself, such as Access.Manifest or
// Access.Markdown of package logging, against the file in the repository, so
// that a change of what is logged is a change of a file that somebody reviews:
//
//	func TestManifest(t *testing.T) {
//		logtest.Manifest(t, newAccess(t).Manifest(), "testdata/log.json")
//	}
//
// t fails with the lines that differ, as "-" in the file and "+" in the service,
// and where the file is missing. Once the change is meant, run the test with
// CANDOR_UPDATE=1, which writes the file, and commit it.
func Manifest(t testing.TB, manifest []byte, file string) {
	t.Helper()
	if os.Getenv(UpdateVariable) == "1" {
		if err := os.WriteFile(file, manifest, 0o644); err != nil {
			t.Errorf("logtest: manifest: %v", err)
		}
		return
	}
	kept, err := os.ReadFile(file)
	switch {
	case err != nil:
		t.Errorf("logtest: manifest: %v; run the test once with %s=1 and commit the file", err, UpdateVariable)
	case !bytes.Equal(kept, manifest):
		t.Errorf("logtest: manifest: %s is not what runs; review the change, run the test with %s=1 and commit the file:\n%s",
			file, UpdateVariable, changes(string(kept), string(manifest)))
	}
}

// changes lists the lines that only one of the texts has between what they begin
// and what they end with in common.
func changes(kept, now string) string {
	a, b := strings.Split(kept, "\n"), strings.Split(now, "\n")
	for len(a) > 0 && len(b) > 0 && a[0] == b[0] {
		a, b = a[1:], b[1:]
	}
	for len(a) > 0 && len(b) > 0 && a[len(a)-1] == b[len(b)-1] {
		a, b = a[:len(a)-1], b[:len(b)-1]
	}
	var out []string
	for _, line := range a {
		if !slices.Contains(b, line) {
			out = append(out, "-"+line)
		}
	}
	for _, line := range b {
		if !slices.Contains(a, line) {
			out = append(out, "+"+line)
		}
	}
	if len(out) == 0 {
		out = []string{" (the same lines in another order)"}
	}
	if len(out) > maxChanges {
		out = append(out[:maxChanges], " (and more)")
	}
	return strings.Join(out, "\n")
}
