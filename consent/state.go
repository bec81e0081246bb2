package consent

import (
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/candorhttp/candor/consent/exchange"
)

const cookieName = "consent"

// state is what one manager knows of one exchange. Reading the cookie waits
// until somebody asks.
type state struct {
	m *Manager
	x *exchange.Exchange

	mu      sync.Mutex // guards what follows, but for privacy
	privacy atomic.Bool

	issued     int32 // with subject and revision, in minutes of Unix time
	loaded     bool
	late       bool
	private    bool // the header that goes out is marked already
	unreadable bool // what is stored, or it was superseded
	marks      mark
	subject    Subject // nobody when nothing is granted
	revision   uint64
	epoch      uint64 // of superseded, when decision was made
	initial    uint64 // allowed when first asked
	decision   Decision
	made       *made // nil where nothing was
}

// made is what few exchanges have: a new choice, or one that counts no more.
type made struct {
	changed  bool    // a choice was recorded in this exchange
	erased   bool    // everything is erased in this exchange
	stored   Stored  // the choice
	left     Subject // who took back their last yes
	line     string  // Set-Cookie to send at commit
	replaced Subject // of a cookie that was superseded
}

// make returns the place for what is made, with the lock held.
func (s *state) make() *made {
	if s.made == nil {
		s.made = &made{}
	}
	return s.made
}

// line returns the Set-Cookie line to send, with the lock held.
func (s *state) line() string {
	if s.made == nil {
		return ""
	}
	return s.made.line
}

// signals is what the request said besides its cookie, once that was read.
func (s *state) signals() Signals { return Signals{GPC: s.decision.gpc, Regime: s.decision.regime} }

// choose makes stored the visitor's choice from now on, with the lock held.
func (s *state) choose(stored Stored, now time.Time) *made {
	made := s.make()
	made.stored, made.changed = stored, true
	s.hold(&stored)
	s.epoch = s.m.superseded.epoch.Load()
	s.decision = Decide(&stored, s.signals(), s.m.rules, now)
	made.line = s.m.setCookie(&stored, s.x.Request(), now)
	return made
}

// hold keeps of what is stored what is asked for often.
func (s *state) hold(stored *Stored) {
	s.unreadable, s.subject, s.revision, s.issued = stored.Unreadable, stored.Subject, stored.Revision, int32(stored.Issued)
}

// mark says what a response depends on.
type mark uint8

const (
	markCookie mark = 1 << iota
	markGPC
)

// active is the place of the manager that consent.Allowed and its like ask. Its
// address is a key, as a context key's is; it holds nothing.
var active exchange.Slot[state]

// Attach makes the manager known to the exchange, so that handlers can ask it.
// Middleware does this; parts that are given the manager need not.
func (m *Manager) Attach(x *exchange.Exchange) { m.state(x) }

func (m *Manager) state(x *exchange.Exchange) *state {
	if s := m.asked(x); s != nil {
		return s
	}
	s := &state{m: m, x: x}
	if active.Get(x) != nil {
		m.slot.Set(x, s)
	} else {
		active.Set(x, s)
	}
	x.OnHeader(m)
	return s
}

// asked returns the state if somebody asked for it already, or nil.
func (m *Manager) asked(x *exchange.Exchange) *state {
	s := active.Get(x)
	if s != nil && s.m != m {
		s = m.slot.Get(x)
	}
	return s
}

// peek decides without marking the response. A withdrawal that another request
// made since the last look counts from now on, also in a long stream.
func (s *state) peek() Decision {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.decide()
}

// decide is peek with the lock held.
func (s *state) decide() Decision {
	if epoch := s.m.superseded.epoch.Load(); !s.loaded || s.epoch != epoch {
		s.decideAnew(epoch)
	}
	return s.decision
}

// decideAnew decides with what was replaced up to an epoch of superseded.
func (s *state) decideAnew(epoch uint64) {
	m := s.m
	first := !s.loaded
	now := s.x.Start() // days are told apart here, and asking a clock takes its time
	if !first || m.clock {
		now = m.now()
	}
	var room [8]Answer // most cookies have fewer and cost no allocation
	signals := s.signals()
	if first {
		signals = m.signals(s.x.Request())
	}
	stored := s.whole(room[:0], now)
	if first {
		s.loaded = true
		s.hold(&stored)
		if stored.Unreadable {
			m.counters.unreadable.Add(1)
		}
	}
	s.epoch = epoch
	if !stored.Unreadable && !stored.Subject.IsZero() && !m.superseded.stands(stored.Subject, stored.Revision, stored.Issued) {
		s.make().replaced = stored.Subject
		stored = Stored{Unreadable: true}
		s.hold(&stored)
		m.counters.superseded.Add(1)
	}
	s.decision = Decide(&stored, signals, m.rules, now)
	if first {
		s.initial = s.decision.allowed
	}
}

// whole returns what is stored, with its answers: they are read from the cookie
// again, because that is needed seldom and a state is made for every request.
func (s *state) whole(room []Answer, now time.Time) Stored {
	switch {
	case s.unreadable:
		return Stored{Unreadable: true}
	case s.made != nil && s.made.changed:
		return s.made.stored
	}
	// Among the request's lines as they came.
	value, n := findCookie(s.x.CookieLines(), s.m.codec.begin)
	if n == 0 {
		return Stored{}
	}
	if n == 1 {
		if stored, err := s.m.codec.decode(value, room, now); err == nil {
			return stored
		}
	}
	return Stored{Unreadable: true}
}

// findCookie returns the value of the cookie whose name and "=" begin is, and how
// many different values there are for it. Two with the same value are one
// (RFC 6265bis §5.8.3 lets a browser send both a host-only and a domain cookie).
func findCookie(lines []string, begin string) (value string, n int) {
	for _, line := range lines {
		for {
			at := strings.Index(line, begin)
			if at < 0 {
				break
			}
			before := strings.TrimRight(line[:at], " \t")
			v := line[at+len(begin):]
			end := strings.IndexByte(v, ';')
			if line = ""; end >= 0 {
				v, line = v[:end], v[end:]
			}
			if before != "" && before[len(before)-1] != ';' {
				continue // part of another name or of a value
			}
			v = strings.TrimRight(v, " \t")
			if n == 0 || v != value {
				n++
			}
			value = v
		}
	}
	return value, n
}

func (m *Manager) signals(r *http.Request) Signals {
	var g Signals
	// GPC §3.3: the value is 1, and nothing else means anything.
	for _, v := range r.Header["Sec-Gpc"] {
		g.GPC = g.GPC || v == "1"
	}
	if m.regime != nil && m.regime(r) == OptOut {
		g.Regime = OptOut
	}
	return g
}

// mark notes that the response depends on the decision, and decides. A first
// question after the header went out is answered and counted: caches were
// already told that the response is for everybody.
func (s *state) ask(marks mark) Decision {
	committed := s.x.Committed()
	s.mu.Lock()
	defer s.mu.Unlock()
	if committed && marks&^s.marks != 0 && !s.late {
		s.late = true
		s.m.counters.late.Add(1)
		s.x.OnEnd(s.m)
	}
	if !committed {
		s.marks |= marks
	}
	return s.decide()
}

// gpcMark is markGPC where the signal can change the answer for the purposes.
func (m *Manager) gpcMark(set uint64) mark {
	if set&m.rules.shares != 0 {
		return markGPC
	}
	return 0
}
