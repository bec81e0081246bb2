package cookies

import (
	"net/http"
	"slices"
	"strings"

	"github.com/candorhttp/candor/consent"
	"github.com/candorhttp/candor/consent/exchange"
)

// maxExpired bounds the names that one response expires. Browsers keep at least
// 50 cookies a domain (RFC 6265bis §6.1); what a forged request names beyond
// that is not there.
const maxExpired = 64

// expire removes from the browser the cookies of refused purposes that it
// showed, and, where the refusal was made in this very exchange, those that it
// would not show on this path.
func (g *Gate) expire(x *exchange.Exchange, j judge, h http.Header) {
	var names []string
	for _, line := range x.CookieLines() {
		for line != "" {
			var pair, name string
			pair, name, line = cutPair(line)
			if pair == "" || len(names) >= maxExpired {
				continue
			}
			if s := g.inventory.lookup(name); s != nil && j.denied(s) && isToken(name) && !slices.Contains(names, name) {
				names = append(names, name)
			}
		}
	}
	if j.manager != nil {
		if revoked := j.manager.Revoked(x); len(revoked) > 0 {
			names = g.unseen(names, revoked, x.Request().URL.Path)
			g.retract(h, revoked)
		}
	}
	for _, name := range names {
		s := g.inventory.lookup(name)
		g.counters.expired.Add(1)
		for _, v := range s.Variants {
			h["Set-Cookie"] = append(h["Set-Cookie"], g.expiry(name, s, v))
		}
	}
}

// unseen adds the cookies of the purposes that may lie on another path.
func (g *Gate) unseen(names []string, revoked []consent.Purpose, path string) []string {
	for i := range g.inventory.specs {
		s := &g.inventory.specs[i]
		if s.Field || strings.HasSuffix(s.Name, "*") || !slices.Contains(revoked, s.Purpose) || slices.Contains(names, s.Name) {
			continue
		}
		if slices.ContainsFunc(s.Variants, func(v Variant) bool { return !pathMatches(path, v.Path) }) {
			names = append(names, s.Name)
		}
	}
	return names
}

// retract tells the browser to forget what a stored field of the purposes made
// it keep.
func (g *Gate) retract(h http.Header, revoked []consent.Purpose) {
	if s := g.inventory.fields["nel"]; s != nil && slices.Contains(revoked, s.Purpose) {
		h["Nel"] = []string{`{"max_age":0}`} // Network Error Logging §4.1
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
	prefixed := hasPrefixFold(name, "__Host-") || hasPrefixFold(name, "__Secure-")
	if !g.insecure || prefixed || s.Partitioned || s.SameSite == http.SameSiteNoneMode {
		b.WriteString("; Secure")
	}
	b.WriteString("; SameSite=")
	b.WriteString(sameSiteName(s.SameSite))
	if s.Partitioned {
		b.WriteString("; Partitioned")
	}
	return b.String()
}
