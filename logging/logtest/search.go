package logtest

import (
	"bytes"
	"encoding/binary"
	"encoding/json"
	"html"
	"slices"
	"strconv"
)

// searcher finds every form of every canary in one pass over a text, however
// many there are: by its first 8 bytes.
type searcher map[uint64][]form

func newSearcher(canaries []*canary) searcher {
	s := searcher{}
	for _, c := range canaries {
		for _, f := range c.forms() {
			k := binary.LittleEndian.Uint64(fold([]byte(f.text)))
			s[k] = append(s[k], f)
		}
	}
	return s
}

// hit is a canary that was found, and how it was written.
type hit struct {
	canary   *canary
	encoding string
}

// unescape undoes one way of escaping. mark is the byte without which there is
// nothing to undo.
type unescape struct {
	name string
	mark byte
	undo func([]byte) []byte
}

// escapes are undone one upon the other and in rounds, so that a canary is found
// in any mix of them, whichever of its bytes were escaped.
var escapes = []unescape{
	{"JSON-escaped", '\\', unbackslash},
	{"HTML-escaped", '&', func(b []byte) []byte { return []byte(html.UnescapeString(string(b))) }},
	{"URL-escaped", '%', unpercent},
}

// rounds names how often: a form is escaped once, a query that holds it again,
// and a log that holds that once more.
var rounds = []string{"", " twice", " three times"}

// search returns what a line holds, each canary once for each way in which it is
// written.
func (s searcher) search(line []byte) []hit {
	hits := s.scan(nil, line, "")
	for _, again := range rounds {
		for _, e := range escapes {
			if bytes.IndexByte(line, e.mark) < 0 {
				continue
			}
			line = e.undo(line)
			hits = s.scan(hits, line, e.name+again)
		}
	}
	return hits
}

// scan looks for forms in a text from which escapes were undone. What stood in
// the text before is known already.
func (s searcher) scan(hits []hit, text []byte, escaped string) []hit {
	known := len(hits)
	folded := fold(text)
	for i := 0; i+minForm <= len(folded); i++ {
		for _, f := range s[binary.LittleEndian.Uint64(folded[i:])] {
			end := i + len(f.text)
			if end > len(folded) || !bytes.EqualFold(text[i:end], []byte(f.text)) || f.alone && !alone(folded, i, end) {
				continue
			}
			if slices.ContainsFunc(hits[:known], func(k hit) bool { return k.canary == f.canary }) {
				continue
			}
			h := hit{f.canary, f.encoding}
			if escaped != "" {
				h.encoding += ", " + escaped
			}
			if string(text[i:end]) != f.text {
				h.encoding += ", case changed"
			}
			if !slices.Contains(hits, h) {
				hits = append(hits, h)
			}
		}
	}
	return hits
}

func alone(text []byte, from, to int) bool {
	inWord := func(c byte) bool { return c >= '0' && c <= '9' || c >= 'a' && c <= 'z' || c == '-' }
	return (from == 0 || !inWord(text[from-1])) && (to == len(text) || !inWord(text[to]))
}

// fold returns a copy with ASCII letters in lower case, of the same length.
func fold(b []byte) []byte {
	out := bytes.Clone(b)
	for i, c := range out {
		if c >= 'A' && c <= 'Z' {
			out[i] = c + 'a' - 'A'
		}
	}
	return out
}

// unpercent undoes percent-encoding (RFC 3986 §2.1) and leaves what is none.
func unpercent(b []byte) []byte {
	out := make([]byte, 0, len(b))
	for i := 0; i < len(b); i++ {
		if c, ok := hexByte(b, i+1); ok && b[i] == '%' {
			out = append(out, c)
			i += 2
			continue
		}
		out = append(out, b[i])
	}
	return out
}

// unbackslash undoes \u00xx of JSON (RFC 8259 §7) and \xhh of Go, Apache and
// nginx, both in either case. Other escapes stand for no byte of a canary but
// for the slash, and for the backslash of the next layer.
func unbackslash(b []byte) []byte {
	out := make([]byte, 0, len(b))
	for i := 0; i < len(b); i++ {
		if b[i] != '\\' || i+1 == len(b) {
			out = append(out, b[i])
			continue
		}
		i++
		switch b[i] {
		case 'u', 'U':
			if high, ok := hexByte(b, i+1); ok && high == 0 {
				if c, ok := hexByte(b, i+3); ok {
					out = append(out, c)
					i += 4
					continue
				}
			}
		case 'x', 'X':
			if c, ok := hexByte(b, i+1); ok {
				out = append(out, c)
				i += 2
				continue
			}
		case '/', '\\', '"':
			out = append(out, b[i])
			continue
		}
		out = append(out, '\\', b[i])
	}
	return out
}

// hexByte reads two hexadecimal digits.
func hexByte(b []byte, at int) (byte, bool) {
	if at+2 > len(b) {
		return 0, false
	}
	n, err := strconv.ParseUint(string(b[at:at+2]), 16, 8)
	return byte(n), err == nil
}

// maxDepth bounds how far a field is named; what stands deeper has the name of
// what it stands in.
const maxDepth = 6

// fields calls visit for every value of a JSON object that is neither object nor
// array, with the keys that lead to it, and for every key itself.
func fields(raw []byte, path string, depth int, visit func(path string, raw []byte)) {
	var object map[string]json.RawMessage
	var array []json.RawMessage
	switch {
	case depth == maxDepth:
		visit(path, raw)
	case json.Unmarshal(raw, &object) == nil && object != nil:
		for key, value := range object {
			below := key
			if path != "" {
				below = path + " > " + key
			}
			visit(below, []byte(key))
			fields(value, below, depth+1, visit)
		}
	case json.Unmarshal(raw, &array) == nil && array != nil:
		for _, value := range array {
			fields(value, path, depth+1, visit)
		}
	default:
		visit(path, raw)
	}
}
