package script

import (
	"errors"
	"fmt"
	"strconv"
	"strings"

	"github.com/yuin/gopher-lua/ast"
	"github.com/yuin/gopher-lua/parse"
)

// script is what became of a source: statements over numbered variables.
type script struct {
	body  []*node
	slots int // variables, of all blocks
	size  int // of the source, in bytes
}

type node struct {
	op   string // what the evaluator knows it by
	text string // a string, a command or a function
	n    float64
	slot int
	kids []*node
	then []*node // of an if and a for
	or   []*node // of an if
}

// maxDepth bounds how deep statements and expressions stand in each other, as Lua does.
const maxDepth = 200

// maxScript bounds a script's source, in bytes.
const maxScript = 16 << 10

// checker makes a script of what was parsed. What it lets pass can be run: it keeps the
// first thing that cannot, and what it makes after that is thrown away.
type checker struct {
	scopes []map[string]int
	slots  int
	depth  int
	err    error
}

// parseScript reads a source. The error says what of it cannot be run, and where.
func parseScript(source string) (*script, error) {
	if len(source) > maxScript {
		return nil, fmt.Errorf("it is longer than %d bytes", maxScript)
	}
	// The parser keeps its stack on the heap, so that no nesting overflows it, and recovers
	// from its own panics; of one that is no error it tells nothing but that there is no chunk.
	chunk, err := parse.Parse(strings.NewReader(source), "")
	if err != nil || chunk == nil {
		return nil, unreadable(source, err)
	}
	c := &checker{}
	body := c.block(chunk)
	if c.err != nil {
		return nil, c.err
	}
	return &script{body, c.slots, len(source)}, nil
}

func unreadable(source string, err error) error {
	var e *parse.Error
	if !errors.As(err, &e) {
		return errors.New("it is not Lua")
	}
	line, ended := e.Pos.Line, e.Pos.Line == parse.EOF
	if ended {
		line = 1 + strings.Count(source, "\n")
	}
	switch {
	case e.Message == "unterminated string":
		if !ended {
			line-- // the parser has counted the line's end already
		}
		return fmt.Errorf("line %d: a string does not end", line)
	case ended:
		return fmt.Errorf("line %d: it ends too early", line)
	case e.Message == "syntax error":
		return fmt.Errorf("line %d: '%.64s' is not expected here", line, e.Token)
	}
	return fmt.Errorf("line %d: '%.64s': %s", line, e.Token, e.Message)
}

// refuse keeps what is wrong, if it is the first, and stands for what could not be made.
func (c *checker) refuse(at ast.PositionHolder, format string, args ...any) *node {
	if c.err == nil {
		c.err = fmt.Errorf("line %d: %s", at.Line(), fmt.Sprintf(format, args...))
	}
	return &node{op: "nil"}
}

func (c *checker) unknown(at ast.PositionHolder) *node {
	return c.refuse(at, "'%.64s' is not supported", spelled(at))
}

// deeper reports whether there may be one more level, and counts it.
func (c *checker) deeper() bool {
	c.depth++
	return c.depth <= maxDepth
}

func (c *checker) block(all []ast.Stmt) []*node {
	c.scopes = append(c.scopes, map[string]int{})
	body := make([]*node, len(all))
	for i, s := range all {
		body[i] = c.statement(s)
	}
	c.scopes = c.scopes[:len(c.scopes)-1]
	return body
}

