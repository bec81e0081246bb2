package cookies

import (
	"net/http"
	"slices"
	"strings"

	"github.com/candorhttp/candor/consent"
)

// maxExpired bounds the names that one response expires. Browsers keep at least
// 50 cookies a domain (RFC 6265bis §6.1); what a forged request names beyond
// that is not there.
const maxExpired = 64

// expire removes from the browser the cookies of refused purposes that it
// showed, and, where the refusal was made in this very exchange, those that it
// would not show on this path. Where the visitor was erased in it, those are the
// cookies of all purposes, essential ones included.
func (g *Gate) expire(j *judge, h http.Header, asks bool) {
	revoked := g.consent.Revoked(j.x)
	if len(revoked) == 0 && (!asks || !j.decide().Refuses()) {
		return // the usual case: nothing was denied
	}
	var room [8]string
	names := room[:0]
	for _, line := range j.x.CookieLines() {
		for line != "" && len(names) < maxExpired {
			var name string
			_, name, line = cutPair(line)
			e := g.inventory.lookup(name)
			// After an erasure, essential ones are among the revoked.
			if e != nil && (!e.essential && j.denies(e) || slices.Contains(revoked, e.Purpose)) && isToken(name) && !slices.Contains(names, name) {
				names = append(names, name)
			}
		}
	}
	if len(revoked) > 0 {
		names = g.unseen(names, revoked, j.x.Request().URL.Path)
		g.retract(h, revoked)
	}
	for _, name := range names {
		e := g.inventory.lookup(name)
		g.counters.expired.Add(1)
		j.personal = true
		for _, v := range e.Variants {
			h["Set-Cookie"] = append(h["Set-Cookie"], g.expiry(name, &e.Spec, v))
		}
	}
}

// unseen adds the cookies of the purposes that may lie on another path.
func (g *Gate) unseen(names []string, revoked []consent.Purpose, path string) []string {
	for i := range g.inventory.entries {
		s := &g.inventory.entries[i]
		if s.Field || s.ThirdParty || strings.HasSuffix(s.Name, "*") || !slices.Contains(revoked, s.Purpose) || slices.Contains(names, s.Name) {
			continue
		}
		if slices.ContainsFunc(s.Variants, func(v Variant) bool { return !pathMatches(path, v.Path) }) {
			names = append(names, s.Name)
		}
	}
	return names
}

// retract tells the browser to forget what a stored field of the purposes made
// it keep. Reporting-Endpoints and Critical-CH are not kept beyond the response
// that carries them, so there is nothing to take back.
func (g *Gate) retract(h http.Header, revoked []consent.Purpose) {
	for name, e := range g.inventory.fields {
		if !slices.Contains(revoked, e.Purpose) {
			continue
		}
		switch name {
		case "nel": // Network Error Logging §4.1.2: 0 removes the policy
			h["Nel"] = []string{`{"max_age":0}`}
		case "report-to": // Reporting API (2018) §3.1: 0 removes the group
			groups := make([]string, 0, len(e.Groups))
			for _, group := range e.Groups {
				groups = append(groups, `{"group":"`+group+`","max_age":0,"endpoints":[]}`)
			}
			h["Report-To"] = []string{strings.Join(groups, ",")}
		case "accept-ch": // RFC 8942 §3.1: the last list counts, also an empty one
			h["Accept-Ch"] = []string{""}
		}
	}
}

// pathMatches is path-match of RFC 6265bis §5.1.4.
func pathMatches(request, cookie string) bool {
	if !strings.HasPrefix(request, cookie) {
		return false
	}
	return len(request) == len(cookie) || strings.HasSuffix(cookie, "/") || request[len(cookie)] == '/'
}

// expiry is the line that removes a cookie. Browsers do as it says only if it
// would be allowed to set the cookie: prefix, Secure and Partitioned count.
func (g *Gate) expiry(name string, s *Spec, v Variant) string {
	var b strings.Builder
	b.WriteString(name)
	b.WriteString("=; Path=")
	b.WriteString(v.Path)
	if v.Domain != "" {
		b.WriteString("; Domain=")
		b.WriteString(v.Domain)
	}
	b.WriteString("; Expires=Thu, 01 Jan 1970 00:00:00 GMT; Max-Age=0; HttpOnly")
	if !g.insecure || isPrefixed(name) || s.Partitioned || s.SameSite == http.SameSiteNoneMode {
		b.WriteString("; Secure")
	}
	b.WriteString("; SameSite=")
	b.WriteString(sameSiteName(s.SameSite))
	if s.Partitioned {
		b.WriteString("; Partitioned")
	}
	return b.String()
}
