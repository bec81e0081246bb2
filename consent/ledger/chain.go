package ledger

import (
	"bytes"
	"crypto/sha256"
	"encoding/binary"
	"hash"

	"github.com/candorhttp/candor/consent"
)

const (
	linkSize = sha256.Size
	saltSize = 32
)

// kind is the clear kind of a record in the chain. The numbers are part of the
// format and are never used again.
type kind uint8

const (
	kindGrant      kind = 1
	kindRefusal    kind = 2
	kindWithdrawal kind = 3
	kindImage      kind = 4 // see consent.EntryErasure
	kindPolicy     kind = 5
	kindOther      kind = 63 // a kind of entry that this version has no number for
	kindErasure    kind = 64 // the payload of entry ref was erased
	kindPruning    kind = 65 // payloads of entries before this one and before its day were removed
)

// kept reports whether records of this kind have a payload.
func (k kind) kept() bool { return k < kindErasure }

func kindOf(k consent.EntryKind) kind {
	switch k {
	case consent.EntryGrant:
		return kindGrant
	case consent.EntryRefusal:
		return kindRefusal
	case consent.EntryWithdrawal:
		return kindWithdrawal
	case consent.EntryErasure:
		return kindImage
	case consent.EntryPolicy:
		return kindPolicy
	}
	return kindOther
}

// shown is what the chain shows of an entry to everybody who may read it.
type shown struct {
	seq  uint64
	kind kind
	day  int32 // of Unix time
	ref  uint64
}

// hasher computes commitments and links without allocating. It is for one
// goroutine.
type hasher struct {
	h     hash.Hash
	block [sha256.BlockSize]byte
	out   [sha256.Size]byte
}

func newHasher() *hasher { return &hasher{h: sha256.New()} }

// commit is HMAC-SHA256 (RFC 2104) with the salt as key over the number and the
// padded payload. Written out because hmac.New allocates for each key, and each
// entry has its own.
func (c *hasher) commit(salt []byte, seq uint64, payload []byte) [linkSize]byte {
	c.pad(salt, 0x36)
	binary.BigEndian.PutUint64(c.block[:8], seq)
	c.h.Write(c.block[:8])
	c.h.Write(payload)
	inner := c.h.Sum(c.out[:0])
	c.pad(salt, 0x5c)
	c.h.Write(inner)
	return [linkSize]byte(c.h.Sum(c.out[:0]))
}

func (c *hasher) pad(salt []byte, with byte) {
	c.h.Reset()
	n := copy(c.block[:], salt)
	clear(c.block[n:])
	for i := range c.block {
		c.block[i] ^= with
	}
	c.h.Write(c.block[:])
}

// link is SHA-256 over number, kind, day, ref, the previous link and the
// commitment, integers big-endian.
func (c *hasher) link(k shown, prev, commit []byte) [linkSize]byte {
	b := c.block[:0]
	b = binary.BigEndian.AppendUint64(b, k.seq)
	b = append(b, byte(k.kind))
	b = binary.BigEndian.AppendUint32(b, uint32(k.day))
	b = binary.BigEndian.AppendUint64(b, k.ref)
	c.h.Reset()
	c.h.Write(b)
	c.h.Write(prev)
	c.h.Write(commit)
	return [linkSize]byte(c.h.Sum(c.out[:0]))
}

var zeros [maxRecord]byte

func allZero(b []byte) bool { return bytes.Equal(b, zeros[:len(b)]) }
