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
	var shown []string
	for _, line := range lines {
		var b strings.Builder
		for line != "" {
			var pair, name string
			pair, name, line = cutPair(line)
			if pair == "" {
				continue
			}
			if ok, _ := g.readable(j, name); ok {
				if b.Len() > 0 {
					b.WriteString("; ")
				}
				b.WriteString(pair)
			}
		}
		if b.Len() > 0 {
			shown = append(shown, b.String())
		}
	}
	// The caller's request and header map belong to whoever is outside.
	copied := *r
	copied.Header = maps.Clone(r.Header)
	if shown == nil {
		delete(copied.Header, "Cookie")
	} else {
		copied.Header["Cookie"] = shown
	}
	return &copied
}
