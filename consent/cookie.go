package consent

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
	"errors"
	"hash"
	"slices"
	"strings"
	"sync"
	"time"
)

const (
	// cookieFormat is the first byte of every payload; a value with another
	// one reads as nothing.
	cookieFormat = 1
	tagSize      = 16 // HMAC-SHA256 cut to 128 bits (RFC 2104 §5)
	// maxCookieValue bounds what is looked at before the signature is known to
	// be good. The largest payload (64 answers, each with a day of its own)
	// stays below it.
	maxCookieValue = 1024
	// cookieDays and cookieMinutes are the origin of the times in a payload,
	// 2020-01-01, which keeps them short.
	cookieDays    = 18262
	cookieMinutes = cookieDays * 24 * 60
)

// errCookie is the one answer to every value that cannot be believed. It says
// no more, so that nothing can be learnt from it.
var errCookie = errors.New("consent: the consent cookie cannot be read")

// codec signs and verifies the value of the consent cookie under one name.
// The MAC is over the name and the payload, so that a value made for another
// cookie is worth nothing (RFC 6265bis §8.6 names the risk).
type codec struct {
	name  string
	begin string       // of the pair in a Cookie field: the name and "="
	macs  []*sync.Pool // of *mac, newest key first
}

// maxCookieName is above the length of every name that a codec has.
const maxCookieName = 64

// mac is one keyed hash and the buffers around it; they live together in a
// pool so that verifying a cookie allocates nothing.
type mac struct {
	hash hash.Hash
	sum  [sha256.Size]byte
	raw  [maxCookieName + maxCookieValue]byte // begins with the name and a zero
	text [maxCookieValue]byte
}

func newCodec(keys Keys, name string) *codec {
	c := &codec{name: name, begin: name + "="}
	for _, key := range keys.Derive("consent cookie", sha256.Size) {
		c.macs = append(c.macs, &sync.Pool{New: func() any {
			m := &mac{hash: hmac.New(sha256.New, key)}
			copy(m.raw[:], name)
			return m
		}})
	}
	return c
}

// payload is the room for a payload in m.
func (c *codec) payload(m *mac) []byte { return m.raw[len(c.name)+1:] }

// tag is over the name and the payload of n bytes that stands in its room.
func (c *codec) tag(m *mac, n int) []byte {
	m.hash.Reset()
	m.hash.Write(m.raw[:len(c.name)+1+n])
	return m.hash.Sum(m.sum[:0])[:tagSize]
}

// encode returns the cookie value for s, signed with the newest key.
func (c *codec) encode(s *Stored) string {
	payload := appendStored(make([]byte, 0, 128), s)
	m := c.macs[0].Get().(*mac)
	defer c.macs[0].Put(m)
	payload = append(payload, c.tag(m, copy(c.payload(m), payload))...)
	return base64.RawURLEncoding.EncodeToString(payload)
}

var strictBase64 = base64.RawURLEncoding.Strict()

// decode reads value. The answers stand in room as long as they fit there. It
// fails with errCookie on anything that this server did not make.
func (c *codec) decode(value string, room []Answer, now time.Time) (Stored, error) {
	// encoding/base64 passes over line breaks; here they would be a second
	// text for one value.
	if len(value) > maxCookieValue || strictBase64.DecodedLen(len(value)) <= tagSize || strings.IndexByte(value, '\r') >= 0 || strings.IndexByte(value, '\n') >= 0 {
		return Stored{}, errCookie
	}
	for _, pool := range c.macs {
		m := pool.Get().(*mac)
		n := copy(m.text[:], value)
		raw := c.payload(m)
		n, err := strictBase64.Decode(raw, m.text[:n])
		var s Stored
		ok := err == nil && n > tagSize
		if ok {
			n -= tagSize
			if ok = hmac.Equal(raw[n:n+tagSize], c.tag(m, n)); ok {
				s, ok = readStored(raw[:n], room, now)
			}
		}
		pool.Put(m)
		if ok {
			return s, nil
		}
	}
	return Stored{}, errCookie
}

// The payload. A refusal is
//
//	format, 0, uvarint version, denials
//
// and holds nothing that differs between two visitors who refused the same
// under the same policy in the same month. A grant is
//
//	format, 1, subject[16], uvarint revision, uvarint minutes, uvarint version, denials, grants
//
// where denials and grants are lists of groups that share their day:
//
//	uvarint groups, { uvarint day, [grants: uvarint version·2+knowing], uvarint n, n numbers }
//
// Numbers within a group ascend, groups are in ascending order of (day,
// version, knowing): one value, one text.
func appendStored(b []byte, s *Stored) []byte {
	b = append(b, cookieFormat)
	if !s.hasGrant() {
		b = append(b, 0)
		b = binary.AppendUvarint(b, uint64(s.Version))
		return appendGroups(b, s.Answers, false)
	}
	b = append(b, 1)
	b = append(b, s.Subject[:]...)
	b = binary.AppendUvarint(b, s.Revision)
	b = binary.AppendUvarint(b, uint64(s.Issued-cookieMinutes))
	b = binary.AppendUvarint(b, uint64(s.Version))
	b = appendGroups(b, s.Answers, false)
	return appendGroups(b, s.Answers, true)
}

