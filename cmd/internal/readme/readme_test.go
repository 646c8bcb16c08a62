package readme

import (
	"bufio"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"syscall"
	"testing"
)

var (
	fenced = regexp.MustCompile("(?ms)^```(\\w+)\n(.*?)^```$")
	named  = regexp.MustCompile("`([a-z-]+\\.txtar)`:\n\n```txtar\n(?s)(.*?)\n```")
	runs   = regexp.MustCompile(`^go run \./cmd/(scenario|kvd|kv) ?(.*)$`)
)

// elided stands for any number of lines.
const elided = "…"

// shell is where the README's commands run: the programs, built once, and a
// directory of their own.
type shell struct {
	bin, dir   string
	background []*exec.Cmd
}

// TestReadme does what the README says, word for word.
func TestReadme(t *testing.T) {
	text, err := os.ReadFile("../../../README.md")
	if err != nil {
		t.Fatal(err)
	}
	s := &shell{bin: built(t), dir: t.TempDir()}
	for _, m := range named.FindAllSubmatch(text, -1) {
		if err := os.WriteFile(filepath.Join(s.dir, string(m[1])), append(m[2], '\n'), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	commands := 0
	for _, m := range fenced.FindAllSubmatch(text, -1) {
		if string(m[1]) == "console" {
			commands += s.block(t, string(m[2]))
		}
	}
	if commands < 10 {
		t.Errorf("the README has %d commands with their output; were the console blocks renamed?", commands)
	}
}

// built makes the programs that go run would make.
func built(t *testing.T) string {
	t.Helper()
	bin := t.TempDir()
	cmd := exec.Command("go", "build", "-o", bin+string(filepath.Separator), "kvd/cmd/scenario", "kvd/cmd/kvd", "kvd/cmd/kv")
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("build: %v\n%s", err, out)
	}
	return bin
}

// block runs the commands of one console block, and ends what it left in the
// background.
func (s *shell) block(t *testing.T, text string) int {
	t.Helper()
	defer s.end(t)
	parts := strings.Split("\n"+text, "\n$ ")[1:]
	for _, part := range parts {
		line, want, _ := strings.Cut(part, "\n")
		m := runs.FindStringSubmatch(strings.TrimSuffix(line, " &"))
		if m == nil {
			t.Errorf("README: %q is no command this test can run", line)
			continue
		}
		cmd := s.command(m[1], m[2])
		if strings.HasSuffix(line, " &") {
			s.start(t, cmd, line, want)
		} else {
			holds(t, cmd, line, want)
		}
	}
	return len(parts)
}

func (s *shell) command(program, args string) *exec.Cmd {
	cmd := exec.Command(filepath.Join(s.bin, program), strings.Fields(args)...)
	cmd.Dir = s.dir
	cmd.Env = append(os.Environ(), "XDG_CONFIG_HOME="+s.dir, "XDG_STATE_HOME="+s.dir, "HOME="+s.dir, "KVD_RESP_PORT=0", "NO_COLOR=1")
	return cmd
}

// holds runs a command to its end and compares.
func holds(t *testing.T, cmd *exec.Cmd, line, want string) {
	t.Helper()
	var errs strings.Builder
	cmd.Stderr = &errs
	out, err := cmd.Output()
	if err != nil {
		t.Errorf("README: %q ends with %v: %s", line, err, errs.String())
	}
	if !matches(trimmed(string(out)), trimmed(want)) {
		t.Errorf("README: %q prints\n%s\nthe README says\n%s", line, out, want)
	}
}

// start leaves a command in the background once it has printed the last line that
// the README shows of it.
func (s *shell) start(t *testing.T, cmd *exec.Cmd, line, want string) {
	t.Helper()
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	s.background = append(s.background, cmd)
	var got []string
	for lines := bufio.NewScanner(out); lines.Scan(); {
		got = append(got, strings.TrimRight(lines.Text(), " "))
		if matches(got, trimmed(want)) {
			go io.Copy(io.Discard, out)
			return
		}
	}
	t.Errorf("README: %q prints\n%s\nand ends; the README says\n%s", line, strings.Join(got, "\n"), want)
}

// end stops what is in the background, as Ctrl-C does.
func (s *shell) end(t *testing.T) {
	for _, cmd := range s.background {
		if err := cmd.Process.Signal(syscall.SIGINT); err != nil {
			t.Errorf("README: %v had ended before it was stopped: %v", cmd.Args, err)
		}
		if err := cmd.Wait(); err != nil && cmd.ProcessState.ExitCode() != 130 {
			t.Errorf("README: %v ends with %v", cmd.Args, err)
		}
	}
	s.background = nil
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

func TestMatcher(t *testing.T) {
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
