package exported

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"kvd/logical"
	"kvd/resolve"
	"kvd/resolve/number"
)

func ops() []*resolve.Op {
	d := func(n logical.Seq) logical.Dot { return logical.Dot{Origin: 7, Seq: n} }
	return []*resolve.Op{
		{Dot: d(1), Key: "", Kind: resolve.Put, Value: []byte(""), Client: 1 << 63, Request: 3},
		{Dot: d(2), Key: "a\xff", Kind: resolve.Put, Value: []byte("\x00\xfe\n"), Parents: []logical.Dot{d(1)}, Expires: 1e18},
		{Dot: d(3), Key: "n", Kind: resolve.Add, Value: []byte("-4"), Delta: number.Of(-9)},
		{Dot: d(4), Key: "n", Kind: resolve.Delete, Parents: []logical.Dot{d(3), d(2)}},
	}
}

func write(t *testing.T, path string) *Writer {
	t.Helper()
	w, err := Create(path, &Header{Cluster: "c", Leader: "n3", Unasked: []string{"n2"}})
	if err != nil {
		t.Fatal(err)
	}
	for _, op := range ops() {
		if err := w.Put(op); err != nil {
			t.Fatal(err)
		}
	}
	return w
}

// What was written is read, and a file has its name only when it is whole.
func TestWhatIsExportedIsRead(t *testing.T) {
	path := filepath.Join(t.TempDir(), "f.jsonl")
	write(t, path)
	if _, err := os.Stat(path); err == nil {
		t.Error("a file that is not ended has its name")
	}
	w := write(t, path) // begun again by whoever was ended
	if err := w.Finish(); err != nil {
		t.Fatal(err)
	}
	f, err := Open(path)
	if err != nil || f.Writes != 4 || f.Leader != "n3" || !slices.Equal(f.Unasked, []string{"n2"}) {
		t.Fatalf("%+v, %v", f, err)
	}
	for range 2 {
		var all []Write
		for got := range f.All() {
			all = append(all, *got)
		}
		if len(all) != 4 || f.Err() != nil {
			t.Fatalf("%d are read, %v", len(all), f.Err())
		}
		for i, op := range ops() {
			g := &all[i]
			if g.Dot != op.Dot.String() || g.KeyText() != op.Key || g.ValueText() != string(op.Value) || g.Kind != op.Kind.String() || g.Client != op.Client || g.Request != op.Request || len(g.Parents) != len(op.Parents) {
				t.Errorf("%+v is read as %+v", op, g)
			}
		}
		if all[2].Delta != "-9" || all[1].Expires.Unix() != 1e9 || !all[0].Expires.IsZero() {
			t.Errorf("%+v", all)
		}
	}
}

// Each way in which a file is not what was written is told when it is opened, or read.
func TestAFileThatIsNotWholeIsRefused(t *testing.T) {
	path := filepath.Join(t.TempDir(), "f.jsonl")
	if err := write(t, path).Finish(); err != nil {
		t.Fatal(err)
	}
	whole, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	lines := strings.SplitAfter(string(whole), "\n")
	for name, c := range map[string]struct{ text, says string }{
		"empty":         {"", "cut off"},
		"another file":  {"{}\n{}\n", "no file of exported writes"},
		"cut":           {strings.Join(lines[:4], ""), "cut off"},
		"cut in a line": {string(whole[:len(whole)-9]), "cut off"},
		"a line less":   {strings.Join(slices.Delete(slices.Clone(lines), 2, 3), ""), "cut off"},
		"a bad dot":     {strings.Replace(string(whole), `"dot":"`, `"dot":"z`, 1), "cannot be read"},
		"no JSON":       {strings.Replace(string(whole), `{"dot":"`, `{dot:"`, 1), "cannot be read"},
		"no key":        {strings.Replace(string(whole), `"key":`, `"kay":`, 1), "no key"},
	} {
		if err := os.WriteFile(path, []byte(c.text), 0o600); err != nil {
			t.Fatal(err)
		}
		f, err := Open(path)
		if err == nil {
			for range f.All() {
			}
			err = f.Err()
		}
		if err == nil || !strings.Contains(err.Error(), c.says) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestWhatIsTakenBackIsGone(t *testing.T) {
	dir := t.TempDir()
	w := write(t, filepath.Join(dir, "f"))
	if err := w.Abort(); err != nil || w.Abort() != nil {
		t.Error(err)
	}
	if left, _ := os.ReadDir(dir); len(left) != 0 {
		t.Errorf("%v is left", left)
	}
}
