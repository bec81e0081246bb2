package main_test

import (
	"bytes"
	"crypto/ed25519"
	"crypto/x509"
	"encoding/hex"
	"encoding/json"
	"encoding/pem"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"

	"github.com/candorhttp/candor/consent"
	"github.com/candorhttp/candor/consent/ledger"
	"github.com/candorhttp/candor/consent/ledger/ledgertest"
)

// binary is the built command.
var binary string

func TestMain(m *testing.M) {
	dir, err := os.MkdirTemp("", "candor-ledgerctl-")
	if err != nil {
		panic(err)
	}
	binary = filepath.Join(dir, "ledgerctl")
	if out, err := exec.Command("go", "build", "-o", binary, ".").CombinedOutput(); err != nil {
		panic(string(out))
	}
	code := m.Run()
	_ = os.RemoveAll(dir)
	os.Exit(code)
}

// run returns the exit code and what was printed.
func run(t *testing.T, stdin string, args ...string) (exit int, stdout, stderr string) {
	t.Helper()
	var out, errs bytes.Buffer
	cmd := exec.Command(binary, args...)
	cmd.Stdin, cmd.Stdout, cmd.Stderr = strings.NewReader(stdin), &out, &errs
	var exited *exec.ExitError
	if err := cmd.Run(); errors.As(err, &exited) {
		exit = exited.ExitCode()
	} else {
		require.NoError(t, err)
	}
	return exit, out.String(), errs.String()
}

var one, two = consent.Subject{1, 0xab}, consent.Subject{2, 0xcd}

// kept returns the directory of a ledger that a service has open: two grants of
// one, one of two, a refusal, and a grant of the year before last.
func kept(t *testing.T) (string, *ledger.Files) {
	t.Helper()
	dir := t.TempDir()
	l, err := ledger.Open(ledger.FilesConfig{Dir: dir})
	require.NoError(t, err)
	t.Cleanup(func() { _ = l.Close() })
	old := ledgertest.Grant(consent.Subject{3}, 1)
	old.Time = time.Now().UTC().AddDate(0, 0, -700)
	for _, e := range []consent.Entry{ledgertest.Grant(one, 1), ledgertest.Refusal(), ledgertest.Grant(two, 1), ledgertest.Grant(one, 2), old} {
		_, err := l.Append(t.Context(), e)
		require.NoError(t, err)
	}
	return dir, l
}

func closed(t *testing.T) string {
	t.Helper()
	dir, l := kept(t)
	require.NoError(t, l.Close())
	return dir
}

func TestVerifyAndStatsBesideTheService(t *testing.T) {
	dir, _ := kept(t)
	exit, out, errs := run(t, "", "verify", dir)
	require.Equal(t, 0, exit, errs)
	require.Regexp(t, `^good: 5 entries, last number 5, link [0-9a-f]{64}\n$`, out)
	exit, out, _ = run(t, "", "stats", dir)
	require.Equal(t, 0, exit)
	lines := strings.Split(out, "\n")
	require.Equal(t, []string{"entries: 5", "grants: 4", "refusals: 1", "withdrawals: 0", "others: 0", "policies: 0", "images: 0", "erased: 0", "pruned: 0", "last: 5"}, lines[:10])
}

// The bytes of entry 3 are at 1152 to 1663: 128 of the file's head, and 512 for
// each entry.
func TestTampering(t *testing.T) {
	flip := func(at int) func([]byte) []byte { return func(b []byte) []byte { b[at] ^= 1; return b } }
	for want, change := range map[string]func(b []byte) []byte{
		"entry 3: changed: ":    flip(1152 + 27),
		"entry 3: payload: ":    flip(1152 + 300),
		"entry 3: removed: ":    func(b []byte) []byte { b[1152+31] = 1; clear(b[1152+96 : 1664]); return b },
		"entry 3: missing: ":    func(b []byte) []byte { return append(b[:1152:1152], b[1664:]...) },
		"entry 3: unreadable: ": func(b []byte) []byte { clear(b[1152:1664]); return b },
		"entry 1: unreadable: ": flip(0),
		"entry 5: missing: ":    func(b []byte) []byte { return b[:1152+1024] },
	} {
		t.Run(want, func(t *testing.T) {
			dir := closed(t)
			name := filepath.Join(dir, "00000000000000000001.records")
			b, err := os.ReadFile(name)
			require.NoError(t, err)
			require.NoError(t, os.WriteFile(name, change(b), 0o600))
			exit, out, _ := run(t, "", "verify", dir)
			require.Equal(t, 1, exit)
			require.Contains(t, out, want)
			require.Contains(t, out, "tampered: ")
			exit, out, _ = run(t, "", "stats", dir)
			require.Equal(t, 1, exit)
			require.True(t, strings.HasPrefix(out, "entries: "))
			for _, args := range [][]string{{"erase", "-subject", hex.EncodeToString(one[:])}, {"prune", "-before", "2020-01-01"}, {"checkpoint", "-key", keys(t).private}} {
				exit, _, errs := run(t, "", append(args, dir)...)
				require.Equal(t, 1, exit, errs)
			}
		})
	}
	dir := closed(t)
	require.NoError(t, os.Remove(filepath.Join(dir, "mark")))
	exit, out, _ := run(t, "", "verify", dir)
	require.Equal(t, 1, exit)
	require.Contains(t, out, "entry 0: mark: ")
}

