package consent

import (
	"context"
	"math/rand/v2"
	"sync"
	"time"
)

// maxFollowPause bounds the time between two attempts to follow a ledger.
const maxFollowPause = 5 * time.Second

// maxOwn bounds the changes that this process made and did not hear of from the
// ledger yet.
const maxOwn = 1 << 16

// following is how a manager hears what other processes append.
type following struct {
	mu  sync.Mutex
	own map[change]struct{} // nil when the ledger is not followed
}

// change names one change of one subject.
type change struct {
	subject  Subject
	revision uint64
}

// begin notes a change before it is appended, so that it is not taken for
// another process's when the ledger yields it.
func (f *following) begin(c change) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.own != nil && len(f.own) < maxOwn {
		f.own[c] = struct{}{}
	}
}

// heard reports whether a change is this process's own, and forgets it.
func (f *following) heard(c change) bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	_, ok := f.own[c]
	delete(f.own, c)
	return ok
}

// rebuild learns from the ledger which revisions were replaced.
func (m *Manager) rebuild(ctx context.Context) (seen announced, err error) {
	err = m.ledger.Scan(ctx, 0, func(e Entry) error {
		seen.last, seen.version = e.Seq, max(seen.version, e.Policy)
		seen.granted |= m.rules.set(e.Granted)
		m.learn(e, false)
		return nil
	})
	return seen, err
}

// follow hears what is appended after the given number, until ctx ends.
func (m *Manager) follow(ctx context.Context, f Follower, last uint64) {
	const firstPause = 50 * time.Millisecond
	for pause := firstPause; ; {
		before := last
		err := f.Follow(ctx, last, func(e Entry) error {
			if e.Seq > last {
				last = e.Seq
				m.learn(e, true)
			}
			return nil
		})
		if ctx.Err() != nil {
			return
		}
		m.counters.followErrors.Add(1)
		if last > before {
			pause = firstPause
		}
		m.logger.Warn("consent: the ledger is not heard; withdrawals made by other processes count here once it is", "error", err)
		select {
		case <-ctx.Done():
			return
		case <-time.After(pause/2 + rand.N(pause/2)):
		}
		pause = min(2*pause, maxFollowPause)
	}
}

// learn takes notice of an entry that this or another process appended.
func (m *Manager) learn(e Entry, following bool) {
	minute := e.Time.Unix() / 60
	switch {
	case e.Subject.IsZero() || dayOf(e.Time) < dayOf(m.now())-maxLifetimeDays:
		// What it replaced has expired.
	case e.Kind == EntryErasure:
		m.superseded.endImage(e.Subject, minute)
	case following && m.superseded.erasedSubject(e.Subject):
		// Appended by a process that had not heard of the erasure.
		m.eraseLater(Person{Subject: e.Subject}, []string{recordsPart})
	case e.Revision <= 1:
		// The first revision of a subject replaces nothing.
	case m.following.heard(change{e.Subject, e.Revision}):
	case !m.superseded.raise(e.Subject, e.Revision, minute, m.rules.set(e.Denied)):
		m.fork(e)
	}
}

// fork ends a subject of which two processes replaced the same revision, so
// that neither of the two cookies knows of the other choice. Which of them
// holds a no cannot be told from a cookie, so neither counts and the visitor is
// asked again.
func (m *Manager) fork(e Entry) {
	m.superseded.end(e.Subject, e.Time.Unix()/60)
	m.counters.forked.Add(1)
}

// followed reports whether other processes are heard.
func (m *Manager) followed() bool { return m.following.own != nil }
