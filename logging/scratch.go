package logging

import (
	"crypto/rand"
	"time"

	"github.com/google/uuid"
)

// scratch is what making lines is quicker with. It is used by one line at a
// time and holds nothing of a request.
type scratch struct {
	second int64 // of Unix time, of text
	text   [len(`"2006-01-02T15:04:05Z"`)]byte
	length int

	// Asking the system for random bytes takes longer than using them, so some
	// are asked for in advance. They are overwritten when they are used.
	bytes [8 * 16]byte
	left  int
}

// appendSecond appends a time in UTC to the second, as most lines have the same
// one as the line before.
func (s *scratch) appendSecond(dst []byte, t time.Time) []byte {
	if second := t.Unix(); second != s.second || s.length == 0 {
		text := append(s.text[:0], '"')
		text = time.Unix(second, 0).UTC().AppendFormat(text, time.RFC3339)
		text = append(text, '"')
		if len(text) > len(s.text) {
			return append(dst, text...) // a year of five digits
		}
		s.second, s.length = second, len(text)
	}
	return append(dst, s.text[:s.length]...)
}

// random fills an id with bytes that nobody else has. A nil scratch has none in
// advance.
func (s *scratch) random(id *uuid.UUID) {
	if s == nil {
		rand.Read(id[:]) // never fails, crypto/rand ends the program instead
		return
	}
	if s.left < len(id) {
		rand.Read(s.bytes[:])
		s.left = len(s.bytes)
	}
	given := (*uuid.UUID)(s.bytes[s.left-len(id) : s.left])
	*id, *given = *given, uuid.UUID{}
	s.left -= len(id)
}
