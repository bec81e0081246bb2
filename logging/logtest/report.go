package logtest

import (
	"bytes"
	"fmt"
	"slices"
	"strings"
)

// leak is one line of a report: everything of one kind that is written in one
// way in one field.
type leak struct {
	field    string // "" where no field is known
	kind     kind
	encoding string
}

// found says where a leak was found.
type found struct {
	leak
	line   int // the first, from 1
	last   int
	lines  int
	places []string
}

// maxPlaces bounds how many places a line of a report names.
const maxPlaces = 6

// report returns a line for every leak of a sink's text, in order of appearance.
func (s searcher) report(text []byte) []string {
	var all []*found
	index := map[leak]*found{}
	number := 0
	for line := range bytes.Lines(text) {
		number++
		for _, at := range s.locate(line) {
			l := leak{at.field, at.canary.kind, at.encoding}
			f := index[l]
			if f == nil {
				f = &found{leak: l, line: number}
				index[l] = f
				all = append(all, f)
			}
			if f.last != number {
				f.last = number
				f.lines++
			}
			if !slices.Contains(f.places, at.canary.place) {
				f.places = append(f.places, at.canary.place)
			}
		}
	}
	out := make([]string, len(all))
	for i, f := range all {
		out[i] = f.String()
	}
	return out
}

// String says what was found and never what it was.
func (f *found) String() string {
	var b strings.Builder
	fmt.Fprintf(&b, "line %d", f.line)
	if f.field != "" {
		fmt.Fprintf(&b, ", field %q", f.field)
	}
	places := f.places[:min(len(f.places), maxPlaces)]
	fmt.Fprintf(&b, ": %s (%s), sent as %s", f.kind, f.encoding, strings.Join(places, "; "))
	if more := len(f.places) - len(places); more > 0 {
		fmt.Fprintf(&b, "; and %d other places", more)
	}
	if f.lines > 1 {
		fmt.Fprintf(&b, " (%d such lines)", f.lines)
	}
	return b.String()
}

// located is a hit with the field of a JSON object that it stands in.
type located struct {
	hit
	field string
}

// keyItself stands for a key that holds a canary.
const keyItself = "(a key)"

// locate returns the hits of a line, by field where the line is a JSON object.
func (s searcher) locate(line []byte) []located {
	hits := s.search(line)
	if len(hits) == 0 {
		return nil
	}
	var out []located
	add := func(h hit, field string) {
		if l := (located{h, field}); !slices.Contains(out, l) {
			out = append(out, l)
		}
	}
	fields(line, "", 0, func(path string, raw []byte) {
		in := s.search(raw)
		if len(in) > 0 && (len(path) > 128 || len(s.search([]byte(path))) > 0) {
			path = keyItself
		}
		for _, h := range in {
			add(h, path)
		}
	})
	for _, h := range hits {
		// What stands in no field, or reaches over several.
		if !slices.ContainsFunc(out, func(l located) bool { return l.canary == h.canary }) {
			add(h, "")
		}
	}
	slices.SortStableFunc(out, func(a, b located) int { return strings.Compare(a.field, b.field) })
	return out
}
