package pseudonym_test

import (
	"bytes"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/binary"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/candorhttp/candor/iputil/pseudonym"
)

// naive is the same with crypto/hmac.
func naive(key [32]byte, purpose string, fields ...[]byte) []byte {
	h := hmac.New(sha256.New, key[:])
	for _, part := range append([][]byte{[]byte(purpose)}, fields...) {
		h.Write(binary.AppendUvarint(nil, uint64(len(part))))
		h.Write(part)
	}
	return h.Sum(nil)
}

func FuzzIsHMAC(f *testing.F) {
	f.Add([]byte("key"), "log", []byte{198, 51, 100, 77}, []byte(nil))
	f.Add([]byte{}, "", bytes.Repeat([]byte("a"), 55), bytes.Repeat([]byte("b"), 1000))
	f.Fuzz(func(t *testing.T, random []byte, purpose string, a, b []byte) {
		var key [32]byte
		copy(key[:], random)
		got, err := pseudonym.HMAC(key, purpose, a, b)
		require.NoError(t, err)
		require.Equal(t, naive(key, purpose, a, b), got)
	})
}

func TestDestroyedKeyIsOverwritten(t *testing.T) {
	c := &clock{t: day}
	k := keyring(t, pseudonym.Config{Now: c.now})
	first := pseudonym.NewestKey(k)
	require.NotContains(t, first(), uint64(0))
	c.set(day.Add(24 * time.Hour))
	name(t, k, "log", "a")
	second := pseudonym.NewestKey(k)
	require.NotContains(t, first(), uint64(0), "the previous epoch's key is kept")
	c.set(day.Add(48 * time.Hour))
	name(t, k, "log", "a")
	require.Equal(t, make([]uint64, len(first())), first())
	require.NotContains(t, second(), uint64(0))
	third := pseudonym.NewestKey(k)
	k.Close()
	require.Equal(t, make([]uint64, len(first())), second())
	require.Equal(t, make([]uint64, len(first())), third())
}

func TestDestroyedKeyIsOfNoUseToAReader(t *testing.T) {
	signs, err := pseudonym.SignsAfterDestruction()
	require.NoError(t, err)
	require.False(t, signs)
}

func TestNothingIsLeftWhereAPseudonymWasComputed(t *testing.T) {
	k := keyring(t, pseudonym.Config{})
	person := bytes.Repeat([]byte("person@example.org "), 3)
	_, err := k.Append(nil, "log", person)
	require.NoError(t, err)
	left := pseudonym.Scratch(k)
	if left == nil {
		t.Log("the pool has let it go")
		return
	}
	require.NotContains(t, string(left), "person")
	for _, word := range pseudonym.NewestKey(k)() {
		for _, half := range []uint32{uint32(word), uint32(word >> 32)} {
			bytes := string(binary.NativeEndian.AppendUint32(nil, half))
			if half != 0 && bytes != "sha\x03" { // every state's mark and empty block
				require.NotContains(t, string(left), bytes)
			}
		}
	}
}
