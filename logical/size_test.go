package logical

import (
	"go/ast"
	"go/parser"
	"go/token"
	"os"
	"strings"
	"testing"
)

// A core package should fit in one head.
func TestFewNamesAreExported(t *testing.T) {
	const most = 25
	files, err := os.ReadDir(".")
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for _, f := range files {
		if !strings.HasSuffix(f.Name(), ".go") || strings.HasSuffix(f.Name(), "_test.go") {
			continue
		}
		file, err := parser.ParseFile(token.NewFileSet(), f.Name(), nil, 0)
		if err != nil {
			t.Fatal(err)
		}
		for _, d := range file.Decls {
			names = append(names, exported(d)...)
		}
	}
	if len(names) == 0 || len(names) > most {
		t.Errorf("%d names are exported, want 1 to %d: %v", len(names), most, names)
	}
}

// exported is the package-level names that d declares.
func exported(d ast.Decl) (names []string) {
	switch d := d.(type) {
	case *ast.FuncDecl:
		if d.Recv == nil && d.Name.IsExported() {
			names = append(names, d.Name.Name)
		}
	case *ast.GenDecl:
		for _, s := range d.Specs {
			switch s := s.(type) {
			case *ast.TypeSpec:
				names = appendExported(names, s.Name)
			case *ast.ValueSpec:
				names = appendExported(names, s.Names...)
			}
		}
	}
	return names
}

func appendExported(names []string, idents ...*ast.Ident) []string {
	for _, id := range idents {
		if id.IsExported() {
			names = append(names, id.Name)
		}
	}
	return names
}
