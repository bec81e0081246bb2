package agent

import (
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// One walk finds what looking for each token by itself finds, wherever it
// stands and whatever stands around it.
func TestFindIsIndex(t *testing.T) {
	random := rand.New(rand.NewPCG(1, 2))
	filling := []string{" ", ";", "Mozilla/5.0 (", "x", "Wi", "Bo", "ot", "é", "\x00"}
	for range 20_000 {
		var b strings.Builder
		for range random.IntN(8) {
			b.WriteString(filling[random.IntN(len(filling))])
			token := agents.tokens[random.IntN(len(agents.tokens))]
			b.WriteString(token[:len(token)-random.IntN(2)])
		}
		holdAgainstIndex(t, b.String())
	}
}

func FuzzFind(f *testing.F) {
	f.Add("Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/141.0.0.0 Safari/537.36")
	f.Fuzz(func(t *testing.T, ua string) { holdAgainstIndex(t, ua[:min(len(ua), maxAgent)]) })
}

func holdAgainstIndex(t *testing.T, ua string) {
	var got found
	agents.find(ua, &got)
	for n, token := range agents.tokens {
		at, ok := got.where(n)
		if want := strings.Index(ua, token); ok != (want >= 0) || ok && at != want {
			require.Failf(t, "another answer", "%q in %q: %d, %v, want %d", token, ua, at, ok, want)
		}
	}
}

// A group beyond a byte would be taken for another.
func TestGroupsFitAByte(t *testing.T) { require.LessOrEqual(t, len(agents.groups), 255) }
