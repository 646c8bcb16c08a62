package main

import (
	"cmp"
	"fmt"
	"go/ast"
	"go/constant"
	"go/token"
	"go/types"
	"slices"
	"strings"
)

type mutant struct {
	id   int
	site int    // recorded when a test comes there
	file string // its name
	line int
	fn   string // the function that it is in
	what string // the change, as "a < b → a <= b"
}

// key names the mutant for the list of equivalents, wherever its lines have gone.
func (m *mutant) key() string { return m.file + " " + m.fn + " | " + m.what }

type edit struct {
	at, end int
	text    string
	rank    int // of those at the same byte: closing ones come before opening ones
}

// finder walks one file and collects its mutants and the edits that make them.
type finder struct {
	fset    *token.FileSet
	info    *types.Info
	file    string
	src     []byte
	fn      string
	next    *int // the next free id of the package
	mutants []*mutant
	edits   []edit
	forced  map[ast.Expr]bool     // conditions that are forced both ways: turning them round says nothing new
	loops   map[ast.Expr]bool     // conditions of loops: true for ever ends no test
	drops   map[ast.Stmt]bool     // early exits that can be passed over
	fixed   map[ast.Node]struct{} // must stay constant
}

// visit marks what is to become of the parts of a node, and reports whether they are
// looked at.
func (f *finder) visit(n ast.Node) bool {
	switch n := n.(type) {
	case *ast.FuncDecl:
		f.fn = n.Name.Name
	case *ast.GenDecl:
		return n.Tok != token.CONST && n.Tok != token.TYPE && n.Tok != token.IMPORT
	case *ast.ArrayType:
		return false
	case *ast.IfStmt:
		f.forced[n.Cond] = true
		f.droppable(n.Body, n.Else == nil)
	case *ast.ForStmt:
		if n.Cond != nil {
			f.forced[n.Cond], f.loops[n.Cond] = true, true
		}
	case *ast.SwitchStmt:
		f.cases(n)
	case *ast.ReturnStmt, *ast.BranchStmt:
		if s := n.(ast.Stmt); f.drops[s] {
			f.open(s.Pos(), fmt.Sprintf("if !mutDrop(%d) { ", f.site(s.Pos(), "without "+f.text(s))))
		}
	}
	return true
}

// droppable marks the exit at the end of a longer block. Where the exit is all,
// forcing the condition says the same.
func (f *finder) droppable(b *ast.BlockStmt, falls bool) {
	if len(b.List) < 2 || !falls {
		return
	}
	switch s := b.List[len(b.List)-1].(type) {
	case *ast.ReturnStmt:
		f.drops[s] = true
	case *ast.BranchStmt:
		f.drops[s] = s.Tok == token.CONTINUE || s.Tok == token.BREAK
	}
}

// cases marks the conditions of a switch without a tag.
func (f *finder) cases(s *ast.SwitchStmt) {
	for _, c := range s.Body.List {
		c := c.(*ast.CaseClause)
		for _, x := range c.List {
			if s.Tag == nil {
				f.forced[x] = true
			} else {
				f.fixed[x] = struct{}{}
			}
		}
	}
}

// walk finds the mutants below a node. Edits of outer nodes are made before those
// of inner ones where both begin, and after them where both end.
func (f *finder) walk(n ast.Node) {
	var open []ast.Node
	var closers [][]edit
	ast.Inspect(n, func(n ast.Node) bool {
		if n == nil {
			last := len(open) - 1
			f.edits = append(f.edits, closers[last]...)
			open, closers = open[:last], closers[:last]
			return true
		}
		if _, fixed := f.fixed[n]; fixed || !f.visit(n) {
			return false
		}
		var after []edit
		switch n := n.(type) {
		case ast.Expr:
			after = f.expr(n)
		case ast.Stmt:
			if r, ok := n.(*ast.ReturnStmt); ok {
				f.results(r)
			}
			if f.drops[n] {
				after = []edit{f.close(n.End(), " }")}
			}
		}
		open, closers = append(open, n), append(closers, after)
		return true
	})
}

