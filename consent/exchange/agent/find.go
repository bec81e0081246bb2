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

// maxTokens bounds how many tokens there can be, groups how many sorts of them
// are told apart by their first three bytes.
const (
	maxTokens = 128
	groups    = 64
)

type agentTable struct {
	tokens    []string
	bots      []int
	browsers  []rule
	platforms []rule
	// starts has, for every token, a bit for the rules that begin with it.
	starts [maxTokens]candidates
	// bytes has, for each of the first three bytes, the groups of the tokens that
	// have it there. Where all three have one in common, one of its tokens may
	// stand.
	bytes  [3][256]uint64
	groups [groups][]int
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
	groupOf := map[string]int{}
	number := func(token string) int {
		if token == "" || token == "-" {
			return none
		}
		n, ok := numbers[token]
		if !ok {
			n = len(t.tokens)
			numbers[token] = n
			t.tokens = append(t.tokens, token)
			g, ok := groupOf[token[:3]]
			if !ok {
				g = len(groupOf) % groups
				groupOf[token[:3]] = g
			}
			t.groups[g] = append(t.groups[g], n)
			for i := range t.bytes {
				t.bytes[i][token[i]] |= 1 << g
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
	for i := 0; i+2 < len(ua); i++ {
		maybe := t.bytes[0][ua[i]] & t.bytes[1][ua[i+1]] & t.bytes[2][ua[i+2]]
		for ; maybe != 0; maybe &= maybe - 1 {
			for _, n := range t.groups[bits.TrailingZeros64(maybe)] {
				if !f.has(n) && strings.HasPrefix(ua[i:], t.tokens[n]) {
					f.set[n/64] |= 1 << (n % 64)
					f.at[n] = uint16(i)
					f.rules.bots |= t.starts[n].bots
					f.rules.browsers |= t.starts[n].browsers
					f.rules.platforms |= t.starts[n].platforms
				}
			}
		}
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
	return token != none && f.set[token/64]>>(token%64)&1 != 0
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
