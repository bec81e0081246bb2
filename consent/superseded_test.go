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

// Someone who changes their mind a million times pushes nobody else out.
func TestSupersededNobodyIsPushedOut(t *testing.T) {
	s := consent.NewSuperseded(2)
	s.Raise(subject(1), 2, 100)
	for i := range uint64(1_000_000) {
		s.Raise(subject(2), i+2, 101)
	}
	size, watermark := s.Size()
	require.Equal(t, 2, size)
	require.Zero(t, watermark)
	require.False(t, s.Stands(subject(1), 1, 100))
}

// The memory against one without bounds and without compression: it may forget
// that a purpose stands, never that it was lost.
func FuzzSuperseded(f *testing.F) {
	f.Add([]byte{1, 2, 3, 1, 2, 3}, uint8(2))
	f.Add([]byte{0x10, 0x21, 0x13, 0x45, 0x11, 0x80, 0x10, 0x2f}, uint8(3))
	f.Fuzz(func(t *testing.T, changes []byte, bound uint8) {
		s := consent.NewSuperseded(int(bound%4) + 1)
		type key struct {
			subject  int
			revision uint64
		}
		revision, lost, at := map[int]uint64{}, map[key]uint64{}, map[key]int64{}
		for i, c := range changes {
			who, set := int(c>>6), uint64(c&0x3f)
			revision[who] = max(revision[who]+1, 2)
			k := key{who, revision[who]}
			lost[k], at[k] = set, int64(i+10)
			s.Lose(subject(who), k.revision, at[k], set)
		}
		for who, latest := range revision {
			for r := uint64(1); r <= latest; r++ {
				issued := int64(9)
				if r > 1 {
					issued = at[key{who, r}]
				}
				if r < latest && s.Stands(subject(who), r, issued) {
					t.Fatalf("revision %d of %d stands, %d is the latest", r, who, latest)
				}
				for bit := range 6 {
					set := uint64(1) << bit
					gone := false
					for later := r + 1; later <= latest; later++ {
						gone = gone || lost[key{who, later}]&set != 0
					}
					if gone && s.Granted(subject(who), r, issued, set) {
						t.Fatalf("purpose %d of revision %d stands, and was lost later", bit, r)
					}
				}
			}
		}
	})
}

// Up to three different losses are told apart exactly.
func TestSupersededLosses(t *testing.T) {
	const a, b, c = 1, 2, 4
	s := consent.NewSuperseded(10)
	s.Lose(subject(1), 2, 100, a)
	s.Lose(subject(1), 3, 100, 0) // a granted again
	s.Lose(subject(1), 4, 100, b)
	s.Lose(subject(1), 5, 100, 0) // b granted again
	s.Lose(subject(1), 6, 100, c)
	for revision, want := range map[uint64][3]bool{
		1: {false, false, false}, 2: {true, false, false}, 3: {true, false, false}, 4: {true, true, false}, 5: {true, true, false}, 6: {true, true, true},
	} {
		got := [3]bool{}
		for i, set := range []uint64{a, b, c} {
			got[i] = s.Granted(subject(1), revision, 100, set)
		}
		require.Equal(t, want, got, "revision %d", revision)
	}
	require.EqualValues(t, 6, s.Latest(subject(1)))
	s.Lose(subject(1), 7, 100, ^uint64(0))
	require.Zero(t, s.Latest(subject(1)), "nothing is left to be withdrawn")
}
