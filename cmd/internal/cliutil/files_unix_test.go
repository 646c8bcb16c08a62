//go:build unix

package cliutil

import (
	"bytes"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"kvd/storage/file"
)

func write(t *testing.T, path, text string) {
	t.Helper()
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
}

func holds(t *testing.T, path, text string) {
	t.Helper()
	if got, err := os.ReadFile(path); err != nil || string(got) != text {
		t.Errorf("%s holds %q, %v; want %q", path, got, err, text)
	}
}

func link(t *testing.T, to, path string) string {
	t.Helper()
	if err := os.Symlink(to, path); err != nil {
		t.Fatal(err)
	}
	return path
}

// pipe is a named pipe, and what comes out of it once all have closed it.
func pipe(t *testing.T, path string) <-chan string {
	t.Helper()
	if err := syscall.Mkfifo(path, 0o600); err != nil {
		t.Fatal(err)
	}
	out := make(chan string, 1)
	go func() {
		text, err := os.ReadFile(path)
		if err != nil {
			text = []byte(err.Error())
		}
		out <- string(text)
	}()
	return out
}

// kindOf is what stands at a path itself.
func kindOf(t *testing.T, path string) fs.FileMode {
	t.Helper()
	info, err := os.Lstat(path)
	if err != nil {
		t.Fatal(err)
	}
	return info.Mode().Type()
}

// TestReplacingLeavesWhatIsNoRegularFile: links lead on, pipes and devices stay.
func TestReplacingLeavesWhatIsNoRegularFile(t *testing.T) {
	dir := t.TempDir()
	at := func(name string) string { return filepath.Join(dir, name) }
	write(t, at("file"), "old")
	first := link(t, at("file"), at("first"))
	second := link(t, "first", at("second")) // relative to where it stands
	dangling := link(t, "fresh", at("dangling"))
	null := link(t, os.DevNull, at("null"))
	loop := link(t, "loop", at("loop"))
	out := pipe(t, at("pipe"))
	for _, path := range []string{second, dangling, null, at("pipe")} {
		if err := file.Replace(path, []byte("new"), 0o640); err != nil {
			t.Errorf("%s: %v", path, err)
		}
	}
	holds(t, at("file"), "new")
	holds(t, at("fresh"), "new")
	if got := <-out; got != "new" {
		t.Errorf("the pipe gave %q", got)
	}
	for path, want := range map[string]fs.FileMode{first: fs.ModeSymlink, second: fs.ModeSymlink, dangling: fs.ModeSymlink, null: fs.ModeSymlink,
		at("pipe"): fs.ModeNamedPipe, os.DevNull: fs.ModeDevice | fs.ModeCharDevice, at("file"): 0} {
		if got := kindOf(t, path); got != want {
			t.Errorf("%s is %v, want %v", path, got, want)
		}
	}
	if info, err := os.Stat(at("file")); err != nil || info.Mode().Perm() != 0o640 {
		t.Errorf("mode %v, %v", info.Mode(), err)
	}
	if err := file.Replace(loop, nil, 0o600); err == nil {
		t.Error("a link to itself is a file")
	}
	left, err := os.ReadDir(dir)
	if err != nil || len(left) != 8 {
		t.Errorf("there are %v, %v", left, err)
	}
}

// TestWhereAFileIsWanted: regular files are replaced, by force, and everything else
// is written to.
func TestWhereAFileIsWanted(t *testing.T) {
	dir := t.TempDir()
	at := func(name string) string { return filepath.Join(dir, name) }
	write(t, at("file"), "old")
	own, err := os.Create(at("own"))
	if err != nil {
		t.Fatal(err)
	}
	defer own.Close()
	link(t, at("file"), at("link"))
	link(t, "later", at("dangling"))
	link(t, at("own"), at("stdout"))
	out := pipe(t, at("pipe"))
	for _, c := range []struct {
		path  string
		force bool
		file  string // where a file is wanted; empty: a stream
		err   error
	}{
		{at("fresh"), false, at("fresh"), nil}, {at("dangling"), false, at("later"), nil},
		{at("file"), false, "", fs.ErrExist}, {at("link"), false, "", fs.ErrExist},
		{at("file"), true, at("file"), nil}, {at("link"), true, at("file"), nil},
		{Standard, false, "", nil}, {at("own"), false, "", nil}, {at("stdout"), false, "", nil},
		{os.DevNull, false, "", nil}, {at("pipe"), false, "", nil},
	} {
		to, err := Toward(c.path, own, c.force)
		if to.Path != c.file || !errors.Is(err, c.err) || (to.Stream != nil) != (c.file == "" && c.err == nil) {
			t.Errorf("%s, force %t: %+v, %v", c.path, c.force, to, err)
		}
		if to.Stream == nil {
			continue
		}
		if _, err := to.Stream.Write([]byte(filepath.Base(c.path) + " ")); err != nil {
			t.Error(err)
		}
		if err := to.Stream.Close(); err != nil {
			t.Error(err)
		}
	}
	holds(t, at("own"), "- own stdout ")
	holds(t, at("file"), "old")
	if got := <-out; got != "pipe " {
		t.Errorf("the pipe gave %q", got)
	}
	for path, says := range map[string]string{dir: "it is a directory", at("none/below"): "no such file"} {
		to, err := Toward(path, &bytes.Buffer{}, true)
		if path == dir && (err == nil || !strings.Contains(err.Error(), says)) {
			t.Errorf("%s: %+v, %v", path, to, err)
		}
	}
}

// A terminal that does not know how wide it is is one, and gets no bytes unless forced.
func TestATerminalOfNoWidthIsOne(t *testing.T) {
	hand, err := os.OpenFile("/dev/ptmx", os.O_RDWR, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer hand.Close()
	if Width(hand) != 0 {
		t.Fatalf("it is %d wide", Width(hand))
	}
	if _, err := Toward(Standard, hand, false); !errors.Is(err, ErrTerminal) {
		t.Errorf("not forced: %v", err)
	}
	if to, err := Toward(Standard, hand, true); err != nil || to.Stream == nil {
		t.Errorf("forced: %+v, %v", to, err)
	}
}
