package main

import (
	"bytes"
	"cmp"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"

	"kvd/logical"
	"kvd/resolve"
	"kvd/scenarios/library"
	"kvd/scenarios/script"
	"kvd/scenarios/trace"
	"kvd/scenarios/world"
	"kvd/storage/history"
)

// played is a scenario that was really run under one resolver.
func played(t *testing.T, s *script.Scenario, id resolve.ID) *world.World {
	t.Helper()
	w, err := world.New(s, world.Config{Policy: resolve.Policy{Default: id, Shadows: resolve.All &^ id.Mask()}, Seed: 1})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { w.Close() })
	if err := w.Run(); err != nil {
		t.Fatal(err)
	}
	return w
}

// accepted is every op of the run, in Lamport order.
func accepted(w *world.World) []*resolve.Op {
	byDot := map[logical.Dot]*resolve.Op{}
	for e := range w.Trace.All() {
		if e.Kind == trace.Accepted || e.Kind == trace.Applied {
			byDot[e.Dot] = w.Op(e.Dot)
		}
	}
	var ops []*resolve.Op
	for _, op := range byDot {
		ops = append(ops, op)
	}
	slices.SortFunc(ops, func(a, b *resolve.Op) int {
		return cmp.Or(cmp.Compare(a.Lamport, b.Lamport), a.Dot.Compare(b.Dot))
	})
	return ops
}

// alike reports whether two clusters accepted the same write after showing the
// same.
func alike(a, b *resolve.Op) bool {
	return a.Dot == b.Dot && a.Key == b.Key && a.Kind == b.Kind && string(a.Value) == string(b.Value) && slices.Equal(a.Parents, b.Parents) && slices.Equal(a.Hidden, b.Hidden)
}

