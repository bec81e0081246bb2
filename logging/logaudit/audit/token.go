package audit

import "bytes"

// minToken is the shortest text that is taken for a token.
const minToken = 16

// hasToken looks for what opens something or stands for somebody: JWTs, keys of
// well-known services, UUIDs, and random text.
func hasToken(s []byte) bool {
	word, marked := 0, 0 // where they begin
	for i := 0; i <= len(s); i++ {
		if i < len(s) && traits[s[i]]&isWord != 0 {
			continue
		}
		if i-word >= minToken && isToken(s[word:i]) {
			return true
		}
		word = i + 1
		if i == len(s) || s[i] != '+' && s[i] != '/' {
			if i-marked >= minMarked && isMarked(s[marked:i]) {
				return true
			}
			marked = i + 1
		}
	}
	return false
}

// keyPrefixes are what services begin their keys with so that they can be found.
// "eyJ" is the encoded beginning of a JSON object, so of every JWT.
var keyPrefixes = []string{
	"eyJ", "sk-", "sk_live_", "sk_test_", "pk_live_", "pk_test_", "rk_live_", "rk_test_", "whsec_",
	"ghp_", "gho_", "ghu_", "ghs_", "ghr_", "github_pat_", "glpat-", "npm_", "pypi-", "dop_v1_", "hf_", "shpat_",
	"xoxb-", "xoxp-", "xoxa-", "xapp-", "AKIA", "ASIA", "AIza", "ya29", "EAAC", "AGE-SECRET-KEY-",
}

// A random text changes often between digits and letters, and between small
// and large ones; words and names of versions do not.
const (
	minRandom  = 20 // characters of a piece without marks
	minMarked  = 24 // characters with the marks of base64 between pieces
	manySwaps  = 4  // between digits and letters
	someSwaps  = 3  // where small and large letters change as often
	maxMarksIn = 10 // one mark in as many characters
)

// isToken judges letters, digits, '_' and '-'.
func isToken(word []byte) bool {
	if isUUID(word) {
		return true
	}
	for _, p := range keyPrefixes {
		if bytes.HasPrefix(word, []byte(p)) && bytes.ContainsAny(word[len(p):], "0123456789") {
			return true
		}
	}
	var piece texture
	for _, c := range word {
		if c != '_' && c != '-' {
			piece.add(c)
			continue
		}
		if piece.random() {
			return true
		}
		piece = texture{}
	}
	return piece.random()
}

// isMarked judges letters and digits with few marks of base64 or base64url.
func isMarked(s []byte) bool {
	var whole texture
	marks := 0
	for _, c := range s {
		if isAlnum(c) {
			whole.add(c)
			continue
		}
		marks++
		whole.last = 0
	}
	return marks*maxMarksIn <= len(s) && whole.swaps > manySwaps && whole.kinds&(small|large) == small|large
}

// texture counts how a text changes.
type texture struct {
	length    int
	swaps     int // between digits and letters
	changes   int // between digits, small and large letters
	kinds     uint8
	last      uint8
	beyondHex bool
}

const (
	digit = 1 << iota
	small
	large
)

func (t *texture) add(c byte) {
	kind := uint8(digit)
	switch {
	case c >= 'a' && c <= 'z':
		kind = small
	case c >= 'A' && c <= 'Z':
		kind = large
	}
	t.beyondHex = t.beyondHex || unhex(c) < 0
	t.length++
	t.kinds |= kind
	if t.last != 0 && t.last != kind {
		t.changes++
		if t.last == digit || kind == digit {
			t.swaps++
		}
	}
	t.last = kind
}

func (t *texture) random() bool {
	switch {
	case t.length < minRandom || t.kinds&digit == 0:
		return false
	case !t.beyondHex && t.kinds != digit:
		return true
	}
	return t.swaps >= manySwaps || t.swaps >= someSwaps && 2*t.changes >= t.length
}

// isUUID reports whether s has the form of RFC 9562 §4, with a version.
func isUUID(s []byte) bool {
	if len(s) != 36 || traits[s[14]]&isDigit == 0 {
		return false
	}
	for i, c := range s {
		if i == 8 || i == 13 || i == 18 || i == 23 {
			if c != '-' {
				return false
			}
			continue
		}
		if unhex(c) < 0 {
			return false
		}
	}
	return true
}
