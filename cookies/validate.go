package cookies

import (
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"

	"github.com/candorhttp/candor/consent"
)

// storedFields are the response fields, beside Set-Cookie, by which a browser
// keeps something, in lower case.
var storedFields = []string{"nel", "report-to", "reporting-endpoints", "accept-ch", "critical-ch"}

// reservedNames belong to the consent manager.
var reservedNames = []string{"consent", "__host-consent", "__secure-consent"}

func validate(policy consent.Policy, specs []Spec, basis map[consent.Purpose]consent.Basis) error {
	v := validator{policy: policy, basis: basis}
	for i, s := range specs {
		v.at = fmt.Sprintf("specs[%d] (%s)", i, quoteName(s.Name))
		v.spec(s)
		for j, o := range specs[:i] {
			if same(s, o) {
				v.fault("name: is declared by specs[%d] as well; merge them", j)
			}
		}
	}
	return errors.Join(v.faults...)
}

// same reports whether two specs are for the same thing. Several third parties
// may use one name, each on its own domain.
func same(s, o Spec) bool {
	switch {
	case s.Field != o.Field || s.ThirdParty != o.ThirdParty || s.ThirdParty && s.Provider != o.Provider:
		return false
	case s.Field:
		return strings.EqualFold(s.Name, o.Name)
	}
	return s.Name == o.Name
}

type validator struct {
	policy consent.Policy
	basis  map[consent.Purpose]consent.Basis
	at     string
	faults []error
}

func (v *validator) fault(format string, args ...any) {
	v.faults = append(v.faults, fmt.Errorf("cookies: inventory: "+v.at+": "+format, args...))
}

func (v *validator) spec(s Spec) {
	if _, ok := v.basis[s.Purpose]; !ok {
		v.fault("purpose: %s is not in the policy; declare it there or choose another", quoteName(string(s.Purpose)))
	}
	v.recipient(s)
	for _, l := range v.policy.Languages {
		if s.Description[l] == "" {
			v.fault("description: has no text for language %q; write one", l)
		}
	}
	if s.Field {
		v.field(s)
		return
	}
	if len(s.Groups) > 0 {
		v.fault("groups: are for the field Report-To; leave them out")
	}
	v.name(s)
	v.attributes(s)
	v.thirdParty(s)
	for j, variant := range s.Variants {
		v.variant(s, j, variant)
	}
}

// recipient holds the spec against what the policy says of its purpose: nobody
// gets to see a cookie who is not named there.
func (v *validator) recipient(s Spec) {
	if s.Recipient == "" {
		return
	}
	if !slices.ContainsFunc(v.policy.Recipients, func(r consent.Recipient) bool { return r.Name == s.Recipient }) {
		v.fault("recipient: is not among the policy's recipients; declare it there with country and safeguard")
		return
	}
	for _, p := range v.policy.Processing {
		if p.Purpose == s.Purpose && !slices.Contains(p.Recipients, s.Recipient) {
			v.fault("recipient: is not one that the policy names for purpose %s; name it there", quoteName(string(s.Purpose)))
		}
	}
}

func (v *validator) field(s Spec) {
	if !slices.Contains(storedFields, strings.ToLower(s.Name)) {
		v.fault("name: is not a field that stores something; choose NEL, Report-To, Reporting-Endpoints, Accept-CH or Critical-CH")
	}
	if s.Lifetime != 0 || s.ScriptReadable || s.SameSite != 0 || s.Partitioned || s.ThirdParty || len(s.Variants) > 0 {
		v.fault("field: lifetime, attributes, third party and variants are for cookies; leave them out")
	}
	if len(s.Groups) > 0 && !strings.EqualFold(s.Name, "Report-To") {
		v.fault("groups: are for the field Report-To; leave them out")
	}
	for j, group := range s.Groups {
		if !isToken(group) || len(group) > 64 {
			v.fault("groups[%d]: is not a token of at most 64 characters; give the group of the Report-To field a plain name", j)
		}
	}
}

