package iputil

import (
	"errors"
	"fmt"
	"net/netip"
)

// Cut says how much of an address [Truncate] keeps. The zero Cut keeps nothing.
// Cut values are comparable unless made with NAT64 prefixes of the site's own,
// and safe for concurrent use.
type Cut struct {
	v4, v6 uint8
	nat64  *[]netip.Prefix
}

// The usual cuts, named for what they hide. None of them makes an address
// nobody's: a /24 is at most 256 addresses, often of one provider's customers
// in one town; a /56 or /48 of IPv6 is what many providers give to one
// household, so it can stand for exactly one. Treat what is left as personal
// data.
var (
	// HideHost keeps a /24 of IPv4 and a /56 of IPv6.
	HideHost = Cut{v4: 24, v6: 56}
	// HideSite keeps a /24 of IPv4 and a /48 of IPv6.
	HideSite = Cut{v4: 24, v6: 48}
	// HideNetwork keeps a /16 of IPv4 and a /32 of IPv6: a provider, roughly.
	HideNetwork = Cut{v4: 16, v6: 32}
)

// NewCut returns a Cut that keeps v4bits (0 to 32) of IPv4 and v6bits (0 to 128)
// of IPv6 addresses. The NAT64 prefixes are those of the site's own translators
// (RFC 6052: length 32, 40, 48, 56, 64 or 96), so that the IPv4 addresses
// embedded behind them are cut as well; the well-known ones are always known.
func NewCut(v4bits, v6bits int, nat64 ...netip.Prefix) (Cut, error) {
	var faults []error
	if v4bits < 0 || v4bits > 32 {
		faults = append(faults, fmt.Errorf("iputil: cut: v4bits: is %d; choose 0 to 32", v4bits))
	}
	if v6bits < 0 || v6bits > 128 {
		faults = append(faults, fmt.Errorf("iputil: cut: v6bits: is %d; choose 0 to 128", v6bits))
	}
	kept := make([]netip.Prefix, 0, len(nat64))
	for i, p := range nat64 {
		switch p.Bits() {
		case 32, 40, 48, 56, 64, 96:
			if p.Addr().Is6() && !p.Addr().Is4In6() {
				kept = append(kept, p.Masked())
				continue
			}
		}
		faults = append(faults, fmt.Errorf("iputil: cut: nat64[%d]: is not a NAT64 prefix; give an IPv6 prefix of length 32, 40, 48, 56, 64 or 96", i))
	}
	if err := errors.Join(faults...); err != nil {
		return Cut{}, err
	}
	c := Cut{v4: uint8(v4bits), v6: uint8(v6bits)}
	if len(kept) > 0 {
		c.nat64 = &kept
	}
	return c, nil
}

// V4Bits returns how many bits of an IPv4 address are kept.
func (c Cut) V4Bits() int { return int(c.v4) }

// V6Bits returns how many bits of an IPv6 address are kept at most.
func (c Cut) V6Bits() int { return int(c.v6) }

// Truncate returns the address with everything after the kept bits zero, so
// always the first address of a prefix: it is idempotent, and a finer cut of a
// coarser one is the coarser one. Mapped addresses come out as IPv4, zones are
// dropped. An IPv4 address inside an IPv6 one (6to4, Teredo, NAT64, ISATAP,
// IPv4-compatible and -translated) shows no more bits than of IPv4 are kept.
// The zero Addr stays zero.
func Truncate(a netip.Addr, c Cut) netip.Addr {
	if !a.IsValid() {
		return a
	}
	a = a.Unmap().WithZone("")
	keep := int(c.v4)
	if a.Is6() {
		keep = int(c.v6)
		if c.v4 < 32 {
			if s := c.embedded(a); s >= 0 {
				keep = min(keep, s+int(c.v4))
			}
		}
	}
	p, _ := a.Prefix(keep) // keep is within the address by construction
	return p.Addr()
}

// embedded returns the bit at which an embedded IPv4 address begins, -1 where
// there is none. Where several readings apply, the earliest counts.
func (c Cut) embedded(a netip.Addr) int {
	b := a.As16()
	s := -1
	found := func(at int) {
		if s < 0 || at < s {
			s = at
		}
	}
	if b[0] == 0x20 && b[1] == 0x02 { // 6to4, RFC 3056
		found(16)
	}
	if b[0] == 0x20 && b[1] == 0x01 && b[2] == 0 && b[3] == 0 { // Teredo, RFC 4380: its server
		found(32)
	}
	if b[0] == 0 && b[1] == 0x64 && b[2] == 0xff && b[3] == 0x9b {
		if zero(b[4:12]) { // NAT64, RFC 6052
			found(96)
		}
		if b[4] == 0 && b[5] == 1 { // local NAT64, RFC 8215: at the earliest as behind a /48
			found(48)
		}
	}
	if b[8]&^3 == 0 && b[9] == 0 && b[10] == 0x5e && b[11] == 0xfe { // ISATAP, RFC 5214
		found(96)
	}
	if zero(b[:8]) && (zero(b[8:12]) && !isSmall(b) || b[8] == 0xff && b[9] == 0xff && b[10] == 0 && b[11] == 0) {
		found(96) // IPv4-compatible, RFC 4291; IPv4-translated, RFC 2765
	}
	if c.nat64 != nil {
		for _, p := range *c.nat64 {
			if p.Contains(a) {
				found(p.Bits())
			}
		}
	}
	return s
}

// isSmall reports the unspecified and the loopback address.
func isSmall(b [16]byte) bool { return zero(b[:15]) && b[15] <= 1 }

func zero(b []byte) bool {
	for _, c := range b {
		if c != 0 {
			return false
		}
	}
	return true
}
