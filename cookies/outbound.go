package cookies

import (
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/candorhttp/candor/consent/exchange"
)

// judgeLines lets the Set-Cookie lines of one key pass, in their order.
func (g *Gate) judgeLines(j *judge, h http.Header, key string, lines []string) {
	kept := lines[:0]
	for _, line := range lines {
		var c setCookie
		out, why := g.judgeLine(j, &c, line)
		g.counters.lines[why].Add(1)
		if why != passed && why != deletion {
			g.withheld(j.x, withheldName(&c, line), why)
		}
		if g.report {
			g.sight(j, &c, why)
		} else if out != "" {
			kept = append(kept, out)
		}
	}
	switch {
	case g.report, len(kept) == len(lines):
	case len(kept) == 0:
		delete(h, key)
	default:
		clear(lines[len(kept):])
		h[key] = kept
	}
}

// judgeLine returns the line to send, "" for none.
func (g *Gate) judgeLine(j *judge, c *setCookie, line string) (string, Reason) {
	if why := parseSetCookie(c, line); why != passed {
		return "", why
	}
	e := g.inventory.lookup(c.name)
	if !e.read(c) {
		return "", Malformed
	}
	if isReserved(c.name) {
		if g.consent != nil && g.consent.Issued(j.x, line) {
			return line, passed
		}
		return "", Reserved
	}
	if e != nil && j.allows(e) {
		j.personal = j.personal || !e.essential
		g.whereabouts(j, c, e)
		return g.harden(j, c, e), passed
	}
	if c.deletes(j.now()) {
		// Nothing is kept by it, so nothing needs to stand in it.
		return c.name + "=" + c.rest, deletion
	}
	if e == nil {
		return "", NotDeclared
	}
	return "", NoConsent
}

// isReserved reports whether a name belongs to the consent manager. Prefixes
// match without case (RFC 6265bis §5.7), so the whole name does.
func isReserved(name string) bool {
	for _, r := range reservedNames {
		if len(name) == len(r) && equalFold(name, r) {
			return true
		}
	}
	return false
}

// whereabouts notes a cookie that is set where nobody declared it: a withdrawal
// does not reach it there.
func (g *Gate) whereabouts(j *judge, c *setCookie, e *entry) {
	for i := range e.Variants {
		if v := &e.Variants[i]; v.Path == c.path && v.Domain == c.domain {
			return
		}
	}
	domain, path := c.place(j.x)
	for _, v := range e.Variants {
		if v.Path == path && v.Domain == domain {
			return
		}
	}
	if !c.deletes(j.now()) {
		g.counters.elsewhere.Add(1)
		g.elsewhere(j.x, c.name)
	}
}

// place returns where a browser keeps the cookie: its Domain, empty for the
// host alone, and its Path, by default the directory of the page.
func (c *setCookie) place(x *exchange.Exchange) (domain, path string) {
	domain = strings.ToLower(strings.TrimPrefix(c.domain, "."))
	if path = c.path; path == "" || path[0] != '/' {
		path = defaultPath(x.Request().URL.EscapedPath())
	}
	return domain, path
}

// defaultPath is that of RFC 6265bis §5.1.4.
func defaultPath(request string) string {
	if i := strings.LastIndexByte(request, '/'); i > 0 && request[0] == '/' {
		return request[:i]
	}
	return "/"
}

// harden adds what the spec says and the line lacks, and cuts its life to the
// declared one. A line that needs nothing is returned as it is.
func (g *Gate) harden(j *judge, c *setCookie, e *entry) string {
	least := e.SameSite
	if least == 0 {
		least = http.SameSiteLaxMode
	}
	weak := least != http.SameSiteNoneMode && rank(c.sameSite) < rank(least)
	insecure := !c.secure && (!g.insecure || c.sameSite == http.SameSiteNoneMode && !weak ||
		c.partitioned || e.Partitioned || isPrefixed(c.name))
	readable := !c.httpOnly && !e.ScriptReadable
	shared := e.Partitioned && !c.partitioned
	long := (c.odd || c.ages+c.dates > 0) && c.outlives(e.Lifetime, j.begun()) && c.outlives(e.Lifetime, j.now()) && !c.deletes(j.now())
	if !weak && !insecure && !readable && !shared && !long {
		return c.line
	}
	var room [512]byte
	b := room[:0]
	if long || weak && c.sameSite != 0 {
		b = g.rewrite(b, c, e, j.now(), long, weak)
	} else {
		b = append(b, c.line...)
	}
	if insecure {
		b = append(b, "; Secure"...)
	}
	if readable {
		b = append(b, "; HttpOnly"...)
	}
	if weak {
		b = append(append(b, "; SameSite="...), sameSiteName(least)...)
	}
	if shared {
		b = append(b, "; Partitioned"...)
	}
	return string(b)
}

// isPrefixed reports whether browsers refuse a cookie of that name without
// Secure (RFC 6265bis §4.1.3).
func isPrefixed(name string) bool {
	return len(name) > 2 && name[0] == '_' && name[1] == '_' &&
		(hasPrefixFold(name, "__host-") || hasPrefixFold(name, "__secure-") || hasPrefixFold(name, "__http-"))
}

// rank orders SameSite by how much it keeps back. A missing or unknown one is
// whatever the browser takes for its default.
func rank(s http.SameSite) int {
	switch s {
	case http.SameSiteStrictMode:
		return 2
	case http.SameSiteLaxMode:
		return 1
	}
	return 0
}

// rewrite copies the line without what is too long or too weak. For what is too
// long it says the declared life; without one, and for what no browser reads,
// the cookie ends with the browser.
func (g *Gate) rewrite(b []byte, c *setCookie, e *entry, now time.Time, long, weak bool) []byte {
	b = append(b, c.line[:len(c.line)-len(c.rest)]...)
	for rest := c.rest; rest != ""; {
		var raw, name, value string
		raw, name, value, rest = cutAttribute(rest)
		switch {
		case weak && len(name) == len("samesite") && equalFold(name, "samesite"):
		case long && isAge(name):
			n, ok := parseAge(value)
			switch {
			case ok && n <= int64(e.Lifetime/time.Second) && len(value) <= maxValue:
				b = append(b, raw...)
			case ok && e.Lifetime > 0:
				b = strconv.AppendInt(append(b, "; Max-Age="...), int64(e.Lifetime/time.Second), 10)
				g.counters.clamped.Add(1)
			default:
				g.counters.clamped.Add(1)
			}
		case long && isDate(name):
			t, ok := parseDate(value)
			until := now.Add(e.Lifetime).UTC()
			switch {
			case ok && t <= until.Unix() && len(value) <= maxValue:
				b = append(b, raw...)
			case ok && e.Lifetime > 0:
				b = until.AppendFormat(append(b, "; Expires="...), http.TimeFormat)
				g.counters.clamped.Add(1)
			default:
				g.counters.clamped.Add(1)
			}
		default:
			b = append(b, raw...)
		}
	}
	return b
}

// judgeField lets a stored field pass or takes it away.
func (g *Gate) judgeField(j *judge, h http.Header, key string) {
	name, why := strings.ToLower(key), NotDeclared
	if g.inventory != nil {
		if e := g.inventory.fields[name]; e != nil {
			if j.allows(e) {
				j.personal = j.personal || !e.essential
				return
			}
			why = NoConsent
		}
	}
	g.counters.fields.Add(1)
	g.withheld(j.x, name, why)
	if !g.report {
		delete(h, key)
	}
}
