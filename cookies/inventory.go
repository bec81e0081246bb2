package cookies

import (
	"maps"
	"slices"
	"strings"
	"sync/atomic"

	"github.com/candorhttp/candor/consent"
)

// Inventory is every cookie and stored field that the site may set, checked
// against its policy. It is immutable and safe for concurrent use. Make it with
// NewInventory; a nil Inventory declares nothing.
type Inventory struct {
	entries   []entry
	exact     map[string]*entry
	few       []named // the same as exact, where there are few
	families  []named // by prefix, the longest first
	fields    map[string]*entry
	basis     map[consent.Purpose]consent.Basis
	languages []string
	site      string // the controller's name
}

// entry is a declared Spec with its defaults filled in.
type entry struct {
	Spec
	essential bool // needs no decision

	// The attributes that handlers set it with, mostly the same each time, are
	// kept with what was read in them.
	last   atomic.Pointer[reading]
	misses atomic.Uint32
}

type reading struct {
	rest string
	attributes
}

// read takes the attributes of a line apart, of which e is the entry if there
// is one, and reports false where the line is malformed.
func (e *entry) read(c *setCookie) bool {
	if e == nil {
		return c.read(c.rest)
	}
	last := e.last.Load()
	if last != nil && last.rest == c.rest {
		c.attributes = last.attributes
		return true
	}
	if !c.read(c.rest) {
		return false
	}
	// An Expires changes every second; what changes every time is not kept often.
	if last == nil || e.misses.Add(1)%16 == 0 {
		last = &reading{rest: strings.Clone(c.rest)}
		last.read(last.rest)
		e.last.Store(last)
	}
	return true
}

// fewCookies is how many names are looked for one by one, which takes less than
// computing a hash.
const fewCookies = 12

type named struct {
	name  string
	entry *entry
}

// NewInventory checks the specs against each other and against the policy, and
// returns an Inventory, or one error that names every fault.
func NewInventory(policy consent.Policy, specs ...Spec) (*Inventory, error) {
	inv := &Inventory{
		entries: make([]entry, len(specs)),
		exact:   map[string]*entry{}, fields: map[string]*entry{}, basis: map[consent.Purpose]consent.Basis{},
		languages: slices.Clone(policy.Languages), site: policy.Controller.Name,
	}
	for _, p := range policy.Processing {
		inv.basis[p.Purpose] = p.Basis
	}
	if err := validate(policy, specs, inv.basis); err != nil {
		return nil, err
	}
	for i, s := range specs {
		e := &inv.entries[i]
		e.Spec, e.essential = inv.complete(s), inv.basis[s.Purpose] == consent.Essential
		switch prefix, isFamily := strings.CutSuffix(s.Name, "*"); {
		case s.ThirdParty:
		case s.Field:
			inv.fields[strings.ToLower(s.Name)] = e
		case isFamily:
			inv.families = append(inv.families, named{prefix, e})
		default:
			inv.exact[s.Name] = e
			inv.few = append(inv.few, named{s.Name, e})
		}
	}
	if len(inv.few) > fewCookies {
		inv.few = nil
	}
	slices.SortFunc(inv.families, func(a, b named) int { return len(b.name) - len(a.name) })
	return inv, nil
}

// complete copies a spec and fills in its defaults.
func (inv *Inventory) complete(s Spec) Spec {
	s.Description = maps.Clone(s.Description)
	s.Variants = slices.Clone(s.Variants)
	s.Groups = slices.Clone(s.Groups)
	if len(s.Variants) == 0 {
		s.Variants = []Variant{{}}
	}
	for j := range s.Variants {
		if s.Variants[j].Path == "" {
			s.Variants[j].Path = "/"
		}
	}
	if len(s.Groups) == 0 {
		s.Groups = []string{"default"}
	}
	if s.Provider == "" {
		s.Provider = inv.site
	}
	return s
}

// lookup returns what is declared of a cookie name, or nil.
func (inv *Inventory) lookup(name string) *entry {
	if inv == nil {
		return nil
	}
	for i := range inv.few {
		if inv.few[i].name == name {
			return inv.few[i].entry
		}
	}
	if inv.few == nil {
		if e := inv.exact[name]; e != nil {
			return e
		}
	}
	for _, f := range inv.families {
		if len(name) > len(f.name) && name[:len(f.name)] == f.name {
			return f.entry
		}
	}
	return nil
}

// Describe implements [consent.Describer].
func (inv *Inventory) Describe(m *consent.Manifest) {
	if inv == nil {
		return
	}
	for i := range inv.entries {
		s := &inv.entries[i].Spec
		if s.Field {
			m.Storage = append(m.Storage, consent.ManifestStorage{
				Field: s.Name, Purpose: s.Purpose, Provider: s.Provider, Recipient: s.Recipient, Description: maps.Clone(s.Description),
			})
			continue
		}
		row := consent.ManifestCookie{
			Name: s.Name, Purpose: s.Purpose, Basis: inv.basis[s.Purpose], Provider: s.Provider, Recipient: s.Recipient,
			Description: maps.Clone(s.Description), LifetimeDays: s.Lifetime.Hours() / 24,
			HTTPOnly: !s.ScriptReadable, Secure: true, SameSite: sameSiteName(s.SameSite), Partitioned: s.Partitioned,
			ThirdParty: s.ThirdParty,
		}
		for _, v := range s.Variants {
			row.Variants = append(row.Variants, consent.ManifestVariant{Domain: v.Domain, Path: v.Path})
		}
		m.Cookies = append(m.Cookies, row)
	}
}
