package main

import (
	"bytes"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

const readme = "../../README.md"

var (
	fenced = regexp.MustCompile("(?ms)^```(\\w+)\n(.*?)^```$")
	named  = regexp.MustCompile("`([a-z-]+\\.txtar)`:\n\n```txtar\n(?s)(.*?)\n```")
)

// elided stands for any number of lines.
const elided = "…"

// TestReadme does what the README says, word for word: it writes the files it
// shows, runs every command of a console block, and holds the output against what
// follows. A line of … stands for any lines.
func TestReadme(t *testing.T) {
	text, err := os.ReadFile(readme)
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	for _, m := range named.FindAllSubmatch(text, -1) {
		if err := os.WriteFile(filepath.Join(dir, string(m[1])), append(m[2], '\n'), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	t.Chdir(dir)
	commands := 0
	for _, m := range fenced.FindAllSubmatch(text, -1) {
		if string(m[1]) != "console" {
			continue
		}
		for _, part := range strings.Split("\n"+string(m[2]), "\n$ ")[1:] {
			line, want, _ := strings.Cut(part, "\n")
			commands++
			holds(t, line, want)
		}
	}
	if commands < 4 {
		t.Errorf("the README has %d commands with their output; were the console blocks renamed?", commands)
	}
}

// holds runs one command and compares.
func holds(t *testing.T, line, want string) {
	t.Helper()
	args, ok := strings.CutPrefix(line, "go run ./cmd/scenario ")
	if !ok {
		t.Errorf("README: %q is no command this test can run", line)
		return
	}
	var out, errs bytes.Buffer
	code := run(append([]string{"scenario"}, strings.Fields(args)...), strings.NewReader(""), &out, &errs)
	if code != 0 {
		t.Errorf("README: %q ends with %d: %s", line, code, errs.String())
	}
	if !matches(trimmed(out.String()), trimmed(want)) {
		t.Errorf("README: %q prints\n%s\nthe README says\n%s", line, out.String(), want)
	}
}

func trimmed(s string) []string {
	lines := strings.Split(strings.TrimSpace(s), "\n")
	for i := range lines {
		lines[i] = strings.TrimRight(lines[i], " ")
	}
	return lines
}

// matches compares line by line, where … stands for any lines, none included.
func matches(got, want []string) bool {
	if len(want) == 0 {
		return len(got) == 0
	}
	if want[0] == elided {
		return matches(got, want[1:]) || len(got) > 0 && matches(got[1:], want)
	}
	return len(got) > 0 && got[0] == want[0] && matches(got[1:], want[1:])
}

func TestReadmeMatcher(t *testing.T) {
	for _, c := range []struct {
		got, want string
		match     bool
	}{
		{"a\nb", "a\nb", true},
		{"a\nb", "a\nc", false},
		{"a\nb\nc", "a\n…\nc", true},
		{"a\nb\nc", "…", true},
		{"a\nb\nc", "…\nb", false},
		{"a", "a\nb", false},
	} {
		if matches(trimmed(c.got), trimmed(c.want)) != c.match {
			t.Errorf("%q against %q: want %v", c.got, c.want, c.match)
		}
	}
}
