package house

import (
	"fmt"
	"go/ast"
	"slices"
	"strings"
)

// row is one rule: what it finds wrong with a file, and why the rule is there.
type row struct {
	name string
	why  string
	find func(*source) []string
}

// rows is the house's rules.
func rows() []row {
	return slices.Concat(roomRows(), pureRows(), habitRows())
}

// The rooms that know no network, disk, goroutine, lock or clock.
var pure = []string{"logical", "wallclock", "resolve", "replica"}

// isPure leaves out the rooms below replica, its edges, but not the core's own parts, the state of
// locks, nor the judge of other stores.
func isPure(s *source) bool {
	return !s.test && (slices.Contains(pure, s.room) || s.in("replica/internal", "replica/lease", "replica/detect", "resolve/blackbox"))
}

// edges are the rooms through which a leader meets the world.
var edges = []string{"replica/wire", "replica/link", "replica/member", "replica/resp", "replica/console"}

// knows says which of our rooms a room may import, beside itself and what is
// below it.
func knows(room, why string, others ...string) row {
	return row{room + " knows only " + strings.Join(others, " "), why, func(s *source) []string {
		if s.double() || !s.in(room) {
			return nil
		}
		return s.unless(func(r string) bool { return within(r, room) || slices.Contains(others, r) })
	}}
}

// alone is knows for the folder itself: of the rooms below it, it knows what is internal
// to it.
func alone(room, why string, others ...string) row {
	return row{room + " alone knows only " + strings.Join(others, " "), why, func(s *source) []string {
		if s.test || s.room != room {
			return nil
		}
		return s.unless(func(r string) bool { return within(r, room+"/internal") || slices.Contains(others, r) })
	}}
}

// unless lists the imports of our own rooms that are not fine.
func (s *source) unless(fine func(room string) bool) []string {
	var found []string
	for _, p := range s.imports() {
		if r, ok := ours(p); ok && !fine(r) {
			found = append(found, "imports "+p)
		}
	}
	return found
}

