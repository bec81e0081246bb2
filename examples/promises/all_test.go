package promises_test

import (
	"go/parser"
	"go/token"
	"os"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// Every row has its test, here.
func TestEveryPromiseHasATest(t *testing.T) {
	have := map[string]bool{}
	files, err := os.ReadDir(".")
	require.NoError(t, err)
	for _, f := range files {
		if !strings.HasSuffix(f.Name(), "_test.go") {
			continue
		}
		parsed, err := parser.ParseFile(token.NewFileSet(), f.Name(), nil, 0)
		require.NoError(t, err)
		for name := range parsed.Scope.Objects { //nolint:staticcheck // names are all that is needed
			if rest, ok := strings.CutPrefix(name, "TestPromise_"); ok {
				number, _, _ := strings.Cut(rest, "_")
				have[number] = true
			}
		}
	}
	for _, number := range []string{
		"P01", "P02", "P03", "P04", "P05", "P07", "P08", "P09", "P10", "P11", "P12", "P13", "P14", "P15", "P16",
		"P18", "P19", "P20", "P21", "P23", "P24", "P25", "P26", "P27", "P28", "P31", "P32", "P33", "P34",
	} {
		require.True(t, have[number], number)
	}
}
