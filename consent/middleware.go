package consent

import (
	"context"
	"net/http"

	"github.com/candorhttp/candor/consent/exchange"
)

// Middleware lets the handlers inside ask [Allowed], [Decided] and [From], and
// sends what they change.
func (m *Manager) Middleware(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		x, w, r := exchange.Begin(w, r)
		m.Attach(x)
		if x.SecondWriter() {
			m.counters.secondWriter.Add(1)
		}
		x.Serve(next, w, r)
	})
}

// Peek returns the decision without marking the response as dependent on it:
// for middleware that does not change what the visitor sees. The set of
// replaced revisions is consulted each time.
func (m *Manager) Peek(x *exchange.Exchange) Decision { return m.state(x).peek() }

// PrivacyLine reports whether the exchange touched a privacy endpoint or
// recorded a choice. Its log line must not say who it was, or it would join the
// ledger's entry.
func (m *Manager) PrivacyLine(x *exchange.Exchange) bool {
	return m.state(x).privacy.Load()
}

// Revoked returns the purposes that were allowed when the exchange was first
// asked about and, by a choice recorded in it, no longer are; all, essential
// ones included, when the visitor was erased in it.
func (m *Manager) Revoked(x *exchange.Exchange) []Purpose {
	s := m.asked(x)
	if s == nil {
		return nil // nobody asked, so nobody chose
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	switch {
	case s.made == nil:
		return nil
	case s.made.erased:
		return m.rules.purposes(^uint64(0))
	case !s.made.changed:
		return nil
	}
	return m.rules.purposes(s.initial &^ s.decide().allowed)
}

// stateFrom returns the active state of a context, or nil.
func stateFrom(ctx context.Context) *state {
	x := exchange.From(ctx)
	if x == nil {
		return nil
	}
	return active.Get(x)
}

// Allowed reports whether p may be used for the visitor of this request, and
// marks the response as dependent on it: Vary: Cookie, Cache-Control: private
// and no validators, so that no cache shows it to somebody else or after a
// withdrawal. Ask before the first byte of the response. Without a manager
// around the handler nothing is allowed.
//
// It answers anew each time: in a long stream it turns false when the visitor
// withdraws in another tab.
func Allowed(ctx context.Context, p Purpose) bool {
	s := stateFrom(ctx)
	if s == nil {
		return false
	}
	var set uint64
	if i, ok := s.m.rules.at(p); ok {
		set = 1 << i
	}
	return s.ask(markCookie | s.m.gpcMark(set)).Allows(p)
}

// Decided reports whether the visitor has nothing left to be asked, so that no
// banner is shown. It marks the response as Allowed does. Without a manager it
// is false.
func Decided(ctx context.Context) bool { return From(ctx).Decided() }

// From returns the whole decision and marks the response as Allowed does.
// Without a manager it returns the zero Decision, which allows nothing.
func From(ctx context.Context) Decision {
	s := stateFrom(ctx)
	if s == nil {
		return Decision{}
	}
	return s.ask(markCookie | s.m.gpcMark(s.m.rules.shares))
}
