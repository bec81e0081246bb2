package agent

import (
	"math/bits"
	"strings"
)

// agents is the tokens of all rules, so that one walk over a field finds them
// all: looking for each by itself takes most of the time that a line takes.
var agents = compileAgents()

// none is the number of no token: of a rule that does not ask for one.
const none = -1

// maxTokens bounds how many tokens there can be.
const maxTokens = 128

// pairAt is a hash of two bytes. Its size keeps most of a field from being taken
// for part of a token, and the table of them in the nearest cache.
func pairAt(s string, i int) uint32 {
	return (uint32(s[i]) | uint32(s[i+1])<<8) * 0x9e3779b1 >> (32 - pairBits)
}

const pairBits = 12

type agentTable struct {
	tokens    []string
	bots      []int
	browsers  []rule
	platforms []rule
	// starts has, for every token, a bit for the rules that begin with it.
	starts [maxTokens]candidates
	// pairs has, for each hash of two bytes, one more than the place of the tokens
	// that have such ones at their beginning or one further on: looking at every
	// other place of a field meets either.
	pairs  [1 << pairBits]uint8
	groups [][2][]head // by how many bytes of the token stand before the pair
}

// head is a token as it is looked for: its first eight bytes, or as many as it
// has, tell most of them apart without a call.
type head struct {
	bytes, mask uint64
	number      int
	rest        string // of the token, behind the eight bytes
}

func headOf(token string, number int) head {
	n := min(len(token), 8)
	return head{bytes: eight(token), mask: ^uint64(0) >> (64 - 8*n), number: number, rest: token[n:]}
}

// eight returns the first eight bytes of s, zeros where there are fewer.
func eight(s string) (b uint64) {
	if len(s) >= 8 {
		return uint64(s[0]) | uint64(s[1])<<8 | uint64(s[2])<<16 | uint64(s[3])<<24 |
			uint64(s[4])<<32 | uint64(s[5])<<40 | uint64(s[6])<<48 | uint64(s[7])<<56
	}
	for i := range len(s) {
		b |= uint64(s[i]) << (8 * i)
	}
	return b
}

// rule names tokens by their numbers.
type rule struct{ token, also, not, version int }

// candidates is the rules whose first token was found.
type candidates struct {
	bots, browsers, platforms uint64
}

func compileAgents() *agentTable {
	t := &agentTable{}
	numbers := map[string]int{}
	number := func(token string) int {
		if token == "" || token == "-" {
			return none
		}
		n, ok := numbers[token]
		if !ok {
			n = len(t.tokens)
			numbers[token] = n
			t.tokens = append(t.tokens, token)
			for before := range 2 {
				g := &t.pairs[pairAt(token, before)]
				if *g == 0 {
					t.groups = append(t.groups, [2][]head{})
					*g = uint8(len(t.groups))
				}
				heads := &t.groups[*g-1][before]
				*heads = append(*heads, headOf(token, n))
			}
		}
		return n
	}
	for i, b := range bots {
		n := number(b.token)
		t.bots = append(t.bots, n)
		t.starts[n].bots |= 1 << i
	}
	for i, b := range browsers {
		version := b.version
		if version == "" {
			version = b.token
		}
		r := rule{number(b.token), number(b.also), number(b.not), number(version)}
		t.browsers = append(t.browsers, r)
		t.starts[r.token].browsers |= 1 << i
	}
	for i, p := range platforms {
		r := rule{number(p.token), number(p.also), number(p.not), none}
		t.platforms = append(t.platforms, r)
		t.starts[r.token].platforms |= 1 << i
	}
	return t
}

// found is which tokens stand in a field, and where first.
type found struct {
	set   [maxTokens / 64]uint64
	at    [maxTokens]uint16
	rules candidates
}

// find looks for every token. The field is at most maxAgent long.
func (t *agentTable) find(ua string, f *found) {
	for i := 0; i+1 < len(ua); i += 2 {
		g := t.pairs[pairAt(ua, i)]
		if g == 0 {
			continue
		}
		group := &t.groups[g-1]
		if len(group[0]) > 0 {
			t.meet(ua, i, group[0], f)
		}
		if len(group[1]) > 0 && i > 0 {
			t.meet(ua, i-1, group[1], f)
		}
	}
}

// meet notes which of the tokens stand at a place.
func (t *agentTable) meet(ua string, at int, heads []head, f *found) {
	here := eight(ua[at:])
	for j := range heads {
		h := &heads[j]
		if here&h.mask != h.bytes || f.has(h.number) || h.rest != "" && !strings.HasPrefix(ua[at+8:], h.rest) {
			continue
		}
		n := h.number
		f.set[n/64] |= 1 << (n % 64)
		f.at[n] = uint16(at)
		f.rules.bots |= t.starts[n].bots
		f.rules.browsers |= t.starts[n].browsers
		f.rules.platforms |= t.starts[n].platforms
	}
}

// where returns the place of a token.
func (f *found) where(token int) (int, bool) {
	if !f.has(token) {
		return 0, false
	}
	return int(f.at[token]), true
}

func (f *found) has(token int) bool {
	return token != none && f.set[uint(token)/64]>>(uint(token)%64)&1 != 0
}

// first returns the first rule that is met, of those in question.
func (f *found) first(rules []rule, in uint64) (int, bool) {
	for ; in != 0; in &= in - 1 {
		i := bits.TrailingZeros64(in)
		if r := rules[i]; (r.also == none || f.has(r.also)) && !f.has(r.not) {
			return i, true
		}
	}
	return 0, false
}
