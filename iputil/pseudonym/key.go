package pseudonym

import (
	"bytes"
	"crypto/sha256"
	"encoding"
	"encoding/binary"
	"errors"
	"hash"
	"sync/atomic"
)

// HMAC (RFC 2104) is computed here from SHA-256's saved states after the two
// keyed blocks, as crypto/hmac does it. That package keeps them where nobody
// can overwrite them; these can be destroyed. The messages are padded here as
// well (FIPS 180-4 §5.1.1), so that a saved state after the last block has the
// hash in it: asking for the sum would have crypto/sha256 copy everything first.

const (
	// stateSize is the length of a saved state of crypto/sha256, hashAt and
	// sha256.Size where in it the hash so far stands.
	stateSize = 108
	hashAt    = 4
	// keyedWords is how many 64-bit words of one the key changes: a mark of
	// four bytes, the 32 of the hash, and four of the block to come. The rest
	// is the same after any whole block.
	keyedWords = 5
)

var errNoState = errors.New("pseudonym: crypto/sha256 of this build saves its state in another way; build without replacing it")

// sha is what crypto/sha256 documents its hash to be.
type sha interface {
	hash.Hash
	encoding.BinaryAppender
	encoding.BinaryUnmarshaler
}

// epochKey is one epoch's key: the saved states of its inner and outer hash.
// The words are atomic so that they can be overwritten while others read them
// without a lock.
type epochKey struct {
	number       int64
	label        string
	gone         atomic.Bool
	inner, outer [keyedWords]atomic.Uint64
}

// scratch is what one pseudonym is computed in. Between uses it holds nothing
// of a key.
type scratch struct {
	hash                sha
	inner, outer, after [stateSize]byte
	buf                 []byte
	sum                 [sha256.Size]byte
}

// newScratch fails where crypto/sha256 is not the one known here.
func newScratch() (*scratch, error) {
	s := &scratch{buf: make([]byte, 0, 256)}
	var ok bool
	if s.hash, ok = sha256.New().(sha); !ok {
		return nil, errNoState
	}
	for _, state := range []*[stateSize]byte{&s.inner, &s.outer} {
		if !s.save(state, &[sha256.BlockSize]byte{}) {
			return nil, errNoState
		}
	}
	// What the states are of, here of a block of zeros, is known: the hash must
	// be where it is looked for.
	s.buf = append(s.buf, "is it"...)
	want := sha256.Sum256(append(make([]byte, sha256.BlockSize), s.buf...))
	if !s.finish(&s.inner) || s.sum != want {
		return nil, errNoState
	}
	s.wipe()
	return s, nil
}

// save leaves the state after one block and reports whether it has the form
// that is known here.
func (s *scratch) save(state *[stateSize]byte, block *[sha256.BlockSize]byte) bool {
	s.hash.Reset()
	s.hash.Write(block[:])
	saved, err := s.hash.AppendBinary(state[:0])
	s.hash.Reset()
	return err == nil && len(saved) == stateSize
}

// newEpochKey derives the states from random bytes, which the caller clears.
func newEpochKey(number int64, label string, random *[32]byte) (*epochKey, error) {
	s, err := newScratch()
	if err != nil {
		return nil, err
	}
	k := &epochKey{number: number, label: label}
	rest := bytes.Clone(s.inner[keyedWords*8:])
	var block [sha256.BlockSize]byte
	for _, half := range []struct {
		pad   byte
		words *[keyedWords]atomic.Uint64
	}{{0x36, &k.inner}, {0x5c, &k.outer}} {
		clear(block[copy(block[:], random[:]):])
		for i := range block {
			block[i] ^= half.pad
		}
		// What is not kept here must be what every scratch has.
		if !s.save(&s.inner, &block) || !bytes.Equal(s.inner[keyedWords*8:], rest) {
			return nil, errNoState
		}
		for i := range half.words {
			half.words[i].Store(binary.NativeEndian.Uint64(s.inner[i*8:]))
		}
	}
	clear(block[:])
	s.wipe()
	return k, nil
}

// destroy overwrites the key. Whoever is reading it meanwhile sees gone
// afterwards and uses nothing of what it read.
func (e *epochKey) destroy() {
	e.gone.Store(true)
	for i := range e.inner {
		e.inner[i].Store(0)
		e.outer[i].Store(0)
	}
}

// load copies the key and reports whether it was still there.
func (s *scratch) load(e *epochKey) bool {
	for i := range keyedWords {
		binary.NativeEndian.PutUint64(s.inner[i*8:], e.inner[i].Load())
		binary.NativeEndian.PutUint64(s.outer[i*8:], e.outer[i].Load())
	}
	// After the words: if it is not gone now, none of them was overwritten.
	return !e.gone.Load()
}

// sign leaves the HMAC of purpose and fields in sum.
func (s *scratch) sign(purpose string, fields [][]byte) bool {
	// Lengths before the parts: no two lists of fields give the same bytes.
	s.buf = binary.AppendUvarint(s.buf[:0], uint64(len(purpose)))
	s.buf = append(s.buf, purpose...)
	for _, f := range fields {
		s.buf = binary.AppendUvarint(s.buf, uint64(len(f)))
		s.buf = append(s.buf, f...)
	}
	if !s.finish(&s.inner) {
		return false
	}
	clear(s.buf)
	s.buf = append(s.buf[:0], s.sum[:]...)
	return s.finish(&s.outer)
}

// finish leaves in sum the hash of what the state is of, one block, and of buf.
func (s *scratch) finish(state *[stateSize]byte) bool {
	bits := uint64(sha256.BlockSize+len(s.buf)) * 8
	padding := [sha256.BlockSize]byte{0x80}
	// One byte at least, and so many that the length ends a block.
	n := sha256.BlockSize - (len(s.buf)+8)%sha256.BlockSize
	s.buf = append(s.buf, padding[:n]...)
	s.buf = binary.BigEndian.AppendUint64(s.buf, bits)
	if s.hash.UnmarshalBinary(state[:]) != nil {
		return false
	}
	s.hash.Write(s.buf)
	after, err := s.hash.AppendBinary(s.after[:0])
	if err != nil || len(after) != stateSize {
		return false
	}
	copy(s.sum[:], after[hashAt:])
	return true
}

// wipe leaves no key and no field behind: the outer state has overwritten what
// the hash held of the fields.
func (s *scratch) wipe() {
	s.hash.Reset()
	clear(s.inner[:keyedWords*8])
	clear(s.outer[:keyedWords*8])
	clear(s.after[:keyedWords*8])
	clear(s.buf)
	s.buf = s.buf[:0]
	clear(s.sum[:])
}
