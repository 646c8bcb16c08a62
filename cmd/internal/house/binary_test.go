package house

import (
	"bytes"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// TestTheTreeIsText finds compiled programs and other binaries: what is built is
// not kept, and it carries the paths of the machine that built it.
func TestTheTreeIsText(t *testing.T) {
	root := top(t)
	err := filepath.WalkDir(root, func(path string, e fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case e.IsDir() && path != root && (strings.HasPrefix(e.Name(), ".") || e.Name() == "runs"):
			return fs.SkipDir
		case e.Type().IsRegular() && binary(t, path):
			t.Errorf("%s is binary\n\trule: the tree is text\n\twhy:  what is built is not kept, and names the machine that built it", path)
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
}

// binary looks for a zero byte at the beginning, as git does.
func binary(t *testing.T, path string) bool {
	t.Helper()
	f, err := os.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	head, err := io.ReadAll(io.LimitReader(f, 8000))
	if err != nil {
		t.Fatal(err)
	}
	return bytes.IndexByte(head, 0) >= 0
}

func TestBinaryIsRecognised(t *testing.T) {
	for content, want := range map[string]bool{"package a\n": false, "\x7fELF\x02\x00": true, "": false} {
		path := filepath.Join(t.TempDir(), "f")
		if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
		if binary(t, path) != want {
			t.Errorf("%q: binary is %v, want %v", content, !want, want)
		}
	}
}
