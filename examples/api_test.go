package examples_test

import (
	"bytes"
	"go/ast"
	"go/build"
	"go/doc"
	"go/parser"
	"go/printer"
	"go/token"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// apiFile is the exported API as text, so that a change of it is seen in review.
const apiFile = "../.github/api.txt"

// TestAPI compares the exported API with the committed one.
// CANDOR_UPDATE=1 go test ./examples -run TestAPI writes it anew.
func TestAPI(t *testing.T) {
	var dirs []string
	for _, top := range []string{"consent", "cookies", "iputil", "logging"} {
		require.NoError(t, filepath.WalkDir(filepath.Join("..", top), func(path string, d fs.DirEntry, err error) error {
			if err == nil && d.IsDir() && d.Name() != "testdata" {
				dirs = append(dirs, path)
			}
			return err
		}))
	}
	slices.Sort(dirs)
	var got bytes.Buffer
	for _, dir := range dirs {
		writeAPI(t, &got, dir)
	}
	require.Greater(t, bytes.Count(got.Bytes(), []byte("\nfunc ")), 50, "the API is read at all")
	if os.Getenv("CANDOR_UPDATE") == "1" {
		require.NoError(t, os.WriteFile(apiFile, got.Bytes(), 0o644))
	}
	want, err := os.ReadFile(apiFile)
	require.NoError(t, err)
	if !bytes.Equal(want, got.Bytes()) {
		t.Fatalf("the exported API is not that of .github/api.txt; if that is meant, say so in the change log and run CANDOR_UPDATE=1 go test ./examples -run TestAPI\n%s",
			firstDifference(string(want), got.String()))
	}
}

// writeAPI appends what a package exports; commands and folders without Go code
// have none.
func writeAPI(t *testing.T, out *bytes.Buffer, dir string) {
	t.Helper()
	pkg, err := build.ImportDir(dir, 0)
	if err != nil || pkg.Name == "main" {
		return
	}
	files, set := []*ast.File{}, token.NewFileSet()
	for _, name := range pkg.GoFiles {
		f, err := parser.ParseFile(set, filepath.Join(dir, name), nil, parser.SkipObjectResolution)
		require.NoError(t, err)
		files = append(files, f)
	}
	path := "github.com/candorhttp/candor/" + filepath.ToSlash(strings.TrimPrefix(dir, ".."+string(filepath.Separator)))
	d, err := doc.NewFromFiles(set, files, path)
	require.NoError(t, err)
	out.WriteString("\npackage " + path + "\n")
	text := func(node any) {
		var b bytes.Buffer
		require.NoError(t, (&printer.Config{Mode: printer.UseSpaces, Tabwidth: 4}).Fprint(&b, token.NewFileSet(), node))
		out.WriteString("\n" + b.String() + "\n")
	}
	values := func(list []*doc.Value) {
		for _, v := range list {
			bare(v.Decl)
			text(v.Decl)
		}
	}
	funcs := func(list []*doc.Func) {
		for _, f := range list {
			f.Decl.Doc, f.Decl.Body = nil, nil
			text(f.Decl)
		}
	}
	values(d.Consts)
	values(d.Vars)
	funcs(d.Funcs)
	for _, typ := range d.Types {
		bare(typ.Decl)
		text(typ.Decl)
		values(typ.Consts)
		values(typ.Vars)
		funcs(typ.Funcs)
		funcs(typ.Methods)
	}
}

// bare takes comments and the values of variables away.
func bare(decl *ast.GenDecl) {
	decl.Doc = nil
	ast.Inspect(decl, func(n ast.Node) bool {
		switch n := n.(type) {
		case *ast.Field:
			n.Doc, n.Comment = nil, nil
		case *ast.TypeSpec:
			n.Doc, n.Comment = nil, nil
		case *ast.ValueSpec:
			n.Doc, n.Comment = nil, nil
			if decl.Tok == token.VAR {
				n.Values = nil
			}
		}
		return true
	})
}

func firstDifference(want, got string) string {
	a, b := strings.Split(want, "\n"), strings.Split(got, "\n")
	for i := range min(len(a), len(b)) {
		if a[i] != b[i] {
			return "committed: " + a[i] + "\nnow:       " + b[i]
		}
	}
	return "one of them is longer"
}
