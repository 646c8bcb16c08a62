package house

import (
	"go/ast"
	"go/parser"
	"go/token"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// walked is the file that follows a write and a remote op through the functions of all
// rooms, and maxStops how many a reader follows.
const (
	walked   = "replica/node/doc.go"
	maxStops = 12
)

// stop is a line of a walk: its number, a folder and a function or method there.
var stop = regexp.MustCompile(`(?m)^//\s+(\d+)\. (\S+) (\w+(?:\.\w+)?):`)

// TestTheWalksAreWalkable looks up every function that the walks name: whoever renames
// or moves one follows it there.
func TestTheWalksAreWalkable(t *testing.T) {
	top := filepath.Join("..", "..", "..")
	text, err := os.ReadFile(filepath.Join(top, walked))
	if err != nil {
		t.Fatal(err)
	}
	functions := map[string]map[string]bool{}
	walks, stops := 0, 0
	for _, m := range stop.FindAllStringSubmatch(string(text), -1) {
		number, room, name := m[1], m[2], m[3]
		if stops++; number == "1" {
			walks, stops = walks+1, 1
		}
		if stops > maxStops {
			t.Errorf("a walk of %s has more than %d stops", walked, maxStops)
		}
		if functions[room] == nil {
			functions[room] = declared(t, filepath.Join(top, room))
		}
		if !functions[room][name] {
			t.Errorf("%s: a walk stops at %s of %s, which is not there; name what has taken its place", walked, name, room)
		}
	}
	if walks != 2 {
		t.Errorf("%s has %d walks, want that of a SET and that of a remote op", walked, walks)
	}
}

// declared is the functions of a folder, methods as Type.Method.
func declared(t *testing.T, folder string) map[string]bool {
	t.Helper()
	found := map[string]bool{}
	files, err := filepath.Glob(filepath.Join(folder, "*.go"))
	if err != nil {
		t.Fatal(err)
	}
	for _, path := range files {
		if strings.HasSuffix(path, "_test.go") {
			continue
		}
		f, err := parser.ParseFile(token.NewFileSet(), path, nil, parser.SkipObjectResolution)
		if err != nil {
			t.Fatal(err)
		}
		for _, d := range f.Decls {
			if fn, ok := d.(*ast.FuncDecl); ok {
				found[receiver(fn)+fn.Name.Name] = true
			}
		}
	}
	return found
}

// receiver is the type that a method is of, with a dot; empty: it is a function.
func receiver(fn *ast.FuncDecl) string {
	if fn.Recv == nil {
		return ""
	}
	x := fn.Recv.List[0].Type
	if p, ok := x.(*ast.StarExpr); ok {
		x = p.X
	}
	if g, ok := x.(*ast.IndexExpr); ok {
		x = g.X
	}
	return x.(*ast.Ident).Name + "."
}
