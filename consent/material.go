package consent

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"time"
)

// MaterialChange is what [Config.OnMaterialChange] is told: that a policy runs
// under which earlier grants are asked for again.
type MaterialChange struct {
	From, To int       // versions: the last one the ledger knows of, and the one that runs
	Changes  []Change  // of the policy, above From
	Purposes []Purpose // whose earlier grants went stale

	m *Manager
}

// Subjects yields who granted one of Purposes under an older text and did not
// take it back, from the ledger, oldest first: a host that kept the subjects of
// its accounts (see [Manager.Subject]) finds by them whom to write to. It reads
// the ledger once in bounded memory, so it may yield somebody twice, and leaves
// out whose cookies are below the watermark. It ends after an error.
func (c MaterialChange) Subjects(ctx context.Context) iter.Seq2[Subject, error] {
	return func(yield func(Subject, error) bool) {
		m := c.m
		stop := errors.New("stop")
		err := m.ledger.Scan(ctx, 0, func(e Entry) error {
			set := m.rules.stale(e.Policy) & m.rules.set(e.Granted) & m.rules.set(c.Purposes)
			if set == 0 || e.Subject.IsZero() || dayOf(e.Time)+m.rules.grantDays <= dayOf(m.now()) {
				return nil
			}
			for bit := uint64(1); bit != 0; bit <<= 1 {
				if set&bit != 0 && m.superseded.granted(e.Subject, e.Revision, e.Time.Unix()/60, bit) {
					if !yield(e.Subject, nil) {
						return stop
					}
					break
				}
			}
			return nil
		})
		if err != nil && !errors.Is(err, stop) {
			yield(Subject{}, fmt.Errorf("consent: material change: %w", err))
		}
	}
}

// stale is the set of purposes whose grants of a policy version are asked again.
func (r *Rules) stale(version int) (set uint64) {
	for i, p := range r.policy.Processing {
		if version < p.GoodSince {
			set |= 1 << i
		}
	}
	return set & r.askable()
}

// announced says what the ledger held when the manager was made.
type announced struct {
	last    uint64 // number of the last entry
	version int    // highest version of the policy
	granted uint64 // purposes that anybody said yes to
}

// announce has the hook told of a policy version that made grants of the ledger
// stale, unless an entry of it is there already. Whoever appends the first one
// tells, so of many processes that start at once one does.
func (m *Manager) announce(seen announced) error {
	version := m.rules.policy.Version
	stale := m.rules.stale(seen.version)
	if m.onMaterial == nil || seen.version >= version || seen.granted&stale == 0 {
		return nil
	}
	ctx, cancel := context.WithTimeout(context.Background(), appendTimeout)
	defer cancel()
	language := m.rules.language("")
	seq, err := m.ledger.Append(ctx, Entry{
		Time: m.now().UTC().Truncate(time.Second), Kind: EntryPolicy, Policy: version,
		Language: language, TextHash: m.rules.textHash[language],
	})
	if err != nil {
		return err
	}
	first := true
	err = m.ledger.Scan(ctx, seen.last, func(e Entry) error {
		first = first && (e.Policy < version || e.Seq >= seq)
		return nil
	})
	if err != nil || !first {
		return err
	}
	change := MaterialChange{
		From: seen.version, To: version, m: m,
		Changes: m.rules.policy.changesAfter(seen.version), Purposes: m.rules.purposes(stale),
	}
	m.untold.Store(true)
	m.background.run(func(ctx context.Context) {
		m.persist(ctx, "OnMaterialChange", func() error { return m.onMaterial(ctx, change) })
		m.untold.Store(ctx.Err() != nil)
	})
	return nil
}
