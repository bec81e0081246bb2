package logtest

import (
	"math/rand/v2"
	"net/netip"
	"strconv"
)

// kind is what sort of personal value or secret a canary pretends to be.
type kind int

const (
	email kind = iota
	token
	ipv4
	ipv6
	userAgent
	password
	personName
	panicValue // sent for Panic alone
	kinds      // how many there are
)

// String names the kind in reports and, shortened, in queries and forms.
func (k kind) String() string {
	return [...]string{"e-mail address", "token", "full IPv4 address", "full IPv6 address", "user agent", "password", "name", "panic value"}[k]
}

// key is the name under which a service would expect such a value.
func (k kind) key() string {
	return [...]string{"email", "token", "ip", "ip6", "agent", "password", "name", "panic"}[k]
}

// canary is one invented value, sent in one place alone, so that wherever it is
// found it tells where it came from.
type canary struct {
	kind  kind
	place string
	value string
	// cores are the parts whose appearance anywhere is a leak. They are long and
	// random enough not to appear by chance.
	cores []string
	// wholes are longer texts that the value was sent as part of, such as a whole
	// header field: of those a service may have written the hash.
	wholes []string
	addr   netip.Addr // of the two kinds of address
}

// inventor invents canaries.
type inventor struct{ networks []int }

// newInventor returns an inventor of up to 300 IPv4 addresses, each of another
// /24, so that no part of one can be taken for another's.
func newInventor() *inventor { return &inventor{rand.Perm(300)} }

// canary invents a value, different from all others of this run and unlike those
// of the next, so that no list of known test data can filter it.
func (n *inventor) canary(k kind, place string) *canary {
	c := &canary{kind: k, place: place}
	switch k {
	case email:
		c.cores = []string{letters(12)}
		c.value = c.cores[0] + "@" + letters(8) + ".example"
	case token:
		c.value = letters(5) + digits(4) + upper(letters(6)) + digits(4) + letters(5)
		c.cores = []string{c.value}
	case ipv4:
		// RFC 2544: for tests of network devices, and nobody's.
		network := n.networks[0]
		n.networks = n.networks[1:]
		c.setAddr(netip.AddrFrom4([4]byte{198, byte(18 + network%2), byte(100 + network/2), octet()}))
	case ipv6:
		c.setAddr(documentation())
	case userAgent:
		version := "1" + digits(2) + ".0." + digits(4) + "." + digits(3)
		c.cores = []string{letters(12), version}
		c.value = "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/" + version + " Safari/537.36 " + c.cores[0] + "/1.0"
	case password:
		c.cores = []string{letters(6) + digits(2) + upper(letters(6))}
		c.value = "p!" + c.cores[0] + "?"
	case personName:
		c.cores = []string{upper(letters(1)) + letters(9), upper(letters(1)) + letters(10)}
		c.value = c.cores[0] + " " + c.cores[1]
	case panicValue:
		c.cores = []string{letters(14)}
		c.value = "cannot serve " + c.cores[0]
	}
	return c
}

func (c *canary) setAddr(a netip.Addr) {
	c.addr, c.value, c.cores = a, a.String(), []string{a.String()}
}

// newPeer invents the other end of a connection. The IPv4 one is a loopback
// address, because that is what tests trust as a proxy.
func newPeer(k kind) *canary {
	c := &canary{kind: k, place: "address of the connection"}
	if k == ipv4 {
		c.setAddr(netip.AddrFrom4([4]byte{127, octet(), octet(), octet()}))
	} else {
		c.setAddr(documentation())
	}
	return c
}

// word is the value as a token (RFC 9110 §5.6.2) that is also a host label or
// several, or "" where it has no such form.
func (c *canary) word() string {
	if c.kind == ipv6 {
		return ""
	}
	return c.cores[0]
}

// octet has three digits, so that no address is the beginning of another, and is
// no end of a truncated address.
func octet() byte { return byte(100 + rand.N(150)) }

// documentation is an address of RFC 3849 that is written differently with and
// without its zeros.
func documentation() netip.Addr {
	a := [16]byte{0x20, 0x01, 0x0d, 0xb8}
	for _, i := range []int{4, 5, 6, 7, 12, 13, 14, 15} {
		a[i] = byte(0x11 + rand.N(0xee))
	}
	return netip.AddrFrom16(a)
}

// letters returns n random consonants: no word, and no hexadecimal number.
func letters(n int) string {
	const from = "bcdfghjklmnpqrstvwxz"
	b := make([]byte, n)
	for i := range b {
		b[i] = from[rand.N(len(from))]
	}
	b[n/2] = "hjklmnpqrstvwxz"[rand.N(15)]
	return string(b)
}

func upper(s string) string {
	b := []byte(s)
	for i := range b {
		b[i] -= 'a' - 'A'
	}
	return string(b)
}

// digits returns n random digits, the first of which is not 0.
func digits(n int) string {
	low := 1
	for range n - 1 {
		low *= 10
	}
	return strconv.Itoa(low + rand.N(9*low))
}