// results marks the answers yes and no of a function, which are the excuses of a
// checker.
func (f *finder) results(r *ast.ReturnStmt) {
	for _, x := range r.Results {
		tv := f.info.Types[x]
		if isBool(tv.Type) && !f.logical(x) {
			f.forced[x] = true
		}
	}
}

// logical reports whether the expression has mutants as one that compares or joins.
func (f *finder) logical(x ast.Expr) bool {
	_, ok := ast.Unparen(x).(*ast.BinaryExpr)
	return ok && f.info.Types[x].Value == nil
}

func (f *finder) expr(x ast.Expr) []edit {
	tv, known := f.info.Types[x]
	if !known || tv.Type == nil {
		return nil
	}
	if tv.Value != nil {
		if f.forced[x] && tv.Value.Kind() == constant.Bool {
			return f.wrap(x, "mutNot", negated(f.text(x)))
		}
		return nil
	}
	var after []edit
	if f.forced[x] && isBool(tv.Type) {
		whats := []string{f.text(x) + " → true", f.text(x) + " → false"}
		if f.loops[x] {
			whats[0] = ""
		}
		after = f.wrap(x, "mutIf", whats...)
	}
	switch n := x.(type) {
	case *ast.BinaryExpr:
		after = append(f.binary(n, tv.Type), after...)
	case *ast.CallExpr:
		after = append(f.call(n, tv.Type), after...)
	case *ast.SliceExpr:
		after = append(f.bounds(n), after...)
	}
	return after
}

func (f *finder) wrap(x ast.Expr, with string, whats ...string) []edit {
	f.open(x.Pos(), fmt.Sprintf("%s(%d, ", with, f.site(x.Pos(), whats...)))
	return []edit{f.close(x.End(), ")")}
}

var orders = map[token.Token]struct{ name, not, edge, far string }{
	token.LSS: {"Lss", ">=", "<=", "< -1 +"},
	token.LEQ: {"Leq", ">", "<", "<= 1 +"},
	token.GTR: {"Gtr", "<=", ">=", "> 1 +"},
	token.GEQ: {"Geq", "<", ">", ">= -1 +"},
}

func (f *finder) binary(b *ast.BinaryExpr, t types.Type) []edit {
	l, r := f.text(b.X), f.text(b.Y)
	as := func(op string) string { return fmt.Sprintf("%s %s %s → %s %s %s", l, b.Op, r, l, op, r) }
	switch b.Op {
	case token.LAND, token.LOR:
		with, other := "mutAnd", "||"
		if b.Op == token.LOR {
			with, other = "mutOr", "&&"
		}
		whole := l + " " + b.Op.String() + " " + r
		f.open(b.Pos(), fmt.Sprintf("%s(%d, ", with, f.site(b.Pos(), as(other), whole+" → "+r, whole+" → "+l)))
		f.replace(b.OpPos, 2, ",")
		f.open(b.Y.Pos(), "func() bool { return ")
		return []edit{f.close(b.End(), " })")}
	case token.EQL, token.NEQ:
		if f.forced[b] {
			return nil
		}
		return f.wrap(b, "mutNot", negated(f.text(b)))
	case token.LSS, token.LEQ, token.GTR, token.GEQ:
		return f.order(b, as)
	case token.ADD, token.SUB:
		_, left := f.integer(b.X)
		_, right := f.integer(b.Y)
		if left != right && isInteger(t) {
			return f.wrap(b, "mutInt", f.text(b)+" → one more", f.text(b)+" → one less")
		}
	}
	return nil
}

func (f *finder) order(b *ast.BinaryExpr, as func(string) string) []edit {
	if _, generic := f.info.TypeOf(b.X).(*types.TypeParam); generic {
		return nil
	}
	o := orders[b.Op]
	whats := []string{as(o.not), as(o.edge)}
	if f.forced[b] {
		whats[0] = ""
	}
	with := "mutOrd" + o.name
	if isInteger(f.info.TypeOf(b.X)) && isInteger(f.info.TypeOf(b.Y)) {
		with, whats = "mut"+o.name, append(whats, as(o.far))
	}
	f.open(b.Pos(), fmt.Sprintf("%s(%d, ", with, f.site(b.Pos(), whats...)))
	f.replace(b.OpPos, len(b.Op.String()), ",")
	return []edit{f.close(b.End(), ")")}
}

