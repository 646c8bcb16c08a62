package readme

import (
	"bufio"
	"io"
	"maps"
	"math"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"syscall"
	"testing"

	"kvd/cmd/internal/clitest"
)

var (
	fenced = regexp.MustCompile("(?ms)^```(\\w+)\n(.*?)^```$")
	named  = regexp.MustCompile("`([a-z-]+\\.txtar)`:\n\n```txtar\n(?s)(.*?)\n```")
	runs   = regexp.MustCompile(`^go run \./cmd/(scenario|kvd|kv) ?(.*)$`)

	// varies is what real clusters print otherwise each time: dots, times of day,
	// durations, and bytes at the end of a line. Scenarios print the same each time.
	varies = regexp.MustCompile(`[0-9a-f]{16}-\d+|\d\d:\d\d:\d\d\.\d+|\b\d+(?:\.\d+)?(?:µs|ms|s)\b|\b\d+\.\d$`)
	dot    = regexp.MustCompile(`^[0-9a-f]{16}-\d+$`)
)

// elided stands for any number of lines.
const elided = "…"

// shell is where the README's commands run: the programs, built once, and a
// directory of their own.
type shell struct {
	bin, dir   string
	background []*exec.Cmd
	dots       names // of this block
}

// names is what the README's dots are called in this run.
type names map[string]string

// TestMain lets the blocks run in parallel: most wait for a cluster.
func TestMain(m *testing.M) {
	clitest.Parallel(4)
	os.Exit(m.Run())
}

// pages is the README and what it leads to.
func pages(t *testing.T) []string {
	t.Helper()
	all, err := filepath.Glob("../../../scenarios/doc/*.md")
	if err != nil || len(all) < 3 {
		t.Fatalf("the README leads to %v, %v", all, err)
	}
	return append(all, "../../../README.md")
}

// TestReadme does what the README and its pages say, word for word. Each block is
// somebody who begins anew.
func TestReadme(t *testing.T) {
	bin, commands := t.TempDir(), 0
	clitest.Build(t, bin, "kvd/cmd/scenario", "kvd/cmd/kvd", "kvd/cmd/kv")
	for _, path := range pages(t) {
		text, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		commands += page(t, bin, text)
	}
	if commands < 30 {
		t.Errorf("the pages have %d commands with their output; were the console blocks renamed?", commands)
	}
}

// page does what one page says, and counts its commands.
func page(t *testing.T, bin string, text []byte) (commands int) {
	for _, m := range fenced.FindAllSubmatch(text, -1) {
		if string(m[1]) != "console" {
			continue
		}
		block := string(m[2])
		commands += strings.Count("\n"+block, "\n$ ")
		first, _, _ := strings.Cut(strings.TrimPrefix(block, "$ go run ./cmd/"), "\n")
		t.Run(first, func(t *testing.T) {
			t.Parallel()
			s := &shell{bin: bin, dir: t.TempDir()}
			for _, m := range named.FindAllSubmatch(text, -1) {
				if err := os.WriteFile(filepath.Join(s.dir, string(m[1])), append(m[2], '\n'), 0o644); err != nil {
					t.Fatal(err)
				}
			}
			s.block(t, block)
		})
	}
	return commands
}

// link is a way from one page to another file.
var link = regexp.MustCompile(`\]\(([^):#]+)\)`)

func TestLinksLeadSomewhere(t *testing.T) {
	found := 0
	for _, path := range pages(t) {
		text, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		for _, m := range link.FindAllSubmatch(text, -1) {
			found++
			if _, err := os.Stat(filepath.Join(filepath.Dir(path), string(m[1]))); err != nil {
				t.Errorf("%s leads to %s: %v", path, m[1], err)
			}
		}
	}
	if found < 4 {
		t.Errorf("found %d links", found)
	}
}

// stop ends what is in the background.
const stop = "kill %1"

// block runs the commands of one console block. A block that leaves something in the
// background would have the next one talk to it.
func (s *shell) block(t *testing.T, text string) {
	t.Helper()
	defer s.end(t)
	s.dots = names{}
	for _, part := range strings.Split("\n"+text, "\n$ ")[1:] {
		line, want, _ := strings.Cut(part, "\n")
		if line == stop {
			s.end(t)
			continue
		}
		m := runs.FindStringSubmatch(strings.TrimSuffix(line, " &"))
		if m == nil {
			t.Errorf("README: %q is no command this test can run", line)
			continue
		}
		cmd := s.command(m[1], varies.ReplaceAllStringFunc(m[2], s.dots.actual))
		switch {
		case strings.HasSuffix(line, " &"):
			s.start(t, cmd, line, want)
		case m[1] == "kv":
			holds(t, cmd, line, want, s.dots.matches)
		default:
			holds(t, cmd, line, want, matches)
		}
	}
	if len(s.background) > 0 {
		t.Errorf("README: %q is not stopped by %q", s.background[0].Args, stop)
	}
}

