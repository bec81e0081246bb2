package consent_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/candorhttp/candor/consent"
)

func TestParseKeys(t *testing.T) {
	a, b := consent.GenerateKey(), consent.GenerateKey()
	require.NotEqual(t, a, b)
	many := make([]string, 9)
	for i := range many {
		many[i] = consent.GenerateKey()
	}
	for _, tt := range []struct {
		name, text string
		keys       int
		fault      string
	}{
		{"one", a, 1, ""},
		{"commas, spaces and lines", a + ", " + b + "\n", 2, ""},
		{"comments", "# newest first\n" + a + "\n  # old\n" + b, 2, ""},
		{"nothing", " \n# nothing\n", 0, "no key"},
		{"too short", a[:len(a)-1], 0, "key 1 is not of the form"},
		{"no prefix", a[4:], 0, "key 1 is not of the form"},
		{"trailing bits", a[:len(a)-1] + "_", 0, "key 1 is not of the form"},
		{"twice", a + "," + a, 0, "key 2 is the same as key 1"},
		{"too many", strings.Join(many, ","), 0, "9 keys, more than 8"},
		{"every fault at once", "x," + a + "," + a, 0, "key 1 is not of the form"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			keys, err := consent.ParseKeys(tt.text)
			if tt.fault == "" {
				require.NoError(t, err)
				require.Len(t, keys.Derive("x", 32), tt.keys)
				return
			}
			require.ErrorContains(t, err, tt.fault)
			require.True(t, keys.IsZero())
			require.NotContains(t, err.Error(), a[4:20])
		})
	}
	_, err := consent.ParseKeys("")
	require.ErrorIs(t, err, consent.ErrNoKeys)
}

func TestKeysDerive(t *testing.T) {
	a, b := consent.GenerateKey(), consent.GenerateKey()
	ab, err := consent.ParseKeys(a + "," + b)
	require.NoError(t, err)
	onlyB, err := consent.ParseKeys(b)
	require.NoError(t, err)
	require.Equal(t, ab.Derive("one", 32)[1], onlyB.Derive("one", 32)[0], "the order does not matter to a key")
	require.NotEqual(t, ab.Derive("one", 32)[0], ab.Derive("two", 32)[0], "labels separate uses")
	require.Empty(t, consent.Keys{}.Derive("one", 32))
}

// Whoever prints the configuration by accident does not print a key.
func TestKeysNeverPrint(t *testing.T) {
	text := consent.GenerateKey()
	keys, err := consent.ParseKeys(text)
	require.NoError(t, err)
	var out bytes.Buffer
	cfg := consent.Config{Keys: keys}
	for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%x", "%d"} {
		fmt.Fprintf(&out, verb+verb+verb, keys, &keys, cfg)
	}
	slog.New(slog.NewJSONHandler(&out, nil)).Info("x", "keys", keys)
	slog.New(slog.NewTextHandler(&out, nil)).Info("x", "keys", keys)
	j, err := json.Marshal(map[string]any{"keys": keys})
	require.NoError(t, err)
	out.Write(j)
	for _, canary := range []string{text, text[4:], text[4:24]} {
		require.NotContains(t, out.String(), canary)
	}
	require.NotRegexp(t, `\d+,? \d+,? \d+,? \d+,? \d+,? \d+`, out.String(), "no bytes as a list")
}

func TestKeysFromFileAndEnv(t *testing.T) {
	name := filepath.Join(t.TempDir(), "keys")
	require.NoError(t, os.WriteFile(name, []byte(consent.GenerateKey()+"\n"), 0o600))
	keys, err := consent.KeysFromFile(name)
	require.NoError(t, err)
	require.False(t, keys.IsZero())
	_, err = consent.KeysFromFile(name + ".missing")
	require.ErrorIs(t, err, os.ErrNotExist)

	t.Setenv("CANDOR_TEST_KEYS", consent.GenerateKey())
	_, err = consent.KeysFromEnv("CANDOR_TEST_KEYS")
	require.NoError(t, err)
	_, err = consent.KeysFromEnv("CANDOR_TEST_NO_KEYS")
	require.ErrorIs(t, err, consent.ErrNoKeys)
	require.ErrorContains(t, err, "CANDOR_TEST_NO_KEYS")
}
