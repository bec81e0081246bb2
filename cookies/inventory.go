package cookies

import (
	"maps"
	"slices"
	"strings"

	"github.com/candorhttp/candor/consent"
)

// Inventory is every cookie and stored field that the site may set, checked
// against its policy. It is immutable and safe for concurrent use. Make it with
// NewInventory; a nil Inventory declares nothing.
type Inventory struct {
	specs    []Spec
	exact    map[string]*Spec
	families []family // longest prefix first
	fields   map[string]*Spec
	basis    map[consent.Purpose]consent.Basis
	site     string // the controller's name
}

type family struct {
	prefix string
	spec   *Spec
}

// NewInventory checks the specs against each other and against the policy, and
// returns an Inventory, or one error that names every fault.
func NewInventory(policy consent.Policy, specs ...Spec) (*Inventory, error) {
	inv := &Inventory{
		specs: make([]Spec, len(specs)),
		exact: map[string]*Spec{}, fields: map[string]*Spec{}, basis: map[consent.Purpose]consent.Basis{},
		site: policy.Controller.Name,
	}
	for _, p := range policy.Processing {
		inv.basis[p.Purpose] = p.Basis
	}
	if err := validate(policy, specs, inv.basis); err != nil {
		return nil, err
	}
	for i, s := range specs {
		s.Description = maps.Clone(s.Description)
		s.Variants = slices.Clone(s.Variants)
		if len(s.Variants) == 0 {
			s.Variants = []Variant{{}}
		}
		for j := range s.Variants {
			if s.Variants[j].Path == "" {
				s.Variants[j].Path = "/"
			}
		}
		if s.Provider == "" {
			s.Provider = inv.site
		}
		inv.specs[i] = s
		spec := &inv.specs[i]
		switch prefix, isFamily := strings.CutSuffix(s.Name, "*"); {
		case s.Field:
			inv.fields[strings.ToLower(s.Name)] = spec
		case isFamily:
			inv.families = append(inv.families, family{prefix, spec})
		default:
			inv.exact[s.Name] = spec
		}
	}
	slices.SortFunc(inv.families, func(a, b family) int { return len(b.prefix) - len(a.prefix) })
	return inv, nil
}

// lookup returns the spec of a cookie name, or nil when it is not declared.
func (inv *Inventory) lookup(name string) *Spec {
	if inv == nil {
		return nil
	}
	if s := inv.exact[name]; s != nil {
		return s
	}
	for _, f := range inv.families {
		if len(name) > len(f.prefix) && name[:len(f.prefix)] == f.prefix {
			return f.spec
		}
	}
	return nil
}

// Describe implements [consent.Describer].
func (inv *Inventory) Describe(m *consent.Manifest) {
	if inv == nil {
		return
	}
	for _, s := range inv.specs {
		if s.Field {
			m.Storage = append(m.Storage, consent.ManifestStorage{Field: s.Name, Purpose: s.Purpose})
			continue
		}
		row := consent.ManifestCookie{
			Name: s.Name, Purpose: s.Purpose, Basis: inv.basis[s.Purpose], Provider: s.Provider, Recipient: s.Recipient,
			Description: maps.Clone(s.Description), LifetimeDays: s.Lifetime.Hours() / 24,
			HTTPOnly: !s.ScriptReadable, Secure: true, SameSite: sameSiteName(s.SameSite), Partitioned: s.Partitioned,
		}
		for _, v := range s.Variants {
			row.Variants = append(row.Variants, consent.ManifestVariant{Domain: v.Domain, Path: v.Path})
		}
		m.Cookies = append(m.Cookies, row)
	}
}
