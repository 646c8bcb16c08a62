package main

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"

	"kvd/cmd/internal/cliutil"
	"kvd/logical"
	"kvd/resolve"
	"kvd/storage/codec"
	historyfile "kvd/storage/history"
	"kvd/wallclock"
)

// written is n ops of an origin, every third of them to a key of users.
func written(origin logical.Origin, n int) []*resolve.Op {
	var ops []*resolve.Op
	for i := range n {
		key := fmt.Sprint("k", i%7)
		if i%3 == 2 {
			key = "user:" + key
		}
		at := wallclock.Instant(1000*i) + wallclock.Instant(origin)
		ops = append(ops, &resolve.Op{Dot: logical.Dot{Origin: origin, Seq: logical.Seq(i + 1)}, Key: key, Kind: resolve.Put, Value: []byte{byte(i)},
			Deps: logical.FrontierOf(logical.Dot{Origin: origin, Seq: logical.Seq(i)}), Wall: wallclock.Around(at, 0), HLC: logical.HLC{Wall: int64(at)}, Lamport: logical.Lamport(i + 1)})
	}
	return ops
}

// keeps lets the actor answer for its log, a page of at most so many ops at a
// time, as leaders do: ops of other keys are passed over and count for the page.
func (a *actor) keeps(policy part2, most int, logs ...[]*resolve.Op) *actor {
	a.on("KVD.POLICY", string(policy)).on("KVD.MEMBERS", array())
	var frontier [][]part2
	for _, log := range logs {
		last := log[len(log)-1].Dot
		frontier = append(frontier, pair(last.Origin.String(), number(int64(last.Seq))))
	}
	a.on("KVD.FRONTIER", string(dict(frontier...)))
	return a.does("KVD.LOG", func(args []string) string {
		for _, log := range logs {
			if log[0].Dot.Origin.String() == args[1] {
				return pageOf(log, args, most)
			}
		}
		return "-ERR no such origin\r\n"
	})
}

func pageOf(log []*resolve.Op, args []string, most int) string {
	from, _ := strconv.Atoi(args[2])
	prefix, next := "", 0
	if i := slices.Index(args, "PREFIX"); i > 0 {
		prefix = args[i+1]
	}
	var entries []part2
	for i := from - 1; i < len(log); i++ {
		if i-from+1 == most {
			next = i + 1
			break
		}
		if strings.HasPrefix(log[i].Key, prefix) {
			entries = append(entries, word(string(codec.AppendOp(nil, log[i]))))
		}
	}
	return string(dict(pair("origin", word(args[1])), pair("entries", several(entries...)), pair("next", number(int64(next)))))
}

func lwwPolicy() part2 {
	return dict(pair("default", word("lww")), pair("shadows", several(word("siblings"))), pair("rules", dict(pair("user:", word("counter")))))
}

func TestWhatIfReadsPageByPage(t *testing.T) {
	for _, most := range []int{1, 4, 100} {
		n1 := newActor(t, "n1").keeps(lwwPolicy(), most, written(1, 50), written(2, 20))
		o := kv(t, []*actor{n1}, "whatif", "--resolvers", "lww")
		o.is(t, codeOK, "70 ops of 14 keys", `served by *=lww "user:"=counter; siblings watched`)
		pages := n1.asked("KVD.LOG")
		if want := (50+most-1)/most + (20+most-1)/most; len(pages) != want {
			t.Errorf("with %d ops a page, %d pages were read, want %d: %v", most, len(pages), want, pages)
		}
	}
}

// TestWhatIfOfAPrefix: pages without a key of it are passed over, and no page is
// asked for twice.
func TestWhatIfOfAPrefix(t *testing.T) {
	n1 := newActor(t, "n1").keeps(lwwPolicy(), 2, written(1, 50))
	o := kv(t, []*actor{n1}, "whatif", "--prefix", "user:")
	o.is(t, codeOK, "16 ops of 7 keys that begin with user:")
	if pages := n1.asked("KVD.LOG"); len(pages) != 25 || !strings.HasSuffix(pages[24], "49 COUNT 10000 PREFIX user:") {
		t.Errorf("%d pages: %v", len(pages), pages)
	}
}

// TestWhatIfStopsAtItsFrontier: what the leader applied later is not read, though
// its log has it.
func TestWhatIfStopsAtItsFrontier(t *testing.T) {
	n1 := newActor(t, "n1").keeps(lwwPolicy(), 10, written(1, 50))
	n1.on("KVD.FRONTIER", string(dict(pair(logical.Origin(1).String(), number(25)))))
	kv(t, []*actor{n1}, "whatif").is(t, codeOK, "25 ops of 14 keys")
	if pages := n1.asked("KVD.LOG"); len(pages) != 3 {
		t.Errorf("pages: %v", pages)
	}
}

