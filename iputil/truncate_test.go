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

func TestLoopbackHoldsNoIPv4(t *testing.T) {
	cut, err := iputil.NewCut(24, 128)
	require.NoError(t, err)
	require.Equal(t, "::1", iputil.Truncate(netip.MustParseAddr("::1"), cut).String())
	require.Equal(t, "::", iputil.Truncate(netip.MustParseAddr("::2"), cut).String())
}

func TestZeroCutKeepsNothing(t *testing.T) {
	require.Equal(t, "0.0.0.0", iputil.Truncate(netip.MustParseAddr("198.51.100.77"), iputil.Cut{}).String())
	require.Equal(t, "::", iputil.Truncate(netip.MustParseAddr("2001:db8::1"), iputil.Cut{}).String())
	require.False(t, iputil.Truncate(netip.Addr{}, iputil.HideHost).IsValid())
}

func TestTruncateAllocatesNothing(t *testing.T) {
	own, err := iputil.NewCut(16, 40, netip.MustParsePrefix("2001:db8:64::/96"))
	require.NoError(t, err)
	for _, text := range []string{"198.51.100.77", "::ffff:198.51.100.77", "2001:db8:85a3:8d3:1319:8a2e:370:7348", "fe80::1%eth0"} {
		a := netip.MustParseAddr(text)
		require.Zero(t, testing.AllocsPerRun(100, func() {
			iputil.Truncate(a, iputil.HideSite)
			iputil.Truncate(a, own)
		}), text)
	}
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
		coarse, err := iputil.NewCut(min(int(less%64), int(v4)), min(int(less), int(v6)))
		require.NoError(t, err)
		if iputil.Truncate(got, coarse) != iputil.Truncate(a, coarse) {
			t.Fatalf("%v: a coarser cut of a finer one differs", a)
		}
	})
}

// Where an IPv4 address hides in an IPv6 one, it shows no more of its bits than
// are asked of IPv4: two that share these bits look the same.
func FuzzEmbeddedIPv4(f *testing.F) {
	for kind := range embeddings {
		f.Add(uint8(kind), uint32(0xc633644d), uint32(0xc63364ff), []byte("rest of it"), uint8(24), uint8(128))
	}
	own := netip.MustParsePrefix("2001:db8:64::/48")
	f.Fuzz(func(t *testing.T, kind uint8, x, y uint32, rest []byte, v4, v6 uint8) {
		if v4 > 31 || v6 > 128 {
			return
		}
		cut, err := iputil.NewCut(int(v4), int(v6), own)
		require.NoError(t, err)
		keep := ^uint32(0) << (32 - v4)
		embed := embeddings[int(kind)%len(embeddings)]
		a, b := embed(x, rest), embed(x&keep|y&^keep, rest)
		if a.IsLoopback() || b.IsLoopback() {
			return // ::1 is no IPv4-compatible address
		}
		if iputil.Truncate(a, cut) != iputil.Truncate(b, cut) {
			t.Fatalf("%v and %v differ with %d/%d", a, b, v4, v6)
		}
	})
}

// embeddings put an IPv4 address where their standards do; rest fills what they
// leave open.
var embeddings = []func(v4 uint32, rest []byte) netip.Addr{
	embedding(0, "2002::", 2),                  // 6to4
	embedding(0, "2001::", 4),                  // Teredo: its server
	embedding(^uint32(0), "2001::", 12),        // Teredo: its client
	embedding(0, "64:ff9b::", 12),              // NAT64
	embedding(0, "64:ff9b:1::", 6, 7, 9, 10),   // local NAT64 of a /48
	embedding(0, "64:ff9b:1:7::", 12),          // local NAT64 of a /96
	embedding(0, "2001:db8:64::", 6, 7, 9, 10), // one of the site's own
	embedding(0, "2001:db8::5efe:0:0", 12),     // ISATAP
	embedding(0, "fe80::200:5efe:0:0", 12),     // ISATAP of a global address
	embedding(0, "::ffff:0:0:0", 12),           // IPv4-translated
	embedding(0, "::ffff:0:0", 12),             // mapped
	embedding(0, "::", 12),                     // IPv4-compatible
}

// embedding writes an address's four bytes, or their complement, to the given
// places; one place is the first of four in a row. The open bytes are those
// that are zero in the form and behind the address.
func embedding(mask uint32, form string, at ...int) func(uint32, []byte) netip.Addr {
	for len(at) < 4 {
		at = append(at, at[len(at)-1]+1)
	}
	return func(v4 uint32, rest []byte) netip.Addr {
		b := netip.MustParseAddr(form).As16()
		copy(b[at[3]+1:], rest)
		for i, place := range at {
			b[place] = byte((v4 ^ mask) >> (24 - 8*i))
		}
		return netip.AddrFrom16(b)
	}
}

func BenchmarkTruncate(b *testing.B) {
	for _, text := range []string{"198.51.100.77", "2001:db8:85a3:8d3:1319:8a2e:370:7348"} {
		a := netip.MustParseAddr(text)
		b.Run(text, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				iputil.Truncate(a, iputil.HideSite)
			}
		})
	}
}