func roomRows() []row {
	return []row{
		knows("logical", "order without clocks is values only"),
		knows("wallclock", "what a machine believes the time is depends on nothing of ours"),
		knows("resolve", "a resolver judges ops by their own evidence", "logical", "wallclock"),
		alone("replica", "the core of a leader is fed and answers; hosts and edges know it, not the other way round", "resolve", "resolve/doomed", "resolve/limits", "resolve/number", "logical", "wallclock"),
		knows("replica/internal", "the parts of the core are as pure as the core, and do not know it", "resolve", "resolve/doomed", "resolve/limits", "resolve/number", "logical", "wallclock", "wallclock/monitor"),
		knows("storage", "a store keeps ops and folds them after a crash; it takes no part in what they mean", "logical", "wallclock", "resolve", "resolve/limits", "resolve/number", "resolve/replay/merge"),
		knows("storage/codec", "frames are written with it too, and need no store for that", "logical", "wallclock", "resolve", "resolve/limits", "resolve/number"),
		knows("storage/log", "the log keeps bytes under dots: what they mean, and what else is stored, is not its business", "storage/disk", "logical"),
		knows("replica/wire", "frames carry the core's messages, written as they are stored, and nothing else", "replica", "storage/codec", "resolve", "resolve/limits", "logical", "wallclock"),
		knows("replica/host", "the pump joins the core and the store; the simulator runs the same pump", "replica", "storage", "storage/codec", "storage/losses", "resolve", "resolve/limits", "resolve/number", "resolve/replay/merge", "logical", "wallclock"),
		knows("scenarios", "the simulation runs the real pump over the real store and replaces all edges",
			"replica/host", "replica", "replica/detect", "replica/lease", "replica/stable", "replica/client/conn", "storage", "storage/carryover", "storage/checkpoint", "storage/codec", "storage/disk", "storage/faulty", "storage/file", "storage/losses", "resolve", "resolve/blackbox", "resolve/doomed", "resolve/limits", "resolve/number", "resolve/replay/merge", "logical", "wallclock"),
		{"replica/client/conn knows nothing of ours", "tests of every room and live runs speak to servers through it", func(s *source) []string {
			if s.test || !s.in("replica/client/conn") {
				return nil
			}
			return s.unless(func(string) bool { return false })
		}},
		knows("replica/client/opfile", "files are read without any server, and judged elsewhere", "resolve/blackbox", "wallclock"),
		knows("replica/console/tally", "losses are counted as they are judged, without knowing who shows them", "resolve", "logical", "wallclock"),
		knows("replica/console/page", "the page is files; what it shows it asks of a leader"),
		{"edges do not know each other", "each edge can be tested, replaced and left out alone; only link speaks in wire's frames", edgesApart},
		{"the protocol knows no commands", "server and protocol are whole without any command: assembly hands them the table", func(s *source) []string {
			if s.double() || !s.in("replica/resp") {
				return nil
			}
			return s.unless(func(r string) bool { return !within(r, "replica/command") })
		}},
		alone("replica/resp", "reader and writer know the form of commands and replies, and nobody who asks", "resolve/limits"),
		knows("replica/command", "a command asks the core through a server's call, and meets no other edge",
			"replica", "replica/acl", "replica/resp", "replica/resp/server", "replica/resp/glob", "replica/resp/token", "replica/resp/slowlog", "replica/resp/batch", "replica/resp/pubsub", "replica/resp/budget", "resolve", "resolve/limits", "logical", "wallclock"),
		knows("replica/ledger", "questions are asked of interfaces, and know neither the store nor who asks",
			"replica", "resolve", "resolve/number", "resolve/replay", "logical", "wallclock"),
		knows("replica/node/internal/acks", "how many leaders hold a write is counted without knowing who they are", "replica", "resolve", "logical", "wallclock"),
		knows("replica/node/internal/folding", "a store is folded again before there is a loop, a mesh or members", "replica", "replica/host", "replica/host/refold", "replica/console", "replica/resp/server", "replica/node/internal/lent", "storage", "resolve", "logical"),
		knows("replica/node/internal/identity", "whether an origin may be resumed depends on files and on what others say", "replica/node/internal/sidefile", "storage/file", "logical"),
		knows("replica/node/internal/known", "what is known of others comes from membership", "replica", "replica/member", "replica/node/internal/sidefile", "logical"),
		knows("replica/node/internal/feed", "losses go to both edges that have listeners, and need nothing else of a leader", "replica", "replica/console", "replica/resp/pubsub", "resolve", "logical"),
		knows("replica/node/internal/recovery", "a store is opened and made whole without clients and members",
			"replica", "replica/host", "replica/console", "replica/node/internal/sidefile", "storage", "storage/disk", "storage/file", "storage/salvage", "logical"),
		knows("replica/node/internal/monitor", "the disk is watched without clients, members and ops", "replica", "replica/console", "replica/node/internal/sidefile", "storage", "storage/disk", "storage/scrub"),
		knows("replica/node/internal/repair", "objects are compared over links that somebody else has, and put by the loop", "replica", "replica/host", "replica/stable", "replica/console", "replica/wire", "replica/acl", "replica/resp", "replica/command", "replica/node/internal/fields", "replica/node/internal/options",
			"resolve", "resolve/limits", "resolve/rejoin", "storage", "storage/codec", "storage/riblt", "logical"),
		knows("resolve/rejoin", "what two leaders hold is joined by the rules of resolving alone", "resolve", "logical"),
		knows("storage/riblt", "sets of numbers are compared without knowing what they stand for"),
		knows("replica/node/internal/transfer", "the state of another leader is fetched and installed without clients and members",
			"replica", "replica/host", "replica/node/internal/backups", "replica/node/internal/recovery", "replica/node/internal/sidefile",
			"resolve", "storage", "storage/carryover", "storage/checkpoint", "storage/codec", "storage/disk", "storage/file", "logical"),
		knows("replica/node/internal/joining", "who waits for data looks at the loop and at membership", "replica", "replica/host", "replica/console", "replica/member", "storage/file", "logical"),
		knows("replica/node/internal/returning", "what becomes of old data follows from files, the store and what others say", "replica", "replica/host", "replica/member", "replica/node/internal/identity", "replica/node/internal/sidefile", "storage", "storage/exported", "storage/file", "resolve", "logical"),
		knows("replica/node/internal/policies", "which policy counts follows from what was written down and what others say; the start folds", "replica", "replica/acl", "replica/host", "replica/host/refold", "replica/node/internal/fields", "replica/node/internal/options", "replica/node/internal/sidefile", "replica/resp", "resolve", "resolve/rules", "storage", "logical", "wallclock"),
		knows("replica/lease", "who holds a lock follows from a log, whoever agreed on it"),
		knows("replica/detect", "how sure it is that somebody is gone follows from times alone"),
		knows("replica/quorum", "what is decided by majority goes over connections that somebody else opens, and knows no command", "replica/lease"),
		{"only replica/quorum brings in raft", "one place decides by majority; everything else writes alone", func(s *source) []string {
			if s.in("replica/quorum") || !slices.ContainsFunc(s.imports(), func(p string) bool { return within(p, "github.com/hashicorp/raft") }) {
				return nil
			}
			return []string{"imports github.com/hashicorp/raft"}
		}},
		knows("replica/node/internal/locks", "locks are asked of the quorum, and what is written under them of whoever writes", "replica", "replica/acl", "replica/command", "replica/console", "replica/lease", "replica/member", "replica/node/internal/fields", "replica/node/internal/options", "replica/quorum", "replica/resp", "replica/resp/server", "logical"),
		knows("replica/stable", "what everybody holds, and may forget, follows from frontiers and promises alone, for real leaders and simulated ones", "resolve", "storage/log", "logical", "wallclock"),
		knows("replica/node/internal/stability", "what everybody holds follows from what the loop and membership say; the store removes", "replica", "replica/stable", "replica/host", "replica/console", "replica/member", "resolve", "storage", "storage/codec", "storage/log", "logical", "wallclock"),
		{"only commands start whole leaders", "replica/node is the one room that knows all of replica; whoever knew it would know everybody", func(s *source) []string {
			if s.in("cmd", "replica/node") {
				return nil
			}
			return s.unless(func(r string) bool { return !within(r, "replica/node") })
		}},
		{"nothing imports cmd", "commands are assembly: what two rooms share belongs in a room", func(s *source) []string {
			if s.in("cmd") {
				return nil
			}
			return s.unless(func(r string) bool { return !within(r, "cmd") })
		}},
		{"cmd knows whole leaders, clients and scenarios", "commands are flags, text and exit codes: what a room below decides is asked for through the room that assembles it", func(s *source) []string {
			if s.double() || !s.in("cmd") {
				return nil
			}
			return s.unless(func(r string) bool {
				return within(r, "cmd") || within(r, "replica/client") || within(r, "scenarios") || r == "replica/node" || r == "storage/file"
			})
		}},
		{"storage brings in pebble, msgpack and a hash only", "one store, one encoding, and xxhash, which pebble brings anyway, for digests; what is kept elsewhere is packed", func(s *source) []string {
			if s.double() || !s.in("storage") {
				return nil
			}
			if s.in("storage/backup") {
				return s.foreigners("github.com/cockroachdb/pebble/v2", "github.com/klauspost/compress/zstd")
			}
			return s.foreigners("github.com/cockroachdb/pebble/v2", "github.com/vmihailenco/msgpack/v5", "github.com/cespare/xxhash/v2")
		}},
		{"storage/codec brings in msgpack only", "what is sent does not depend on what it is stored in", func(s *source) []string {
			if s.double() || !s.in("storage/codec") {
				return nil
			}
			return s.foreigners("github.com/vmihailenco/msgpack/v5")
		}},
		{"of gopher-lua command/script brings in the parser only", "a lexer and a parser of Lua are not what the project is for; its machine would run loops inside a step of the core, where what a script costs must be bounded", func(s *source) []string {
			const lua = "github.com/yuin/gopher-lua"
			var found []string
			for _, p := range s.imports() {
				if within(p, lua) && !(s.in("replica/command/script") && (p == lua+"/parse" || p == lua+"/ast")) {
					found = append(found, "imports "+p)
				}
			}
			return found
		}},
		{"test doubles stay out of production", "a …test package is for tests and other …test packages", func(s *source) []string {
			if s.double() {
				return nil
			}
			return s.unless(func(r string) bool { return !strings.HasSuffix(r, "test") })
		}},
	}
}

