package consent

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/google/uuid"

	"github.com/candorhttp/candor/consent/exchange"
)

var (
	// ErrUnknownPurpose is returned for a choice about a purpose that the
	// policy does not have. Nothing was recorded.
	ErrUnknownPurpose = errors.New("unknown purpose")
	// ErrLate is returned when the header was already sent. A no is in effect
	// all the same, by forgetting what was granted before; a yes is not.
	ErrLate = errors.New("the response has begun")
	// ErrNotMounted is returned outside Manager.Middleware.
	ErrNotMounted = errors.New("no manager around this handler")
	// ErrLedger is returned when a yes could not be recorded, so it does not
	// count. A no is in effect all the same.
	ErrLedger = errors.New("the choice could not be recorded")
)

// Choices is what a visitor said.
type Choices struct {
	// Grants holds true for each purpose said yes to and false for each said
	// no to. Purposes not named stay as they are. Essential purposes may be
	// named and stay on.
	Grants map[Purpose]bool
	// Language is the policy language the visitor was shown; unknown means the
	// policy's default.
	Language string

	// everything says that a no is to all purposes, also to those that only a
	// newer policy on another server has.
	everything bool
}

// Record keeps choices that were made in a dialog of the host's own. Call it
// before the first byte of the response, from a handler that changes state
// only on methods and origins the host trusts (see http.CrossOriginProtection):
// Record itself cannot know.
//
// A yes is in the ledger before Record returns nil, and its cookie goes out
// with the response header. A no is in effect at once in any case.
func (m *Manager) Record(w http.ResponseWriter, r *http.Request, c Choices) error {
	x := exchange.From(r.Context())
	if x == nil {
		m.counters.notMounted.Add(1)
		return fmt.Errorf("consent: record: %w", ErrNotMounted)
	}
	_, err := m.record(x, c, MethodHost)
	return err
}

// record is Record, and reports whether the ledger has the entry.
func (m *Manager) record(x *exchange.Exchange, c Choices, method Method) (recorded bool, err error) {
	yes, no, err := m.choices(c)
	if err != nil || yes|no == 0 {
		return false, err
	}
	s := m.state(x)
	committed := x.Committed()
	s.mu.Lock()
	defer s.mu.Unlock()
	s.privacy.Store(true)
	s.decide()
	who := s.subject
	if who.IsZero() && s.made != nil {
		who = s.made.replaced
	}
	if !who.IsZero() {
		// One change of a subject at a time: of two requests that start from
		// the same cookie, the second finds it replaced and starts from nothing.
		stripe := m.stripe(who)
		stripe.Lock()
		defer stripe.Unlock()
		s.epoch-- // look again, now that nobody else can change it
		s.decide()
	}
	if committed {
		if no == 0 {
			return false, fmt.Errorf("consent: record: %w", ErrLate)
		}
		yes = 0
	}
	recorded, err = m.apply(s, yes, no, c, method)
	if errors.Is(err, ErrLedger) && no&s.decision.allowed != 0 {
		// The yes did not count; the no that came with it does.
		_, _ = m.apply(s, 0, no, c, method)
	}
	if committed && err == nil {
		s.made.line = ""
		err = fmt.Errorf("consent: record: %w", ErrLate)
	}
	return recorded, err
}

// stripe returns the lock for changes of a subject.
func (m *Manager) stripe(s Subject) *sync.Mutex { return &m.subjects[s[0]%uint8(len(m.subjects))] }

// choices splits what was said into yes and no.
func (m *Manager) choices(c Choices) (yes, no uint64, err error) {
	var unknown []error
	for p, granted := range c.Grants {
		i, ok := m.rules.index[p]
		if !ok {
			unknown = append(unknown, fmt.Errorf("consent: record: %w %s", ErrUnknownPurpose, quoteName(string(p))))
			continue
		}
		if granted {
			yes |= 1 << i
		} else {
			no |= 1 << i
		}
	}
	yes &= m.rules.askable()
	no &= m.rules.askable()
	return yes, no, errors.Join(unknown...)
}

// quoteName quotes a name from outside so that it can be shown: 32 characters
// of a small alphabet, which no address and no token survives in full form.
func quoteName(s string) string {
	cut := len(s) > 32
	if cut {
		s = s[:32]
	}
	clean := strings.Map(func(r rune) rune {
		if r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r >= '0' && r <= '9' || r == '_' || r == '-' || r == '.' {
			return r
		}
		return '?'
	}, s)
	if cut {
		clean += "..."
	}
	return strconv.Quote(clean)
}

