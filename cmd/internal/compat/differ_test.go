package compat

import (
	"fmt"
	"maps"
	"os"
	"slices"
	"strconv"
	"strings"
	"testing"
)

const (
	commandsVar = "KVD_DIFFER_COMMANDS"
	seedVar     = "KVD_DIFFER_SEED"
)

// A difference that no table lists is found within a story, and shrunk to the one
// command that shows it.
func (a *arena) finds(t *testing.T) {
	t.Helper()
	listed := a.tables
	a.tables = &tables{}
	defer func() { a.tables = listed }()
	all, err := parseStories("# a story\nproto 2\nSET lww:a 1\n& INCR lww:a\n& select 1\nGET lww:a\nDEL lww:a")
	if err != nil {
		t.Fatal(err)
	}
	d, err := a.run(all[0])
	if err != nil || d == nil {
		t.Fatalf("nothing differs: %v", err)
	}
	if short, d := a.shrink(all[0], d); len(short.acts) != 1 || d == nil || words(d.args) != "SELECT 1" {
		t.Errorf("%v is shrunk to\n%s", d, short)
	}
}

// maxTold is how many kinds of differences are told before no more are looked for.
const maxTold = 100

// number reads an environment variable.
func number(t *testing.T, name string, otherwise uint64) uint64 {
	t.Helper()
	text := os.Getenv(name)
	if text == "" {
		return otherwise
	}
	n, err := strconv.ParseUint(text, 10, 64)
	if err != nil {
		t.Fatalf("%s is %q: %v", name, text, err)
	}
	return n
}

// newArena starts both servers.
func newArena(t *testing.T) *arena {
	t.Helper()
	tab, err := readTables()
	if err != nil {
		t.Fatal(err)
	}
	if err := tab.readPending(); err != nil {
		t.Fatal(err)
	}
	redis := startRedis(t)
	return &arena{redis: redis, kvd: peer{"kvd", "tcp", startLeader(t).Addrs().RESP}, tables: tab}
}

// Whatever a leader is asked alone, it answers as Redis does, or a table says how
// else and why.
func TestAnswersAreThoseOfRedis(t *testing.T) {
	a := newArena(t)
	a.finds(t)
	a.corpus(t)
	known, err := a.known(a.kvd)
	if err != nil {
		t.Fatal(err)
	}
	g := newGen(known)
	theirs, err := a.known(a.redis)
	if err != nil {
		t.Fatal(err)
	}
	a.coverage(t, known, theirs)
	seed := number(t, seedVar, 1)
	t.Logf("%s=%d %s=%d go test ./cmd/internal/compat -run %s", seedVar, seed, commandsVar, number(t, commandsVar, 3000), t.Name())
	told := map[string]bool{}
	for wanted := a.commands + int(number(t, commandsVar, 3000)); a.commands < wanted && len(told) < maxTold; seed++ {
		d, err := a.run(g.story(seed))
		switch replay := fmt.Sprintf("%s=%d %s=1 go test ./cmd/internal/compat -run %s", seedVar, seed, commandsVar, t.Name()); {
		case err != nil:
			t.Fatalf("%v\n\t%s", err, replay)
		case d != nil && !told[d.kind()]:
			told[d.kind()] = true
			short, d := a.shrink(g.story(seed), d)
			t.Errorf("%s\n%s\t%s", d, short, replay)
		}
	}
	for _, r := range a.tables.differ {
		if r.used == 0 && !r.pending {
			t.Errorf("%s:%d: nothing differs so any more; take the row away, or put a story into the corpus that does", doc, r.line)
		}
	}
	t.Logf("%d commands compared", a.commands)
}

// corpus plays what differed once.
func (a *arena) corpus(t *testing.T) {
	t.Helper()
	text, err := os.ReadFile("testdata/corpus.txt")
	if err != nil {
		t.Fatal(err)
	}
	stories, err := parseStories(string(text))
	if err != nil {
		t.Fatal(err)
	}
	for _, s := range stories {
		if d, err := a.run(s); d != nil || err != nil {
			t.Errorf("%v %v\n%s", d, err, s)
		}
	}
}

// known is the names of the commands that a server has.
func (a *arena) known(p peer) (map[string]bool, error) {
	l, err := p.dial()
	if err != nil {
		return nil, err
	}
	defer l.nc.Close()
	l.send(encode([]string{"COMMAND", "LIST"}))
	r, err := l.take(nil)
	names := map[string]bool{}
	for _, in := range r.Items {
		names[in.Text] = true
	}
	return names, err
}

// Every command is played, or is none of Redis'; and every command of Redis' that a
// leader does not know stands in a table with what to do instead.
func (a *arena) coverage(t *testing.T, ours, theirs map[string]bool) {
	t.Helper()
	formed := map[string]bool{}
	for _, f := range forms() {
		formed[strings.ToLower(f.name)] = true
	}
	for _, name := range slices.Sorted(maps.Keys(ours)) {
		if theirs[name] && !formed[name] && !slices.Contains(a.tables.unplayed, name) {
			t.Errorf("no story has %s in it: give it a form, or a reason under %q", name, unplayedHeading)
		}
	}
	used := map[string]bool{}
	for _, name := range slices.Sorted(maps.Keys(theirs)) {
		if ours[name] || strings.Contains(name, "|") {
			continue
		}
		i := slices.IndexFunc(a.tables.missing, func(p string) bool { return fits(p, name) })
		if i < 0 {
			t.Errorf("a leader does not know %s, and %q does not say what to do instead", name, missingHeading)
			continue
		}
		used[a.tables.missing[i]] = true
	}
	for _, p := range a.tables.missing {
		if !used[p] {
			t.Errorf("%q lists %s, which no command is any more", missingHeading, p)
		}
	}
}

// What the table says is compared loosely is what is.
func TestLooseComparisonsAreListed(t *testing.T) {
	tab, err := readTables()
	if err != nil {
		t.Fatal(err)
	}
	slices.Sort(tab.loose)
	if rules := slices.Sorted(maps.Keys(loose)); !slices.Equal(rules, tab.loose) {
		t.Errorf("%s lists %q; compared so are %q", doc, tab.loose, rules)
	}
}

func TestStoriesAreReadAsTheyAreWritten(t *testing.T) {
	g := newGen(map[string]bool{"set": true, "get": true, "mget": true, "multi": true, "append": true})
	for seed := range uint64(100) {
		s := g.story(seed)
		s.acts = append(s.acts, act{raw: true, args: []string{"*1\r\n$-5\r\n"}})
		again, err := parseStories(s.String())
		if err != nil || len(again) != 1 || again[0].String() != s.String() {
			t.Fatalf("%v\n%s\nis read as\n%v", err, s, again)
		}
	}
}
