package audit

import (
	"unicode/utf16"
	"unicode/utf8"
)

// object reads the members of one flat JSON object (RFC 8259) without copying
// what needs no decoding. What encoding/json refuses it refuses; nested values
// are passed over. The zero object can be reset.
type object struct {
	text []byte
	at   int

	// The last member. The slices are good until the next one.
	key, value []byte
	nested     bool // value is an object or an array, and is not read
	ascii      bool // value is ASCII

	keyText, valueText []byte // for strings with escapes
}

// step is what next came to.
type step uint8

const (
	broken step = iota // not an object
	member
	ended
)

// reset begins a new line.
func (o *object) reset(text []byte) { o.text, o.at = text, 0 }

// next reads a member.
func (o *object) next() step {
	first := o.at == 0
	switch c := o.skip(); {
	case first && c == '{':
		o.at++
		if o.skip() == '}' {
			o.at++
			return o.end()
		}
	case !first && c == ',':
		o.at++
	case !first && c == '}':
		o.at++
		return o.end()
	default:
		return broken
	}
	var ok bool
	if o.skip() != '"' {
		return broken
	}
	if o.key, _, o.keyText, ok = o.str(o.keyText); !ok || o.skip() != ':' {
		return broken
	}
	o.at++
	o.nested, o.ascii = false, true
	switch c := o.skip(); c {
	case '"':
		o.value, o.ascii, o.valueText, ok = o.str(o.valueText)
	case '{', '[':
		o.nested, o.value = true, nil
		ok = o.pass()
	case 't':
		ok = o.word("true")
	case 'f':
		ok = o.word("false")
	case 'n':
		ok = o.word("null")
	default:
		ok = o.number()
	}
	if !ok {
		return broken
	}
	return member
}

// end allows nothing but white space behind the object.
func (o *object) end() step {
	if o.skip(); o.at < len(o.text) {
		return broken
	}
	return ended
}

// skip passes white space and returns the next byte, 0 at the end.
func (o *object) skip() byte {
	for ; o.at < len(o.text); o.at++ {
		if c := o.text[o.at]; c != ' ' && c != '\t' && c != '\r' && c != '\n' {
			return c
		}
	}
	return 0
}

// plain are the bytes of a string that need no decoding.
var plain = func() (t [256]bool) {
	for c := 0x20; c < 0x80; c++ {
		t[c] = c != '"' && c != '\\'
	}
	return t
}()

// str reads the string at o.at. buffer is used where it must be decoded, and
// returned as it has grown.
func (o *object) str(buffer []byte) (text []byte, ascii bool, grown []byte, ok bool) {
	begin := o.at + 1
	at := begin
	for at < len(o.text) && plain[o.text[at]] {
		at++
	}
	if at < len(o.text) && o.text[at] == '"' {
		o.at = at + 1
		return o.text[begin:at], true, buffer, true
	}
	buffer = append(buffer[:0], o.text[begin:at]...)
	o.at = at
	buffer, ok = o.decode(buffer)
	ascii = true
	for _, c := range buffer {
		ascii = ascii && c < 0x80
	}
	return buffer, ascii, buffer, ok
}

// decode reads the rest of a string up to its end. What is not UTF-8 becomes
// U+FFFD, as in encoding/json.
func (o *object) decode(out []byte) ([]byte, bool) {
	for o.at < len(o.text) {
		switch c := o.text[o.at]; {
		case c == '"':
			o.at++
			return out, true
		case c == '\\':
			var ok bool
			if out, ok = o.escape(out); !ok {
				return out, false
			}
		case c < 0x20:
			return out, false
		case c < 0x80:
			out = append(out, c)
			o.at++
		default:
			r, size := utf8.DecodeRune(o.text[o.at:])
			out = utf8.AppendRune(out, r)
			o.at += size
		}
	}
	return out, false
}

// escape reads one escape.
func (o *object) escape(out []byte) ([]byte, bool) {
	if o.at+1 >= len(o.text) {
		return out, false
	}
	c := o.text[o.at+1]
	switch c {
	case '"', '\\', '/':
	case 'b':
		c = '\b'
	case 'f':
		c = '\f'
	case 'n':
		c = '\n'
	case 'r':
		c = '\r'
	case 't':
		c = '\t'
	case 'u':
		r := o.unit(o.at)
		if r < 0 {
			return out, false
		}
		o.at += 6
		if utf16.IsSurrogate(r) {
			pair := utf16.DecodeRune(r, o.unit(o.at))
			if r = pair; pair != utf8.RuneError {
				o.at += 6
			}
		}
		return utf8.AppendRune(out, r), true
	default:
		return out, false
	}
	o.at += 2
	return append(out, c), true
}

// unit returns the UTF-16 unit of the escape \uXXXX at a place, or -1.
func (o *object) unit(at int) rune {
	if at+6 > len(o.text) || o.text[at] != '\\' || o.text[at+1] != 'u' {
		return -1
	}
	var r rune
	for _, c := range o.text[at+2 : at+6] {
		n := unhex(c)
		if n < 0 {
			return -1
		}
		r = r<<4 | rune(n)
	}
	return r
}

func (o *object) word(w string) bool {
	if end := o.at + len(w); end <= len(o.text) && string(o.text[o.at:end]) == w {
		o.value = o.text[o.at:end]
		o.at = end
		return true
	}
	return false
}

// number reads -?(0|[1-9]\d*)(\.\d+)?([eE][+-]?\d+)?
func (o *object) number() bool {
	begin := o.at
	o.one('-', '-')
	if !o.one('0', '0') && !o.digits() {
		return false
	}
	if o.one('.', '.') && !o.digits() {
		return false
	}
	if o.one('e', 'E') {
		o.one('+', '-')
		if !o.digits() {
			return false
		}
	}
	o.value = o.text[begin:o.at]
	return true
}

// one passes either byte.
func (o *object) one(a, b byte) bool {
	if o.at < len(o.text) && (o.text[o.at] == a || o.text[o.at] == b) {
		o.at++
		return true
	}
	return false
}

func (o *object) digits() bool {
	begin := o.at
	for o.at < len(o.text) && o.text[o.at] >= '0' && o.text[o.at] <= '9' {
		o.at++
	}
	return o.at > begin
}

// pass goes behind a nested value by its brackets.
func (o *object) pass() bool {
	depth := 0
	for o.at < len(o.text) {
		switch o.text[o.at] {
		case '{', '[':
			depth++
		case '}', ']':
			if depth--; depth == 0 {
				o.at++
				return true
			}
		case '"':
			var ok bool
			if _, _, o.valueText, ok = o.str(o.valueText); !ok {
				return false
			}
			continue
		}
		o.at++
	}
	return false
}