// apply makes the new state of the visitor: first the memory of what was
// replaced and the ledger, in the order that is safe for what was said, then
// the cookie. The locks of the state and of its subject are held.
func (m *Manager) apply(s *state, yes, no uint64, c Choices, method Method) (recorded bool, err error) {
	old := s.whole(nil, m.now())
	if old.Unreadable {
		old = Stored{}
		if no != 0 && s.made != nil {
			// Whoever says no with a replaced cookie means the one that replaced
			// it too: two posts may have crossed, and the browser may hold either.
			old, _ = m.superseded.standing(s.made.replaced, m.rules.consent)
		}
	}
	// The time of one subject never runs backwards, however the clocks of two
	// servers differ: the watermark rests on it.
	now := time.Unix(max(m.now().Unix(), old.Issued*60), 0).UTC()
	next := Stored{Version: m.rules.policy.Version}
	m.keep(&next, old, yes|no, c.everything, now)
	for i, p := range m.rules.policy.Processing {
		switch bit := uint64(1) << i; {
		case no&bit != 0: // said both ways in one post: no
			next.set(Answer{Number: uint8(p.Number), Day: monthStart(now)})
		case yes&bit != 0:
			next.set(Answer{
				Number: uint8(p.Number), Granted: true, Day: dayOf(now),
				Version: int32(m.rules.policy.Version), KnowingGPC: s.decision.gpc,
			})
		}
	}
	yes &^= no

	language := m.rules.language(c.Language)
	e := Entry{
		Time: now, Policy: next.Version, Granted: m.rules.purposes(yes), Denied: m.rules.purposes(no),
		Language: language, TextHash: m.rules.textHash[language],
		Method: method, Regime: s.decision.regime.String(), GPC: s.decision.gpc,
	}
	switch {
	case next.hasGrant() && old.Subject.IsZero():
		next.Subject, next.Revision = Subject(uuid.New()), 1
	case !old.Subject.IsZero():
		next.Subject, next.Revision = old.Subject, old.Revision+1
	}
	e.Subject, e.Revision = next.Subject, next.Revision
	next.Issued = now.Unix() / 60
	switch {
	case yes != 0:
		e.Kind = EntryGrant
	case e.Subject.IsZero():
		// Nothing that tells one refusal from another is kept.
		e.Kind, e.Time = EntryRefusal, time.Unix(int64(monthStart(now))*86400, 0).UTC()
	default:
		e.Kind = EntryWithdrawal
	}
	this := change{e.Subject, e.Revision}
	lost := m.rules.askable() &^ Decide(&next, Signals{Regime: s.decision.regime}, m.rules, now).allowed
	replace := func() {
		if !old.Subject.IsZero() && !m.superseded.raise(e.Subject, e.Revision, now.Unix()/60, lost) {
			m.fork(e)
		}
	}
	if !old.Subject.IsZero() {
		m.following.begin(this)
	}
	if yes != 0 {
		// A yes counts only once it can be proved.
		if err := m.append(context.Background(), e, true); err != nil {
			if !old.Subject.IsZero() && m.followed() && !m.following.heard(this) {
				// Another process made the same revision meanwhile, and it was
				// taken for this one.
				m.superseded.raise(e.Subject, e.Revision, now.Unix()/60, m.rules.askable())
			}
			m.logger.Error("consent: the ledger does not take a grant, so it does not count", "error", err)
			return false, fmt.Errorf("%w: %w", ErrLedger, err)
		}
		replace()
		m.counters.granted.Add(1)
		recorded = true
	} else {
		// A no counts whatever the ledger says.
		replace()
		recorded = m.appendOrLater(e)
	}
	if !next.hasGrant() {
		s.make().left = old.Subject
		next.Subject, next.Revision, next.Issued = Subject{}, 0, 0
	}
	s.choose(next, now)
	return recorded, nil
}

// keep copies what stays: answers to purposes that were not named now, as far
// as they still count. A stale or expired one becomes unset. During a rolling
// deployment, that includes answers to purposes that this server does not have
// yet, unless everything is refused.
func (m *Manager) keep(next *Stored, old Stored, named uint64, everything bool, now time.Time) {
	for _, a := range old.Answers {
		stays := old.Version > m.rules.policy.Version && !everything
		if i := m.rules.byNumber[a.Number]; i >= 0 {
			stale := a.Granted && int(a.Version) < m.rules.policy.Processing[i].GoodSince
			stays = (named|m.rules.essential)&(1<<i) == 0 && !stale
		}
		if stays && dayOf(now) < a.expires(m.rules) {
			next.set(a)
		}
	}
}

// appendOrLater appends an entry of a no, or keeps it for later.
func (m *Manager) appendOrLater(e Entry) bool {
	if e.Kind == EntryWithdrawal {
		m.counters.withdrawn.Add(1)
	} else {
		m.counters.refused.Add(1)
	}
	// What waits goes first, so that the ledger keeps the order of a subject.
	if m.pending.len() == 0 {
		err := m.append(context.Background(), e, true)
		if err == nil {
			return true
		}
		m.logger.Error("consent: the ledger does not take a refusal; it is in effect and is tried again", "error", err)
	}
	m.later(e)
	return false
}

// setCookie is the Set-Cookie line for what is stored. It lives until the last of
// its answers counts no more, and is made at a choice only, so no visit
// extends it.
func (m *Manager) setCookie(stored *Stored, r *http.Request, now time.Time) string {
	last := int32(0)
	for _, a := range stored.Answers {
		last = max(last, a.expires(m.rules))
	}
	days := min(max(last-dayOf(now), 0), maxLifetimeDays)
	line := m.codec.name + "=" + m.codec.encode(stored) + "; Path=/"
	if m.domain != "" {
		line += "; Domain=" + m.domain
	}
	line += "; Max-Age=" + strconv.Itoa(int(days)*86400) + "; HttpOnly"
	if !m.insecure || m.visitors.HTTPS(r) {
		line += "; Secure"
	}
	return line + "; SameSite=Lax"
}
