package proxies_test

import (
	"go/doc/comment"
	"go/parser"
	"go/token"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// recipes returns the blocks of lines of the package comment, by the heading
// they stand under and the words before the first comma or colon of the
// paragraph above them: "nginx", "Forwarded, behind".
func recipes(t *testing.T) map[[2]string]string {
	t.Helper()
	file, err := parser.ParseFile(token.NewFileSet(), "doc.go", nil, parser.ParseComments|parser.PackageClauseOnly)
	require.NoError(t, err)
	found := map[[2]string]string{}
	heading, title := "", ""
	for _, block := range new(comment.Parser).Parse(file.Doc.Text()).Content {
		switch b := block.(type) {
		case *comment.Heading:
			heading = words(b.Text)
		case *comment.Paragraph:
			title = strings.TrimSuffix(words(b.Text), ":")
		case *comment.Code:
			found[[2]string{heading, title}] = b.Text
		}
	}
	return found
}

func words(text []comment.Text) string {
	var b strings.Builder
	for _, t := range text {
		if plain, ok := t.(comment.Plain); ok {
			b.WriteString(string(plain))
		}
	}
	return strings.Join(strings.Fields(b.String()), " ")
}

const (
	exampleService = "10.0.0.80:8080"
	exampleFront   = "10.0.0.10"
)

// recipe returns the lines that make a proxy write the header. front is the
// address that a proxy in front connects from, empty for the outermost.
func recipe(t *testing.T, proxy, header, front string) string {
	t.Helper()
	all := recipes(t)
	place := ", outermost"
	if front != "" {
		place = ", behind"
	}
	lines, ok := all[[2]string{proxy, header + place}]
	if !ok {
		lines, ok = all[[2]string{proxy, header + ", anywhere"}]
	}
	require.True(t, ok, "no recipe for %s in %s%s", proxy, header, place)
	return strings.ReplaceAll(lines, exampleFront, front)
}

// preface returns the lines that several recipes of a proxy need, by the words
// that what stands above them begins with; nothing if the proxy has none.
func preface(t *testing.T, proxy, begin, front string) string {
	t.Helper()
	for key, lines := range recipes(t) {
		if key[0] == proxy && strings.HasPrefix(key[1], begin) {
			return strings.ReplaceAll(lines, exampleFront, front)
		}
	}
	return ""
}
