package consent

import (
	"time"

	"github.com/candorhttp/candor/consent/exchange"
)

// Codec lets the tests reach the consent cookie's text form.
type Codec struct{ c *codec }

func NewCodec(keys Keys, name string) Codec { return Codec{newCodec(keys, name)} }

func (c Codec) Encode(s Stored) string { return c.c.encode(&s) }

func (c Codec) Decode(text string, now time.Time) (Stored, error) {
	return c.c.decode(text, nil, now)
}

// DecodeInto is Decode into a value that keeps its memory.
func (c Codec) DecodeInto(s *Stored, text string, now time.Time) error {
	read, err := c.c.decode(text, s.Answers[:0], now)
	*s = read
	return err
}

// Payload lets the fuzz test reach the reader behind the signature.
func Payload(b []byte, now time.Time) (Stored, bool) {
	return readStored(b, nil, now)
}

// PayloadInto is Payload into a value that keeps its memory.
func PayloadInto(s *Stored, b []byte, now time.Time) (ok bool) {
	*s, ok = readStored(b, s.Answers[:0], now)
	return ok
}

func AppendPayload(s Stored) []byte { return appendStored(nil, &s) }

func LocalPath(p string) string { return localPath(p) }

// Superseded lets the tests reach the memory of replaced revisions.
type Superseded struct{ s *superseded }

func NewSuperseded(bound int) Superseded { return Superseded{newSuperseded(bound)} }

func (s Superseded) Raise(subject Subject, revision uint64, minute int64) {
	s.s.raise(subject, revision, minute, ^uint64(0))
}

func (s Superseded) Lose(subject Subject, revision uint64, minute int64, set uint64) {
	s.s.raise(subject, revision, minute, set)
}

func (s Superseded) Granted(subject Subject, revision uint64, issued int64, set uint64) bool {
	return s.s.granted(subject, revision, issued, set)
}

func (s Superseded) Latest(subject Subject) uint64 {
	latest, _ := s.s.standing(subject, ^uint64(0))
	return latest.Revision
}

func (s Superseded) Stands(subject Subject, revision uint64, issued int64) bool {
	return s.s.stands(subject, revision, issued)
}

func (s Superseded) Size() (int, int64) { return s.s.size() }

func SupersededOf(m *Manager) Superseded { return Superseded{m.superseded} }

// Reread is Peek of somebody who was not looked at yet.
func Reread(m *Manager, x *exchange.Exchange) Decision {
	s := m.state(x)
	s.loaded = false
	return s.peek()
}