func edgesApart(s *source) []string {
	var mine string
	for _, e := range edges {
		if s.in(e) {
			mine = e
		}
	}
	if mine == "" || s.test {
		return nil
	}
	return s.unless(func(r string) bool {
		for _, e := range edges {
			if e != mine && within(r, e) && !(mine == "replica/link" && e == "replica/wire") {
				return false
			}
		}
		return true
	})
}

// foreigners lists imports of other modules than those named.
func (s *source) foreigners(fine ...string) []string {
	var found []string
	for _, p := range s.imports() {
		if foreign(p) && !slices.ContainsFunc(fine, func(m string) bool { return within(p, m) }) {
			found = append(found, "imports "+p)
		}
	}
	return found
}

// outside is what of the standard library reaches beyond values.
var outside = []string{"net", "os", "sync", "syscall", "runtime", "log", "context", "crypto/rand", "io/ioutil", "plugin", "testing", "unsafe"}

// clocks are the functions that read a clock or wait for one.
var clocks = []string{"Now", "Since", "Until", "After", "AfterFunc", "Sleep", "Tick", "NewTicker", "NewTimer"}

// dice are the functions of math/rand that are given their chance and do not
// take it from the whole process.
var dice = []string{"New", "NewSource", "NewPCG", "NewChaCha8", "NewZipf", "Rand", "Source", "Source64", "PCG", "ChaCha8", "Zipf"}

