package cookies

import (
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/candorhttp/candor/consent/exchange"
)

// judgeLines lets the Set-Cookie lines of one key pass, in their order.
func (g *Gate) judgeLines(x *exchange.Exchange, j judge, h http.Header, key string, lines []string) {
	now := g.now()
	kept := lines[:0]
	if g.report {
		kept = nil
	}
	for _, line := range lines {
		out, reason := g.judgeLine(x, j, line, now)
		g.count(line, reason)
		if g.report {
			continue
		}
		if out != "" {
			kept = append(kept, out)
		}
	}
	switch {
	case g.report:
	case len(kept) == 0:
		delete(h, key)
	default:
		clear(lines[len(kept):])
		h[key] = kept
	}
}

// reason says why a line passed or did not.
type reason int

const (
	passed reason = iota
	deletion
	noConsent
	undeclared
	unreadable
	reserved
	reasons
)

// judgeLine returns the line to send, "" for none.
func (g *Gate) judgeLine(x *exchange.Exchange, j judge, line string, now time.Time) (string, reason) {
	c, ok := parseSetCookie(line, now)
	if !ok {
		return "", unreadable
	}
	if len(c.name) >= len("consent") && isReserved(c.name) {
		if j.manager != nil && j.manager.Issued(x, line) {
			return line, passed
		}
		return "", reserved
	}
	s := g.inventory.lookup(c.name)
	if s != nil && j.allows(s) {
		return g.harden(&c, s, now), passed
	}
	if c.deletes {
		// Nothing is kept by it, so nothing needs to stand in it.
		return c.name + "=" + c.rest, deletion
	}
	if s == nil {
		return "", undeclared
	}
	return "", noConsent
}

func isReserved(name string) bool {
	for _, r := range reservedNames {
		if strings.EqualFold(name, r) {
			return true
		}
	}
	return false
}

// harden adds what the spec says and the line lacks, and cuts its life to the
// declared one. A line that needs nothing is returned as it is.
func (g *Gate) harden(c *setCookie, s *Spec, now time.Time) string {
	least := s.SameSite
	if least == 0 {
		least = http.SameSiteLaxMode
	}
	weak := least != http.SameSiteNoneMode && rank(c.sameSite) < rank(least)
	none := c.sameSite == http.SameSiteNoneMode && !weak
	add := ""
	if !c.secure && (!g.insecure || none) {
		add += "; Secure"
	}
	if !c.httpOnly && !s.ScriptReadable {
		add += "; HttpOnly"
	}
	if weak {
		add += "; SameSite=" + sameSiteName(least)
	}
	if s.Partitioned && !c.partitioned {
		add += "; Partitioned"
	}
	long := !c.deletes && c.ages+c.dates > 0 && g.tooLong(c, s, now)
	if add == "" && !long {
		return c.line
	}
	if !long && !(weak && c.sameSite != 0) {
		return c.line + add
	}
	return g.rewrite(c, s, now, long, weak) + add
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

// tooLong reports whether any age or date lets the cookie live longer than
// declared. What cannot be read might, in some browser.
func (g *Gate) tooLong(c *setCookie, s *Spec, now time.Time) bool {
	for rest := c.rest; rest != ""; {
		var av string
		av, rest = cutAttribute(rest)
		name, value, _ := strings.Cut(av, "=")
		switch name = strings.Trim(name, " \t"); {
		case strings.EqualFold(name, "Max-Age"), strings.EqualFold(name, "Expires"):
			if lives(name, strings.Trim(value, " \t"), s.Lifetime, now) {
				return true
			}
		}
	}
	return false
}

func lives(name, value string, lifetime time.Duration, now time.Time) bool {
	if len(name) == len("Max-Age") && strings.EqualFold(name, "Max-Age") {
		n, err := strconv.ParseInt(value, 10, 64)
		return err != nil || n > int64(lifetime/time.Second)
	}
	t, err := http.ParseTime(value)
	return err != nil || t.After(now.Add(lifetime))
}

// rewrite copies the line without what is too long or too weak. For what is too
// long it says the declared life; without one the cookie ends with the browser.
func (g *Gate) rewrite(c *setCookie, s *Spec, now time.Time, long, weak bool) string {
	var b strings.Builder
	b.Grow(len(c.line) + 16)
	b.WriteString(c.line[:len(c.line)-len(c.rest)])
	for rest := c.rest; rest != ""; {
		var av string
		av, rest = cutAttribute(rest)
		name, value, _ := strings.Cut(av, "=")
		name, value = strings.Trim(name, " \t"), strings.Trim(value, " \t")
		isAge, isDate := strings.EqualFold(name, "Max-Age"), strings.EqualFold(name, "Expires")
		switch {
		case weak && strings.EqualFold(name, "SameSite"):
		case long && (isAge || isDate) && lives(name, value, s.Lifetime, now):
			g.counters.clamped.Add(1)
			if s.Lifetime > 0 && isAge {
				b.WriteString("; Max-Age=" + strconv.FormatInt(int64(s.Lifetime/time.Second), 10))
			} else if s.Lifetime > 0 {
				b.WriteString("; Expires=" + now.Add(s.Lifetime).UTC().Format(http.TimeFormat))
			}
		default:
			b.WriteByte(';')
			b.WriteString(av)
		}
	}
	return b.String()
}

// judgeField lets a stored field pass or takes it away.
func (g *Gate) judgeField(j judge, h http.Header, key string) {
	var s *Spec
	if g.inventory != nil {
		s = g.inventory.fields[strings.ToLower(key)]
	}
	if s != nil && j.allows(s) {
		return
	}
	g.counters.fields.Add(1)
	g.named(strings.ToLower(key), undeclared)
	if !g.report {
		delete(h, key)
	}
}
