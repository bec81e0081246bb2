package analytics

import (
	"fmt"
	"maps"
	"math"
	"net"
	"net/netip"
	"net/url"
	"slices"
	"strings"

	"github.com/candorhttp/candor/consent"
)

const (
	maxProperties = 16
	maxValues     = 256
	maxWord       = 64
	maxIntValues  = 1_000_000
	maxBounds     = 16
)

type validator struct {
	cfg          *Config
	policy       consent.Policy
	destinations []Destination
	faults       []error
}

func (v *validator) fault(format string, args ...any) {
	v.faults = append(v.faults, fmt.Errorf("analytics: config: "+format, args...))
}

// limits fills in the defaults.
func (v *validator) limits() {
	c := v.cfg
	if c.QueueEvents == 0 {
		c.QueueEvents = defaultEvents
	}
	if c.QueueEvents < 1 || c.QueueEvents > maxEvents {
		v.fault("QueueEvents: is %d; choose 1 to %d, or 0 for %d", c.QueueEvents, maxEvents, defaultEvents)
	}
	if c.QueueBytes == 0 {
		c.QueueBytes = defaultBytes
	}
	if c.QueueBytes < largestEvent || c.QueueBytes > maxBytes {
		v.fault("QueueBytes: is %d; choose %d to %d, or 0 for %d", c.QueueBytes, largestEvent, maxBytes, defaultBytes)
	}
	if c.ThirdPartySinks > Forbidden {
		v.fault("ThirdPartySinks: is not known; choose Listed or Forbidden")
	}
	if c.Prefix == "" {
		c.Prefix = c.Consent.Prefix() + "events/"
	}
	if u, err := url.Parse(c.Prefix); err != nil || u.Path != c.Prefix || c.Prefix[0] != '/' || !strings.HasSuffix(c.Prefix, "/") || strings.Contains(c.Prefix, "//") {
		v.fault("Prefix: is not a path; write for example \"/privacy/events/\", beginning and ending with a slash")
	}
}

// sinks asks each for its destination and checks it against the policy.
func (v *validator) sinks() {
	if len(v.cfg.Sinks) > maxSinks {
		v.fault("Sinks: are %d, more than %d; drop some", len(v.cfg.Sinks), maxSinks)
	}
	for i, s := range v.cfg.Sinks {
		if s == nil {
			v.fault("Sinks[%d]: is nil; drop it", i)
			v.destinations = append(v.destinations, Destination{})
			continue
		}
		d := s.Destination()
		at := fmt.Sprintf("Sinks[%d]", i)
		if isName(d.Name) {
			at += " (" + d.Name + ")"
		} else {
			v.fault("%s: Name: is not a name; use 1 to 32 of a-z, 0-9, '_', '-', '.', beginning with a letter", at)
		}
		if slices.ContainsFunc(v.destinations, func(o Destination) bool { return o.Name == d.Name }) {
			v.fault("%s: Name: is given twice; choose another", at)
		}
		v.recipient(at, &d)
		v.endpoint(at, d)
		if d.MaxEvents == 0 {
			d.MaxEvents = 1
		}
		if d.MaxEvents < 1 || d.MaxEvents > maxBatch {
			v.fault("%s: MaxEvents: is %d; choose 1 to %d, or 0 for 1", at, d.MaxEvents, maxBatch)
		}
		v.destinations = append(v.destinations, d)
	}
}

// recipient holds a destination against the policy, which visitors read, and
// fills in what it says.
func (v *validator) recipient(at string, d *Destination) {
	if d.Recipient == "" {
		if d.Country != "" || d.Safeguard != "" {
			v.fault("%s: Country and Safeguard are a recipient's; name the recipient or leave them out", at)
		}
		return
	}
	if v.cfg.ThirdPartySinks == Forbidden {
		v.fault("%s: Recipient: third-party sinks are forbidden; drop the sink, or Config.ThirdPartySinks: Forbidden together with what the policy promises", at)
	}
	i := slices.IndexFunc(v.policy.Recipients, func(r consent.Recipient) bool { return r.Name == d.Recipient })
	if i < 0 {
		v.fault("%s: Recipient: is not among the policy's recipients; declare it there with country and safeguard", at)
		return
	}
	r := v.policy.Recipients[i]
	if d.Country != "" && d.Country != r.Country {
		v.fault("%s: Country: is not the one that the policy names for the recipient; mend the one that is wrong", at)
	}
	if d.Safeguard != "" && d.Safeguard != r.Safeguard {
		v.fault("%s: Safeguard: is not the one that the policy names for the recipient; mend the one that is wrong", at)
	}
	d.Country, d.Safeguard = r.Country, r.Safeguard
}