func (f *finder) call(c *ast.CallExpr, t types.Type) []edit {
	name := ""
	switch fun := c.Fun.(type) {
	case *ast.Ident:
		if f.info.Types[fun].IsBuiltin() {
			name = fun.Name
		}
	case *ast.SelectorExpr:
		name = fun.Sel.Name
	}
	switch basic, ok := t.Underlying().(*types.Basic); {
	case !ok:
	case name == "Compare" && basic.Kind() == types.Int:
		return f.wrap(c, "mutSign", f.text(c)+" → the other way", f.text(c)+" → 0")
	case (name == "min" || name == "max") && len(c.Args) == 2:
		id := f.site(c.Pos(), f.text(c)+" → "+f.text(c.Args[0]), f.text(c)+" → "+f.text(c.Args[1]))
		f.replace(c.Fun.Pos(), len(name), "mutM"+name[1:])
		f.open(c.Args[0].Pos(), fmt.Sprintf("%d, ", id))
	}
	return nil
}

func (f *finder) bounds(s *ast.SliceExpr) []edit {
	for _, x := range []ast.Expr{s.Low, s.High} {
		if x == nil {
			continue
		}
		if _, ok := f.integer(x); ok {
			id := f.site(x.Pos(), f.text(s)+" → bound "+f.text(x)+" one more", f.text(s)+" → bound "+f.text(x)+" one less")
			f.replace(x.Pos(), int(x.End()-x.Pos()), fmt.Sprintf("mutInt(%d, int(%s))", id, f.text(x)))
			f.fixed[x] = struct{}{}
		}
	}
	return nil
}

func (f *finder) integer(x ast.Expr) (constant.Value, bool) {
	v := f.info.Types[x].Value
	return v, v != nil && v.Kind() == constant.Int
}

// site takes one id for an expression, where reaching it is recorded, and one for each
// mutant of it. An empty text is an id without a mutant.
func (f *finder) site(at token.Pos, whats ...string) int {
	id := *f.next
	*f.next += 1 + len(whats)
	for i, what := range whats {
		if what != "" {
			f.mutants = append(f.mutants, &mutant{id: id + 1 + i, site: id, file: f.file, line: f.fset.Position(at).Line, fn: f.fn, what: what})
		}
	}
	return id
}

// text is a node as it is written, on one line.
func (f *finder) text(n ast.Node) string {
	s := strings.Join(strings.Fields(string(f.src[f.offset(n.Pos()):f.offset(n.End())])), " ")
	if r := []rune(s); len(r) > 70 {
		s = string(r[:50]) + " … " + string(r[len(r)-17:])
	}
	return s
}

func (f *finder) offset(p token.Pos) int { return f.fset.Position(p).Offset }

func (f *finder) close(p token.Pos, text string) edit {
	return edit{f.offset(p), f.offset(p), text, 0}
}

func (f *finder) open(p token.Pos, text string) { f.replace(p, 0, text) }

func (f *finder) replace(p token.Pos, n int, text string) {
	f.edits = append(f.edits, edit{f.offset(p), f.offset(p) + n, text, 1})
}

func (f *finder) rewritten() []byte {
	slices.SortStableFunc(f.edits, func(a, b edit) int {
		return cmp.Or(a.at-b.at, cmp.Compare(a.rank, b.rank))
	})
	var out []byte
	at := 0
	for _, e := range f.edits {
		out = append(append(out, f.src[at:e.at]...), e.text...)
		at = e.end
	}
	return append(out, f.src[at:]...)
}

func negated(s string) string { return s + " → not so" }

// isBool leaves out types that are named: what a mutant answers is a plain bool.
func isBool(t types.Type) bool {
	return t == types.Typ[types.Bool] || t == types.Typ[types.UntypedBool]
}

func isInteger(t types.Type) bool {
	b, ok := t.Underlying().(*types.Basic)
	return ok && b.Info()&types.IsInteger != 0
}
