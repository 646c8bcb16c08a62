package compat

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strconv"
	"strings"

	"kvd/resolve"
)

// gen makes stories. All its chance is one seed.
type gen struct {
	*rand.Rand
	forms  []form // of the commands that the leader knows
	weight int    // of all forms
	keys   []string
}

// form is how a command is written: what follows its name, mostly as it should.
type form struct {
	name   string
	weight int
	args   func(g *gen) []string
}

// newGen knows the forms whose commands are known.
func newGen(known map[string]bool) *gen {
	g := &gen{}
	for _, f := range forms() {
		if known[strings.ToLower(f.name)] {
			g.forms = append(g.forms, f)
			g.weight += f.weight
		}
	}
	return g
}

// story is the one of a seed. Its keys are all resolved by one resolver.
func (g *gen) story(seed uint64) story {
	g.Rand = rand.New(rand.NewPCG(seed, 0x6b7664))
	ids := resolve.IDs()
	resolver := ids[g.IntN(len(ids))].String()
	g.keys = nil
	for _, k := range []string{"a", "b", "c", "user:1", "\x00\r\n\xff"} {
		g.keys = append(g.keys, resolver+":"+k)
	}
	s := story{title: fmt.Sprintf("seed %d", seed), proto: 2 + g.IntN(2)}
	conns := 1
	if g.IntN(6) == 0 {
		conns = 2
	}
	for n := 5 + g.IntN(25); len(s.acts) < n; {
		a := act{conn: g.IntN(conns)}
		if last := len(s.acts) - 1; last >= 0 && s.acts[last].conn == a.conn {
			a.more = g.IntN(3) == 0
		}
		switch g.IntN(40) {
		case 0, 1, 2:
			s.acts = append(s.acts, g.transaction(a)...)
			continue
		case 3:
			a.line = true
		}
		a.args = g.command()
		if a.line && slices.ContainsFunc(a.args, notASCII) {
			a.line = false // Go quotes it otherwise than Redis
		}
		s.acts = append(s.acts, a)
	}
	return s
}

func hasSubscribe(args []string) bool {
	return strings.HasSuffix(strings.ToLower(args[0]), "subscribe")
}

func notASCII(word string) bool {
	return strings.ContainsFunc(word, func(r rune) bool { return r < ' ' || r >= 0x7f })
}

// transaction is MULTI, some commands, and an end.
func (g *gen) transaction(first act) []act {
	all := []act{{conn: first.conn, more: first.more, args: []string{"MULTI"}}}
	more := g.IntN(2) == 0
	for range g.IntN(5) {
		if args := g.command(); !hasSubscribe(args) { // Redis listens in a transaction
			all = append(all, act{conn: first.conn, more: more, args: args})
		}
	}
	end := "EXEC"
	if g.IntN(8) == 0 {
		end = "DISCARD"
	}
	return append(all, act{conn: first.conn, more: more, args: []string{end}})
}

// command is a command, one time in six not as it should be.
func (g *gen) command() []string {
	n := g.IntN(g.weight)
	for _, f := range g.forms {
		if n -= f.weight; n < 0 {
			args := append([]string{f.name}, f.args(g)...)
			if g.IntN(6) == 0 {
				args = g.spoil(args)
			}
			if lasting[f.name] {
				args = longer(args)
			}
			if g.IntN(5) == 0 {
				args = g.recase(args)
			}
			if f.name == "WAIT" && len(args) == 3 && args[2] == "0" && args[1] != "-1" {
				args[1] = "0" // anything else waits for ever
			}
			return args
		}
	}
	panic("unreachable")
}

// lasting is the commands that take a time to live.
var lasting = map[string]bool{
	"SET": true, "SETEX": true, "PSETEX": true, "GETEX": true, "EXPIRE": true, "PEXPIRE": true, "EXPIREAT": true, "PEXPIREAT": true,
	"EVAL": true, "EVAL_RO": true,
}

// longer makes short times long: what ends within a story may do so at one server
// before the other is asked. Seconds that were milliseconds before the command was
// spoilt become fewer, so that they end before the year 2262.
func longer(args []string) []string {
	args = slices.Clone(args)
	first := 1
	if strings.HasPrefix(args[0], "EVAL") {
		first = 3 // behind how many keys there are
	}
	for i := first; i < len(args); i++ {
		switch n, err := strconv.Atoi(args[i]); {
		case err != nil || n <= 0:
		case n < 5000:
			args[i] += "000000"
		case n < 1_000_000:
			args[i] += "000"
		case (args[i-1] == "EX" || args[i-1] == "EXAT") && len(args[i]) > 10 && len(args[i]) < 16:
			args[i] = args[i][:10]
		}
	}
	return args
}

// spoil takes away, adds, doubles, swaps or replaces an argument.
func (g *gen) spoil(args []string) []string {
	args = slices.Clone(args)
	if len(args) == 1 {
		return append(args, g.junk())
	}
	switch i := 1 + g.IntN(len(args)-1); g.IntN(5) {
	case 0:
		return slices.Delete(args, i, i+1)
	case 1:
		return slices.Insert(args, i, g.junk())
	case 2:
		return slices.Insert(args, i, args[i])
	case 3:
		j := 1 + g.IntN(len(args)-1)
		args[i], args[j] = args[j], args[i]
	default:
		args[i] = g.junk()
	}
	return args
}