func TestWhatIfOfLeadersThatCannotAnswer(t *testing.T) {
	op := written(1, 1)[0]
	encoded := word(string(codec.AppendOp(nil, op)))
	answer := func(next int64, entries ...part2) string {
		return string(dict(pair("origin", word("x")), pair("entries", several(entries...)), pair("next", number(next))))
	}
	for what, c := range map[string]struct {
		cmd, answer, says string
	}{
		"an older server":        {"KVD.LOG", "-ERR unknown command 'KVD.LOG'\r\n", "no KVD.LOG"},
		"no op":                  {"KVD.LOG", answer(0, word("junk")), "its log cannot be read"},
		"another op":             {"KVD.LOG", answer(0, encoded, encoded), "when asked for"},
		"pages without progress": {"KVD.LOG", answer(1, encoded), "goes back"},
		"no resolver":            {"KVD.POLICY", string(dict(pair("default", word("last")))), "last"},
		"no frontier":            {"KVD.FRONTIER", string(dict(pair("n1", number(5)))), "n1-5"},
	} {
		n1 := newActor(t, "n1").keeps(lwwPolicy(), 10, written(1, 5)).on(c.cmd, c.answer)
		o := kv(t, []*actor{n1}, "whatif")
		o.is(t, cliutil.Failed)
		o.told(t, c.says)
		path := filepath.Join(t.TempDir(), "h")
		kv(t, []*actor{n1}, "export", path).is(t, cliutil.Failed)
		if left, _ := os.ReadDir(filepath.Dir(path)); len(left) > 0 {
			t.Errorf("%s: export leaves %v", what, left)
		}
	}
}

// TestExportsHoldWhatTheLeaderHas, op by op, in causal order, and whose it is.
func TestExportsHoldWhatTheLeaderHas(t *testing.T) {
	n1 := newActor(t, "n1").keeps(lwwPolicy(), 6, written(1, 50), written(2, 20))
	n1.on("KVD.MEMBERS", array(array(bulk("name"), bulk("ann"), bulk("resp"), bulk(n1.addr), bulk("origin"), bulk(logical.Origin(2).String()))))
	path := filepath.Join(t.TempDir(), "h")
	kv(t, []*actor{n1}, "export", path).is(t, codeOK, "holds 70 ops in")
	f, err := historyfile.Open(historyfile.Options{Path: path})
	if err != nil {
		t.Fatal(err)
	}
	want := resolve.Policy{Shadows: resolve.Siblings.Mask(), Rules: []resolve.Rule{{Prefix: "user:", Resolver: resolve.Counter}}}
	h := f.Header
	if h.Leader != "ann" || h.Policy.String() != want.String() || h.Policy.Shadows != want.Shadows || h.UpTo.At(1) != 50 || h.UpTo.At(2) != 20 || len(h.Names) != 1 || h.Names[0].Leader != "ann" {
		t.Errorf("%+v", h)
	}
	var last logical.Lamport
	for op := range f.All() {
		if op.Lamport < last {
			t.Errorf("%s is out of order", op.Dot)
		}
		last = op.Lamport
	}
}

// TestExportsGoWhereTheyAreWanted: - is standard output, and so is whatever it is
// called besides; nothing that is no file is replaced by one.
func TestExportsGoWhereTheyAreWanted(t *testing.T) {
	n1 := newActor(t, "n1").keeps(lwwPolicy(), 100, written(1, 50))
	dir := t.TempDir()
	t.Chdir(dir)
	const link = "link" // a whole path may be too long to be told
	if err := os.Symlink("file", link); err != nil {
		t.Fatal(err)
	}
	kv(t, []*actor{n1}, "export", link).is(t, codeOK, "link holds 50 ops in")
	whole, err := os.ReadFile("file")
	if err != nil {
		t.Fatal(err)
	}
	o := kv(t, []*actor{n1}, "export", "-")
	o.is(t, codeOK)
	o.told(t, "- holds 50 ops in")
	if len(o.out) != len(whole) { // the moment is another one
		t.Errorf("%d bytes on standard output; a file has %d", len(o.out), len(whole))
	}
	kv(t, []*actor{n1}, "export", os.DevNull, "--force").told(t, os.DevNull+" holds 50 ops")
	kv(t, []*actor{n1}, "export", link).is(t, cliutil.Failed)
	kv(t, []*actor{n1}, "export", dir, "--force").is(t, cliutil.Failed)
	left, err := os.ReadDir(dir)
	if err != nil || len(left) != 2 {
		t.Errorf("there are %v, %v", left, err)
	}
	for _, name := range []string{link, os.DevNull} {
		if info, err := os.Lstat(name); err != nil || info.Mode().IsRegular() {
			t.Errorf("%s became a file: %v", name, err)
		}
	}
}

// TestExportsThatAreInterruptedLeaveNothing: the interrupt comes in the middle of
// the log.
func TestExportsThatAreInterruptedLeaveNothing(t *testing.T) {
	log := written(1, 50)
	n1 := newActor(t, "n1").keeps(lwwPolicy(), 10, log)
	path := filepath.Join(t.TempDir(), "h")
	n1.does("KVD.LOG", func(args []string) string {
		if args[2] == "21" {
			if left, _ := os.ReadDir(filepath.Dir(path)); len(left) != 1 || !strings.HasSuffix(left[0].Name(), ".part") {
				t.Errorf("while it is written there are %v", left)
			}
			interrupt(t)
			return "" // nothing comes any more
		}
		return pageOf(log, args, 10)
	})
	o := kv(t, []*actor{n1}, "export", path)
	o.is(t, cliutil.Interrupted)
	if left, _ := os.ReadDir(filepath.Dir(path)); len(left) > 0 {
		t.Errorf("it leaves %v", left)
	}
}
