package consent

import "github.com/candorhttp/candor/consent/exchange"

// Permit is the permission for one purpose as it was when something was taken
// for it, to be asked again before it is used: an event that waits in a queue
// is dropped once its visitor took the yes back. The zero Permit stands for
// nothing. Permits are comparable, safe for concurrent use, and as large as
// seven words.
type Permit struct {
	m        *Manager
	set      uint64 // the purpose
	subject  Subject
	revision uint64
	issued   int64
	bare     bool
}

// Permit returns the permission for p as of now, without marking the response
// as dependent on it (see [Manager.Peek]); the zero Permit where p is not
// allowed.
func (m *Manager) Permit(x *exchange.Exchange, p Purpose) Permit {
	i, ok := m.rules.at(p)
	if !ok {
		return Permit{}
	}
	set := uint64(1) << i
	s := m.state(x)
	s.mu.Lock()
	defer s.mu.Unlock()
	d := s.decide()
	if d.allowed&set == 0 {
		return Permit{}
	}
	permit := Permit{m: m, set: set, bare: d.granted&set == 0}
	if !s.unreadable && m.rules.essential&set == 0 {
		permit.subject, permit.revision, permit.issued = s.subject, s.revision, int64(s.issued)
	}
	return permit
}

// Stands reports whether the purpose is still permitted: false for the zero
// Permit, and from the moment this process hears that the visitor withdrew the
// purpose, also if it was granted again since. Another choice of the same
// visitor that leaves the purpose granted changes nothing.
//
// A bare Permit of somebody who granted nothing at all always stands: there is
// no subject by which a later refusal could be recognised.
func (p Permit) Stands() bool {
	if p.m == nil {
		return false
	}
	return p.subject.IsZero() || p.m.superseded.granted(p.subject, p.revision, p.issued, p.set)
}

// Bare reports whether the purpose was allowed without a yes: an essential one,
// one on the basis of objection, or any under the opt-out regime. What is sent
// by it must name nobody.
func (p Permit) Bare() bool { return p.m != nil && p.bare }

// Subject returns who said yes; nobody for a bare Permit and the zero one. It
// is for grouping what must be dropped together, and never leaves the process.
func (p Permit) Subject() Subject {
	if p.bare {
		return Subject{}
	}
	return p.subject
}

// Changes returns a number that grows with every change that can end a Permit:
// each withdrawal, or other replacement of earlier choices, that this process
// makes or hears of. While it stays the same, so does what [Permit.Stands]
// answers.
func (m *Manager) Changes() uint64 { return m.superseded.epoch.Load() }