// recase changes the case of the name, and of what looks like an option.
func (g *gen) recase(args []string) []string {
	args = slices.Clone(args)
	for i, a := range args {
		if i > 0 && strings.ContainsFunc(a, func(r rune) bool { return r < 'A' || r > 'Z' }) {
			continue
		}
		b := []byte(a)
		for j := range b {
			if g.IntN(2) == 0 && b[j] >= 'A' && b[j] <= 'Z' {
				b[j] += 'a' - 'A'
			}
		}
		args[i] = string(b)
	}
	return args
}

// one is one of the words.
func (g *gen) one(words ...string) string { return words[g.IntN(len(words))] }

// some is options in any order, some of them, seldom one of them twice.
func (g *gen) some(options ...[]string) []string {
	var all []string
	if g.IntN(3) == 0 {
		return nil
	}
	for n := 1 + g.IntN(3); n > 0; n-- {
		all = append(all, options[g.IntN(len(options))]...)
	}
	return all
}

func (g *gen) key() string {
	if g.IntN(60) == 0 {
		return g.one("", "lww:other")
	}
	return g.keys[min(g.IntN(len(g.keys)), g.IntN(len(g.keys)))]
}

// several is one key or more.
func (g *gen) several() []string {
	keys := []string{g.key()}
	for g.IntN(2) == 0 {
		keys = append(keys, g.key())
	}
	return keys
}

var numbers = []string{"0", "1", "-1", "2", "10", "-10", "9223372036854775807", "-9223372036854775808", "9223372036854775806", "4611686018427387904"}

var notNumbers = []string{
	"", "abc", "1.5", "1 ", " 1", "+1", "-0", "007", "0x10", "1e3", "9223372036854775808", "-9223372036854775809",
	"18446744073709551616", "--1", "-", "nan", "inf", "1\x00",
}

// number is an integer, or what is none.
func (g *gen) number() string {
	switch g.IntN(8) {
	case 0:
		return notNumbers[g.IntN(len(notNumbers))]
	case 1, 2, 3:
		return numbers[g.IntN(len(numbers))]
	}
	return strconv.Itoa(g.IntN(2000) - 1000)
}

// float is a number with a fraction, or what is none.
func (g *gen) float() string {
	return g.one("0", "1", "-1", "0.1", "3.0e3", "-2.5", "1e308", "1e400", "nan", "inf", "-inf", "abc", "", " 1", "1 ", "0.000001", "5.0", "123456789.123", ".5", "5.", "+1", "1e-10", "0x10")
}

func (g *gen) value() string {
	switch g.IntN(10) {
	case 0, 1, 2, 3:
		return g.number()
	case 4:
		return g.float()
	case 5:
		return g.one("", "\x00", "\xff\xfe", "a\r\nb", "naïve", `"quoted"`)
	case 6:
		return strings.Repeat(g.one("x", "ab", "\x00"), g.IntN(300))
	}
	return g.one("hello", "world", "a", "Hello World", "foobar")
}

func (g *gen) junk() string {
	return g.one("", "x", "NX", "XX", "EX", "PX", "KEEPTTL", "GET", "0", "-1", "1", "10", "9223372036854775808", "*", "junk", "COUNT", "BIT", "\xff", "1.5")
}

// seconds is a time to live: far from all others, so that it does not matter that
// one server is asked a moment later; or at or beyond a bound.
func (g *gen) seconds() string {
	if g.IntN(5) == 0 {
		return g.edge("9223372036854775807", "9223372036854776")
	}
	return strconv.Itoa(1000 * (1 + g.IntN(1_000_000)))
}

func (g *gen) millis() string {
	if g.IntN(5) == 0 {
		return g.edge("9223372036854775807", "10000000000")
	}
	return strconv.Itoa(1_000_000 + g.IntN(4_000_000_000))
}

// at and atMillis are Unix times later than seconds can come to.
func (g *gen) at() string {
	if g.IntN(5) == 0 {
		return g.edge("9223372036854775807", "9223372036854776")
	}
	return strconv.Itoa(4_000_000_000 + 1000*g.IntN(1_000_000))
}

func (g *gen) atMillis() string {
	if g.IntN(5) == 0 {
		return g.edge()
	}
	return strconv.Itoa(4_000_000_000_000 + 1_000_000*g.IntN(1_000_000))
}

// edge is a time at or beyond a bound. What Redis ends after the year 2262 never ends
// here, and is left to the corpus.
func (g *gen) edge(more ...string) string {
	return g.one(append(more, "0", "-1", "1.5", "abc", "", "-9223372036854775808", "9223372036854775808", "-9223372036854775", "007", "+5", "-1000")...)
}

// offset is a place in a string.
func (g *gen) offset() string {
	if g.IntN(6) == 0 {
		return g.one("-9223372036854775808", "9223372036854775807", "536870912", "4294967296", "abc", "", "1.5", "-1", "+1")
	}
	return strconv.Itoa(g.IntN(24) - 12)
}

// place is where something is written, near the begin of the string or beyond
// what is possible.
func (g *gen) place() string {
	if g.IntN(6) == 0 {
		return g.one("-1", "536870912", "9223372036854775807", "abc", "", "-9223372036854775808", "4294967296")
	}
	return strconv.Itoa(g.IntN(40))
}

func (g *gen) pattern() string {
	return g.one("*", "*a", "*:?", "[a-z]*", "*[^a]", "nothing", "", "l*:[ab]", `*\a`, "*[", "**", "?*", "*:u*1", "[^l]*", "counter:*")
}
