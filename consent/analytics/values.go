package analytics

import (
	"math"
	"strconv"
	"strings"
)

// spec is a declared event in the form that events are captured by.
type spec struct {
	Spec
	properties []property
	targets    []target
	countRoute bool
	byYesOnly  bool // also where silence is no refusal, and not even counted without
}

// property is a declared property with its words by number.
type property struct {
	PropertySpec
	numbers map[string]int // of Values; nil while the list is short
	counted bool
}

// target is one sink of an event.
type target struct {
	to    Target
	queue *queue
}

// shortList is how many words are found faster by looking at each.
const shortList = 8

func compileProperty(p PropertySpec, counted bool) property {
	out := property{PropertySpec: p, counted: counted}
	if len(p.Values) > shortList {
		out.numbers = make(map[string]int, len(p.Values))
		for i, v := range p.Values {
			out.numbers[v] = i
		}
	}
	return out
}

// find returns the number of a declared property, or -1.
func (s *spec) find(name string) int {
	for i := range s.properties {
		if s.properties[i].Name == name {
			return i
		}
	}
	return -1
}

// fill takes the values of an event that are declared and valid, and returns
// how many were not.
func (s *spec) fill(d *draft, given []Property) (dropped int) {
	for i := range given {
		p := &given[i]
		at := s.find(p.name)
		if at < 0 || s.properties[at].filled != byHandler {
			dropped++
			continue
		}
		bits, ok := s.properties[at].check(p)
		if !ok {
			dropped++
			continue
		}
		d.set(at, bits)
	}
	return dropped
}

// check returns the packed form of a value, if it is a declared one.
func (p *property) check(v *Property) (uint64, bool) {
	if v.kind != p.Kind {
		return 0, false
	}
	switch p.Kind {
	case KindEnum:
		n := p.number(v.text)
		return uint64(n), n >= 0
	case KindBool:
		return v.bits, true
	case KindInt:
		n := float64(int64(v.bits))
		return v.bits, n >= p.Min && n <= p.Max
	case KindFloat:
		f := math.Float64frombits(v.bits)
		if !(f >= p.Min && f <= p.Max) { // not a number is not within
			return 0, false
		}
		return math.Float64bits(min(max(threeDigits(f), p.Min), p.Max)), true
	}
	return 0, false
}

// number returns the place of a word in the list, or -1.
func (p *property) number(word string) int {
	if p.standard != "" {
		return countryNumber(word)
	}
	if p.numbers != nil {
		if n, ok := p.numbers[word]; ok {
			return n
		}
		return -1
	}
	for i, v := range p.Values {
		if v == word {
			return i
		}
	}
	return -1
}

// property returns the value of a packed form.
func (p *property) property(bits uint64) Property {
	v := Property{name: p.Name, kind: p.Kind}
	switch {
	case p.Kind != KindEnum:
		v.bits = bits
	case p.standard != "":
		v.text = countryCode(int(bits))
	default:
		v.text = p.Values[bits]
	}
	return v
}

// class returns the words under which a packed value is counted.
func (p *property) class(bits uint64) string {
	switch p.Kind {
	case KindInt:
		return p.below(float64(int64(bits)))
	case KindFloat:
		return p.below(math.Float64frombits(bits))
	}
	v := p.property(bits)
	return v.Text()
}

// below names the range of a number by its upper end.
func (p *property) below(f float64) string {
	for _, b := range p.Bounds {
		if f <= b {
			return "<=" + strconv.FormatFloat(b, 'f', -1, 64)
		}
	}
	return ">" + strconv.FormatFloat(p.Bounds[len(p.Bounds)-1], 'f', -1, 64)
}

// parse reads a value that came as text.
func (p *property) parse(text string) (v Property, ok bool) {
	switch p.Kind {
	case KindEnum:
		return Enum(p.Name, text), true
	case KindBool:
		return Bool(p.Name, text == "true"), text == "true" || text == "false"
	case KindInt:
		n, err := strconv.ParseInt(text, 10, 64)
		return Int(p.Name, n), err == nil
	case KindFloat:
		f, err := strconv.ParseFloat(text, 64)
		return Float(p.Name, f), err == nil
	}
	return v, false
}

// threeDigits rounds to three significant digits: what is left of 53 bits is
// too little to name somebody by.
func threeDigits(f float64) float64 {
	if f == 0 || math.IsInf(f, 0) || math.IsNaN(f) {
		return f
	}
	digits := 2 - int(math.Floor(math.Log10(math.Abs(f))))
	if digits > 300 {
		return 0
	}
	// Division by a power of ten is exact where multiplication by its inverse
	// is not, so that 0.1 stays 0.1.
	if digits >= 0 {
		unit := math.Pow10(digits)
		return math.Round(f*unit) / unit
	}
	unit := math.Pow10(-digits)
	return math.Round(f/unit) * unit
}

// routePath takes the path from a pattern of http.ServeMux, "[METHOD ][HOST]/[PATH]".
// The mark "{$}" says how the pattern matches and is left out.
func routePath(pattern string) string {
	i := strings.IndexByte(pattern, '/')
	if i < 0 {
		return ""
	}
	return strings.TrimSuffix(pattern[i:], "{$}")
}
