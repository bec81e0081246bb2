package examples_test

import (
	"bufio"
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

const module = "github.com/candorhttp/candor"

// The top level of the repository is fixed, beside hidden files.
func TestTopLevelIsFixed(t *testing.T) {
	allowed := []string{"consent", "cookies", "logging", "iputil", "examples", "go.mod", "go.sum", "README.md", "LICENSE"}
	entries, err := os.ReadDir("..")
	require.NoError(t, err)
	for _, e := range entries {
		if !strings.HasPrefix(e.Name(), ".") {
			require.Contains(t, allowed, e.Name(), "new at the top level; put it into a sub-package")
		}
	}
	for _, name := range allowed {
		_, err := os.Stat(filepath.Join("..", name))
		require.NoError(t, err)
	}
}

// The root module has four direct dependencies and no more.
func TestDirectDependencies(t *testing.T) {
	allowed := []string{"github.com/gorilla/securecookie", "github.com/google/uuid", "golang.org/x/time", "github.com/stretchr/testify"}
	file, err := os.Open("../go.mod")
	require.NoError(t, err)
	defer file.Close()
	var direct []string
	inBlock := false
	lines := bufio.NewScanner(file)
	for lines.Scan() {
		line := strings.TrimSpace(lines.Text())
		switch {
		case line == "require (":
			inBlock = true
			continue
		case line == ")":
			inBlock = false
		case strings.HasPrefix(line, "go "):
			require.Equal(t, "go 1.25", line)
		case strings.HasPrefix(line, "replace"):
			t.Errorf("the root module replaces something: %s", line)
		}
		line, required := strings.CutPrefix(line, "require ")
		if (inBlock || required) && !strings.Contains(line, "// indirect") && line != "" {
			direct = append(direct, strings.Fields(line)[0])
		}
	}
	require.NoError(t, lines.Err())
	require.NotEmpty(t, direct)
	for _, d := range direct {
		require.Contains(t, allowed, d, "a new direct dependency; a nested module below examples may have it")
	}
}

// mayImport says which packages of the module one package may import. Tests of
// a package may import what helps them, within the same arrows.
func mayImport(from, to string) bool {
	part := func(p string) string { first, _, _ := strings.Cut(p, "/"); return first }
	a, b := part(from), part(to)
	switch {
	case a == "examples":
		return true
	case b == "examples":
		return false
	case a == "consent" && b == "consent":
		// exchange stands below everything in consent.
		return from != "consent/exchange" && (from != "consent" || to == "consent/exchange")
	case a == b:
		return true
	case b == "iputil":
		return from != "consent/exchange"
	case b == "consent":
		return a == "cookies" || a == "logging"
	}
	return false
}

func TestImportsGoOneWay(t *testing.T) {
	checked := 0
	err := filepath.WalkDir("..", func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if d.IsDir() {
			if path != ".." && strings.HasPrefix(d.Name(), ".") || d.Name() == "node_modules" || d.Name() == "testdata" {
				return filepath.SkipDir
			}
			return nil
		}
		if filepath.Ext(path) != ".go" {
			return nil
		}
		rel, err := filepath.Rel("..", filepath.Dir(path))
		require.NoError(t, err)
		from := filepath.ToSlash(rel)
		file, err := parser.ParseFile(token.NewFileSet(), path, nil, parser.ImportsOnly)
		require.NoError(t, err)
		test := strings.HasSuffix(path, "_test.go")
		for _, i := range file.Imports {
			to, err := strconv.Unquote(i.Path.Value)
			require.NoError(t, err)
			to, ours := strings.CutPrefix(to, module+"/")
			if !ours {
				continue
			}
			checked++
			// The tests of consent itself need a ledger to run with.
			if test && from == "consent" && strings.HasPrefix(to, "consent") {
				continue
			}
			if !mayImport(from, to) && from != to {
				t.Errorf("%s: %s imports %s, against the arrows of the design", path, from, to)
			}
		}
		return nil
	})
	require.NoError(t, err)
	require.Greater(t, checked, 10)
}

func TestTheArrowsAreChecked(t *testing.T) {
	for _, bad := range [][2]string{
		{"iputil", "consent"}, {"iputil", "logging"}, {"iputil/pseudonym", "consent"},
		{"cookies", "logging"}, {"logging", "cookies"}, {"consent", "cookies"}, {"consent/banner", "logging"},
		{"consent", "consent/ledger"}, {"consent/exchange", "consent"}, {"consent/exchange", "iputil"},
		{"consent", "examples/quickstart"}, {"logging", "examples"},
	} {
		require.False(t, mayImport(bad[0], bad[1]), "%s must not import %s", bad[0], bad[1])
	}
	for _, good := range [][2]string{
		{"cookies", "consent"}, {"logging", "consent/exchange"}, {"consent", "iputil"}, {"consent", "consent/exchange"},
		{"consent/banner", "consent"}, {"logging", "iputil/pseudonym"}, {"examples/quickstart", "cookies"}, {"iputil", "iputil/pseudonym"},
	} {
		require.True(t, mayImport(good[0], good[1]), "%s may import %s", good[0], good[1])
	}
}

// No global state: nothing runs at import.
func TestNoInit(t *testing.T) {
	initFunc := regexp.MustCompile(`(?m)^func init\(\)`)
	for _, dir := range []string{"consent", "cookies", "logging", "iputil"} {
		require.NoError(t, filepath.WalkDir(filepath.Join("..", dir), func(path string, d fs.DirEntry, err error) error {
			if err == nil && filepath.Ext(path) == ".go" {
				text, err := os.ReadFile(path)
				require.NoError(t, err)
				require.False(t, initFunc.Match(text), "%s has an init function", path)
			}
			return err
		}))
	}
}

// Each file holds one idea and stays readable.
func TestFilesAreShort(t *testing.T) {
	const most = 400
	var long []string
	require.NoError(t, filepath.WalkDir("..", func(path string, d fs.DirEntry, err error) error {
		if err == nil && filepath.Ext(path) == ".go" && !strings.HasSuffix(path, "_test.go") {
			text, err := os.ReadFile(path)
			require.NoError(t, err)
			if strings.Count(string(text), "\n") > most {
				long = append(long, path)
			}
		}
		return err
	}))
	require.Empty(t, long, "longer than 400 lines; is there more than one idea in them?")
}