type keyFiles struct{ private, public string }

func keys(t *testing.T) keyFiles {
	t.Helper()
	public, private, err := ed25519.GenerateKey(nil)
	require.NoError(t, err)
	write := func(name, block string, der []byte, err error) string {
		require.NoError(t, err)
		file := filepath.Join(t.TempDir(), name)
		require.NoError(t, os.WriteFile(file, pem.EncodeToMemory(&pem.Block{Type: block, Bytes: der}), 0o600))
		return file
	}
	privateDER, err := x509.MarshalPKCS8PrivateKey(private)
	k := keyFiles{private: write("private.pem", "PRIVATE KEY", privateDER, err)}
	publicDER, err := x509.MarshalPKIXPublicKey(public)
	k.public = write("public.pem", "PUBLIC KEY", publicDER, err)
	return k
}

func TestCheckpoints(t *testing.T) {
	k := keys(t)
	dir, l := kept(t)
	exit, text, errs := run(t, "", "checkpoint", "-key", k.private, dir)
	require.Equal(t, 0, exit, errs)
	file := filepath.Join(t.TempDir(), "checkpoint")
	require.NoError(t, os.WriteFile(file, []byte(text), 0o600))
	_, err := l.Append(t.Context(), ledgertest.Refusal())
	require.NoError(t, err)
	exit, out, errs := run(t, "", "verify", "-checkpoint", file, "-key", k.public, dir)
	require.Equal(t, 0, exit, errs)
	require.Contains(t, out, "at entry 5\n")

	// Another ledger whose chain is whole, as somebody makes who rewrites all.
	exit, out, _ = run(t, "", "verify", "-checkpoint", file, "-key", k.public, closed(t))
	require.Equal(t, 1, exit)
	require.Contains(t, out, "entry 5: checkpoint: ")

	exit, _, errs = run(t, "", "verify", "-checkpoint", file, "-key", keys(t).public, dir)
	require.Equal(t, 2, exit)
	require.Contains(t, errs, "it is not signed by this key")
	require.NoError(t, os.WriteFile(file, []byte(strings.Replace(text, "entry 5", "entry 4", 1)), 0o600))
	exit, _, _ = run(t, "", "verify", "-checkpoint", file, "-key", k.public, dir)
	require.Equal(t, 2, exit)
	for _, args := range [][]string{
		{"verify", "-checkpoint", file, dir}, {"verify", "-key", k.public, dir},
		{"checkpoint", dir}, {"checkpoint", "-key", k.public, dir}, {"checkpoint", "-key", file, dir},
	} {
		exit, out, _ := run(t, "", args...)
		require.Equal(t, 2, exit, "%v", args)
		require.Empty(t, out)
	}
}

