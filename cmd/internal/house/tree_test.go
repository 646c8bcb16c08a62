package house

import (
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
)

// module is our own module path.
const module = "kvd"

// source is one Go file of the tree, read.
type source struct {
	path  string // from the top of the repository, with slashes
	room  string // the folder
	test  bool   // a _test.go file
	lines int
	fset  *token.FileSet
	ast   *ast.File
}

// parse reads one file.
func parse(name, text string) (*source, error) {
	fset := token.NewFileSet()
	f, err := parser.ParseFile(fset, name, text, parser.SkipObjectResolution)
	if err != nil {
		return nil, err
	}
	return &source{
		path: name, room: path.Dir(name), test: strings.HasSuffix(name, "_test.go"),
		lines: strings.Count(text, "\n"), fset: fset, ast: f,
	}, nil
}

// double reports whether the file is a test or part of a …test package.
func (s *source) double() bool { return s.test || strings.HasSuffix(s.room, "test") }

// in reports whether the file's folder is one of the rooms or inside one.
func (s *source) in(rooms ...string) bool {
	for _, r := range rooms {
		if within(s.room, r) {
			return true
		}
	}
	return false
}

func within(folder, room string) bool { return folder == room || strings.HasPrefix(folder, room+"/") }

// imports lists the paths the file imports.
func (s *source) imports() []string {
	var paths []string
	for _, spec := range s.ast.Imports {
		if p, err := strconv.Unquote(spec.Path.Value); err == nil {
			paths = append(paths, p)
		}
	}
	return paths
}

// line is where in the file a node begins.
func (s *source) line(n ast.Node) int { return s.fset.Position(n.Pos()).Line }

// calls lists uses of package-level names as "import/path.Name", each with its
// node. Imports under another name are followed.
func (s *source) calls(visit func(name string, n ast.Node)) {
	names := map[string]string{}
	for _, spec := range s.ast.Imports {
		p, err := strconv.Unquote(spec.Path.Value)
		if err != nil {
			continue
		}
		local := strings.TrimSuffix(path.Base(p), "/v2")
		if path.Base(p) == "v2" {
			local = path.Base(path.Dir(p))
		}
		if spec.Name != nil {
			local = spec.Name.Name
		}
		names[local] = p
	}
	ast.Inspect(s.ast, func(n ast.Node) bool {
		sel, ok := n.(*ast.SelectorExpr)
		if !ok {
			return true
		}
		if id, ok := sel.X.(*ast.Ident); ok && names[id.Name] != "" {
			visit(names[id.Name]+"."+sel.Sel.Name, n)
		}
		return true
	})
}

// ours is the room behind an import path, if it is one of the module's.
func ours(importPath string) (room string, ok bool) {
	return strings.CutPrefix(importPath, module+"/")
}

// foreign reports whether a path belongs to another module than ours and the
// standard library.
func foreign(importPath string) bool {
	first, _, _ := strings.Cut(importPath, "/")
	return strings.Contains(first, ".")
}

// top is the folder that holds go.mod.
func top(t *testing.T) string {
	t.Helper()
	dir, err := os.Getwd()
	for err == nil {
		if _, missing := os.Stat(filepath.Join(dir, "go.mod")); missing == nil {
			return dir
		}
		if filepath.Dir(dir) == dir {
			err = fmt.Errorf("no go.mod above the tests")
		}
		dir = filepath.Dir(dir)
	}
	t.Fatal(err)
	return ""
}

// tree reads every Go file below root but those of testdata and dot folders.
func tree(t *testing.T, root string) []*source {
	t.Helper()
	var all []*source
	err := filepath.WalkDir(root, func(p string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if d.IsDir() && p != root && (strings.HasPrefix(d.Name(), ".") || d.Name() == "testdata") {
			return fs.SkipDir
		}
		if d.IsDir() || !strings.HasSuffix(p, ".go") {
			return nil
		}
		text, err := os.ReadFile(p)
		if err != nil {
			return err
		}
		rel, err := filepath.Rel(root, p)
		if err != nil {
			return err
		}
		s, err := parse(filepath.ToSlash(rel), string(text))
		all = append(all, s)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return all
}
