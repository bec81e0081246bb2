package agent

import "strings"

// agents is the tokens of all rules, so that one walk over a field finds them
// all: looking for each by itself takes most of the time that a line takes.
var agents = compileAgents()

// none is the number of no token: of a rule that does not ask for one.
const none = -1

// maxTokens bounds how many tokens there can be.
const maxTokens = 192

type agentTable struct {
	tokens    []string
	bots      []int
	browsers  []rule
	platforms []rule
	// pairs has a bit for the first two bytes of every token, byFirst the tokens
	// by their first byte.
	pairs   [1 << 16 / 64]uint64
	byFirst [256][]int
}

// rule names tokens by their numbers.
type rule struct{ token, also, not, version int }

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
			t.byFirst[token[0]] = append(t.byFirst[token[0]], n)
			pair := int(token[0])<<8 | int(token[1])
			t.pairs[pair/64] |= 1 << (pair % 64)
		}
		return n
	}
	for _, b := range bots {
		t.bots = append(t.bots, number(b.token))
	}
	for _, b := range browsers {
		version := b.version
		if version == "" {
			version = b.token
		}
		t.browsers = append(t.browsers, rule{number(b.token), number(b.also), number(b.not), number(version)})
	}
	for _, p := range platforms {
		t.platforms = append(t.platforms, rule{number(p.token), number(p.also), number(p.not), none})
	}
	return t
}

// found is which tokens stand in a field, and where first.
type found struct {
	set [maxTokens / 64]uint64
	at  [maxTokens]uint16
}

// find looks for every token. The field is at most maxAgent long.
func (t *agentTable) find(ua string, f *found) {
	for i := 0; i+1 < len(ua); i++ {
		pair := int(ua[i])<<8 | int(ua[i+1])
		if t.pairs[pair/64]>>(pair%64)&1 == 0 {
			continue
		}
		for _, n := range t.byFirst[ua[i]] {
			if strings.HasPrefix(ua[i:], t.tokens[n]) && f.set[n/64]>>(n%64)&1 == 0 {
				f.set[n/64] |= 1 << (n % 64)
				f.at[n] = uint16(i)
			}
		}
	}
}

// where returns the place of a token.
func (f *found) where(token int) (int, bool) {
	if token == none || f.set[token/64]>>(token%64)&1 == 0 {
		return 0, false
	}
	return int(f.at[token]), true
}

func (f *found) has(token int) bool {
	_, ok := f.where(token)
	return ok
}

func (f *found) meets(r rule) bool {
	return f.has(r.token) && (r.also == none || f.has(r.also)) && !f.has(r.not)
}
