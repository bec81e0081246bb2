package iputil_test

import (
	"bytes"
	"encoding/hex"
	"fmt"
	"math/bits"
	"net/netip"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/candorhttp/candor/iputil"
)

var crypts = map[string]func([]byte) (*iputil.Crypt, error){
	"deterministic": iputil.NewDeterministic,
	"pfx":           iputil.NewPrefixPreserving,
}

// The variants nd and ndx are not offered: their output is no address, so that
// a pseudonym serves the same end without a key that lives on.
func TestIPCryptVectors(t *testing.T) {
	type cryptCase struct{ ID, IP, Key, Variant, Want, Why string }
	seen := map[string]int{}
	for _, c := range load[cryptCase](t, "ipcrypt.json") {
		seen[c.Variant]++
		if c.Variant == "nd" || c.Variant == "ndx" {
			continue
		}
		t.Run(c.ID, func(t *testing.T) {
			key, err := hex.DecodeString(c.Key)
			require.NoError(t, err)
			crypt, err := crypts[c.Variant](key)
			if c.Want == "ERROR" {
				require.Error(t, err, c.Why)
				require.Nil(t, crypt)
				return
			}
			require.NoError(t, err)
			a := netip.MustParseAddr(c.IP)
			require.Equal(t, c.Want, crypt.Encrypt(a).String(), c.Why)
			require.Equal(t, a.Unmap(), crypt.Decrypt(crypt.Encrypt(a)))
		})
	}
	require.GreaterOrEqual(t, seen["deterministic"], 10)
	require.GreaterOrEqual(t, seen["pfx"], 15)
}

func TestIPCryptKeyFaults(t *testing.T) {
	half := []byte("sixteen secrets!")
	for variant, sizes := range map[string][]int{"deterministic": {0, 15, 17, 24, 32}, "pfx": {0, 16, 24, 31, 33}} {
		for _, n := range sizes {
			_, err := crypts[variant](bytes.Repeat([]byte("k"), n))
			require.ErrorContains(t, err, fmt.Sprintf("key: has %d bytes", n))
		}
	}
	_, err := iputil.NewPrefixPreserving(append(bytes.Clone(half), half...))
	require.ErrorContains(t, err, "key: its halves are equal")
	require.NotContains(t, err.Error(), "secrets")

	crypt, err := iputil.NewDeterministic(half)
	require.NoError(t, err)
	for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%x"} {
		require.Equal(t, "iputil.Crypt", fmt.Sprintf(verb, crypt))
	}
}

func TestIPCryptWithoutAKeyOrAnAddress(t *testing.T) {
	crypt, err := iputil.NewPrefixPreserving([]byte("0123456789abcdefghijklmnopqrstuv"))
	require.NoError(t, err)
	require.False(t, crypt.Encrypt(netip.Addr{}).IsValid())
	require.False(t, crypt.Decrypt(netip.Addr{}).IsValid())
	for _, c := range []*iputil.Crypt{nil, {}} {
		require.False(t, c.Encrypt(netip.MustParseAddr("198.51.100.77")).IsValid())
		require.False(t, c.Decrypt(netip.MustParseAddr("198.51.100.77")).IsValid())
	}
}

// Both variants turn back, and pfx keeps exactly the prefix that is shared.
func FuzzIPCrypt(f *testing.F) {
	f.Add([]byte("0123456789abcdefghijklmnopqrstuv"), []byte{198, 51, 100, 77}, []byte{198, 51, 100, 78})
	f.Add(make([]byte, 32), netip.MustParseAddr("2001:db8::1").AsSlice(), netip.MustParseAddr("2001:db9::").AsSlice())
	f.Add([]byte("x"), netip.MustParseAddr("::ffff:198.51.100.77").AsSlice(), []byte{10, 0, 0, 1})
	f.Fuzz(func(t *testing.T, random, rawA, rawB []byte) {
		var key [32]byte
		copy(key[:], random)
		a, okA := netip.AddrFromSlice(rawA)
		b, okB := netip.AddrFromSlice(rawB)
		if !okA || !okB {
			return
		}
		deterministic, err := iputil.NewDeterministic(key[:16])
		require.NoError(t, err)
		require.Equal(t, a.Unmap(), deterministic.Decrypt(deterministic.Encrypt(a)))
		pfx, err := iputil.NewPrefixPreserving(key[:])
		if bytes.Equal(key[:16], key[16:]) {
			require.Error(t, err)
			return
		}
		require.NoError(t, err)
		x, y := pfx.Encrypt(a), pfx.Encrypt(b)
		require.Equal(t, a.Unmap(), pfx.Decrypt(x))
		if a, b = a.Unmap(), b.Unmap(); a.BitLen() == b.BitLen() {
			require.Equal(t, a.BitLen(), x.BitLen())
			require.Equal(t, shared(a, b), shared(x, y))
		}
	})
}

// shared returns how many leading bits a and b have in common.
func shared(a, b netip.Addr) int {
	x, y := a.AsSlice(), b.AsSlice()
	for i := range x {
		if d := x[i] ^ y[i]; d != 0 {
			return i*8 + bits.LeadingZeros8(d)
		}
	}
	return len(x) * 8
}
