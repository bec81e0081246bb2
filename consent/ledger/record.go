package ledger

import (
	"crypto/rand"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/candorhttp/candor/consent"
)

// A record in a file is a head of 96 bytes, then salt and payload, in units of
// 128 bytes. A record of one unit has no payload.
//
//	0  seq     8  given by the ledger
//	8  ref     8
//	16 batch   8  number of the first record that became durable together with this one
//	24 day     4
//	28 units   2
//	30 kind    1
//	31 gone    1  1 when salt and payload were removed
//	32 commit 32
//	64 link   32
//	96 salt   32
//	128 payload
//
// Everything that the chain covers is written once. Removal sets gone and
// writes zeros from the salt on.
const (
	unit      = 128
	saltAt    = 96
	payloadAt = 128
	goneAt    = 31

	// minEntry makes common entries equally long, so that a length says nothing
	// of what was chosen; longer ones grow in steps.
	minEntry  = 4 * unit
	entryStep = 2 * unit
	// maxRecord is above what the largest policy can make: 64 purposes said yes
	// to with the longest names.
	maxRecord = 64 << 10
)

// ErrTooLarge is returned by Append for an entry above 64 KiB, which no policy
// that validates can make.
var ErrTooLarge = errors.New("the entry is larger than 64 KiB")

// record is a view of one record in a buffer.
type record []byte

func (r record) seq() uint64      { return binary.BigEndian.Uint64(r[0:]) }
func (r record) ref() uint64      { return binary.BigEndian.Uint64(r[8:]) }
func (r record) batch() uint64    { return binary.BigEndian.Uint64(r[16:]) }
func (r record) day() int32       { return int32(binary.BigEndian.Uint32(r[24:])) }
func (r record) kind() kind       { return kind(r[30]) }
func (r record) gone() bool       { return r[goneAt] != 0 }
func (r record) commit() []byte   { return r[32:64] }
func (r record) link() []byte     { return r[64:96] }
func (r record) slot() []byte     { return r[saltAt:] }
func (r record) shown() shown     { return shown{r.seq(), r.kind(), r.day(), r.ref()} }
func (r record) hasPayload() bool { return len(r) > unit }
func (r record) size() int        { return int(binary.BigEndian.Uint16(r[28:])) * unit }
func (r record) of(s [16]byte) bool {
	return r.kind().kept() && r.kind() != kindImage && r.hasPayload() && [16]byte(r[payloadAt:]) == s
}
func (r record) setUnits(n int) { binary.BigEndian.PutUint16(r[28:], uint16(n/unit)) }
func (r record) commitTo(c *hasher) {
	sum := c.commit(r[saltAt:payloadAt], r.seq(), r[payloadAt:])
	copy(r[32:], sum[:])
}
func (r record) prevOK(c *hasher, prev *[linkSize]byte) bool {
	return c.link(r.shown(), prev[:], r.commit()) == [linkSize]byte(r.link())
}

// wellFormed reports whether the parts that only this file format has make
// sense. r is as long as size says.
func (r record) wellFormed() bool {
	if r[goneAt] > 1 {
		return false
	}
	if !r.kind().kept() {
		return r.kind() <= kindPruning && len(r) == unit && !r.gone() && allZero(r.commit()) && allZero(r.slot())
	}
	return r.kind() != 0 && (len(r) >= minEntry || r.gone())
}

// intact reports whether the payload is the one that was committed to.
func (r record) intact(c *hasher) bool {
	return r.hasPayload() && c.commit(r[saltAt:payloadAt], r.seq(), r[payloadAt:]) == [linkSize]byte(r.commit())
}

// sound reports whether the payload is intact, or gone without a trace.
func (r record) sound(c *hasher) bool {
	switch {
	case !r.kind().kept():
		return true
	case r.gone():
		return allZero(r.slot())
	}
	return r.intact(c)
}

// seal gives the record its number and its place in the chain.
func (r record) seal(c *hasher, seq, batch uint64, prev *[linkSize]byte) {
	binary.BigEndian.PutUint64(r[0:], seq)
	binary.BigEndian.PutUint64(r[16:], batch)
	if r.kind().kept() {
		r.commitTo(c)
	}
	*prev = c.link(r.shown(), prev[:], r.commit())
	copy(r[64:], prev[:])
}

// empty makes the record one whose payload is gone.
func (r record) empty() {
	r[goneAt] = 1
	clear(r.slot())
}

// stored is the JSON of a payload. The subject stands before it in binary, so
// that a search need not decode.
type stored struct {
	consent.Entry
	Seq uint64 `json:"seq,omitempty"` // shadows Entry's: the record has it
}

// newEntry makes the record of e, without number and links.
func newEntry(e consent.Entry) (record, error) {
	e.Time = e.Time.UTC()
	text, err := json.Marshal(stored{Entry: e})
	if err != nil {
		// The error could quote the entry.
		return nil, errors.New("the entry has no JSON form")
	}
	n := payloadAt + len(e.Subject) + 2 + len(text)
	if n > minEntry {
		n = minEntry + (n-minEntry+entryStep-1)/entryStep*entryStep
	} else {
		n = minEntry
	}
	if n > maxRecord {
		return nil, ErrTooLarge
	}
	r := newRecord(n, kindOf(e.Kind), dayOf(e.Time), 0)
	rand.Read(r[saltAt:payloadAt]) // never fails, crypto/rand ends the program instead
	copy(r[payloadAt:], e.Subject[:])
	binary.BigEndian.PutUint16(r[payloadAt+16:], uint16(len(text)))
	copy(r[payloadAt+18:], text)
	return r, nil
}

func newRecord(n int, k kind, day int32, ref uint64) record {
	r := make(record, n)
	r[30] = byte(k)
	r.setUnits(n)
	binary.BigEndian.PutUint32(r[24:], uint32(day))
	binary.BigEndian.PutUint64(r[8:], ref)
	return r
}

// entry decodes the payload, which was found intact.
func (r record) entry() (consent.Entry, error) {
	p := r[payloadAt:]
	var s stored
	if n := int(binary.BigEndian.Uint16(p[16:])); n > len(p)-18 {
		return s.Entry, fmt.Errorf("entry %d: the payload has a form that this version does not read", r.seq())
	} else if err := json.Unmarshal(p[18:18+n], &s); err != nil {
		return s.Entry, fmt.Errorf("entry %d: the payload has a form that this version does not read", r.seq())
	}
	s.Entry.Seq, s.Entry.Subject = r.seq(), consent.Subject(p[:16])
	return s.Entry, nil
}

const secondsADay = 24 * 60 * 60

func dayOf(t time.Time) int32 {
	s := t.Unix()
	d := s / secondsADay
	if s%secondsADay < 0 {
		d--
	}
	return int32(d)
}

func dateOf(day int32) time.Time { return time.Unix(int64(day)*secondsADay, 0).UTC() }
