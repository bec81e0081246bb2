package consent

import (
	"errors"
	"fmt"
	"net/mail"
	"net/url"
	"slices"
	"time"
)

const (
	maxPurposes      = 64  // one bit each in a decision
	maxLifetimeDays  = 400 // RFC 6265bis §5.5
	maxReaskDays     = 365 // + 31 days to the month's end stays below 400
	defaultLifetime  = 180
	maxPolicyVersion = 1 << 20
)

// Validate returns nil, or one error that names every fault of the policy and
// how to mend it.
func (p Policy) Validate() error {
	v := validator{policy: p, languages: p.Languages}
	v.head()
	v.recipients()
	v.processing()
	v.changes()
	return errors.Join(v.faults...)
}

type validator struct {
	policy    Policy
	languages []string
	faults    []error
}

func (v *validator) fault(format string, args ...any) {
	v.faults = append(v.faults, fmt.Errorf("consent: policy: "+format, args...))
}

func (v *validator) head() {
	p := v.policy
	if p.Version < 1 || p.Version > maxPolicyVersion {
		v.fault("version: is %d; count from 1", p.Version)
	}
	if !isDate(p.Effective) {
		v.fault("effective: is not a date; write YYYY-MM-DD")
	}
	if len(p.Languages) == 0 {
		v.fault("languages: none given; name at least one, the default first")
	}
	for i, l := range p.Languages {
		if !isLanguage(l) {
			v.fault("languages[%d]: is not a language tag; write it as in BCP 47, for example \"en\" or \"pt-BR\"", i)
		}
		if slices.Contains(p.Languages[:i], l) {
			v.fault("languages[%d]: is given twice; remove one", i)
		}
	}
	if p.Controller.Name == "" {
		v.fault("controller.name: is missing; say who is responsible")
	}
	if p.Controller.Address == "" {
		v.fault("controller.address: is missing; give a postal address")
	}
	if a, err := mail.ParseAddress(p.Controller.Email); err != nil || a.Address != p.Controller.Email {
		v.fault("controller.email: is not a plain mail address; give one that is read")
	}
	if p.Authority.Name == "" {
		v.fault("authority.name: is missing; name the supervisory authority")
	}
	if u, err := url.Parse(p.Authority.URL); err != nil || u.Scheme != "https" || u.Host == "" {
		v.fault("authority.url: is not an https address; give the authority's page for complaints")
	}
	if p.GrantDays < 0 || p.GrantDays > maxLifetimeDays {
		v.fault("grant_days: is %d; choose 1 to %d, or 0 for %d", p.GrantDays, maxLifetimeDays, defaultLifetime)
	}
	if p.ReaskDays < 0 || p.ReaskDays > maxReaskDays {
		v.fault("reask_days: is %d; choose 1 to %d, or 0 for the default", p.ReaskDays, maxReaskDays)
	} else if p.ReaskDays != 0 && p.ReaskDays < min(p.grantDays(), maxReaskDays) {
		v.fault("reask_days: a no would be forgotten before a yes; choose at least %d", min(p.grantDays(), maxReaskDays))
	}
}

func (v *validator) recipients() {
	names := map[string]bool{}
	for i, r := range v.policy.Recipients {
		at := fmt.Sprintf("recipients[%d]", i)
		if r.Name == "" {
			v.fault("%s.name: is missing; name who receives data", at)
		}
		if names[r.Name] {
			v.fault("%s.name: %q is given twice; remove one", at, r.Name)
		}
		names[r.Name] = true
		if len(r.Country) != 2 || !isUpper(r.Country[0]) || !isUpper(r.Country[1]) {
			v.fault("%s.country: is not an ISO 3166-1 alpha-2 code; write for example \"DE\"", at)
			continue
		}
		switch r.Safeguard {
		case SafeguardNone:
			if !inEEA(r.Country) {
				v.fault("%s.safeguard: %s is outside the EEA and has none; choose adequacy, scc, dpf or derogation", at, r.Country)
			}
		case SafeguardDPF:
			if r.Country != "US" {
				v.fault("%s.safeguard: dpf is for the US only; choose another", at)
			}
		case SafeguardAdequacy, SafeguardSCC, SafeguardDerogation:
		default:
			v.fault("%s.safeguard: is unknown; choose none, adequacy, scc, dpf or derogation", at)
		}
	}
}

