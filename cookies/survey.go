package cookies

import (
	"maps"
	"net/http"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/candorhttp/candor/consent"
)

const (
	maxSightings = 256 // cookie names that a Survey holds
	maxRoutes    = 4   // routes named for each
	maxVariants  = 8   // places kept for each
)

// Survey is what a Gate in Report mode saw the handlers do: the first inventory
// of a site that has none. [Survey.GoSource] prints it. It holds no value, and
// no name or path that came from a client's request.
type Survey struct {
	// Cookies are those that handlers set, by name; at most 256.
	Cookies []Sighting
	// Findings are what Enforce would have withheld, the most frequent first;
	// at most 1024, the rest under "(other)".
	Findings []Finding
	// Left counts Set-Cookie lines that Cookies does not tell of: malformed ones,
	// names that cannot be declared, and names beyond 256.
	Left uint64
	// Unseen names what is declared and was not set.
	Unseen []string

	languages []string
	purposes  []consent.Purpose
}

// Sighting is one cookie as handlers set it.
type Sighting struct {
	// Spec has the attributes as observed: the longest Lifetime, the weakest
	// SameSite, ScriptReadable where HttpOnly was ever left out, every Domain and
	// Path. Where the cookie is declared, its purpose, provider, recipient and
	// description come from there.
	Spec Spec
	// Declared says that the inventory has it.
	Declared bool
	// Lines is how often it was set.
	Lines uint64
	// Routes are up to four templates of routes that set it.
	Routes []string
	// NoPath says that it was set without a Path. Browsers then take the
	// directory of the page, which may say who somebody is and is not kept here.
	NoPath bool
	// More says that there were more places than the eight kept, or one that
	// cannot be declared.
	More bool
}

// Survey returns what was seen so far. In Enforce mode it is empty.
func (g *Gate) Survey() Survey {
	s := Survey{languages: g.inventory.languages}
	for p := range g.inventory.basis {
		s.purposes = append(s.purposes, p)
	}
	slices.Sort(s.purposes)
	if !g.report {
		return s
	}
	g.seen.mu.Lock()
	defer g.seen.mu.Unlock()
	s.Findings, s.Left = g.seen.findings.list(), g.seen.left
	declared := map[*entry]bool{}
	for _, name := range slices.Sorted(maps.Keys(g.seen.cookies)) {
		c := g.seen.cookies[name].clone()
		if e := g.inventory.lookup(name); e != nil {
			declared[e] = true
			c.Declared = true
			c.Spec.Purpose, c.Spec.Provider, c.Spec.Recipient = e.Purpose, e.Provider, e.Recipient
			c.Spec.Description = maps.Clone(e.Description)
		}
		s.Cookies = append(s.Cookies, c)
	}
	for i := range g.inventory.entries {
		if e := &g.inventory.entries[i]; !declared[e] && !e.Field && !e.ThirdParty {
			s.Unseen = append(s.Unseen, e.Name)
		}
	}
	return s
}

func (s *Sighting) clone() Sighting {
	c := *s
	c.Routes, c.Spec.Variants = slices.Clone(s.Routes), slices.Clone(s.Spec.Variants)
	return c
}

// sightings gathers what handlers set.
type sightings struct {
	mu       sync.Mutex
	cookies  map[string]*Sighting
	findings findings
	left     uint64
}

// has reports whether handlers were seen to set a cookie of that name.
func (s *sightings) has(name string) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.cookies[name] != nil
}

// end takes in what an exchange found, when its route is known.
func (s *sightings) end(route string, found []Finding, set []string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, f := range found {
		f.Route = route
		s.findings.add(f)
	}
	for _, name := range set {
		if c := s.cookies[name]; c != nil && route != "" && len(c.Routes) < maxRoutes && !slices.Contains(c.Routes, route) {
			c.Routes = append(c.Routes, route)
		}
	}
}

// sight takes in a Set-Cookie line of a handler.
func (g *Gate) sight(j *judge, c *setCookie, why Reason) {
	if why == deletion || why == Reserved || why == passed && isReserved(c.name) {
		return
	}
	name := g.seen.add(c, why, j.now)
	if name == "" {
		return
	}
	t := g.trace(j.x)
	t.mu.Lock()
	defer t.mu.Unlock()
	if len(t.set) < maxPerExchange && !slices.Contains(t.set, name) {
		t.set = append(t.set, name)
	}
}

// add returns the name if it is kept.
func (s *sightings) add(c *setCookie, why Reason, now func() time.Time) string {
	s.mu.Lock()
	defer s.mu.Unlock()
	seen := s.cookies[c.name]
	switch {
	// A star would turn the name into a family in somebody's inventory.
	case why == Malformed, why == TooLarge, !isToken(c.name), len(c.name) > 64, strings.Contains(c.name, "*"),
		seen == nil && len(s.cookies) >= maxSightings:
		s.left++
		return ""
	case c.ages+c.dates > 0 && c.deletes(now()):
		return ""
	case seen == nil:
		if s.cookies == nil {
			s.cookies = map[string]*Sighting{}
		}
		name := strings.Clone(c.name)
		seen = &Sighting{Spec: Spec{Name: name, SameSite: c.sameSite, Partitioned: c.partitioned}}
		s.cookies[name] = seen
	}
	seen.note(c, now)
	return seen.Spec.Name
}

// note widens what is known of a cookie by one line.
func (s *Sighting) note(c *setCookie, now func() time.Time) {
	s.Lines++
	s.Spec.Lifetime = max(s.Spec.Lifetime, c.lifetime(now))
	s.Spec.ScriptReadable = s.Spec.ScriptReadable || !c.httpOnly
	s.Spec.Partitioned = s.Spec.Partitioned && c.partitioned
	s.Spec.SameSite = weaker(s.Spec.SameSite, c.sameSite)
	v := Variant{Domain: strings.ToLower(strings.TrimPrefix(c.domain, ".")), Path: c.path}
	if v.Path == "" || v.Path[0] != '/' {
		v.Path, s.NoPath = "/", true
	}
	switch {
	case slices.Contains(s.Spec.Variants, v):
	case len(s.Spec.Variants) >= maxVariants, v.Domain != "" && !isDomain(v.Domain), !isPath(v.Path):
		s.More = true
	default:
		s.Spec.Variants = append(s.Spec.Variants, Variant{Domain: strings.Clone(v.Domain), Path: strings.Clone(v.Path)})
	}
}

// isPath reports whether a path is one that a Spec may have and that is short
// and plain enough to stand in a report.
func isPath(s string) bool {
	return len(s) <= 64 && s[0] == '/' && strings.Trim(s, "/-._~ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789") == ""
}

// weaker returns what lets more through: None, then one that is missing, which
// stands for Lax in a Spec, then Strict.
func weaker(a, b http.SameSite) http.SameSite {
	order := func(s http.SameSite) int {
		switch s {
		case http.SameSiteNoneMode:
			return 0
		case http.SameSiteStrictMode:
			return 2
		}
		return 1
	}
	if order(b) < order(a) {
		return b
	}
	return a
}

// lifetime is how long the line lets the cookie live, at most what browsers
// keep. Dates are rounded up to a minute, because they are made a moment before
// they are seen.
func (c *attributes) lifetime(now func() time.Time) time.Duration {
	switch {
	case c.ages > 0:
		return time.Duration(min(max(c.longest, 0), int64(MaxLifetime/time.Second))) * time.Second
	case c.dates > 0:
		left := min(time.Unix(c.latest, 0).Sub(now()), MaxLifetime)
		return max((left + time.Minute - 1).Truncate(time.Minute), 0)
	}
	return 0
}
