package cookies

import (
	"log/slog"
	"strings"
	"sync"
	"time"

	"golang.org/x/time/rate"

	"github.com/candorhttp/candor/consent/exchange"
)

// Reason says why a cookie or a field was withheld.
type Reason int

const (
	passed Reason = iota
	deletion
	// NoConsent is of a declared cookie whose purpose is not allowed.
	NoConsent
	// NotDeclared is of a cookie that no Spec names.
	NotDeclared
	// Malformed is of a line that browsers would not take, or each read in
	// its own way.
	Malformed
	// TooLarge is of a line that browsers would drop: a name and value of more
	// than 4096 bytes (RFC 6265bis §5.7), or more than 16 KiB in all.
	TooLarge
	// Reserved is of a line that names the consent cookie and is not the
	// manager's own.
	Reserved
	reasons
)

// String returns the words that stand in the log.
func (r Reason) String() string {
	switch r {
	case NoConsent:
		return "no consent"
	case NotDeclared:
		return "not declared"
	case Malformed:
		return "malformed"
	case TooLarge:
		return "larger than browsers take"
	case Reserved:
		return "belongs to the consent manager"
	}
	return "not withheld"
}

// maxNames bounds how many names of withheld cookies are remembered. They come
// from the handlers' own Set-Cookie lines, never from a request.
const maxNames = 256

const (
	unreadableName = "(unreadable)"
	oddName        = "(odd name)"
	otherNames     = "(other)"
)

// withheldName returns the name to count and log a line by. A name may be long,
// odd, or made of what a client sent.
func withheldName(c *setCookie, line string) string {
	name := c.name
	if name == "" {
		if _, name, _ = cutPair(line); !isToken(name) {
			return unreadableName
		}
	}
	if !isToken(name) || len(name) > 64 {
		return oddName
	}
	return name
}

// withheld counts what was withheld by its name and, the first time, tells the
// log, so that nobody hunts for a cookie that vanished. Without consent is what
// the gate is for, so that is no warning.
func (g *Gate) withheld(x *exchange.Exchange, name string, why Reason) {
	g.found(x, Finding{Name: name, Reason: why})
	if !g.names.add(name, why, g.now) {
		return
	}
	verb, level := "withheld", slog.LevelWarn
	if g.report {
		verb = "would withhold"
	}
	if why == NoConsent {
		level = slog.LevelInfo
	}
	g.logger.Log(x.Request().Context(), level, "cookies: "+verb+` "`+name+`": `+why.String(), "cookie.name", name)
}

// elsewhere tells the log, once, of a cookie that is set where it is not
// declared.
func (g *Gate) elsewhere(x *exchange.Exchange, name string) {
	if g.names.once(name, passed, g.now) {
		g.logger.Log(x.Request().Context(), slog.LevelWarn, `cookies: "`+name+`" is set on a Domain or Path that is not declared, where no withdrawal reaches it; add a Variant to its Spec`, "cookie.name", name)
	}
}

// nameCounts counts by name, up to maxNames, and remembers what the log was
// told.
type nameCounts struct {
	lines *rate.Limiter

	mu     sync.Mutex
	counts map[string]*nameCount
	other  uint64
}

type nameCount struct {
	n    uint64
	told uint8 // a bit for each reason
}

// add counts a name, and reports whether the log is to be told.
func (n *nameCounts) add(name string, why Reason, now func() time.Time) bool {
	return n.note(name, why, 1, now)
}

// once reports whether the log is to be told.
func (n *nameCounts) once(name string, why Reason, now func() time.Time) bool {
	return n.note(name, why, 0, now)
}

func (n *nameCounts) note(name string, why Reason, count uint64, now func() time.Time) bool {
	n.mu.Lock()
	defer n.mu.Unlock()
	c := n.counts[name]
	switch {
	case c != nil:
	case len(n.counts) >= maxNames:
		n.other += count
		return false
	default:
		if n.counts == nil {
			n.counts = map[string]*nameCount{}
		}
		// Cloned: it is a part of a line with a value in it.
		c = &nameCount{}
		n.counts[strings.Clone(name)] = c
	}
	c.n += count
	// One that comes while the log has enough is told of later.
	if c.told&(1<<why) != 0 || !n.lines.AllowN(now(), 1) {
		return false
	}
	c.told |= 1 << why
	return true
}

func (n *nameCounts) snapshot() map[string]uint64 {
	n.mu.Lock()
	defer n.mu.Unlock()
	out := make(map[string]uint64, len(n.counts)+1)
	for name, c := range n.counts {
		if c.n > 0 {
			out[name] = c.n
		}
	}
	if n.other > 0 {
		out[otherNames] = n.other
	}
	return out
}
