package audit

import (
	"regexp"
	"regexp/syntax"
)

// form is the declared form of a field's values.
type form struct {
	re    *regexp.Regexp
	table *automaton // nil: re does the work
}

// newForm compiles a form. The empty one is that of every value.
func newForm(text string) (form, error) {
	re, err := regexp.Compile(text)
	if err != nil {
		return form{}, err
	}
	parsed, err := syntax.Parse(text, syntax.Perl)
	if err != nil {
		return form{}, err
	}
	return form{re, determinize(parsed)}, nil
}

// match reports whether a value has the form.
func (f form) match(value []byte, ascii bool) bool {
	if f.table == nil || !ascii {
		return f.re.Match(value)
	}
	return f.table.match(value)
}

// kinds is a set of what a value can be searched for.
type kinds uint8

const (
	email kinds = 1 << iota
	token
	card
	phone
	address
	everything = email | token | card | phone | address
)

// signs are what a text must have for there to be something to find, as
// expressions. They admit more than the search finds, never less.
var signs = []struct {
	kind kinds
	sign string
}{
	{email, `@|%`},
	{phone, `\+|%`},
	{token, `[0-9A-Za-z_+/-]{16}|%`},
	{card, `[0-9]([ .+-]?[0-9]){12}|%`},
	{address, `[0-9]\.[0-9]+\.[0-9]+\.[0-9]|::|([0-9A-Fa-f]{1,4}:){7}|%`},
}

// open returns what values of a form must be searched for: what the form does
// not rule out. Where a form declares a random identifier, by a fixed number of
// hexadecimal digits or many letters and digits, that part says nothing, for
// random digits look like cards.
func open(text string) kinds {
	parsed, err := syntax.Parse(text, syntax.Perl)
	if err != nil {
		return everything
	}
	cover(parsed)
	table := determinize(parsed)
	if table == nil {
		return everything
	}
	var out kinds
	for _, s := range signs {
		sign, err := syntax.Parse(s.sign, syntax.Perl)
		if err != nil {
			return everything
		}
		if t := determinize(sign); t == nil || table.meets(t) {
			out |= s.kind
		}
	}
	return out
}

// covered stands in an expression for an identifier: a character that nothing
// that is searched for has.
const covered = '\x01'

// cover puts covered in the place of every declared identifier.
func cover(re *syntax.Regexp) {
	if re.Op == syntax.OpRepeat && (re.Min == re.Max || re.Min >= minToken) && isIdentifier(re.Sub[0], re.Min) {
		*re = syntax.Regexp{Op: syntax.OpLiteral, Rune: []rune{covered}}
		return
	}
	for _, sub := range re.Sub {
		cover(sub)
	}
}

// isIdentifier reports whether n characters of a class are a declared random
// identifier: at least 4 hexadecimal digits or 16 letters and digits, where
// neither digits nor letters are all there is. Beside them a class may have the
// two marks of base64url.
func isIdentifier(class *syntax.Regexp, n int) bool {
	if class.Op != syntax.OpCharClass {
		return false
	}
	var digit, letter, other bool
	for i := 0; i+1 < len(class.Rune); i += 2 {
		if class.Rune[i+1] > 'z' {
			return false
		}
		for c := class.Rune[i]; c <= class.Rune[i+1]; c++ {
			switch {
			case c >= '0' && c <= '9':
				digit = true
			case c >= 'a' && c <= 'f', c >= 'A' && c <= 'F':
				letter = true
			case c >= 'a' && c <= 'z', c >= 'A' && c <= 'Z', c == '_', c == '-':
				other = true
			default:
				return false
			}
		}
	}
	return digit && letter && n >= 4 && (!other || n >= 16)
}