func pureRows() []row {
	only := func(find func(*source) []string) func(*source) []string {
		return func(s *source) []string {
			if !isPure(s) {
				return nil
			}
			return find(s)
		}
	}
	return []row{
		{"pure rooms bring in no other module", "what decides about users' data can be read whole", only(func(s *source) []string { return s.foreigners() })},
		{"pure rooms touch neither network, disk, locks nor the process", "the same inputs give the same outputs, in a simulation and in a server", only(outsiders)},
		{"pure rooms do not read clocks", "time is an argument; only wallclock/system.go asks the machine", only(clockReads)},
		{"pure rooms throw no dice of their own", "one seed feeds all chance", only(diceThrown)},
		{"pure rooms start nothing and wait for nothing", "there is one caller, and it is not raced", only(concurrency)},
	}
}

func outsiders(s *source) []string {
	var found []string
	for _, p := range s.imports() {
		if slices.ContainsFunc(outside, func(o string) bool { return within(p, o) }) {
			found = append(found, "imports "+p)
		}
	}
	return found
}

func clockReads(s *source) []string {
	var found []string
	s.calls(func(name string, n ast.Node) {
		fn, ok := strings.CutPrefix(name, "time.")
		if !ok || !slices.Contains(clocks, fn) || s.path == "wallclock/system.go" && (fn == "Now" || fn == "Since") {
			return
		}
		found = append(found, fmt.Sprintf("line %d uses %s", s.line(n), name))
	})
	return found
}

