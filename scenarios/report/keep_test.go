package report

import (
	"bytes"
	"encoding/json"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"kvd/scenarios"
)

func TestKeepWritesARunAndPointsToIt(t *testing.T) {
	dir := t.TempDir()
	_, r := figure(t)
	blocks := []Block{{Name: "ddia-8-3", Results: []*scenarios.Result{r}}}
	at := time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)
	one, err := Keep(dir, "ddia-8-3", at, blocks, nil)
	if err != nil {
		t.Fatal(err)
	}
	two, err := Keep(dir, "ddia-8-3", at, blocks, nil)
	if err != nil {
		t.Fatal(err)
	}
	first, second := one.Folder, two.Folder
	if filepath.Base(first) != "ddia-8-3-20260102-030405" || first == second {
		t.Errorf("folders %s and %s", first, second)
	}
	target, err := os.Readlink(filepath.Join(dir, "latest"))
	if err != nil || target != filepath.Base(second) {
		t.Errorf("latest points to %q, %v; want %s", target, err, filepath.Base(second))
	}
	for _, name := range []string{"matrix.json", "matrix.md", "trace-ddia-8-3-lww.jsonl"} {
		if b, err := os.ReadFile(filepath.Join(dir, "latest", name)); err != nil || len(b) == 0 {
			t.Errorf("%s: %d bytes, %v", name, len(b), err)
		}
	}
	left, _ := filepath.Glob(filepath.Join(dir, "latest.*"))
	if len(left) > 0 {
		t.Errorf("left behind: %v", left)
	}
}

// TestKeepReplacesOnlyItsOwnLatest: a link, or what stands for one where there are
// none.
func TestKeepReplacesOnlyItsOwnLatest(t *testing.T) {
	for text, replaced := range map[string]bool{"x-00010101-000000\n": true, "notes of mine\nin two lines\n": false, "": false, "no end": false} {
		dir := t.TempDir()
		path := filepath.Join(dir, "latest")
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		_, err := Keep(dir, "x", time.Time{}, nil, nil)
		_, link := os.Readlink(path)
		if (err == nil) != replaced || (link == nil) != replaced {
			t.Errorf("%q: %v, and %v", text, err, link)
		}
	}
}

func TestKeepDoesNotReplaceAFolderCalledLatest(t *testing.T) {
	dir := t.TempDir()
	if err := os.MkdirAll(filepath.Join(dir, "latest", "mine"), 0o755); err != nil {
		t.Fatal(err)
	}
	if _, err := Keep(dir, "x", time.Time{}, nil, nil); err == nil {
		t.Error("no error")
	}
	if _, err := os.Stat(filepath.Join(dir, "latest", "mine")); err != nil {
		t.Error(err)
	}
}

func TestHalfARunIsNotKept(t *testing.T) {
	dir := t.TempDir()
	r := ddia("lww", "1", 1)
	r.MetadataBytesPerKey = math.NaN() // which JSON cannot say
	if _, err := Keep(dir, "x", time.Time{}, []Block{{Results: []*scenarios.Result{r}}}, nil); err == nil {
		t.Error("no error")
	}
	if left, _ := filepath.Glob(filepath.Join(dir, "*")); len(left) > 0 {
		t.Errorf("left behind: %v", left)
	}
}

func TestLinesDecodeOneByOne(t *testing.T) {
	_, r := figure(t)
	var b bytes.Buffer
	if err := writeTrace(&b, r.Trace); err != nil {
		t.Fatal(err)
	}
	texts := strings.Split(strings.TrimSpace(b.String()), "\n")
	events := slices.Collect(r.Trace.All())
	if len(texts) != len(events) {
		t.Fatalf("%d lines for %d events", len(texts), len(events))
	}
	for i, text := range texts {
		var got line
		if err := json.Unmarshal([]byte(text), &got); err != nil {
			t.Fatal(err)
		}
		e := events[i]
		if got.At != int64(e.At) || got.Kind != e.Kind.String() || got.Label != e.Label || got.Text != e.Text {
			t.Errorf("event %d: %+v, want %+v", i, got, e)
		}
	}
}

func TestTracesTooLongToKeepAreCounted(t *testing.T) {
	_, r := figure(t)
	r.Trace = long(maxKeptEvents) // three events each
	for n, want := range map[int]int{1: 0, 2: 2} {
		blocks := []Block{{Name: "x"}}
		for range n {
			blocks[0].Results = append(blocks[0].Results, r)
		}
		if _, left := contents(blocks); left != want {
			t.Errorf("%d results: %d traces left out, want %d", n, left, want)
		}
	}
}

// TestAKeptTraceNamesWritesAndLosses: the dots of every reading and of every op's past,
// and at its end what is lost, by the dots that its lines have named before.
func TestAKeptTraceNamesWritesAndLosses(t *testing.T) {
	r := fromDisk(t)
	dir := t.TempDir()
	kept, err := Keep(dir, "lost-disk", time.Time{}, []Block{{Name: "lost-disk", Results: []*scenarios.Result{r}}}, nil)
	if err != nil {
		t.Fatal(err)
	}
	text, err := os.ReadFile(filepath.Join(kept.Folder, "trace-lost-disk-lww.jsonl"))
	if err != nil {
		t.Fatal(err)
	}
	accepted, losses := map[string]bool{}, 0
	for l := range strings.Lines(string(text)) {
		var e line
		if err := json.Unmarshal([]byte(l), &e); err != nil {
			t.Fatal(err)
		}
		switch {
		case e.Kind == "accepted":
			accepted[e.Dot] = true
		case e.Kind == "loss":
			losses++
			fallthrough
		case len(e.Values) > 0: // of acked, shown and final
			if len(e.Dots) == 0 || slices.ContainsFunc(e.Dots, func(d string) bool { return !accepted[d] }) {
				t.Errorf("%s names no write that was accepted before", strings.TrimSpace(l))
			}
		}
	}
	if losses == 0 || losses != r.Lost {
		t.Errorf("%d lines of losses, %d updates are lost", losses, r.Lost)
	}
}
