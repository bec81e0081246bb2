package consent

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestFindCookie(t *testing.T) {
	for line, want := range map[string]struct {
		value string
		n     int
	}{
		"":                             {"", 0},
		"c=1":                          {"1", 1},
		"a=b; c=1":                     {"1", 1},
		"a=b;c=1;d=e":                  {"1", 1},
		"a=b;\t c=1 \t; d=e":           {"1", 1},
		"c=":                           {"", 1},
		"c=1; c=1":                     {"1", 1},
		"c=1; c=2":                     {"2", 2},
		"c=1;c=2;c=1":                  {"1", 3},
		"c=1\nc=2":                     {"2", 2},
		"a=c=1":                        {"", 0},
		"a=b c=1":                      {"", 0},
		"a=c=1; c=2":                   {"2", 1},
		"c=c=1; d=c=3":                 {"c=1", 1},
		"xc=1; c=2; cc=3":              {"2", 1},
		"C=1; c =1; =c=1":              {"", 0},
		"a=\"; c=1\"":                  {"1\"", 1}, // quotes mean nothing (RFC 6265bis §5.7)
		";;  ;c=1;;":                   {"1", 1},
		"a; c=1; b":                    {"1", 1},
		strings.Repeat("c", 99) + "=1": {"", 0},
	} {
		value, n := findCookie(strings.Split(line, "\n"), "c=")
		require.Equal(t, want.value, value, line)
		require.Equal(t, want.n, n, line)
	}
}

// Looking for the name finds what taking the pairs apart finds.
func FuzzFindCookie(f *testing.F) {
	f.Add("a=b; c=1; c=2;d", "c=c=1;c =2")
	f.Fuzz(func(t *testing.T, first, second string) {
		var want []string
		value := ""
		for _, line := range []string{first, second} {
			for pair := range strings.SplitSeq(line, ";") {
				name, v, ok := strings.Cut(strings.TrimLeft(pair, " \t"), "=")
				v = strings.TrimRight(v, " \t")
				if ok && name == "c" {
					if len(want) == 0 || v != value {
						want = append(want, v)
					}
					value = v
				}
			}
		}
		got, n := findCookie([]string{first, second}, "c=")
		require.Equal(t, value, got)
		require.Equal(t, len(want), n)
	})
}
