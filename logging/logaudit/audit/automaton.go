package audit

import (
	"encoding/binary"
	"regexp/syntax"
	"slices"
)

// automaton matches ASCII text against a regular expression in one table
// look-up for each byte. Forms are matched for every value of every line, and
// package regexp would take most of an audit's time.
type automaton struct {
	class  [128]uint8 // bytes that no state tells apart share a class
	width  uint32     // number of classes
	next   []uint32   // at state+class: the next state; states are multiples of width
	accept []bool     // at state/width: the text may end here
}

// Expressions of more instructions, and automatons of more states, are left to
// package regexp: a hostile manifest could make them cost seconds and gigabytes.
const (
	dead            = 0
	maxInstructions = 4096
	maxStates       = 1024
)

// match reports whether text, which must be ASCII, matches.
func (a *automaton) match(text []byte) bool {
	state := a.width // the first state after dead
	for _, c := range text {
		if state = a.next[state+uint32(a.class[c&127])]; state == dead {
			return false
		}
	}
	return a.accept[state/a.width]
}

// determinize makes the automaton of an expression, or nil where it has more
// states than are worth it or looks at the neighbours of a position.
func determinize(re *syntax.Regexp) *automaton {
	prog, err := syntax.Compile(re.Simplify())
	if err != nil || len(prog.Inst) > maxInstructions {
		return nil
	}
	b := builder{prog: prog, states: map[string]uint32{}, seen: make([]int, len(prog.Inst))}
	for i := range prog.Inst {
		in := &prog.Inst[i]
		if in.Op == syntax.InstEmptyWidth && syntax.EmptyOp(in.Arg)&^(syntax.EmptyBeginText|syntax.EmptyEndText) != 0 {
			return nil
		}
	}
	b.classify()
	b.add(nil) // dead
	b.round++
	b.add(b.closure(nil, prog.Start, true)) // the first; ^ holds nowhere else, so no other may be it
	clear(b.states)
	b.states[key(nil)] = dead
	for s := 0; s < len(b.sets); s++ {
		if len(b.sets) > maxStates {
			return nil
		}
		b.step(s)
	}
	return &b.out
}

// builder makes sets of instructions into states.
type builder struct {
	prog   *syntax.Prog
	out    automaton
	sample []rune // one byte of each class
	states map[string]uint32
	sets   [][]uint32
	seen   []int // the round in which closure was at an instruction
	round  int
}

// classify puts bytes that every instruction treats alike into one class.
func (b *builder) classify() {
	classes := map[string]uint8{}
	signature := make([]byte, len(b.prog.Inst))
	for c := range rune(128) {
		for i := range b.prog.Inst {
			signature[i] = 0
			if consumes(&b.prog.Inst[i], c) {
				signature[i] = 1
			}
		}
		class, ok := classes[string(signature)]
		if !ok {
			class = uint8(len(classes))
			classes[string(signature)] = class
			b.sample = append(b.sample, c)
		}
		b.out.class[c] = class
	}
	b.out.width = uint32(len(b.sample))
}

func consumes(in *syntax.Inst, c rune) bool {
	switch in.Op {
	case syntax.InstRune, syntax.InstRune1, syntax.InstRuneAny, syntax.InstRuneAnyNotNL:
		return in.MatchRune(c)
	}
	return false
}

// add makes a state of a set.
func (b *builder) add(set []uint32) uint32 {
	id := uint32(len(b.sets)) * b.out.width
	b.states[key(set)] = id
	first := len(b.sets) == 1
	b.sets = append(b.sets, set)
	b.out.accept = append(b.out.accept, b.ends(set, first))
	return id
}

func key(set []uint32) string {
	var text []byte
	for _, pc := range set {
		text = binary.LittleEndian.AppendUint32(text, pc)
	}
	return string(text)
}

// step fills the row of state number s.
func (b *builder) step(s int) {
	matched := slices.ContainsFunc(b.sets[s], func(pc uint32) bool { return b.prog.Inst[pc].Op == syntax.InstMatch })
	for _, c := range b.sample {
		switch {
		case s == dead:
			b.out.next = append(b.out.next, dead)
			continue
		case matched: // whatever follows
			b.out.next = append(b.out.next, uint32(s)*b.out.width)
			continue
		}
		var set []uint32
		b.round++
		for _, pc := range b.sets[s] {
			if in := &b.prog.Inst[pc]; consumes(in, c) {
				set = b.closure(set, int(in.Out), false)
			}
		}
		set = b.closure(set, b.prog.Start, false) // a match may begin anywhere
		slices.Sort(set)
		id, ok := b.states[key(set)]
		if !ok {
			id = b.add(set)
		}
		b.out.next = append(b.out.next, id)
	}
}

// closure adds to set what can be reached from pc without a byte. The end of
// the text stays in the set, for it is not known before it comes.
func (b *builder) closure(set []uint32, pc int, begin bool) []uint32 {
	if b.seen[pc] == b.round {
		return set
	}
	b.seen[pc] = b.round
	in := &b.prog.Inst[pc]
	switch in.Op {
	case syntax.InstAlt, syntax.InstAltMatch:
		return b.closure(b.closure(set, int(in.Out), begin), int(in.Arg), begin)
	case syntax.InstCapture, syntax.InstNop:
		return b.closure(set, int(in.Out), begin)
	case syntax.InstFail:
		return set
	case syntax.InstEmptyWidth:
		if syntax.EmptyOp(in.Arg)&syntax.EmptyEndText == 0 {
			if !begin {
				return set
			}
			return b.closure(set, int(in.Out), begin)
		}
	}
	return append(set, uint32(pc))
}

// ends reports whether the text may end in a state of this set.
func (b *builder) ends(set []uint32, begin bool) bool {
	seen := map[int]bool{}
	var walk func(pc int) bool
	walk = func(pc int) bool {
		if seen[pc] {
			return false
		}
		seen[pc] = true
		in := &b.prog.Inst[pc]
		switch in.Op {
		case syntax.InstMatch:
			return true
		case syntax.InstAlt, syntax.InstAltMatch:
			return walk(int(in.Out)) || walk(int(in.Arg))
		case syntax.InstCapture, syntax.InstNop:
			return walk(int(in.Out))
		case syntax.InstEmptyWidth:
			return (begin || syntax.EmptyOp(in.Arg)&syntax.EmptyBeginText == 0) && walk(int(in.Out))
		}
		return false
	}
	return slices.ContainsFunc(set, func(pc uint32) bool { return walk(int(pc)) })
}

// meets reports whether some text matches both.
func (a *automaton) meets(b *automaton) bool {
	type pair struct{ a, b uint32 }
	classes := map[[2]uint8]bool{}
	for c := range a.class {
		classes[[2]uint8{a.class[c], b.class[c]}] = true
	}
	start := pair{a.width, b.width}
	seen, todo := map[pair]bool{start: true}, []pair{start}
	for len(todo) > 0 {
		p := todo[len(todo)-1]
		todo = todo[:len(todo)-1]
		if a.accept[p.a/a.width] && b.accept[p.b/b.width] {
			return true
		}
		for c := range classes {
			q := pair{a.next[p.a+uint32(c[0])], b.next[p.b+uint32(c[1])]}
			if q.a != dead && q.b != dead && !seen[q] {
				seen[q] = true
				todo = append(todo, q)
			}
		}
	}
	return false
}