func compareGroup(a, b Answer) int {
	if a.Day != b.Day {
		return int(a.Day) - int(b.Day)
	}
	if a.Version != b.Version {
		return int(a.Version) - int(b.Version)
	}
	if a.KnowingGPC != b.KnowingGPC {
		if b.KnowingGPC {
			return -1
		}
		return 1
	}
	return 0
}

func appendGroups(b []byte, answers []Answer, granted bool) []byte {
	list := make([]Answer, 0, len(answers))
	for _, a := range answers {
		if a.Granted == granted {
			list = append(list, a)
		}
	}
	slices.SortStableFunc(list, compareGroup)
	var groups [][]Answer
	for len(list) > 0 {
		n := 1
		for n < len(list) && compareGroup(list[0], list[n]) == 0 {
			n++
		}
		groups, list = append(groups, list[:n]), list[n:]
	}
	b = binary.AppendUvarint(b, uint64(len(groups)))
	for _, g := range groups {
		b = binary.AppendUvarint(b, uint64(g[0].Day-cookieDays))
		if granted {
			flags := uint64(g[0].Version) << 1
			if g[0].KnowingGPC {
				flags |= 1
			}
			b = binary.AppendUvarint(b, flags)
		}
		b = binary.AppendUvarint(b, uint64(len(g)))
		for _, a := range g {
			b = append(b, a.Number)
		}
	}
	return b
}

// payloadReader reads a payload and remembers whether anything was wrong.
type payloadReader struct {
	rest []byte
	bad  bool
}

func (p *payloadReader) byte() byte {
	if len(p.rest) == 0 {
		p.bad = true
		return 0
	}
	b := p.rest[0]
	p.rest = p.rest[1:]
	return b
}

// number reads a uvarint of at most limit. A longer form of the same number is
// refused, so that there is one text for one value.
func (p *payloadReader) number(limit uint64) uint64 {
	if rest := p.rest; len(rest) > 0 && rest[0] < 0x80 && uint64(rest[0]) <= limit { // most are small
		p.rest = rest[1:]
		return uint64(rest[0])
	}
	return p.longNumber(limit)
}

func (p *payloadReader) longNumber(limit uint64) uint64 {
	v, n := binary.Uvarint(p.rest)
	if n <= 0 || v > limit || n > 1 && p.rest[n-1] == 0 {
		p.bad = true
		return 0
	}
	p.rest = p.rest[n:]
	return v
}

func readStored(payload []byte, room []Answer, now time.Time) (s Stored, ok bool) {
	answers := room[:0]
	p := payloadReader{rest: payload}
	if p.byte() != cookieFormat {
		return s, false
	}
	kind := p.byte()
	switch kind {
	case 0:
	case 1:
		if len(p.rest) < len(s.Subject) {
			return s, false
		}
		copy(s.Subject[:], p.rest)
		p.rest = p.rest[len(s.Subject):]
		s.Revision = p.number(1 << 62)
		s.Issued = int64(p.number(1<<32)) + cookieMinutes
		if s.Subject.IsZero() || s.Revision == 0 || s.Issued > now.Unix()/60+24*60 {
			return s, false
		}
	default:
		return s, false
	}
	s.Version = int(p.number(maxPolicyVersion))
	answers = p.groups(answers, false)
	if kind == 1 {
		denials := len(answers)
		answers = p.groups(answers, true)
		p.bad = p.bad || len(answers) == denials
	}
	if p.bad || len(p.rest) != 0 {
		return s, false
	}
	byNumber := func(a, b Answer) int { return int(a.Number) - int(b.Number) }
	if !slices.IsSortedFunc(answers, byNumber) {
		slices.SortFunc(answers, byNumber)
	}
	for i := 1; i < len(answers); i++ {
		if answers[i].Number == answers[i-1].Number {
			return s, false
		}
	}
	s.Answers = answers
	return s, true
}

func (p *payloadReader) groups(answers []Answer, granted bool) []Answer {
	var last Answer
	for g := range p.number(maxPurposes) {
		a := Answer{Granted: granted, Day: int32(p.number(1<<24)) + cookieDays}
		if granted {
			flags := p.number(maxPolicyVersion<<1 | 1)
			a.Version, a.KnowingGPC = int32(flags>>1), flags&1 == 1
		} else if a.Day != monthStart(time.Unix(int64(a.Day)*86400, 0)) {
			p.bad = true // a no holds no finer time than its month
		}
		if g > 0 && compareGroup(last, a) >= 0 {
			p.bad = true
		}
		last = a
		n := p.number(maxPurposes)
		p.bad = p.bad || n == 0
		for i := range n {
			number := p.byte()
			if number == 0 || i > 0 && number <= a.Number {
				p.bad = true
			}
			if p.bad {
				return answers
			}
			a.Number = number
			answers = append(answers, a)
		}
	}
	return answers
}