// kept writes a history file.
func kept(t *testing.T, path string, serving resolve.ID, ops []*resolve.Op) {
	t.Helper()
	h := history.Header{Leader: "n1", Policy: resolve.Policy{Default: serving, Shadows: resolve.All &^ serving.Mask()}}
	w, err := history.Create(history.Options{Path: path}, h)
	if err != nil {
		t.Fatal(err)
	}
	for _, op := range ops {
		if err := w.Put(op); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Finish(); err != nil {
		t.Fatal(err)
	}
}

// outcome is what kvd replay says of one resolver.
type outcome struct {
	Resolver    string `json:"resolver"`
	Accepted    int    `json:"accepted"`
	Live        int    `json:"live"`
	Superseded  int    `json:"superseded"`
	Inverted    int    `json:"lost_inverted"`
	Concurrent  int    `json:"lost_concurrent"`
	Differences []struct {
		Key   shown   `json:"key"`
		Shows []shown `json:"shows"`
		Would []shown `json:"would_show"`
	} `json:"differences"`
}

type shown struct{ Value, Enc string }

func (s shown) text() string {
	if s.Enc == "base64" {
		b, _ := base64.StdEncoding.DecodeString(s.Value)
		return string(b)
	}
	return s.Value
}

func texts(all []shown) []string {
	var out []string
	for _, s := range all {
		out = append(out, s.text())
	}
	slices.Sort(out)
	return out
}

// replaying runs kvd replay on the command line.
func replaying(t *testing.T, args ...string) (code int, outcomes map[string]outcome, text string) {
	t.Helper()
	var out, told bytes.Buffer
	code = run(append([]string{"kvd", "replay"}, args...), nil, &out, &told)
	var got struct {
		Resolvers []outcome `json:"resolvers"`
	}
	if err := json.Unmarshal(out.Bytes(), &got); err != nil && slices.Contains(args, "json") && code == 0 {
		t.Fatalf("%v\n%s", err, out.String())
	}
	outcomes = map[string]outcome{}
	for _, o := range got.Resolvers {
		outcomes[o.Resolver] = o
	}
	return code, outcomes, out.String() + told.String()
}

// TestReplayedFilesSayWhatClustersDid: what one cluster accepted goes into a file,
// and kvd replay says of lww, siblings and counter exactly what the clusters lost,
// class by class, and showed that really accepted the same under them.
func TestReplayedFilesSayWhatClustersDid(t *testing.T) {
	ran := []resolve.ID{resolve.LWW, resolve.Siblings, resolve.Counter}
	others := map[resolve.ID]int{}
	for _, name := range []string{"ddia-8-3", "three-way-increment", "equal-stamps", "delete-against-update", "relay", "cause-before-effect"} {
		s, err := library.Find(name)
		if err != nil {
			t.Fatal(err)
		}
		worlds := map[resolve.ID]*world.World{}
		for _, id := range ran {
			worlds[id] = played(t, s, id)
		}
		for _, from := range ran {
			path := filepath.Join(t.TempDir(), name)
			ops := accepted(worlds[from])
			kept(t, path, from, ops)
			code, said, text := replaying(t, path, "--differences", "999", "--skew", "none", "-o", "json")
			if code != 0 {
				t.Fatal(text)
			}
			for _, to := range ran {
				if !slices.EqualFunc(ops, accepted(worlds[to]), alike) {
					continue
				}
				if from != to {
					others[to]++
				}
				t.Run(fmt.Sprintf("%s/%s/%s", name, from, to), func(t *testing.T) {
					saysWhat(t, said[to.String()], len(ops), worlds[from], worlds[to], to)
				})
			}
		}
	}
	for _, id := range ran {
		if others[id] < 2 {
			t.Errorf("only %d clusters accepted under %s what another had accepted", others[id], id)
		}
	}
}

// saysWhat holds what is said against what a cluster did.
func saysWhat(t *testing.T, o outcome, ops int, from, to *world.World, id resolve.ID) {
	nodes, err := to.Nodes()
	if err != nil {
		t.Fatal(err)
	}
	lost := map[resolve.Relation]int{}
	for _, l := range nodes[0].Losses {
		if l.Resolver == id {
			lost[l.Relation]++
		}
	}
	if o.Inverted != lost[resolve.Inverted] || o.Concurrent != lost[resolve.Concurrent] || o.Accepted != ops || o.Live+o.Superseded+o.Inverted+o.Concurrent != ops {
		t.Errorf("%+v of %d ops; the cluster's ledger has %v", o, ops, lost)
	}
	for leader, really := range to.Values {
		served := from.Values[leader]
		differs := map[string][]string{}
		for _, d := range o.Differences {
			differs[d.Key.text()] = texts(d.Would)
			if was := slices.Sorted(slices.Values(served[d.Key.text()])); !slices.Equal(was, texts(d.Shows)) {
				t.Errorf("%s showed %q for %s, the file says %q", leader, was, d.Key.text(), texts(d.Shows))
			}
		}
		for key, values := range really {
			want, listed := differs[key]
			if !listed {
				want = slices.Sorted(slices.Values(served[key]))
			}
			if got := slices.Sorted(slices.Values(values)); !slices.Equal(got, want) {
				t.Errorf("%s shows %q for %s, replay says %q", leader, got, key, want)
			}
		}
	}
}

// TestReplayOfAStoppedLeadersDirectory: the data directory is read as it is, a
// running leader's is refused, and the directory is one that leaders go on from.
func TestReplayOfAStoppedLeadersDirectory(t *testing.T) {
	dir := t.TempDir()
	n := serves(t, "n1", dir, free(t), "--resolver", "lww", "--shadow", "all")
	n.try("SET", "a", "1")
	n.try("SET", "a", "2")
	n.try("SET", "b", "1")
	if code, _, text := replaying(t, dir); code != 1 || !strings.Contains(text, "does not run") {
		t.Errorf("of a running leader: %d, %s", code, text)
	}
	n.signal(syscall.SIGTERM)
	if code := n.end(); code != 0 {
		t.Fatal(n.text())
	}
	before := files(t, dir)
	for _, path := range []string{dir, filepath.Join(dir, "store")} {
		code, said, text := replaying(t, path, "--resolver", "lww", "--shadow", "all", "-o", "json")
		if lww := said["lww"]; code != 0 || lww.Accepted != 3 || lww.Live != 2 || lww.Superseded != 1 {
			t.Errorf("%s: %d, %s", path, code, text)
		}
	}
	if code, _, text := replaying(t, dir, "--prefix", "b", "--policy", "b=siblings"); code != 0 || !strings.Contains(text, "1 ops of 1 keys that begin with b") || !strings.Contains(text, `"b"=siblings`) {
		t.Errorf("%d, %s", code, text)
	}
	if after := files(t, dir); !slices.Equal(after, before) {
		t.Errorf("the directory had\n%s\nand has\n%s", strings.Join(before, "\n"), strings.Join(after, "\n"))
	}
	serves(t, "n1", dir, free(t), "--resolver", "lww", "--shadow", "all").shows("a", "2")
}

// files is every file below dir with its size and when it was changed.
func files(t *testing.T, dir string) []string {
	t.Helper()
	var all []string
	err := filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		info, err := d.Info()
		if err == nil && d.Name() != "LOCK" {
			all = append(all, fmt.Sprint(path, " ", info.Size(), " ", info.ModTime()))
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return all
}

func TestReplaySaysWhatIsWrong(t *testing.T) {
	path := filepath.Join(t.TempDir(), "week")
	s, err := library.Find("relay")
	if err != nil {
		t.Fatal(err)
	}
	ops := accepted(played(t, s, resolve.LWW))
	kept(t, path, resolve.LWW, ops)
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	cut := path + ".cut"
	if err := os.WriteFile(cut, text[:len(text)-30], 0o600); err != nil {
		t.Fatal(err)
	}
	can := fmt.Sprintf("%d ops", len(ops)-1)
	empty := t.TempDir()
	for _, c := range []struct {
		args []string
		code int
		says string
	}{
		{[]string{cut}, 1, "ends too early; " + can},
		{[]string{cut, "--partial"}, 0, "damaged after " + can},
		{[]string{path, "--prefix", "no such"}, 0, "0 ops of 0 keys"},
		{[]string{path, "--shadow", "all"}, 2, "--shadow is for directories"},
		{[]string{path, "-o", "yaml"}, 2, "text or json"},
		{[]string{path, path}, 2, "one file"},
		{[]string{path, "--skew", "x"}, 2, "--skew"},
		{[]string{path + "x"}, 1, "no such file"},
		{[]string{empty}, 1, "does not run"},
		{[]string{empty, "--resolver", "last"}, 2, `no resolver is called "last"`},
	} {
		code, _, text := replaying(t, c.args...)
		if code != c.code || !strings.Contains(text, c.says) {
			t.Errorf("%v: %d, want %d with %q\n%s", c.args, code, c.code, c.says, text)
		}
	}
	if left, err := os.ReadDir(empty); err != nil || len(left) > 0 {
		t.Errorf("an empty directory has %v now, %v", left, err)
	}
}
