package banner

import (
	"slices"

	"github.com/candorhttp/candor/consent"
)

// CookieView is one cookie, its lifetime in words.
type CookieView struct{ Name, Description, Lifetime, Provider, Recipient string }

// StorageView is a response field by which a browser keeps something.
type StorageView struct{ Name, Description string }

// RecipientView is somebody who receives data, country and safeguard in words.
type RecipientView struct {
	Name, Country, Safeguard string
	Address                  bool // receives the full address, see consent.Manager.Disclose
}

// NotedView is an event that can be captured about a visit.
type NotedView struct {
	Name, Description string
	With              []string // what it can say, in words where the host gave some
	SentTo            []string // destinations; none where it is only counted
}

// ExperimentView is one experiment and its versions.
type ExperimentView struct {
	Name string
	Arms []string
}

// CounterView is one set of counts.
type CounterView struct {
	Name string
	By   []string // dimensions
	Kept Words
}

// FieldView is one field of the access log.
type FieldView struct {
	Name    string
	Holds   Words
	Kept    *Words // nil where View.LogKept says it
	Granted bool   // written only with consent
}

// keeps fills in what is kept and noted for a purpose.
func (p *PurposeView) keeps(m *consent.Manifest) {
	l := p.lexicon
	p.Cookies = cookiesOf(m, p.Purpose, l)
	for _, s := range m.Storage {
		if s.Purpose == p.Purpose {
			p.Storage = append(p.Storage, StorageView{s.Field, s.Description[l.language]})
		}
	}
	for _, e := range m.Events {
		if e.Purpose != p.Purpose {
			continue
		}
		noted := NotedView{Name: e.Name, Description: e.Description[l.language], SentTo: e.Destinations}
		for _, property := range e.Properties {
			words := property.Description[l.language]
			if words == "" {
				words = property.Name
			}
			noted.With = append(noted.With, words)
		}
		p.Events = append(p.Events, noted)
	}
	for _, e := range m.Experiments {
		if e.Purpose != p.Purpose {
			continue
		}
		trial := ExperimentView{Name: e.Name}
		for _, a := range e.Arms {
			trial.Arms = append(trial.Arms, a.Name)
		}
		p.Experiments = append(p.Experiments, trial)
	}
}

// counts fills in what is counted of nobody in particular.
func (v *View) counts(m *consent.Manifest) {
	for _, c := range m.Counters {
		v.Counters = append(v.Counters, CounterView{c.Name, slices.Clone(c.Dimensions), v.lexicon.kept(c.Retention)})
	}
}

func cookiesOf(m *consent.Manifest, purpose consent.Purpose, l *lexicon) (out []CookieView) {
	for _, c := range m.Cookies {
		if c.Purpose != purpose {
			continue
		}
		description := c.Description[l.language]
		if purpose == "" {
			description = l.texts["own.text"]
		}
		out = append(out, CookieView{c.Name, description, l.lifetime(c.LifetimeDays), c.Provider, c.Recipient})
	}
	return out
}

func recipientsOf(m *consent.Manifest, row consent.ManifestPurpose, l *lexicon) (out []RecipientView) {
	for _, r := range m.Recipients {
		if !slices.Contains(row.Recipients, r.Name) {
			continue
		}
		address := slices.ContainsFunc(m.Disclosures, func(d consent.ManifestDisclosure) bool {
			return d.Recipient == r.Name && d.Purpose == row.Purpose
		})
		out = append(out, RecipientView{r.Name, l.texts["country."+r.Country], l.texts["safeguard."+string(r.Safeguard)], address})
	}
	return out
}
