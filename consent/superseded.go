package consent

import (
	"crypto/sha256"
	"math"
	"sync"
	"sync/atomic"
)

// superseded is the bounded memory of revisions that were replaced. A cookie
// of an older revision of its subject is worth nothing, wherever it was kept.
//
// When the bound is met the subject that changed longest ago is forgotten and
// the watermark moves to the time of its change: every cookie issued up to then
// reads as unset and is asked for again, so forgetting is never remembering
// wrongly. A subject has one place however often it changes, so nobody can push
// the others out by changing their own mind.
type superseded struct {
	// epoch changes with every addition, so that a reader who saw nothing new
	// need not look.
	epoch atomic.Uint64
	// images says that erased subjects are known, by their image alone.
	images atomic.Bool

	mu             sync.RWMutex
	index          map[Subject]int32 // into known
	known          []replaced        // no pointers: nothing here for the collector to follow
	oldest, newest int32             // ends of the list by latest change; -1 for none
	bound          int
	watermark      int64 // minutes of Unix time
}

// replaced is what is known of one subject.
type replaced struct {
	subject      Subject
	revision     uint64 // this one and later ones count
	minute       int64  // of the latest change
	older, newer int32
	losses       [3]loss // newest first, disjoint
}

// loss says that the purposes of set were not granted in a revision.
type loss struct{ revision, set uint64 }

// ended is the revision of a subject of which no cookie counts any more.
const ended = math.MaxUint64

// defaultSuperseded is about 40 MiB when full.
const defaultSuperseded = 1 << 18

func newSuperseded(bound int) *superseded {
	return &superseded{index: map[Subject]int32{}, oldest: -1, newest: -1, bound: bound}
}

// stands reports whether a cookie of this subject, revision and time counts.
func (s *superseded) stands(subject Subject, revision uint64, issued int64) bool {
	s.mu.RLock()
	defer s.mu.RUnlock()
	if issued <= s.watermark || s.erased(subject) {
		return false
	}
	i, ok := s.index[subject]
	return !ok || revision >= s.known[i].revision
}

// granted reports whether none of the purposes of set was lost since the
// revision, however many revisions came after it.
func (s *superseded) granted(subject Subject, revision uint64, issued int64, set uint64) bool {
	s.mu.RLock()
	defer s.mu.RUnlock()
	if issued <= s.watermark || s.erased(subject) {
		return false
	}
	i, ok := s.index[subject]
	if !ok {
		return true
	}
	for _, l := range s.known[i].losses {
		if l.set&set != 0 && l.revision > revision {
			return false
		}
	}
	return true
}

// erased reports whether the image of the subject is known. The lock is held.
func (s *superseded) erased(subject Subject) bool {
	if !s.images.Load() {
		return false
	}
	_, ok := s.index[subject.Image()]
	return ok
}

// erasedSubject is erased without the lock held.
func (s *superseded) erasedSubject(subject Subject) bool {
	s.mu.RLock()
	defer s.mu.RUnlock()
	return s.erased(subject)
}

// knows reports whether the subject, or image of one, has a place.
func (s *superseded) knows(subject Subject) bool {
	s.mu.RLock()
	defer s.mu.RUnlock()
	_, ok := s.index[subject]
	return ok
}

// standing returns what is known of the latest cookie of a subject, when it may
// still grant any purpose of set: for somebody who says no with an older one.
func (s *superseded) standing(subject Subject, set uint64) (Stored, bool) {
	s.mu.RLock()
	defer s.mu.RUnlock()
	i, ok := s.index[subject]
	if !ok {
		return Stored{}, false // its last change is below the watermark
	}
	r := &s.known[i]
	if l := r.losses[0]; r.revision == ended || l.revision == r.revision && l.set&set == set {
		return Stored{}, false
	}
	return Stored{Subject: subject, Revision: r.revision, Issued: r.minute}, true
}

// raise says that from now on only revision (and later ones) of subject count,
// and which purposes are not granted in it. It reports whether that is news.
func (s *superseded) raise(subject Subject, revision uint64, minute int64, lost uint64) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	i, ok := s.index[subject]
	if ok && s.known[i].revision >= revision {
		return false
	}
	if !ok {
		i = s.place(subject)
	} else {
		s.unlink(i)
	}
	s.link(i)
	r := &s.known[i]
	r.revision, r.minute = revision, max(r.minute, minute)
	r.lose(revision, lost)
	s.epoch.Add(1)
	return true
}

// end says that no cookie of the subject counts any more.
func (s *superseded) end(subject Subject, minute int64) {
	s.raise(subject, ended, minute, math.MaxUint64)
}

// endImage is end for an erased subject, of which only the image is known.
func (s *superseded) endImage(image Subject, minute int64) {
	s.images.Store(true)
	s.end(image, minute)
}

// place returns a free place for the subject, at the bound by forgetting the
// one that changed longest ago.
func (s *superseded) place(subject Subject) int32 {
	var i int32
	if len(s.known) < s.bound {
		i = int32(len(s.known))
		s.known = append(s.known, replaced{})
	} else {
		i = s.oldest
		s.unlink(i)
		s.watermark = max(s.watermark, s.known[i].minute)
		delete(s.index, s.known[i].subject)
	}
	s.known[i] = replaced{subject: subject}
	s.index[subject] = i
	return i
}

func (s *superseded) unlink(i int32) {
	r := s.known[i]
	if r.older < 0 {
		s.oldest = r.newer
	} else {
		s.known[r.older].newer = r.newer
	}
	if r.newer < 0 {
		s.newest = r.older
	} else {
		s.known[r.newer].older = r.older
	}
}

// link puts place i at the newest end.
func (s *superseded) link(i int32) {
	s.known[i].older, s.known[i].newer = s.newest, -1
	if s.newest < 0 {
		s.oldest = i
	} else {
		s.known[s.newest].newer = i
	}
	s.newest = i
}

// lose notes a loss. Where more are known than there is room for, the two
// oldest become one at the later of their revisions: too much is lost then,
// never too little.
func (r *replaced) lose(revision, set uint64) {
	if set == 0 {
		return
	}
	list := append(make([]loss, 0, len(r.losses)+1), loss{revision, set})
	for _, l := range r.losses {
		if l.set &^= set; l.set != 0 {
			list = append(list, l)
		}
	}
	if n := len(r.losses); len(list) > n {
		list[n-1].set |= list[n].set
		list = list[:n]
	}
	clear(r.losses[:])
	copy(r.losses[:], list)
}

// size returns how many subjects are remembered and the watermark.
func (s *superseded) size() (int, int64) {
	s.mu.RLock()
	defer s.mu.RUnlock()
	return len(s.index), s.watermark
}

// Image is what stays of an erased subject, in an [EntryErasure]: SHA-256 over a
// label and the subject, cut to its size. A subject is 122 random bits, so nobody
// finds it from its image; whoever holds a copy of the cookie is recognised by
// it, and the copy counts for nothing.
func (s Subject) Image() (out Subject) {
	const label = "candor erased subject\x00"
	var text [len(label) + len(s)]byte
	copy(text[copy(text[:], label):], s[:])
	sum := sha256.Sum256(text[:])
	copy(out[:], sum[:])
	return out
}