func (s *shell) command(program, args string) *exec.Cmd {
	cmd := exec.Command(filepath.Join(s.bin, program), strings.Fields(args)...)
	cmd.Dir = s.dir
	cmd.Env = append(os.Environ(), "XDG_CONFIG_HOME="+s.dir, "XDG_STATE_HOME="+s.dir, "HOME="+s.dir, "KVD_RESP_PORT=0", "NO_COLOR=1")
	return cmd
}

// holds runs a command to its end and compares.
func holds(t *testing.T, cmd *exec.Cmd, line, want string, matches func(got, want []string) bool) {
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

// end stops what is in the background, as kill does.
func (s *shell) end(t *testing.T) {
	for _, cmd := range s.background {
		if err := cmd.Process.Signal(syscall.SIGTERM); err != nil {
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

// actual is what a dot of the README is called in this run, and anything else
// itself.
func (n names) actual(text string) string {
	if a, ok := n[text]; ok {
		return a
	}
	return text
}

// matches compares as matches does, but for what varies: dots must be the same
// where the README's are, and times only be times.
func (n names) matches(got, want []string) bool {
	if len(want) == 0 {
		return len(got) == 0
	}
	if want[0] == elided {
		return n.matches(got, want[1:]) || len(got) > 0 && n.matches(got[1:], want)
	}
	if len(got) == 0 {
		return false
	}
	before := maps.Clone(n)
	if n.line(got[0], want[0]) && n.matches(got[1:], want[1:]) {
		return true
	}
	clear(n)
	maps.Copy(n, before)
	return false
}

// line compares one line, and learns what dots are called.
func (n names) line(got, want string) bool {
	parts, said := varies.FindAllString(got, -1), varies.FindAllString(want, -1)
	if len(parts) != len(said) || varies.ReplaceAllString(got, elided) != varies.ReplaceAllString(want, elided) {
		return false
	}
	for i, w := range said {
		if dot.MatchString(w) != dot.MatchString(parts[i]) || !near(parts[i], w) {
			return false
		}
		if _, bound := n[w]; !bound && dot.MatchString(w) {
			n[w] = parts[i]
		}
		if dot.MatchString(w) && n[w] != parts[i] {
			return false
		}
	}
	return true
}

// near reports whether two numbers are alike: what an object takes depends a
// little on the names that were drawn. Anything else is not compared.
func near(got, want string) bool {
	a, err := strconv.ParseFloat(got, 64)
	b, worse := strconv.ParseFloat(want, 64)
	return (err == nil) == (worse == nil) && math.Abs(a-b) <= b/10
}

func TestNamesThatVary(t *testing.T) {
	const a, b, x, y = "00000000000000aa-1", "00000000000000bb-2", "123456789abcdef0-7", "123456789abcdef1-9"
	for _, c := range []struct {
		got, want string
		match     bool
	}{
		{a + " lost to " + b + " by 3.97ms at 10:00:00.123", x + " lost to " + y + " by 4ms at 11:11:11.999999999", true},
		{a + " lost to " + a, x + " lost to " + y, true}, // two names for one: not noticed
		{a + " lost to " + b, x + " lost to " + x, false},
		{"1\n" + a + "\n" + b, "…\n" + x, true},
		{a + "\n" + b + "\n" + a, x + "\n" + y + "\n" + y, false},
		{a + " is gone", x + " was gone", false},
		{"after 2ms", "after 2", false},
		{"takes 30.0", "takes 31.0", true},
		{"takes 87.0", "takes 31.0", false},
		{"takes 2ms", "takes 2.0", false},
	} {
		if got := (names{}).matches(trimmed(c.got), trimmed(c.want)); got != c.match {
			t.Errorf("%q against %q: %v, want %v", c.got, c.want, got, c.match)
		}
	}
	n := names{}
	if !n.matches([]string{a}, []string{x}) || n.actual(x) != a || n.actual(y) != y {
		t.Errorf("the names are %v", n)
	}
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
