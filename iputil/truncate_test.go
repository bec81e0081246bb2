package iputil_test

import (
	"net/netip"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/candorhttp/candor/iputil"
)

func TestCutFaults(t *testing.T) {
	_, err := iputil.NewCut(33, -1, netip.MustParsePrefix("10.0.0.0/8"), netip.MustParsePrefix("2001:db8::/33"), netip.Prefix{})
	for _, fault := range []string{"v4bits: is 33", "v6bits: is -1", "nat64[0]", "nat64[1]", "nat64[2]"} {
		require.ErrorContains(t, err, "iputil: cut: "+fault)
	}
}

func TestOwnNAT64Prefix(t *testing.T) {
	cut, err := iputil.NewCut(24, 128, netip.MustParsePrefix("2001:db8:64::/96"))
	require.NoError(t, err)
	require.Equal(t, "2001:db8:64::c633:6400", iputil.Truncate(netip.MustParseAddr("2001:db8:64::198.51.100.77"), cut).String())
	require.Equal(t, "2001:db8:65::c633:644d", iputil.Truncate(netip.MustParseAddr("2001:db8:65::198.51.100.77"), cut).String())
}

func TestZeroCutKeepsNothing(t *testing.T) {
	require.Equal(t, "0.0.0.0", iputil.Truncate(netip.MustParseAddr("198.51.100.77"), iputil.Cut{}).String())
	require.Equal(t, "::", iputil.Truncate(netip.MustParseAddr("2001:db8::1"), iputil.Cut{}).String())
	require.False(t, iputil.Truncate(netip.Addr{}, iputil.HideHost).IsValid())
}

func TestTruncateAllocatesNothing(t *testing.T) {
	a := netip.MustParseAddr("2001:db8:85a3:8d3:1319:8a2e:370:7348")
	require.Zero(t, testing.AllocsPerRun(100, func() { iputil.Truncate(a, iputil.HideSite) }))
}

func FuzzTruncate(f *testing.F) {
	f.Add([]byte{198, 51, 100, 77}, uint8(24), uint8(56), uint8(16))
	f.Add(netip.MustParseAddr("2002:c633:644d::1").AsSlice(), uint8(24), uint8(56), uint8(16))
	f.Add(netip.MustParseAddr("64:ff9b::198.51.100.77").AsSlice(), uint8(8), uint8(128), uint8(4))
	f.Add(netip.MustParseAddr("fe80::5efe:198.51.100.77").AsSlice(), uint8(32), uint8(128), uint8(0))
	f.Fuzz(func(t *testing.T, raw []byte, v4, v6, less uint8) {
		a, ok := netip.AddrFromSlice(raw)
		if !ok || v4 > 32 || v6 > 128 {
			return
		}
		cut, err := iputil.NewCut(int(v4), int(v6))
		require.NoError(t, err)
		got := iputil.Truncate(a, cut)
		if iputil.Truncate(got, cut) != got {
			t.Fatalf("%v/%d/%d: not idempotent", a, v4, v6)
		}
		// A prefix: a and what is kept share their first bits, the rest is zero.
		plain := a.Unmap().WithZone("")
		if got.BitLen() != plain.BitLen() {
			t.Fatalf("%v became %v", plain, got)
		}
		bits := int(v4)
		if plain.Is6() {
			bits = int(v6)
		}
		isPrefix := false
		for n := 0; n <= bits; n++ {
			p, _ := plain.Prefix(n)
			isPrefix = isPrefix || p.Addr() == got
		}
		if !isPrefix {
			t.Fatalf("%v/%d/%d: %v is no prefix of it", a, v4, v6, got)
		}
		// Monotone: cutting finer first changes nothing.
		coarse, err := iputil.NewCut(int(v4)/(int(less%4)+1), int(v6)/(int(less%4)+1))
		require.NoError(t, err)
		if iputil.Truncate(got, coarse) != iputil.Truncate(a, coarse) {
			t.Fatalf("%v: a coarser cut of a finer one differs", a)
		}
		// Neighbours that differ only behind the kept IPv4 bits look the same.
		if b := plain.As16(); v4 < 32 && plain.Is6() && b[0] == 0x20 && b[1] == 0x02 {
			b[2+v4/8] ^= 1 << (7 - v4%8)
			if iputil.Truncate(netip.AddrFrom16(b), cut) != got {
				t.Fatalf("%v: 6to4 shows more than %d bits of IPv4", a, v4)
			}
		}
	})
}
