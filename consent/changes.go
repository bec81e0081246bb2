package consent

import "maps"

// Since returns the version of the policy under which the visitor last chose; 0
// for somebody who did not choose, or whose choice cannot be believed.
func (d Decision) Since() int { return int(d.since) }

// Changes returns what the policy changed since the visitor last chose, oldest
// first, for a banner that asks again: none for somebody who did not choose yet,
// to whom all of it is new.
func (d Decision) Changes() []Change {
	if d.rules == nil || d.since == 0 {
		return nil
	}
	return d.rules.policy.changesAfter(int(d.since))
}

// changesAfter returns copies of the changes above a version.
func (p Policy) changesAfter(version int) (out []Change) {
	for _, c := range p.Changes {
		if c.Version > version {
			c.Summary = maps.Clone(c.Summary)
			out = append(out, c)
		}
	}
	return out
}