func diceThrown(s *source) []string {
	var found []string
	s.calls(func(name string, n ast.Node) {
		for _, p := range []string{"math/rand.", "math/rand/v2."} {
			if fn, ok := strings.CutPrefix(name, p); ok && !slices.Contains(dice, fn) {
				found = append(found, fmt.Sprintf("line %d uses %s", s.line(n), name))
			}
		}
	})
	return found
}

func concurrency(s *source) []string {
	var found []string
	ast.Inspect(s.ast, func(n ast.Node) bool {
		what := ""
		switch n.(type) {
		case *ast.GoStmt:
			what = "a go statement"
		case *ast.ChanType:
			what = "a channel"
		case *ast.SelectStmt:
			what = "a select"
		case *ast.SendStmt:
			what = "a send"
		}
		if what != "" {
			found = append(found, fmt.Sprintf("line %d has %s", s.line(n), what))
		}
		return true
	})
	return found
}

// Bounds on size, in lines.
const (
	maxFile = 400
	maxFunc = 70
)

func habitRows() []row {
	return []row{
		{"files are short", "a file is read in one sitting", func(s *source) []string {
			if s.test || s.lines <= maxFile {
				return nil
			}
			return []string{fmt.Sprintf("has %d lines, more than %d", s.lines, maxFile)}
		}},
		{"functions are short", "a function is seen whole", longFunctions},
		{"nothing happens at import", "what runs before main has no caller and no error", inits},
		{"tests neither skip nor sleep", "a skipped test promises nothing, unless it needs somebody else's program and says which, and a sleep is a guess", skipsAndSleeps},
	}
}

func longFunctions(s *source) []string {
	if s.test {
		return nil
	}
	var found []string
	for _, d := range s.ast.Decls {
		f, ok := d.(*ast.FuncDecl)
		if !ok {
			continue
		}
		if n := s.fset.Position(f.End()).Line - s.line(f) + 1; n > maxFunc {
			found = append(found, fmt.Sprintf("line %d: %s has %d lines, more than %d", s.line(f), f.Name.Name, n, maxFunc))
		}
	}
	return found
}

func inits(s *source) []string {
	var found []string
	for _, d := range s.ast.Decls {
		if f, ok := d.(*ast.FuncDecl); ok && f.Recv == nil && f.Name.Name == "init" {
			found = append(found, fmt.Sprintf("line %d declares init", s.line(f)))
		}
	}
	return found
}

// skipsAndSleeps looks at tests. Where time is virtual, sleeping is no guess: it
// sets the clock.
func skipsAndSleeps(s *source) []string {
	if !s.test {
		return nil
	}
	var found []string
	virtual := slices.ContainsFunc(s.ast.Imports, func(i *ast.ImportSpec) bool { return i.Path.Value == `"testing/synctest"` })
	s.calls(func(name string, n ast.Node) {
		if name == "time.Sleep" && !virtual {
			found = append(found, fmt.Sprintf("line %d sleeps", s.line(n)))
		}
	})
	ast.Inspect(s.ast, func(n ast.Node) bool {
		call, ok := n.(*ast.CallExpr)
		if !ok {
			return true
		}
		sel, ok := call.Fun.(*ast.SelectorExpr)
		if ok && slices.Contains([]string{"Skip", "Skipf", "SkipNow"}, sel.Sel.Name) && tester(sel.X) && !needs(call) {
			found = append(found, fmt.Sprintf("line %d skips", s.line(n)))
		}
		return true
	})
	return found
}

// needs reports whether a skip begins its reason with what it needs.
func needs(call *ast.CallExpr) bool {
	if len(call.Args) == 0 {
		return false
	}
	reason, ok := call.Args[0].(*ast.BasicLit)
	return ok && strings.HasPrefix(reason.Value, `"needs `)
}

// tester reports whether an expression is what tests call their testing.T, B, F
// or TB.
func tester(x ast.Expr) bool {
	id, ok := x.(*ast.Ident)
	return ok && slices.Contains([]string{"t", "b", "f", "tb"}, id.Name)
}
