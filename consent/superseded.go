package consent

import (
	"sync"
	"sync/atomic"
)

// superseded is the bounded memory of revisions that were replaced. A cookie
// of an older revision of its subject is worth nothing, wherever it was kept.
//
// When the bound is met the oldest entry is forgotten and the watermark moves
// to its time: every cookie issued up to then reads as unset and is asked for
// again, so forgetting is never remembering wrongly.
type superseded struct {
	// epoch changes with every addition, so that a reader who saw nothing new
	// need not look.
	epoch atomic.Uint64

	mu        sync.RWMutex
	latest    map[Subject]uint64
	order     []supersededEntry // ring, oldest at head
	head, n   int
	watermark int64 // minutes of Unix time
}

type supersededEntry struct {
	subject  Subject
	revision uint64
	minute   int64
}

// defaultSuperseded is about 30 MiB when full.
const defaultSuperseded = 1 << 18

func newSuperseded(bound int) *superseded {
	return &superseded{latest: map[Subject]uint64{}, order: make([]supersededEntry, 0, min(bound, 1024)), head: 0, n: bound}
}

// stands reports whether a cookie of this subject, revision and time counts.
func (s *superseded) stands(subject Subject, revision uint64, issued int64) bool {
	s.mu.RLock()
	defer s.mu.RUnlock()
	return issued > s.watermark && revision >= s.latest[subject]
}

// raise says that from now on only revision (and later ones) of subject count.
func (s *superseded) raise(subject Subject, revision uint64, minute int64) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.latest[subject] >= revision {
		return
	}
	s.latest[subject] = revision
	e := supersededEntry{subject, revision, minute}
	if len(s.order) < s.n {
		s.order = append(s.order, e)
	} else {
		old := s.order[s.head]
		s.order[s.head] = e
		s.head = (s.head + 1) % len(s.order)
		// A younger entry for the same subject keeps it known.
		if s.latest[old.subject] == old.revision {
			delete(s.latest, old.subject)
			s.watermark = max(s.watermark, old.minute)
		}
	}
	s.epoch.Add(1)
}

// size returns how many subjects are remembered and the watermark.
func (s *superseded) size() (int, int64) {
	s.mu.RLock()
	defer s.mu.RUnlock()
	return len(s.latest), s.watermark
}