func (c *checker) statement(s ast.Stmt) *node {
	defer func() { c.depth-- }()
	if !c.deeper() {
		return c.refuse(s, "it nests too deeply")
	}
	switch s := s.(type) {
	case *ast.LocalAssignStmt:
		return c.local(s)
	case *ast.AssignStmt:
		name, _ := s.Lhs[0].(*ast.IdentExpr)
		slot, ok := c.variable(s.Lhs[0])
		switch {
		case len(s.Lhs) > 1 || len(s.Rhs) > 1:
			return c.refuse(s, "an assignment of several values is not supported")
		case name == nil || !ok:
			return c.unknown(s.Lhs[0])
		}
		return &node{op: "assign", slot: slot, kids: c.expressions(s.Rhs)}
	case *ast.ReturnStmt:
		switch len(s.Exprs) {
		case 0:
			return &node{op: "return", kids: []*node{{op: "nil"}}}
		case 1:
			return &node{op: "return", kids: c.expressions(s.Exprs)}
		}
		return c.refuse(s, "a return of several values is not supported")
	case *ast.IfStmt:
		return &node{op: "if", kids: []*node{c.expression(s.Condition)}, then: c.block(s.Then), or: c.block(s.Else)}
	case *ast.GenericForStmt:
		return c.loop(s)
	case *ast.DoBlockStmt:
		return &node{op: "do", then: c.block(s.Stmts)}
	case *ast.FuncCallStmt:
		return &node{op: "ignore", kids: []*node{c.expression(s.Expr)}}
	}
	return c.unknown(s)
}

// local makes variables; names are known only behind their values.
func (c *checker) local(s *ast.LocalAssignStmt) *node {
	values := c.expressions(s.Exprs)
	if len(values) > len(s.Names) {
		return c.refuse(s, "there are more values than names")
	}
	all := &node{op: "do"}
	for i, name := range s.Names {
		value := &node{op: "nil"}
		if i < len(values) {
			value = values[i]
		}
		all.then = append(all.then, &node{op: "assign", slot: c.declare(name), kids: []*node{value}})
	}
	return all
}

// declare gives a variable of the innermost block its number.
func (c *checker) declare(name string) int {
	c.slots++
	c.scopes[len(c.scopes)-1][name] = c.slots - 1
	return c.slots - 1
}

func (c *checker) variable(e ast.Expr) (int, bool) {
	if name, ok := e.(*ast.IdentExpr); ok {
		for i := len(c.scopes) - 1; i >= 0; i-- {
			if slot, ok := c.scopes[i][name.Value]; ok {
				return slot, true
			}
		}
	}
	return 0, false
}

// global is the name that an expression is, if no variable has it; otherwise it is empty.
func (c *checker) global(e ast.Expr) string {
	name, ok := e.(*ast.IdentExpr)
	if _, hidden := c.variable(e); !ok || hidden {
		return ""
	}
	return name.Value
}

// loop checks the only loop that is known: over the keys, of which there is one.
func (c *checker) loop(s *ast.GenericForStmt) *node {
	f, ok := s.Exprs[0].(*ast.FuncCallExpr)
	if !ok || len(s.Names) != 2 || len(s.Exprs) != 1 || c.global(f.Func) != "ipairs" || len(f.Args) != 1 || c.global(f.Args[0]) != "KEYS" {
		return c.refuse(s, "a loop is not supported, but for index, key in ipairs(KEYS)")
	}
	c.scopes = append(c.scopes, map[string]int{})
	n := &node{op: "for", slot: c.declare(s.Names[0])}
	n.kids = []*node{{op: "assign", slot: c.declare(s.Names[1]), kids: []*node{{op: "KEYS", n: 1}}}}
	n.then = c.block(s.Stmts)
	c.scopes = c.scopes[:len(c.scopes)-1]
	return n
}

func (c *checker) expressions(all []ast.Expr) []*node {
	made := make([]*node, len(all))
	for i, e := range all {
		made[i] = c.expression(e)
	}
	return made
}

