package analytics

import (
	"math"
	"strconv"
)

// Kind is the type of a property. There is no free text, so that no address,
// name or token can pass.
type Kind uint8

const (
	KindEnum  Kind = iota + 1 // one of the declared words
	KindBool                  // true or false
	KindInt                   // a whole number within declared bounds
	KindFloat                 // a number within declared bounds, with a unit
)

// String returns "enum", "bool", "int" or "float".
func (k Kind) String() string {
	switch k {
	case KindEnum:
		return "enum"
	case KindBool:
		return "bool"
	case KindInt:
		return "int"
	case KindFloat:
		return "float"
	}
	return "none"
}

// Property is one named value. Make it with [Enum], [Bool], [Int] or [Float];
// the zero Property has no value and is dropped.
type Property struct {
	name string
	kind Kind
	text string // of an enum
	bits uint64 // of the others
}

// Enum is one of the words that the declaration lists.
func Enum(name, word string) Property { return Property{name: name, kind: KindEnum, text: word} }

// Bool is true or false.
func Bool(name string, v bool) Property {
	p := Property{name: name, kind: KindBool}
	if v {
		p.bits = 1
	}
	return p
}

// Int is a whole number.
func Int(name string, n int64) Property { return Property{name: name, kind: KindInt, bits: uint64(n)} }

// Float is a number in the unit that its declaration and the manifest name.
func Float(name string, f float64) Property {
	return Property{name: name, kind: KindFloat, bits: math.Float64bits(f)}
}

// Name returns the declared name.
func (p Property) Name() string { return p.name }

// Kind returns the type of the value.
func (p Property) Kind() Kind { return p.kind }

// Bool returns the value of a KindBool, else false.
func (p Property) Bool() bool { return p.kind == KindBool && p.bits != 0 }

// Int returns the value of a KindInt, else 0.
func (p Property) Int() int64 {
	if p.kind != KindInt {
		return 0
	}
	return int64(p.bits)
}

// Float returns the value of a KindFloat, else 0.
func (p Property) Float() float64 {
	if p.kind != KindFloat {
		return 0
	}
	return math.Float64frombits(p.bits)
}

// Text returns the value in the one text form it has everywhere: the word,
// "true" or "false", or the number in its shortest decimal form.
func (p Property) Text() string {
	switch p.kind {
	case KindEnum:
		return p.text
	case KindBool:
		return strconv.FormatBool(p.bits != 0)
	case KindInt:
		return strconv.FormatInt(int64(p.bits), 10)
	case KindFloat:
		return strconv.FormatFloat(p.Float(), 'f', -1, 64)
	}
	return ""
}
