package identity

import (
	"crypto/rand"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// stopped is a directory that was closed cleanly, with its mark, and its attester.
func stopped(t *testing.T) (*attester, Mark) {
	t.Helper()
	a := &attester{dir: t.TempDir(), state: filepath.Join(t.TempDir(), "state")}
	m := Mark{Origin: 7, Seq: 5, Token: rand.Text()}
	if err := leaveMark(a.dir, m); err != nil {
		t.Fatal(err)
	}
	if err := a.leave(m.Token); err != nil {
		t.Fatal(err)
	}
	return a, m
}

func TestAStopIsAttestedOnce(t *testing.T) {
	a, m := stopped(t)
	said, err := a.take()
	if err != nil || said.agrees(&m) != nil {
		t.Fatalf("the very directory is refused: %v, %v", err, said.agrees(&m))
	}
	if _, err := a.take(); err == nil || !strings.Contains(err.Error(), "it may be a copy") {
		t.Errorf("taken again: %v", err)
	}
}

// What is not the very directory that was closed last is told from it; each row is
// one way to come by such a one.
func TestACopyIsNotAttested(t *testing.T) {
	rewrite := func(t *testing.T, path string, m Mark) {
		if err := leaveMark(path, m); err != nil {
			t.Fatal(err)
		}
	}
	for _, c := range []struct {
		name, says string
		change     func(*testing.T, *attester, *Mark)
	}{
		{"a copy elsewhere", "may be a copy", func(t *testing.T, a *attester, m *Mark) {
			a.dir = t.TempDir()
			rewrite(t, a.dir, *m)
		}},
		{"the mark of an older backup in its place", "written again since", func(t *testing.T, a *attester, m *Mark) {
			m.Token = "older"
			rewrite(t, a.dir, *m)
		}},
		{"a backup of the same stop in its place", "written again since", func(t *testing.T, a *attester, m *Mark) { rewrite(t, a.dir, *m) }},
		{"nowhere to attest", "--state-dir", func(_ *testing.T, a *attester, _ *Mark) { a.state = "" }},
		{"another state directory", "may be a copy", func(t *testing.T, a *attester, _ *Mark) { a.state = t.TempDir() }},
		{"a damaged attestation", "read the attestation", func(t *testing.T, a *attester, _ *Mark) {
			path, _ := a.path()
			if err := os.WriteFile(path, []byte("{"), 0o600); err != nil {
				t.Fatal(err)
			}
		}},
	} {
		t.Run(c.name, func(t *testing.T) {
			a, m := stopped(t)
			c.change(t, a, &m)
			said, err := a.take()
			if err == nil {
				err = said.agrees(&m)
			}
			if err == nil || !strings.Contains(err.Error(), c.says) {
				t.Errorf("it is taken for the very directory: %v", err)
			}
		})
	}
	var none *attestation = &attestation{}
	if none.agrees(&Mark{}) == nil {
		t.Error("a mark without a token, as older programs left, is attested")
	}
}

// Where nothing can be written is said at the start, not at the stop.
func TestAStateDirectoryThatCannotBeWrittenIsSaidBefore(t *testing.T) {
	a := attester{dir: t.TempDir(), state: filepath.Join(t.TempDir(), "made", "here")}
	if err := a.ready(); err != nil {
		t.Errorf("it can be made: %v", err)
	}
	if all, err := os.ReadDir(a.state); err != nil || len(all) > 0 {
		t.Errorf("it holds %v, %v", all, err)
	}
	file := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(file, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if a.state = file; a.ready() == nil {
		t.Error("a file will do")
	}
	if a.state = ""; a.ready() != nil {
		t.Error("none is wanted, and none will not do")
	}
}
