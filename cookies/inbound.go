package cookies

import (
	"maps"
	"net/http"
	"slices"
	"strings"

	"github.com/candorhttp/candor/consent/exchange"
)

// cutPair takes the next pair from a Cookie line: its raw text without the
// white space around it, and its name.
func cutPair(line string) (pair, name, rest string) {
	if end := strings.IndexByte(line, ';'); end >= 0 {
		line, rest = line[:end], line[end+1:]
	}
	pair = trim(line)
	if equals := strings.IndexByte(pair, '='); equals >= 0 {
		return pair, trim(pair[:equals]), rest
	}
	return pair, pair, rest
}

// readable reports whether handlers may see a cookie, and why not.
func (j *judge) readable(name string) (*entry, Reason) {
	e := j.gate.inventory.lookup(name)
	switch {
	case e != nil && e.essential:
		return e, passed
	case isReserved(name):
		return nil, passed
	case e == nil:
		return nil, NotDeclared
	case !j.allows(e):
		return e, NoConsent
	}
	return e, passed
}

// filter returns a request that shows only what may be read. The request it is
// given is not changed; where everything may be read it is returned as it is. It
// also reports whether the browser showed any cookie that a visitor can refuse.
func (g *Gate) filter(x *exchange.Exchange, r *http.Request) (_ *http.Request, asks bool) {
	lines := r.Header["Cookie"]
	// Whatever stands further out may have changed what the browser sent.
	asks = !slices.Equal(lines, x.CookieLines())
	if len(lines) == 0 {
		return r, asks
	}
	j := judge{gate: g, x: x}
	var undeclared, refused uint64
	for _, line := range lines {
		for line != "" {
			var pair, name string
			pair, name, line = cutPair(line)
			if pair == "" {
				continue
			}
			e, why := j.readable(name)
			asks = asks || e != nil && !e.essential
			switch why {
			case NotDeclared:
				undeclared++
				g.hidden(x, name, nil)
			case NoConsent:
				refused++
				g.hidden(x, name, e)
			}
		}
	}
	if undeclared+refused == 0 {
		return r, asks
	}
	g.counters.hiddenUndeclared.Add(undeclared)
	g.counters.hiddenNoConsent.Add(refused)
	if g.report {
		return r, asks
	}
	return j.without(r, lines), asks
}

// without copies the request with what is left of its Cookie lines. The
// caller's request and header map belong to whoever is outside. It takes one
// allocation for the copy and the usual single line.
func (j *judge) without(r *http.Request, lines []string) *http.Request {
	copied := &struct {
		r     http.Request
		lines [1]string
	}{r: *r}
	shown := copied.lines[:0]
	for _, line := range lines {
		if kept := j.shown(line); kept != "" {
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

// shown returns what is left of a line: as it is where nothing is taken from
// it, and the raw bytes of the others in any case.
func (j *judge) shown(line string) string {
	var b strings.Builder
	for rest := line; rest != ""; {
		var pair, name string
		pair, name, rest = cutPair(rest)
		if pair == "" {
			continue
		}
		if _, why := j.readable(name); why != passed {
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
