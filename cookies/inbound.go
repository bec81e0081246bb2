package cookies

import (
	"maps"
	"net/http"
	"strings"

	"github.com/candorhttp/candor/consent/exchange"
)

// cutPair takes the next pair from a Cookie line: its raw text without the
// white space around it, and its name.
func cutPair(line string) (pair, name, rest string) {
	if i := strings.IndexByte(line, ';'); i >= 0 {
		line, rest = line[:i], line[i+1:]
	}
	pair = strings.Trim(line, " \t")
	name = pair
	if i := strings.IndexByte(pair, '='); i >= 0 {
		name = strings.Trim(pair[:i], " \t")
	}
	return pair, name, rest
}

// readable reports whether handlers may see a cookie, and why not.
func (g *Gate) readable(j judge, name string) (bool, reason) {
	if len(name) >= len("consent") && isReserved(name) {
		return true, passed
	}
	s := g.inventory.lookup(name)
	if s == nil {
		return false, undeclared
	}
	if !j.allows(s) {
		return false, noConsent
	}
	return true, passed
}

// filter returns a request that shows only what may be read. The request it is
// given is not changed; where everything may be read it is returned as it is.
func (g *Gate) filter(x *exchange.Exchange, r *http.Request) *http.Request {
	lines := r.Header["Cookie"]
	if len(lines) == 0 {
		return r
	}
	j := g.judge(x)
	hidden := false
	for _, line := range lines {
		for line != "" {
			var pair, name string
			pair, name, line = cutPair(line)
			if pair == "" {
				continue
			}
			if ok, why := g.readable(j, name); !ok {
				hidden = true
				if why == undeclared {
					g.counters.hiddenUndeclared.Add(1)
				} else {
					g.counters.hiddenNoConsent.Add(1)
				}
			}
		}
	}
	if !hidden || g.report {
		return r
	}
	// The caller's request and header map belong to whoever is outside. One
	// allocation for the copy and the usual single line.
	copied := &struct {
		r     http.Request
		lines [1]string
	}{r: *r}
	shown := copied.lines[:0]
	for _, line := range lines {
		if kept := g.shown(j, line); kept != "" {
			shown = append(shown, kept)
		}
	}
	copied.r.Header = maps.Clone(r.Header)
	if len(shown) == 0 {
		delete(copied.r.Header, "Cookie")
	} else {
		copied.r.Header["Cookie"] = shown
	}
	return &copied.r
}

// shown returns what is left of a line.
func (g *Gate) shown(j judge, line string) string {
	var b strings.Builder
	for rest := line; rest != ""; {
		var pair, name string
		pair, name, rest = cutPair(rest)
		if pair == "" {
			continue
		}
		if ok, _ := g.readable(j, name); !ok {
			continue
		}
		if b.Len() > 0 {
			b.WriteString("; ")
		} else {
			b.Grow(len(line))
		}
		b.WriteString(pair)
	}
	return b.String()
}
