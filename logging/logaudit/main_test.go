package main_test

import (
	"bytes"
	"compress/gzip"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// command builds logaudit and returns its path.
func command(t *testing.T) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "logaudit")
	if runtime.GOOS == "windows" {
		path += ".exe"
	}
	out, err := exec.Command("go", "build", "-o", path, ".").CombinedOutput()
	require.NoError(t, err, "%s", out)
	return path
}

// execute runs it in a folder.
func execute(t *testing.T, path, dir, stdin string, args ...string) (code int, stdout, stderr string) {
	t.Helper()
	cmd := exec.Command(path, args...)
	var out, err bytes.Buffer
	cmd.Dir, cmd.Stdin, cmd.Stdout, cmd.Stderr = dir, strings.NewReader(stdin), &out, &err
	var exit *exec.ExitError
	if e := cmd.Run(); e != nil {
		require.ErrorAs(t, e, &exit)
	}
	return cmd.ProcessState.ExitCode(), out.String(), err.String()
}

const (
	good = `{"time":"2026-11-24T09:12:30Z","http.route":"/users/{id}","client.address":"203.0.0.0"}` + "\n"
	bad  = `{"time":"2026-11-24T09:12:30Z","http.route":"/users/canary@example.org","client.address":"203.0.113.77","canary.person@example.org":1}` + "\n"
	at   = "2026-11-24T12:00:00Z"
)

func files(t *testing.T) string {
	t.Helper()
	dir := t.TempDir()
	manifest, err := os.ReadFile("audit/testdata/manifest.json")
	require.NoError(t, err)
	var zipped bytes.Buffer
	z := gzip.NewWriter(&zipped)
	_, err = z.Write([]byte(good + bad))
	require.NoError(t, err)
	require.NoError(t, z.Close())
	for name, text := range map[string][]byte{
		"manifest.json": manifest, "empty.json": []byte("{}"), "good.log": []byte(good), "bad.log": []byte(good + bad),
		"bad.log.gz": zipped.Bytes(), "torn.gz": zipped.Bytes()[:zipped.Len()-9],
		"combined.log": []byte(`203.0.113.77 - - [24/Nov/2026:10:00:00 +0000] "GET / HTTP/1.1" 200 1 "-" "Firefox/128 (Linux; desktop)"` + "\n"),
	} {
		require.NoError(t, os.WriteFile(filepath.Join(dir, name), text, 0o600))
	}
	return dir
}

func TestCommand(t *testing.T) {
	path, dir := command(t), files(t)
	// What an address may show is known at the line's end.
	found := func(name string) string {
		return name + ":2: http.route: email\n" + name + ":2: -: undeclared\n" + name + ":2: client.address: bits\n"
	}
	manifest := []string{"-now", at, "-manifest", "manifest.json"}
	for _, c := range []struct {
		name        string
		args        []string
		stdin       string
		code        int
		out, errors string
	}{
		{"clean", append(manifest, "good.log"), "", 0, "logaudit: 0 findings in 1 lines of 1 logs\n", ""},
		{"findings", append(manifest, "bad.log"), "", 1, found("bad.log") + "logaudit: 3 findings in 2 lines of 1 logs\n", ""},
		{"several logs", append(manifest, "good.log", "bad.log.gz", "combined.log"), "", 1,
			found("bad.log.gz") + "combined.log:1: client.address: bits\nlogaudit: 4 findings in 4 lines of 3 logs\n", ""},
		{"standard input", append(manifest, "-"), good + bad, 1, found("-") + "logaudit: 3 findings in 2 lines of 1 logs\n", ""},
		{"old by the present", []string{"-manifest", "manifest.json", "-now", "2027-11-24T12:00:00Z", "good.log"}, "", 1,
			"good.log:1: time: retention\ngood.log:1: http.route: retention\ngood.log:1: client.address: retention\nlogaudit: 3 findings in 1 lines of 1 logs\n", ""},
		{"a log that is missing", append(manifest, "none.log", "good.log"), "", 2, "logaudit: 0 findings in 1 lines of 1 logs\n", "none.log"},
		{"a log that is torn", append(manifest, "torn.gz"), "", 2, found("torn.gz") + "logaudit: 3 findings in 2 lines of 1 logs\n", "torn.gz"},
		{"a folder", append(manifest, "."), "", 2, "logaudit: 0 findings in 0 lines of 0 logs\n", "audit: .: read"},
		{"no log", manifest, "", 2, "", "usage: logaudit"},
		{"no manifest", []string{"good.log"}, "", 2, "", "usage: logaudit"},
		{"a manifest that is missing", []string{"-manifest", "none.json", "good.log"}, "", 2, "", "none.json"},
		{"a manifest of no log", []string{"-manifest", "empty.json", "good.log"}, "", 2, "", "audit: manifest: log: has 0 fields"},
		{"a log as manifest", []string{"-manifest", "bad.log", "good.log"}, "", 2, "", "audit: manifest: is not the JSON"},
		{"an unknown flag", []string{"-nothing"}, "", 2, "", "not defined: -nothing"},
		{"a time that is none", append(manifest, "-now", "yesterday", "good.log"), "", 2, "", "-now: is no time"},
		{"help", []string{"-h"}, "", 0, "", "usage: logaudit"},
	} {
		t.Run(c.name, func(t *testing.T) {
			code, out, errors := execute(t, path, dir, c.stdin, c.args...)
			require.Equal(t, c.code, code, errors)
			require.Equal(t, c.out, out)
			require.Contains(t, errors, c.errors)
			if c.errors == "" {
				require.Empty(t, errors)
			}
			for _, canary := range []string{"canary", "203.0", "@example"} {
				require.NotContains(t, out+errors, canary)
			}
		})
	}
}

// Of each kind in each field ten findings are shown, over all logs.
func TestFindingsAreCapped(t *testing.T) {
	path, dir := command(t), files(t)
	code, out, _ := execute(t, path, dir, strings.Repeat(bad, 8), "-now", at, "-manifest", "manifest.json", "-", "bad.log", "bad.log", "bad.log")
	require.Equal(t, 1, code)
	require.Equal(t, 10, strings.Count(out, ": http.route: email\n"))
	require.Contains(t, out, "\nhttp.route: email: 1 more\n-: undeclared: 1 more\nclient.address: bits: 1 more\nlogaudit: 33 findings in 14 lines of 4 logs\n")
}

// Any number of undeclared keys has a report of bounded length.
func TestKeysAreCapped(t *testing.T) {
	path, dir := command(t), files(t)
	var log strings.Builder
	word := func(n int) string {
		return strings.Map(func(r rune) rune { return r - '0' + 'a' }, fmt.Sprintf("%05d", n))
	}
	for i := range 5000 {
		fmt.Fprintf(&log, "{\"time\":%q,\"x.%s\":1}\n", at, word(i))
	}
	code, out, _ := execute(t, path, dir, log.String(), "-now", at, "-manifest", "manifest.json", "-")
	require.Equal(t, 1, code)
	require.Equal(t, 1000+10, strings.Count(out, ": undeclared\n"))
	require.Contains(t, out, "\nother fields: findings: 3990 more\nlogaudit: 5000 findings in 5000 lines of 1 logs\n")
}