func (c *checker) expression(e ast.Expr) *node {
	defer func() { c.depth-- }()
	if !c.deeper() {
		return c.refuse(e, "it nests too deeply")
	}
	of := func(op string, operands ...ast.Expr) *node { return &node{op: op, kids: c.expressions(operands)} }
	switch e := e.(type) {
	case *ast.NilExpr:
		return of("nil")
	case *ast.TrueExpr:
		return of("true")
	case *ast.FalseExpr:
		return of("false")
	case *ast.StringExpr:
		return &node{op: "string", text: e.Value}
	case *ast.NumberExpr:
		if n, err := strconv.ParseFloat(e.Value, 64); err == nil {
			return &node{op: "number", n: n}
		}
	case *ast.IdentExpr:
		if slot, ok := c.variable(e); ok {
			return &node{op: "variable", slot: slot}
		}
	case *ast.LogicalOpExpr:
		return of(e.Operator, e.Lhs, e.Rhs)
	case *ast.RelationalOpExpr:
		return of(e.Operator, e.Lhs, e.Rhs)
	case *ast.ArithmeticOpExpr:
		if strings.Contains("+-*/", e.Operator) {
			return of(e.Operator, e.Lhs, e.Rhs)
		}
	case *ast.UnaryNotOpExpr:
		return of("unnot", e.Expr)
	case *ast.UnaryMinusOpExpr:
		return of("un-", e.Expr)
	case *ast.UnaryLenOpExpr:
		if list := c.global(e.Expr); isList(list) {
			return of("#" + list)
		}
	case *ast.AttrGetExpr:
		if list := c.global(e.Object); isList(list) {
			return c.item(e, list)
		}
	case *ast.FuncCallExpr:
		return c.call(e)
	}
	return c.unknown(e)
}

func isList(name string) bool { return name == "KEYS" || name == "ARGV" }

func (c *checker) item(e *ast.AttrGetExpr, list string) *node {
	if key, ok := e.Key.(*ast.NumberExpr); ok {
		if i, err := strconv.ParseInt(key.Value, 10, 32); err == nil && i > 0 {
			return &node{op: list, n: float64(i)}
		}
	}
	return c.refuse(e, "what stands in %s[...] is no whole number above 0", list)
}

// luaFunctions is what may be called, and with how many arguments; below zero: a command.
var luaFunctions = map[string]int{
	"tonumber": 1, "tostring": 1, "redis.call": -1, "redis.pcall": -1,
	"redis.status_reply": 1, "redis.error_reply": 1, "redis.replicate_commands": 0,
}

func (c *checker) call(e *ast.FuncCallExpr) *node {
	name := c.global(e.Func)
	if member, ok := e.Func.(*ast.AttrGetExpr); ok && c.global(member.Object) == "redis" {
		name = spelled(member)
	}
	n, ok := luaFunctions[name]
	if !ok {
		return c.unknown(e)
	}
	args := c.expressions(e.Args)
	switch {
	case n == len(args):
		return &node{op: "function", text: name, kids: args}
	case n >= 0:
		return c.refuse(e, "'%s' is given %d arguments, and takes %d", name, len(args), n)
	case len(args) < 2 || args[0].op != "string":
		return c.refuse(e, "a call needs the name of a command and a key")
	}
	command := strings.ToLower(args[0].text)
	if _, ok := operationOf(command); !ok {
		return c.refuse(e, "the command '%.64s' is not supported", command)
	}
	return &node{op: "call", text: command, kids: args[1:]}
}

// spelled is what of a statement or an expression a script's author knows it by.
func spelled(n ast.PositionHolder) string {
	switch n := n.(type) {
	case *ast.WhileStmt:
		return "while"
	case *ast.RepeatStmt:
		return "repeat"
	case *ast.NumberForStmt:
		return "for " + n.Name + " ="
	case *ast.FuncDefStmt, *ast.FunctionExpr:
		return "function"
	case *ast.BreakStmt:
		return "break"
	case *ast.GotoStmt:
		return "goto"
	case *ast.LabelStmt:
		return "::" + n.Name + "::"
	case *ast.StringConcatOpExpr:
		return ".."
	case *ast.Comma3Expr:
		return "..."
	case *ast.TableExpr:
		return "{"
	case *ast.UnaryLenOpExpr:
		return "#"
	case *ast.ArithmeticOpExpr:
		return n.Operator
	case *ast.NumberExpr:
		return n.Value
	case *ast.IdentExpr:
		return n.Value
	case *ast.AttrGetExpr: // of those of Redis each is known by its name, of others none is
		object, _ := n.Object.(*ast.IdentExpr)
		key, _ := n.Key.(*ast.StringExpr)
		if object != nil && object.Value == "redis" && key != nil {
			return "redis." + key.Value
		}
		return spelled(n.Object)
	case *ast.FuncCallExpr:
		if n.Receiver != nil {
			return ":" + n.Method
		}
		return spelled(n.Func)
	}
	return "(...)"
}