// endpoint wants https, but for a service on the same machine.
func (v *validator) endpoint(at string, d Destination) {
	if d.Endpoint == "" {
		return
	}
	u, err := url.Parse(d.Endpoint)
	switch {
	case err != nil || u.Host == "" || u.Opaque != "":
		// Not wrapped: the error of url.Parse shows the URL.
		v.fault("%s: Endpoint: is not a URL; write for example \"https://stats.example/api\"", at)
	case u.User != nil || u.RawQuery != "" || u.Fragment != "":
		v.fault("%s: Endpoint: holds more than host and path; keep secrets out of it", at)
	case u.Scheme != "https" && (u.Scheme != "http" || !isLoopback(u.Hostname())):
		v.fault("%s: Endpoint: is not https; only a loopback address may be without", at)
	}
}

// isLoopback reports whether a host can be nothing but this machine.
func isLoopback(host string) bool {
	addr, err := netip.ParseAddr(host)
	return err == nil && addr.Unmap().IsLoopback() || strings.EqualFold(host, "localhost")
}

func (v *validator) events() {
	if len(v.cfg.Events) > maxSpecs {
		v.fault("Events: are %d, more than %d; merge some", len(v.cfg.Events), maxSpecs)
	}
	events := make([]Spec, len(v.cfg.Events))
	for i, s := range v.cfg.Events {
		at := fmt.Sprintf("Events[%d]", i)
		if isName(s.Name) {
			at += " (" + s.Name + ")"
		} else {
			v.fault("%s: Name: is not a name; use 1 to 32 of a-z, 0-9, '_', '-', '.', beginning with a letter", at)
		}
		if slices.ContainsFunc(events[:i], func(o Spec) bool { return o.Name == s.Name }) {
			v.fault("%s: Name: is declared twice; merge them", at)
		}
		if s.Purpose == "" {
			s.Purpose = consent.Analytics
		}
		v.purpose(at, s)
		for _, l := range v.policy.Languages {
			if s.Description[l] == "" {
				v.fault("%s: Description: has no text for language %q; write one", at, l)
			}
		}
		if len(s.Properties) > maxProperties {
			v.fault("%s: Properties: are %d, more than %d; split the event", at, len(s.Properties), maxProperties)
		}
		for j, p := range s.Properties {
			at := fmt.Sprintf("%s: Properties[%d]", at, j)
			if slices.ContainsFunc(s.Properties[:j], func(o PropertySpec) bool { return o.Name == p.Name }) {
				v.fault("%s: Name: is declared twice; remove one", at)
			}
			if p.filled == byStatus && s.Name != PageView {
				v.fault("%s: a page view alone has a status; drop it", at)
			}
			v.property(at, p, slices.Contains(s.Count, p.Name))
		}
		for j, c := range s.Count {
			if c != "route" && !slices.ContainsFunc(s.Properties, func(p PropertySpec) bool { return p.Name == c }) {
				v.fault("%s: Count[%d]: is no property of the event; name one, or \"route\"", at, j)
			}
			if slices.Contains(s.Count[:j], c) {
				v.fault("%s: Count[%d]: is named twice; remove one", at, j)
			}
		}
		events[i] = s.clone()
	}
	v.cfg.Events = events
}

// purpose checks that visitors are asked for what the event is for, and told
// who receives it.
func (v *validator) purpose(at string, s Spec) {
	i := slices.IndexFunc(v.policy.Processing, func(p consent.Processing) bool { return p.Purpose == s.Purpose })
	if i < 0 {
		v.fault("%s: Purpose: is not in the policy; declare it there or choose another", at)
		return
	}
	purpose := v.policy.Processing[i]
	if purpose.Basis == consent.Essential {
		v.fault("%s: Purpose: is essential, which nobody can refuse; choose one that visitors are asked about", at)
	}
	for j, name := range s.Sinks {
		k := slices.IndexFunc(v.destinations, func(d Destination) bool { return d.Name == name })
		switch {
		case k < 0:
			v.fault("%s: Sinks[%d]: is no sink's name; give the sink or drop the name", at, j)
		case slices.Contains(s.Sinks[:j], name):
			v.fault("%s: Sinks[%d]: is named twice; remove one", at, j)
		case v.destinations[k].Recipient != "" && !slices.Contains(purpose.Recipients, v.destinations[k].Recipient):
			v.fault("%s: Sinks[%d]: the recipient is not among those of the purpose; name it in the policy, where visitors read it", at, j)
		}
	}
}