func (v *validator) processing() {
	p := v.policy
	if len(p.Processing) == 0 {
		v.fault("processing: is empty; declare at least one purpose")
	}
	if len(p.Processing) > maxPurposes {
		v.fault("processing: %d purposes, more than %d; merge some", len(p.Processing), maxPurposes)
	}
	purposes, numbers := map[Purpose]bool{}, map[int]bool{}
	for i, d := range p.Processing {
		at := fmt.Sprintf("processing[%d]", i)
		if !d.Purpose.valid() {
			v.fault("%s.purpose: is not a purpose name; use 1 to 32 of a-z, 0-9, '_', '-', beginning with a letter", at)
		}
		if purposes[d.Purpose] {
			v.fault("%s.purpose: %q is declared twice; remove one", at, d.Purpose)
		}
		purposes[d.Purpose] = true
		if d.Number < 1 || d.Number > 255 {
			v.fault("%s.number: is %d; give each purpose its own number from 1 to 255, for ever", at, d.Number)
		} else if numbers[d.Number] {
			v.fault("%s.number: %d is used twice; give each purpose its own number, for ever", at, d.Number)
		}
		numbers[d.Number] = true
		switch d.Basis {
		case Consent, Objection:
		case Essential:
			if d.SharesData {
				v.fault("%s.shares_data: an essential purpose cannot be refused, so it must not share data; choose another basis or split the purpose", at)
			}
		default:
			v.fault("%s.basis: is unknown; choose essential, objection or consent", at)
		}
		v.text(at+".title", d.Title)
		v.text(at+".text", d.Text)
		v.text(at+".retention", d.Retention)
		if d.GoodSince < 0 || d.GoodSince > p.Version {
			v.fault("%s.good_since: is %d, but the policy's version is %d; name the version of the last material change", at, d.GoodSince, p.Version)
		}
		for j, name := range d.Recipients {
			if !slices.ContainsFunc(p.Recipients, func(r Recipient) bool { return r.Name == name }) {
				v.fault("%s.recipients[%d]: %q is not among the policy's recipients; declare it there with country and safeguard", at, j, name)
			}
		}
	}
}

func (v *validator) changes() {
	last := 0
	for i, c := range v.policy.Changes {
		at := fmt.Sprintf("changes[%d]", i)
		if c.Version <= last || c.Version > v.policy.Version {
			v.fault("%s.version: is %d; list changes in ascending order up to version %d", at, c.Version, v.policy.Version)
		}
		last = c.Version
		if !isDate(c.Effective) {
			v.fault("%s.effective: is not a date; write YYYY-MM-DD", at)
		}
		v.text(at+".summary", c.Summary)
	}
}

func (v *validator) text(at string, t Text) {
	for _, l := range v.languages {
		if t[l] == "" {
			v.fault("%s: has no text for language %q; write one", at, l)
		}
	}
}

// grantDays is GrantDays with its default.
func (p Policy) grantDays() int {
	if p.GrantDays == 0 {
		return defaultLifetime
	}
	return p.GrantDays
}

// reaskDays is ReaskDays with its default: a no lasts as long as a yes.
func (p Policy) reaskDays() int {
	if p.ReaskDays == 0 {
		return min(max(defaultLifetime, p.grantDays()), maxReaskDays)
	}
	return p.ReaskDays
}

func (p Purpose) valid() bool {
	if len(p) < 1 || len(p) > 32 || p[0] < 'a' || p[0] > 'z' {
		return false
	}
	for i := range len(p) {
		c := p[i]
		if (c < 'a' || c > 'z') && (c < '0' || c > '9') && c != '_' && c != '-' {
			return false
		}
	}
	return true
}

func isDate(s string) bool {
	_, err := time.Parse(time.DateOnly, s)
	return err == nil
}

func isUpper(c byte) bool { return c >= 'A' && c <= 'Z' }

func isLanguage(s string) bool {
	if len(s) < 2 || len(s) > 35 || s[0] == '-' || s[len(s)-1] == '-' {
		return false
	}
	for i := range len(s) {
		c := s[i]
		if (c < 'a' || c > 'z') && !isUpper(c) && (c < '0' || c > '9') && c != '-' {
			return false
		}
	}
	return true
}

// inEEA lists the European Economic Area: the 27 EU states, Iceland,
// Liechtenstein and Norway.
func inEEA(country string) bool {
	const eea = "AT BE BG HR CY CZ DK EE FI FR DE GR HU IE IT LV LT LU MT NL PL PT RO SK SI ES SE IS LI NO "
	for i := 0; i+2 < len(eea); i += 3 {
		if eea[i:i+2] == country {
			return true
		}
	}
	return false
}