func TestExport(t *testing.T) {
	dir, _ := kept(t)
	id := hex.EncodeToString(one[:])
	_, byHex, _ := run(t, "", "export", "-subject", id, dir)
	_, byUUID, _ := run(t, "", "export", "-subject", uuid.UUID(one).String(), dir)
	exit, byStdin, _ := run(t, id+"\n", "export", "-subject", "-", dir)
	require.Equal(t, 0, exit)
	require.Equal(t, byHex, byUUID)
	require.Equal(t, byHex, byStdin)
	lines := strings.Split(strings.TrimSpace(byHex), "\n")
	require.Len(t, lines, 2)
	for i, line := range lines {
		var e consent.Entry
		require.NoError(t, json.Unmarshal([]byte(line), &e))
		require.EqualValues(t, i+1, e.Revision)
		require.Equal(t, []consent.Purpose{consent.Analytics}, e.Granted)
	}
	exit, out, _ := run(t, "", "export", "-subject", strings.Repeat("77", 16), dir)
	require.Equal(t, 0, exit)
	require.Empty(t, out, "nothing is kept of a stranger")
	for _, wrong := range []string{"", "no subject", strings.Repeat("0", 32), id + "0"} {
		exit, out, errs := run(t, "", "export", "-subject", wrong, dir)
		require.Equal(t, 2, exit)
		require.Empty(t, out)
		require.NotContains(t, errs, id)
	}
}

func TestErase(t *testing.T) {
	dir, l := kept(t)
	id := hex.EncodeToString(one[:])
	exit, _, errs := run(t, "", "erase", "-wait", "50ms", "-subject", id, dir)
	require.Equal(t, 2, exit, "the service has it")
	require.Contains(t, errs, "was not free within 50ms")
	require.NoError(t, l.Close())
	exit, out, errs := run(t, "", "erase", "-subject", id, dir)
	require.Equal(t, 0, exit, errs)
	require.Equal(t, "erased: 2\n", out)
	for range 2 {
		_, out, _ = run(t, "", "export", "-subject", id, dir)
		require.Empty(t, out)
		exit, out, _ = run(t, "", "verify", dir)
		require.Equal(t, 0, exit)
		require.Contains(t, out, "good: 3 entries, last number 8,")
		_, out, _ = run(t, "", "erase", "-subject", id, dir)
		require.Equal(t, "erased: 0\n", out)
	}
	// What keeps a copy of the cookie from counting, and no more.
	again, err := ledger.Open(ledger.FilesConfig{Dir: dir})
	require.NoError(t, err)
	defer again.Close()
	var images []consent.Subject
	require.NoError(t, again.Scan(t.Context(), 0, func(e consent.Entry) error {
		if e.Kind == consent.EntryErasure {
			images = append(images, e.Subject)
		}
		return nil
	}))
	require.Equal(t, []consent.Subject{one.Image()}, images)
	b, err := os.ReadFile(filepath.Join(dir, "00000000000000000001.records"))
	require.NoError(t, err)
	require.False(t, bytes.Contains(b, one[:]))
}

func TestPrune(t *testing.T) {
	dir := closed(t)
	day := func(ago int) string { return time.Now().UTC().AddDate(0, 0, -ago).Format(time.DateOnly) }
	exit, out, errs := run(t, "", "prune", "-before", day(600), dir)
	require.Equal(t, 0, exit, errs)
	require.Equal(t, "pruned: 1\n", out)
	_, out, _ = run(t, "", "stats", dir)
	require.Contains(t, out, "\npruned: 1\n")
	exit, out, _ = run(t, "", "verify", dir)
	require.Equal(t, 0, exit, out)
	for _, wrong := range []string{day(10), "yesterday", ""} {
		exit, _, _ := run(t, "", "prune", "-before", wrong, dir)
		require.Equal(t, 2, exit, "%q", wrong)
	}
}

func TestCouldNotRead(t *testing.T) {
	empty := t.TempDir()
	for _, args := range [][]string{
		{}, {"unknown", empty}, {"verify"}, {"verify", ""}, {"verify", empty, empty}, {"verify", "-no-such-flag", empty},
		{"verify", empty}, {"verify", filepath.Join(empty, "missing")}, {"stats", empty}, {"checkpoint", "-key", keys(t).private, empty},
		{"export", "-subject", strings.Repeat("77", 16), empty}, {"erase", "-subject", strings.Repeat("77", 16), empty},
		{"prune", "-before", "2020-01-01", empty},
	} {
		exit, out, errs := run(t, "", args...)
		require.Equal(t, 2, exit, "%v", args)
		require.Empty(t, out, "%v", args)
		require.NotEmpty(t, errs, "%v", args)
	}
	left, err := os.ReadDir(empty)
	require.NoError(t, err)
	require.Empty(t, left, "nothing is made where there was no ledger")
	for _, args := range [][]string{{"-h"}, {"help"}, {"verify", "-h"}} {
		exit, _, errs := run(t, "", args...)
		require.Equal(t, 0, exit)
		require.NotEmpty(t, errs)
	}
}
