package consent_test

import (
	"encoding/binary"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/candorhttp/candor/consent"
)

func subject(n int) (s consent.Subject) {
	binary.BigEndian.PutUint64(s[:], uint64(n)+1)
	return s
}

func TestSupersededRevisions(t *testing.T) {
	s := consent.NewSuperseded(10)
	require.True(t, s.Stands(subject(1), 1, 100), "nothing replaced")
	s.Raise(subject(1), 2, 100)
	require.False(t, s.Stands(subject(1), 1, 100))
	require.True(t, s.Stands(subject(1), 2, 100))
	require.True(t, s.Stands(subject(2), 1, 100), "another subject")
	s.Raise(subject(1), 1, 101)
	require.True(t, s.Stands(subject(1), 2, 100), "a revision never falls")
}

// A million withdrawals in a memory for a thousand: it stays that small, and
// not one replaced revision counts again.
func TestSupersededBound(t *testing.T) {
	const bound, n = 1000, 1_000_000
	s := consent.NewSuperseded(bound)
	for i := range n {
		minute := int64(i / 100)
		s.Raise(subject(i), 2, minute)
		size, _ := s.Size()
		if size > bound {
			t.Fatalf("%d subjects remembered", size)
		}
	}
	for i := range n {
		if issued := int64(i / 100); s.Stands(subject(i), 1, issued) {
			t.Fatalf("withdrawal %d was forgotten", i)
		}
	}
	_, watermark := s.Size()
	require.Positive(t, watermark)
	require.True(t, s.Stands(subject(n+1), 1, n), "a grant from after the watermark counts")
	require.False(t, s.Stands(subject(n+1), 1, watermark), "one from before is asked again")
}

// A subject that changes again and again keeps its place by its latest change.
func TestSupersededSubjectThatChangesOften(t *testing.T) {
	s := consent.NewSuperseded(3)
	for i := range uint64(10) {
		s.Raise(subject(1), i+2, int64(i))
	}
	require.False(t, s.Stands(subject(1), 10, 100))
	require.True(t, s.Stands(subject(1), 11, 100))
	_, watermark := s.Size()
	require.Zero(t, watermark, "nothing had to be forgotten")
}
