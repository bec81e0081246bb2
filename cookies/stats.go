package cookies

import (
	"maps"
	"sync"
	"sync/atomic"
)

// maxNames bounds how many names of withheld cookies are remembered. They come
// from the handlers' own Set-Cookie lines, never from a request.
const maxNames = 256

type counters struct {
	lines                             [reasons]atomic.Uint64
	hiddenNoConsent, hiddenUndeclared atomic.Uint64
	expired, clamped, fields          atomic.Uint64
}

// Stats is a snapshot of what a Gate counted since it was made. In Report mode
// it counts what Enforce would have done.
type Stats struct {
	Passed  uint64 // Set-Cookie lines that were sent
	Deleted uint64 // deletions of cookies that may not be set, sent without a value

	NoConsent  uint64 // lines withheld because their purpose is not allowed
	Undeclared uint64 // lines withheld because no spec has their name
	Unreadable uint64 // lines withheld because they are malformed
	Reserved   uint64 // lines withheld because they name the consent cookie

	// Withheld counts by cookie name as handlers set it, up to 256 names; the
	// rest are counted under "(other)".
	Withheld map[string]uint64

	HiddenNoConsent  uint64 // request cookies not shown: purpose not allowed
	HiddenUndeclared uint64 // request cookies not shown: not declared

	Expired uint64 // cookies of refused purposes expired, by name and response
	Clamped uint64 // ages and dates cut to the declared lifetime
	Fields  uint64 // NEL, Report-To and their like, withheld
}

// Stats returns what was counted so far.
func (g *Gate) Stats() Stats {
	c := &g.counters
	return Stats{
		Passed: c.lines[passed].Load(), Deleted: c.lines[deletion].Load(),
		NoConsent: c.lines[noConsent].Load(), Undeclared: c.lines[undeclared].Load(),
		Unreadable: c.lines[unreadable].Load(), Reserved: c.lines[reserved].Load(),
		Withheld:        g.names.snapshot(),
		HiddenNoConsent: c.hiddenNoConsent.Load(), HiddenUndeclared: c.hiddenUndeclared.Load(),
		Expired: c.expired.Load(), Clamped: c.clamped.Load(), Fields: c.fields.Load(),
	}
}

// count counts a line and names it where it was withheld.
func (g *Gate) count(line string, why reason) {
	g.counters.lines[why].Add(1)
	switch why {
	case passed, deletion:
		return
	case unreadable:
		g.named("(unreadable)", why)
		return
	}
	_, name, _ := cutPair(line)
	g.named(name, why)
}

var reasonText = [reasons]string{noConsent: "no consent", undeclared: "not declared", unreadable: "malformed", reserved: "belongs to the consent manager"}

// named counts a name and, the first time, tells the log, so that nobody hunts
// for a cookie that vanished. Without consent is what the gate is for and is
// not worth a line.
func (g *Gate) named(name string, why reason) {
	if name != "(unreadable)" && !isToken(name) || len(name) > 64 {
		name = "(odd name)"
	}
	if g.names.add(name) && why != noConsent {
		verb := "withheld"
		if g.report {
			verb = "would withhold"
		}
		g.logger.Warn("cookies: "+verb+` "`+name+`": `+reasonText[why], "cookie.name", name)
	}
}

// nameCounts counts by name, up to maxNames.
type nameCounts struct {
	mu     sync.Mutex
	counts map[string]uint64
}

// add reports whether the name is new.
func (n *nameCounts) add(name string) bool {
	n.mu.Lock()
	defer n.mu.Unlock()
	if n.counts == nil {
		n.counts = map[string]uint64{}
	}
	if _, known := n.counts[name]; !known && len(n.counts) >= maxNames {
		n.counts["(other)"]++
		return false
	}
	n.counts[name]++
	return n.counts[name] == 1
}

func (n *nameCounts) snapshot() map[string]uint64 {
	n.mu.Lock()
	defer n.mu.Unlock()
	return maps.Clone(n.counts)
}
