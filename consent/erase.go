package consent

import (
	"context"
	"fmt"
	"slices"
	"sync"
	"time"
)

// maxErasures bounds the persons whose erasure failed somewhere and is tried
// again. Above it an erasure still takes effect as a withdrawal, and is
// answered as failed.
const maxErasures = 1 << 12

// erasures are what is left to do. A goroutine runs while there is anything.
type erasures struct {
	mu      sync.Mutex
	left    map[Person][]string // names of parts
	running bool
}

// erase erases a person everywhere. What fails is tried again until Close.
func (m *Manager) erase(ctx context.Context, who Person, minute int64) []Part {
	var names []string
	if !who.Subject.IsZero() {
		// In effect at once, whatever the ledger says.
		stripe := m.stripe(who.Subject)
		stripe.Lock()
		m.superseded.end(who.Subject, minute)
		stripe.Unlock()
		names = append(names, recordsPart)
	}
	for _, d := range m.hostData {
		if d.Erase != nil {
			names = append(names, d.Name)
		}
	}
	failed := m.eraseParts(ctx, who, names)
	kept := m.eraseLater(who, failed)
	parts := make([]Part, 0, len(names))
	for _, name := range names {
		p := Part{Name: name, Status: PartDone}
		if slices.Contains(failed, name) {
			if p.Status = PartPending; !kept {
				p.Status = PartFailed
			}
		}
		parts = append(parts, p)
	}
	m.counters.erased.Add(1)
	return parts
}

// eraseParts erases the named parts at once and returns the names of those that
// failed.
func (m *Manager) eraseParts(ctx context.Context, who Person, names []string) (failed []string) {
	failures := make([]bool, len(names))
	var wg sync.WaitGroup
	for i, name := range names {
		wg.Go(func() {
			ctx, cancel := context.WithTimeout(ctx, hookTimeout)
			defer cancel()
			if name == recordsPart {
				failures[i] = m.eraseRecords(ctx, who.Subject) != nil
				return
			}
			for _, d := range m.hostData {
				if d.Name != name {
					continue
				}
				if err := guard(func() error { return d.Erase(ctx, who) }); err != nil {
					m.hookFailed("Erase", name, err)
					failures[i] = true
				}
			}
		})
	}
	wg.Wait()
	for i, name := range names {
		if failures[i] {
			failed = append(failed, name)
		}
	}
	return failed
}

// eraseRecords removes a subject from the ledger. Its image goes in first: from
// then on a copy of its cookie counts for nothing, also after a restart and on
// other replicas, and a process that ends in between completes the erasure when
// it starts again.
func (m *Manager) eraseRecords(ctx context.Context, s Subject) error {
	m.forgetPending(s)
	now := m.now().UTC().Truncate(time.Second)
	if img := s.Image(); !m.superseded.knows(img) {
		language := m.rules.language("")
		err := m.append(ctx, Entry{
			Time: now, Kind: EntryErasure, Subject: img, Policy: m.rules.policy.Version,
			Language: language, TextHash: m.rules.textHash[language],
		}, true)
		if err != nil {
			m.logger.Error("consent: the ledger does not take an erasure; it is tried again", "error", err)
			return err
		}
		m.superseded.endImage(img, now.Unix()/60)
	}
	if _, err := m.ledger.Erase(ctx, s); err != nil {
		m.counters.ledgerErrors.Add(1)
		m.logger.Error("consent: the ledger does not erase; it is tried again", "error", err)
		return err
	}
	return nil
}

// eraseLater keeps what failed for a further attempt, and reports whether there
// was room for it.
func (m *Manager) eraseLater(who Person, names []string) bool {
	if len(names) == 0 {
		return true
	}
	e := &m.erasures
	e.mu.Lock()
	defer e.mu.Unlock()
	if _, ok := e.left[who]; !ok && len(e.left) >= maxErasures {
		m.counters.erasuresLost.Add(1)
		return false
	}
	if e.left == nil {
		e.left = map[Person][]string{}
	}
	for _, name := range names {
		if !slices.Contains(e.left[who], name) {
			e.left[who] = append(e.left[who], name)
		}
	}
	if !e.running {
		e.running = m.background.run(m.retryErasures)
	}
	return true
}

func (m *Manager) retryErasures(ctx context.Context) {
	for wait := firstWait; ; wait = min(2*wait, longestWay) {
		select {
		case <-ctx.Done():
			return
		case <-time.After(wait):
		}
		if m.eraseLeft(ctx) == 0 {
			return
		}
	}
}

// eraseLeft tries what is left once, and returns for how many persons something
// is left then. When there is nothing the goroutine's place is given up.
func (m *Manager) eraseLeft(ctx context.Context) int {
	e := &m.erasures
	e.mu.Lock()
	jobs := make(map[Person][]string, len(e.left))
	for who, names := range e.left {
		jobs[who] = slices.Clone(names)
	}
	e.mu.Unlock()
	for who, names := range jobs {
		if ctx.Err() != nil {
			break
		}
		failed := m.eraseParts(ctx, who, names)
		e.mu.Lock()
		e.left[who] = slices.DeleteFunc(e.left[who], func(name string) bool {
			return slices.Contains(names, name) && !slices.Contains(failed, name)
		})
		if len(e.left[who]) == 0 {
			delete(e.left, who)
		}
		e.mu.Unlock()
	}
	e.mu.Lock()
	defer e.mu.Unlock()
	e.running = len(e.left) > 0
	return len(e.left)
}

// waiting returns for how many persons something is left.
func (e *erasures) waiting() int {
	e.mu.Lock()
	defer e.mu.Unlock()
	return len(e.left)
}

// closeErasures tries what is left once more.
func (m *Manager) closeErasures(ctx context.Context) error {
	if m.erasures.waiting() == 0 {
		return nil
	}
	if n := m.eraseLeft(ctx); n > 0 {
		return fmt.Errorf("consent: close: the data of %d persons is not erased everywhere; they were told so and have a receipt to ask again", n)
	}
	return nil
}

// completeErasures erases again whom the ledger says was erased: a process may
// have ended between the two, and an entry that another one appended at the same
// moment came after it.
func (m *Manager) completeErasures(ctx context.Context) {
	left := map[Subject]bool{}
	err := m.ledger.Scan(ctx, 0, func(e Entry) error {
		if e.Kind != EntryErasure && !e.Subject.IsZero() && m.superseded.erasedSubject(e.Subject) && len(left) < maxErasures {
			left[e.Subject] = true
		}
		return nil
	})
	if err != nil && ctx.Err() == nil {
		m.logger.Error("consent: the ledger cannot be read, so erasures that were cut short are not completed", "error", err)
	}
	for s := range left {
		m.eraseLater(Person{Subject: s}, []string{recordsPart})
	}
}