func (v *validator) thirdParty(s Spec) {
	if !s.ThirdParty {
		return
	}
	if s.Provider == "" || s.Provider == v.policy.Controller.Name {
		v.fault("provider: of a third party's cookie is missing or the site itself; say whose it is")
	}
	if s.Recipient == "" {
		v.fault("recipient: is missing; a third party sees its own cookie, so name it among the policy's recipients")
	}
	if len(s.Variants) == 0 {
		v.fault("variants: are missing; name the domain that sets it")
	}
	for j, variant := range s.Variants {
		if variant.Domain == "" {
			v.fault("variants[%d].domain: is missing; name the domain that sets it", j)
		}
	}
}

func (v *validator) name(s Spec) {
	name, isFamily := strings.CutSuffix(s.Name, "*")
	if !isToken(name) || strings.Contains(name, "*") {
		v.fault("name: is not a cookie name; use a token (RFC 9110 §5.6.2), with one * at the end for a family")
		return
	}
	if len(name) > 256 {
		v.fault("name: is longer than 256 bytes; browsers take 4096 with the value, so choose a shorter one")
	}
	if isFamily && len(name) < 3 {
		v.fault("name: the family is too wide; give at least three characters before the *")
	}
	for _, r := range reservedNames {
		if strings.EqualFold(name, r) || isFamily && len(name) <= len(r) && strings.EqualFold(name, r[:len(name)]) {
			v.fault("name: %q belongs to the consent manager; choose another", r)
		}
	}
}

func (v *validator) attributes(s Spec) {
	if s.Lifetime < 0 || s.Lifetime > MaxLifetime {
		v.fault("lifetime: is %v; choose 0 to 400 days, which is what browsers keep", s.Lifetime)
	}
	switch s.SameSite {
	case 0, http.SameSiteLaxMode, http.SameSiteStrictMode, http.SameSiteNoneMode:
	default:
		v.fault("same-site: is unknown; choose Lax, Strict or None")
	}
	if s.ScriptReadable && (hasPrefixFold(s.Name, "__http-") || hasPrefixFold(s.Name, "__host-http-")) {
		v.fault("script-readable: browsers refuse a cookie of that prefix without HttpOnly; clear it or rename the cookie")
	}
}

func (v *validator) variant(s Spec, j int, variant Variant) {
	if variant.Domain != "" && !isDomain(variant.Domain) {
		v.fault("variants[%d].domain: is not a domain name; write it in lower case without a leading dot", j)
	}
	if variant.Path != "" && (variant.Path[0] != '/' || strings.ContainsAny(variant.Path, ";\r\n\x00") || len(variant.Path) > 1024) {
		v.fault("variants[%d].path: is not a path; begin it with a slash", j)
	}
	// RFC 6265bis §4.1.3.2: browsers refuse anything else under that name.
	if hasPrefixFold(s.Name, "__host-") && !s.ThirdParty && (variant.Domain != "" || variant.Path != "" && variant.Path != "/") {
		v.fault("variants[%d]: a __Host- cookie has no Domain and Path=/; leave the variant out or rename the cookie", j)
	}
	if slices.Contains(s.Variants[:j], variant) {
		v.fault("variants[%d]: is given twice; remove one", j)
	}
}

func isToken(s string) bool {
	for i := range len(s) {
		c := s[i]
		if (c < 'a' || c > 'z') && (c < 'A' || c > 'Z') && (c < '0' || c > '9') && strings.IndexByte("!#$%&'*+-.^_`|~", c) < 0 {
			return false
		}
	}
	return s != ""
}

func isDomain(s string) bool {
	if len(s) > 253 {
		return false
	}
	for label := range strings.SplitSeq(s, ".") {
		if label == "" || len(label) > 63 || strings.Trim(label, "abcdefghijklmnopqrstuvwxyz0123456789-") != "" {
			return false
		}
	}
	return true
}

// quoteName quotes a name from outside: 32 characters of a small alphabet.
func quoteName(s string) string {
	cut := len(s) > 32
	if cut {
		s = s[:32]
	}
	clean := strings.Map(func(r rune) rune {
		if r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r >= '0' && r <= '9' || strings.ContainsRune("_-.*", r) {
			return r
		}
		return '?'
	}, s)
	if cut {
		clean += "..."
	}
	return `"` + clean + `"`
}