func (v *validator) property(at string, p PropertySpec, counted bool) {
	if !isName(p.Name) || p.Name == "event" || p.Name == "route" {
		v.fault("%s: Name: is not a name; use 1 to 32 of a-z, 0-9, '_', '-', '.', beginning with a letter, and not \"event\" or \"route\"", at)
	}
	if p.filled != byHandler {
		return // declared by a function of this package
	}
	numeric := p.Kind == KindInt || p.Kind == KindFloat
	switch p.Kind {
	case KindEnum:
		v.words(at, p.Values)
	case KindBool:
	case KindInt, KindFloat:
		if !(p.Min < p.Max) || math.IsInf(p.Min, 0) || math.IsInf(p.Max, 0) {
			v.fault("%s: Min and Max: are no bounds; give two numbers, the lesser first", at)
		}
		if p.Kind == KindInt && (p.Min != math.Trunc(p.Min) || p.Max != math.Trunc(p.Max) || p.Max-p.Min > maxIntValues || math.Abs(p.Min) > 1<<53 || math.Abs(p.Max) > 1<<53) {
			v.fault("%s: Min and Max: leave room for an identifier; give whole numbers that are at most %d apart", at, maxIntValues)
		}
		if p.Kind == KindFloat && (p.Unit == "" || len(p.Unit) > maxWord) {
			v.fault("%s: Unit: is missing; say what is measured in, \"1\" for a ratio", at)
		}
	default:
		v.fault("%s: Kind: is not known; choose KindEnum, KindBool, KindInt or KindFloat", at)
	}
	if p.Kind != KindEnum && p.Values != nil {
		v.fault("%s: Values: are an enum's; drop them", at)
	}
	if counted && numeric && len(p.Bounds) == 0 {
		v.fault("%s: Bounds: are missing; say which numbers are counted together", at)
	}
	if len(p.Bounds) > maxBounds || !slices.IsSorted(p.Bounds) || len(p.Bounds) > 0 && !numeric || slices.ContainsFunc(p.Bounds, math.IsNaN) {
		v.fault("%s: Bounds: are not up to %d numbers in ascending order; give such for an int or a float alone", at, maxBounds)
	}
}

func (v *validator) words(at string, words []string) {
	if len(words) == 0 || len(words) > maxValues {
		v.fault("%s: Values: are %d; list 1 to %d words", at, len(words), maxValues)
	}
	for i, w := range words {
		if !isWord(w) {
			v.fault("%s: Values[%d]: is not a word; use 1 to %d letters, digits, '_', '-', '.', and no address", at, i, maxWord)
		}
		if slices.Contains(words[:i], w) {
			v.fault("%s: Values[%d]: is listed twice; remove one", at, i)
		}
	}
}

// isWord reports whether s can be a value: a short word in which neither an
// e-mail address nor an IP address fits.
func isWord(s string) bool {
	if s == "" || len(s) > maxWord || net.ParseIP(s) != nil {
		return false
	}
	for i := range len(s) {
		c := s[i]
		if (c < 'a' || c > 'z') && (c < 'A' || c > 'Z') && (c < '0' || c > '9') && c != '_' && c != '-' && c != '.' {
			return false
		}
	}
	return true
}

// clone copies what the caller could still change.
func (s Spec) clone() Spec {
	s.Sinks, s.Count, s.Properties = slices.Clone(s.Sinks), slices.Clone(s.Count), slices.Clone(s.Properties)
	s.Description = maps.Clone(s.Description)
	for i := range s.Properties {
		s.Properties[i].Description = maps.Clone(s.Properties[i].Description)
		s.Properties[i].Values = slices.Clone(s.Properties[i].Values)
		s.Properties[i].Bounds = slices.Clone(s.Properties[i].Bounds)
	}
	return s
}
