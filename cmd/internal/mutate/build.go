package main

import (
	_ "embed"
	"encoding/json"
	"errors"
	"fmt"
	"go/ast"
	"go/importer"
	"go/parser"
	"go/token"
	"go/types"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
)

//go:embed schemata.go.txt
var schemata string

// listed is what the go command says of a package.
type listed struct {
	ImportPath, Export, Dir, Name string
	GoFiles                       []string
	DepOnly                       bool
	TestImports, XTestImports     []string
}

func list(dir, pkg string) (map[string]*listed, *listed, error) {
	out, err := goCommand(dir, "list", "-export", "-deps", "-json=ImportPath,Export,Dir,Name,GoFiles,DepOnly,TestImports,XTestImports", "./"+pkg)
	if err != nil {
		return nil, nil, err
	}
	all := map[string]*listed{}
	var asked *listed
	for d := json.NewDecoder(strings.NewReader(out)); ; {
		l := &listed{}
		if err := d.Decode(l); errors.Is(err, io.EOF) {
			break
		} else if err != nil {
			return nil, nil, fmt.Errorf("read what go list says of %s: %w", pkg, err)
		}
		all[l.ImportPath] = l
		if !l.DepOnly {
			asked = l
		}
	}
	if asked == nil {
		return nil, nil, fmt.Errorf("there is no package %s; name one folder of this module", pkg)
	}
	return all, asked, nil
}

func goCommand(dir string, args ...string) (string, error) {
	cmd := exec.Command("go", args...)
	cmd.Dir = dir
	var out, complaint strings.Builder
	cmd.Stdout, cmd.Stderr = &out, &complaint
	if err := cmd.Run(); err != nil {
		return "", fmt.Errorf("go %s: %w\n%s", strings.Join(args, " "), err, complaint.String())
	}
	return out.String(), nil
}

// rewrite finds the mutants of a package and writes its files, with all of them
// inside, to the folder scratch. It returns the mutants and the overlay for the go
// command.
func rewrite(dir, pkg, scratch string) ([]*mutant, string, error) {
	deps, l, err := list(dir, pkg)
	if err != nil {
		return nil, "", err
	}
	fset := token.NewFileSet()
	var files []*ast.File
	for _, name := range l.GoFiles {
		f, err := parser.ParseFile(fset, filepath.Join(l.Dir, name), nil, parser.SkipObjectResolution)
		if err != nil {
			return nil, "", err
		}
		files = append(files, f)
	}
	info := &types.Info{Types: map[ast.Expr]types.TypeAndValue{}, Defs: map[*ast.Ident]types.Object{}, Uses: map[*ast.Ident]types.Object{}}
	conf := types.Config{Importer: importer.ForCompiler(fset, "gc", func(path string) (io.ReadCloser, error) {
		d, ok := deps[path]
		if !ok {
			return nil, fmt.Errorf("%s is unknown", path)
		}
		return os.Open(d.Export)
	})}
	if _, err := conf.Check(l.ImportPath, fset, files, info); err != nil {
		return nil, "", err
	}
	overlay := map[string]string{}
	var all []*mutant
	next := 1
	for i, f := range files {
		path := filepath.Join(l.Dir, l.GoFiles[i])
		src, err := os.ReadFile(path)
		if err != nil {
			return nil, "", err
		}
		w := newFinder(fset, info, l.GoFiles[i], src, &next)
		w.walk(f)
		all = append(all, w.mutants...)
		overlay[path] = filepath.Join(scratch, l.GoFiles[i])
		if err := os.WriteFile(overlay[path], w.rewritten(), 0o600); err != nil {
			return nil, "", err
		}
	}
	helper := filepath.Join(l.Dir, "mutants_of_this_run.go")
	overlay[helper] = filepath.Join(scratch, "mutants_of_this_run.go")
	if err := os.WriteFile(overlay[helper], []byte("package "+l.Name+"\n\n"+schemata), 0o600); err != nil {
		return nil, "", err
	}
	text, err := json.Marshal(map[string]any{"Replace": overlay})
	if err != nil {
		return nil, "", err
	}
	name := filepath.Join(scratch, "overlay.json")
	return all, name, os.WriteFile(name, text, 0o600)
}

func newFinder(fset *token.FileSet, info *types.Info, file string, src []byte, next *int) *finder {
	return &finder{
		fset: fset, info: info, file: file, src: src, next: next,
		forced: map[ast.Expr]bool{}, loops: map[ast.Expr]bool{}, drops: map[ast.Stmt]bool{}, fixed: map[ast.Node]struct{}{},
	}
}

// suite is the compiled tests of one package, with the mutants inside.
type suite struct {
	pkg, dir, binary string
	rapid            bool // takes the flags of pgregory.net/rapid
	tests            []*test
}

func build(dir, pkg, overlay, scratch string) (*suite, error) {
	_, l, err := list(dir, pkg)
	if err != nil {
		return nil, err
	}
	s := &suite{pkg: pkg, dir: l.Dir, binary: filepath.Join(scratch, strings.ReplaceAll(pkg, "/", "-")+".test")}
	for _, p := range append(l.TestImports, l.XTestImports...) {
		s.rapid = s.rapid || p == "pgregory.net/rapid"
	}
	_, err = goCommand(dir, "test", "-c", "-vet=off", "-o", s.binary, "-overlay", overlay, "./"+pkg)
	return s, err
}
