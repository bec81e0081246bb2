package ledger_test

import (
	"bytes"
	"crypto/ed25519"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/candorhttp/candor/consent/ledger"
)

func pair() (ed25519.PublicKey, ed25519.PrivateKey) {
	private := ed25519.NewKeyFromSeed(bytes.Repeat([]byte{7}, ed25519.SeedSize))
	return private.Public().(ed25519.PublicKey), private
}

var sample = ledger.Checkpoint{Seq: 42, Link: ledger.Link{0xab, 31: 0xcd}, Time: time.Date(2026, 11, 15, 12, 30, 45, 0, time.UTC)}

func TestCheckpointText(t *testing.T) {
	public, private := pair()
	text, err := sample.Sign(private)
	require.NoError(t, err)
	require.True(t, strings.HasPrefix(string(text), "candor ledger checkpoint 1\nentry 42\nlink ab"+strings.Repeat("00", 30)+"cd\ntime 2026-11-15T12:30:45Z\nsignature "))
	got, err := ledger.ReadCheckpoint(text, public)
	require.NoError(t, err)
	require.Equal(t, sample, got)

	other := ed25519.NewKeyFromSeed(make([]byte, ed25519.SeedSize)).Public().(ed25519.PublicKey)
	_, err = ledger.ReadCheckpoint(text, other)
	require.ErrorContains(t, err, "not signed by this key")
	_, err = ledger.ReadCheckpoint(text, nil)
	require.ErrorContains(t, err, "not an Ed25519 public key")
	_, err = sample.Sign(nil)
	require.ErrorContains(t, err, "not an Ed25519 private key")
	for i := range text {
		changed := bytes.Clone(text)
		changed[i] ^= 1
		_, err := ledger.ReadCheckpoint(changed, public)
		require.Error(t, err, "byte %d", i)
	}
}

// One checkpoint has one text: no other spelling of it is taken.
func FuzzReadCheckpoint(f *testing.F) {
	public, private := pair()
	text, err := sample.Sign(private)
	require.NoError(f, err)
	f.Add(text)
	f.Add(bytes.Replace(text, []byte("entry 42"), []byte("entry +42"), 1))
	f.Add(bytes.Replace(text, []byte("Z\n"), []byte("+00:00\n"), 1))
	f.Add(bytes.ReplaceAll(text, []byte("\n"), []byte("\r\n")))
	f.Add(append(bytes.Clone(text), '\n'))
	f.Add([]byte("candor ledger checkpoint 1\n"))
	f.Fuzz(func(t *testing.T, b []byte) {
		c, err := ledger.ReadCheckpoint(b, public)
		require.Equal(t, bytes.Equal(b, text), err == nil)
		if err == nil {
			require.Equal(t, sample, c)
		}
	})
}
