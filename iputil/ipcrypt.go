package iputil

import (
	"crypto/aes"
	"crypto/cipher"
	"crypto/subtle"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/netip"
)

// Crypt turns addresses into other addresses and back with a secret key
// (draft-denis-ipcrypt). It is for those who must keep the format of an
// address. It is no default: what comes out looks like somebody's address, and
// whoever has the key, now or later, turns all of it back. A pseudonym of a key
// that is destroyed does not have that.
//
// Make it with NewDeterministic or NewPrefixPreserving; the zero Crypt and a
// nil one turn every address into the zero Addr. It is safe for concurrent use.
type Crypt struct {
	first  cipher.Block
	second cipher.Block // of the prefix-preserving variant only
}

// NewDeterministic returns the variant ipcrypt-deterministic: AES-128 of the
// address as one block, with a key of 16 bytes. The same address always becomes
// the same one, mostly an IPv6 address. Nothing else of it is kept.
func NewDeterministic(key []byte) (*Crypt, error) {
	if len(key) != 16 {
		return nil, fmt.Errorf("iputil: deterministic: key: has %d bytes; make 16 random ones", len(key))
	}
	block, err := aes.NewCipher(key)
	if err != nil {
		return nil, fmt.Errorf("iputil: deterministic: key: cannot be used; make 16 random bytes")
	}
	return &Crypt{first: block}, nil
}

// NewPrefixPreserving returns the variant ipcrypt-pfx with a key of 32 bytes:
// addresses that share a prefix become addresses that share one of the same
// length, IPv4 stays IPv4 and IPv6 stays IPv6. Networks stay countable, and so
// recognisable by their sizes and their traffic: somebody who knows one address
// behind a result knows the network of its neighbours.
func NewPrefixPreserving(key []byte) (*Crypt, error) {
	if len(key) != 32 {
		return nil, fmt.Errorf("iputil: prefix preserving: key: has %d bytes; make 32 random ones", len(key))
	}
	// Equal halves cancel out: every address would come out as it is.
	if subtle.ConstantTimeCompare(key[:16], key[16:]) == 1 {
		return nil, errors.New("iputil: prefix preserving: key: its halves are equal, which encrypts nothing; make 32 random bytes")
	}
	first, err := aes.NewCipher(key[:16])
	second, err2 := aes.NewCipher(key[16:])
	if err != nil || err2 != nil {
		return nil, errors.New("iputil: prefix preserving: key: cannot be used; make 32 random bytes")
	}
	return &Crypt{first: first, second: second}, nil
}

// Encrypt returns the address that stands for a. Mapped addresses are taken as
// IPv4, zones are dropped, the zero Addr stays zero.
func (c *Crypt) Encrypt(a netip.Addr) netip.Addr {
	if c == nil || c.first == nil || !a.IsValid() {
		return netip.Addr{}
	}
	if c.second != nil {
		return c.prefixes(a, false)
	}
	block := a.As16()
	c.first.Encrypt(block[:], block[:])
	return netip.AddrFrom16(block).Unmap()
}

// Decrypt returns the address that Encrypt turned into a. There is no telling
// whether a is one that came out of Encrypt with the same key: any address
// turns into some address.
func (c *Crypt) Decrypt(a netip.Addr) netip.Addr {
	if c == nil || c.first == nil || !a.IsValid() {
		return netip.Addr{}
	}
	if c.second != nil {
		return c.prefixes(a, true)
	}
	block := a.As16()
	c.first.Decrypt(block[:], block[:])
	return netip.AddrFrom16(block).Unmap()
}

// prefixes encrypts or decrypts bit by bit: what a bit is turned into depends on
// the clear bits before it alone.
func (c *Crypt) prefixes(a netip.Addr, decrypt bool) netip.Addr {
	// One value for all, because what goes through cipher.Block is on the heap.
	var w struct{ in, out, padded, x, y [16]byte }
	a = a.Unmap()
	w.in = a.As16()
	start := 0
	w.padded[15] = 1 // the prefix so far, right-aligned behind a one
	if a.Is4() {
		start = 96
		w.padded[3], w.padded[14], w.padded[15] = 1, 0xff, 0xff
		copy(w.out[:12], w.in[:12])
	}
	for i := start; i < 128; i++ {
		c.first.Encrypt(w.x[:], w.padded[:])
		c.second.Encrypt(w.y[:], w.padded[:])
		shift := 7 - i%8
		bit := w.in[i/8] >> shift & 1
		turned := bit ^ (w.x[15]^w.y[15])&1
		w.out[i/8] |= turned << shift
		if decrypt {
			bit = turned
		}
		shiftIn(&w.padded, bit)
	}
	if a.Is4() {
		return netip.AddrFrom16(w.out).Unmap()
	}
	return netip.AddrFrom16(w.out)
}

// shiftIn moves b one bit to the left and puts the bit at its end.
func shiftIn(b *[16]byte, bit byte) {
	for i := range 15 {
		b[i] = b[i]<<1 | b[i+1]>>7
	}
	b[15] = b[15]<<1 | bit
}

// String says what it is and nothing of its key.
func (c *Crypt) String() string { return "iputil.Crypt" }

// Format implements fmt.Formatter so that no verb prints a key.
func (c *Crypt) Format(f fmt.State, _ rune) { _, _ = io.WriteString(f, c.String()) }

// LogValue implements slog.LogValuer so that no log holds a key.
func (c *Crypt) LogValue() slog.Value { return slog.StringValue(c.String()) }
