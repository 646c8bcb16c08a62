package cliutil

import (
	"bytes"
	"context"
	"errors"
	"os"
	"os/exec"
	"reflect"
	"strings"
	"testing"

	"github.com/urfave/cli/v2"
)

// example is a program with flags of every kind. It writes what it was told.
func example(out *bytes.Buffer) *cli.App {
	say := func(c *cli.Context) error {
		out.WriteString(strings.Join([]string{c.Command.Name, c.String("node"), c.String("output"), c.Args().First()}, " "))
		if c.Bool("verbose") {
			out.WriteString(" verbose")
		}
		return nil
	}
	flags := func() []cli.Flag {
		return []cli.Flag{
			&cli.StringFlag{Name: "output", Aliases: []string{"o"}},
			&cli.BoolFlag{Name: "verbose", Aliases: []string{"v"}},
			&cli.BoolFlag{Name: "quiet", Aliases: []string{"q"}},
			&cli.StringSliceFlag{Name: "skew"},
		}
	}
	words := Synonyms{"keys": "kv scan PATTERN", "context create": "kv context add", "--json": "-o json"}
	return words.In(&cli.App{
		Name: "kv", Writer: out, ErrWriter: out,
		Flags: []cli.Flag{&cli.StringFlag{Name: "node", Aliases: []string{"n"}}},
		Commands: []*cli.Command{
			{Name: "get", Aliases: []string{"read"}, ArgsUsage: "KEY", Flags: flags(), Action: say},
			{Name: "incr", ArgsUsage: "KEY [N]", Flags: flags(), Action: say},
			{Name: "now", Flags: flags(), Action: say},
			{Name: "context", Subcommands: []*cli.Command{{Name: "add", ArgsUsage: "NAME", Flags: flags(), Action: say}}},
		},
	})
}

func TestArrange(t *testing.T) {
	for _, c := range []struct{ given, want string }{
		{"", ""},
		{"get x", "get -- x"},
		{"get x --output json", "get --output=json -- x"},
		{"get x -o json", "get --o=json -- x"},
		{"get x -ojson", "get --o=json -- x"},
		{"get x -o=json", "get --o=json -- x"},
		{"get x -vqojson", "get --v --q --o=json -- x"},
		{"get x -vo json y", "get --v --o=json -- x y"},
		{"get -v x", "get --v -- x"},
		{"get x --verbose=false", "get --verbose=false -- x"},
		{"get x --node b", "--node=b get -- x"},
		{"get x -nb", "--n=b get -- x"},
		{"--node b get x", "--node=b get -- x"},
		{"get -- -x --node b", "get -- -x --node b"},
		{"get x -- -v", "get -- x -v"},
		{"incr x -5", "incr -- x -5"},
		{"incr x -0.5 -v", "incr --v -- x -0.5"},
		{"get -", "get -- -"},
		{"get x --skew b=-1ms --skew=c=+1ms", "get --skew=b=-1ms --skew=c=+1ms -- x"},
		{"get x --output -v", "get --output=-v -- x"},
		{"read x -v", "read --v -- x"},
		{"context add dev -v", "context add --v -- dev"},
		{"get get -v", "get --v -- get"},
		{"get x -h", "get --help"},
		{"get --node b x y z --help", "get --help"},
		{"get x -vh", "get --help"},
		{"--help get x", "get --help"},
		{"get x --help=false", "get --help=false -- x"},
		{"get x --help --version", "get --help"},
		{"get -- --help", "get -- --help"},
		{"help get", "get --help"},
		{"help get x", "get --help"},
		{"help context add", "context add --help"},
		{"context add dev -h", "context add --help"},
		{"context help", "context --help"},
		{"help", "--help"},
		{"--version", "--version"},
		{"get x --version", "--version"},
	} {
		app := example(&bytes.Buffer{})
		prepare(app)
		got, err := Arrange(app, append([]string{"kv"}, strings.Fields(c.given)...))
		if err != nil {
			t.Errorf("%q: %v", c.given, err)
			continue
		}
		if want := append([]string{"kv"}, strings.Fields(c.want)...); !reflect.DeepEqual(got, want) {
			t.Errorf("%q became %q, want %q", c.given, got, want)
		}
	}
}

func TestWhatLooksLikeAFlagAndIsNoneIsRefused(t *testing.T) {
	for _, c := range []struct{ given, says string }{
		{"get x --outptu json", "--output"},
		{"get x --ndoe b", "--node"},
		{"get x -z", "unknown flag -z"},
		{"get x -vz", "unknown flag -vz"},
		{"get x --output", "needs a value"},
		{"get x -vo", "needs a value"},
		{"--verbose get x", "unknown flag --verbose"},
		{"gte x", "did you mean kv get?"},
		{"frobnicate", "kv help lists them"},
		{"help gte", "did you mean kv get?"},
		{"help frobnicate", "kv help lists them"},
		{"context rm dev", "unknown command \"rm\""},
		{"keys", "did you mean kv scan PATTERN?"},
		{"KEYS", "did you mean kv scan PATTERN?"},
		{"GET x", "did you mean kv get?"},
		{"context create dev", "did you mean kv context add?"},
		{"create dev", "kv help lists them"},
		{"get x --json", "did you mean -o json?"},
		{"now x", "kv now takes no arguments"},
		{"now -- -v", "read: -v"},
	} {
		_, err := Arrange(example(&bytes.Buffer{}), append([]string{"kv"}, strings.Fields(c.given)...))
		var p *Problem
		if !errors.As(err, &p) || p.Code != Misused {
			t.Errorf("%q: %v, want a usage problem", c.given, err)
			continue
		}
		if !strings.Contains(p.Error(), c.says) {
			t.Errorf("%q: %q does not say %q", c.given, p.Error(), c.says)
		}
	}
}

func TestFlagsReachTheActionWhereverTheyStand(t *testing.T) {
	for _, given := range []string{"get x --node b -vojson", "-nb get -ojson x -v", "get --verbose x --node=b --output=json"} {
		var out bytes.Buffer
		code := Main(example(&out), append([]string{"kv"}, strings.Fields(given)...))
		if code != OK || out.String() != "get b json x verbose" {
			t.Errorf("%q: exit %d, %q", given, code, out.String())
		}
	}
}

func TestAWordLikeACommandIsData(t *testing.T) {
	for _, word := range []string{"help", "h", "get"} {
		var out bytes.Buffer
		if code := Main(example(&out), []string{"kv", "get", word}); code != OK || out.String() != "get   "+word {
			t.Errorf("get %s: exit %d, %q", word, code, out.String())
		}
	}
}

func TestExitCodesAndThreeLines(t *testing.T) {
	for _, c := range []struct {
		err  error
		code int
		says string
	}{
		{nil, OK, ""},
		{errors.New("no such thing"), Failed, "kv: failed\nwhy:  no such thing\n"},
		{Fail("get x", errors.New("n1 is away"), "try n2"), Failed, "kv: get x\nwhy:  n1 is away\nnext: try n2\n"},
		{&Problem{What: "a promise broke", Why: "w2 is lost", Code: Broken}, Broken, "kv: a promise broke\nwhy:  w2 is lost\n"},
		{cli.Exit("by the library's own way", 9), Failed, "kv: failed\nwhy:  by the library's own way\n"},
	} {
		var out bytes.Buffer
		app := example(&out)
		app.Commands[0].Action = func(*cli.Context) error { return c.err }
		if code := Main(app, []string{"kv", "get"}); code != c.code || out.String() != c.says {
			t.Errorf("%v: exit %d, %q; want %d, %q", c.err, code, out.String(), c.code, c.says)
		}
	}
}

func TestAnActionThatEndsWithoutFailingIsNotInterrupted(t *testing.T) {
	var out bytes.Buffer
	app := example(&out)
	app.Commands[0].Action = func(c *cli.Context) error {
		ctx, stop := context.WithCancel(c.Context)
		stop()
		return ctx.Err()
	}
	if code := Main(app, []string{"kv", "get"}); code != Failed {
		t.Errorf("exit %d, want %d: no signal came", code, Failed)
	}
}

func TestASignalCancelsAndIsTheExitCode(t *testing.T) {
	var out bytes.Buffer
	app := example(&out)
	app.Commands[0].Action = func(c *cli.Context) error {
		if err := interrupt(); err != nil {
			return err
		}
		<-c.Context.Done()
		return c.Context.Err()
	}
	if code := Main(app, []string{"kv", "get"}); code != Interrupted || !strings.HasPrefix(out.String(), "kv: interrupted\n") {
		t.Errorf("exit %d, %q; want %d", code, out.String(), Interrupted)
	}
}

func interrupt() error {
	self, err := os.FindProcess(os.Getpid())
	if err != nil {
		return err
	}
	return self.Signal(os.Interrupt)
}

// What fails at stopping, as it was told to, says itself what became of it.
func TestAStopThatFailsIsToldAsItIs(t *testing.T) {
	var out bytes.Buffer
	app := example(&out)
	app.Commands[0].Action = func(c *cli.Context) error {
		if err := interrupt(); err != nil {
			return err
		}
		<-c.Context.Done()
		return &Problem{What: "stopped, though not in order", Why: "the disk is full", Stopping: true}
	}
	if code := Main(app, []string{"kv", "get"}); code != Failed || !strings.HasPrefix(out.String(), "kv: stopped, though not in order\nwhy:  the disk is full\n") {
		t.Errorf("exit %d, %q; want %d", code, out.String(), Failed)
	}
}

func TestAPanicIsABugAndToldWithItsStack(t *testing.T) {
	var out bytes.Buffer
	app := example(&out)
	app.Commands[0].Action = func(*cli.Context) error { panic("never so") }
	if code := Main(app, []string{"kv", "get"}); code != Bug || !strings.HasPrefix(out.String(), "kv: a bug in kv\nwhy:  never so\n") || !strings.Contains(out.String(), "cliutil_test.go") {
		t.Errorf("exit %d, %q", code, out.String())
	}
}

func TestProblemsForPrograms(t *testing.T) {
	for _, c := range []struct {
		err  error
		code int
		says string
	}{
		{nil, OK, ""},
		{errors.New("no such thing"), Failed, `{"error":"failed","why":"no such thing","code":1}`},
		{&Problem{What: "get x", Why: "nobody \"there\"", Next: "try n2", Code: Unreachable}, Unreachable, `{"error":"get x","why":"nobody \"there\"","next":"try n2","code":5}`},
		{&Problem{What: "get x", Why: "so"}, Failed, `{"error":"get x","why":"so","code":1}`},
	} {
		var out bytes.Buffer
		if code := TellJSON(&out, c.err); code != c.code || strings.TrimSpace(out.String()) != c.says {
			t.Errorf("%v: exit %d, %q; want %d, %q", c.err, code, out.String(), c.code, c.says)
		}
	}
}

func TestValuesThatCannotBeRead(t *testing.T) {
	app := example(&bytes.Buffer{})
	app.Commands = append(app.Commands, &cli.Command{Name: "wait", Flags: []cli.Flag{
		&cli.DurationFlag{Name: "time"}, &cli.IntFlag{Name: "n"}, &cli.Uint64Flag{Name: "seed"}, &cli.BoolFlag{Name: "quiet"},
	}})
	for given, says := range map[string]string{
		"--time 5": "--time takes a duration such as", "-n x": "-n takes a whole number", "--seed=-1": "--seed takes a whole number that is not negative",
		"--quiet=maybe": "--quiet takes no value, or true",
	} {
		err := Run(app, append([]string{"kv", "wait"}, strings.Fields(given)...))
		var p *Problem
		if !errors.As(err, &p) || p.Code != Misused || !strings.Contains(p.Error(), says) {
			t.Errorf("wait %s: %v, want %q", given, err, says)
		}
	}
}

// TestHelpIsGivenWhateverElseIsSaid: nobody who asks for help has the rest right.
func TestHelpIsGivenWhateverElseIsSaid(t *testing.T) {
	for given, says := range map[string]string{
		"get k --help": "kv get [command options] KEY", "get -h": "kv get [command options] KEY", "help get": "kv get [command options] KEY",
		"get k --output json --help": "kv get [command options] KEY", "context add --help x y": "kv context add [command options] NAME",
		"help context add": "kv context add [command options] NAME", "help": "COMMANDS:", "": "COMMANDS:", "now too much --help": "kv now [command options]",
	} {
		var out bytes.Buffer
		if code := Main(example(&out), append([]string{"kv"}, strings.Fields(given)...)); code != OK || !strings.Contains(out.String(), says) {
			t.Errorf("%q: exit %d, %q", given, code, out.String())
		}
	}
}

func TestEveryProgramSaysWhichItIs(t *testing.T) {
	for _, given := range []string{"--version", "version", "get x --version"} {
		var out bytes.Buffer
		if code := Main(example(&out), append([]string{"kv"}, strings.Fields(given)...)); code != OK || !strings.HasPrefix(out.String(), "kv "+Version()+" go") {
			t.Errorf("%q: exit %d, %q", given, code, out.String())
		}
	}
}

func TestWhatIsNoneOfTheKnownNamesTheNearest(t *testing.T) {
	if err := OneOf("text", "text", "json"); err != nil {
		t.Error(err)
	}
	known, unknown := []string{"lww", "causal", "siblings"}, errors.New("unknown resolver")
	if err := Meant(nil, "lww", known); err != nil {
		t.Error(err)
	}
	causal, siblings := Meant(unknown, "cusal", known), Meant(unknown, "SIBLINGS", known)
	if !errors.Is(causal, unknown) {
		t.Error(causal)
	}
	for err, says := range map[error]string{
		OneOf("jsn", "text", "json"): `"jsn" is none of text and json; did you mean json?`, OneOf("zebra", "text", "json"): `"zebra" is none of text and json`,
		causal: "did you mean causal?", siblings: "did you mean siblings?",
	} {
		if err == nil || !strings.HasSuffix(err.Error(), says) {
			t.Errorf("%v, want %q", err, says)
		}
	}
}

func TestNearest(t *testing.T) {
	names := []string{"ddia-8-3", "relay", "hot-set"}
	for read, want := range map[string]string{"ddia-8-4": "ddia-8-3", "realy": "relay", "hotset": "hot-set", "ddia": "ddia-8-3", "rel": "relay", "re": "", "zebra": "", "x": "", "": ""} {
		if got := Nearest(read, names); got != want {
			t.Errorf("Nearest(%q) = %q, want %q", read, got, want)
		}
	}
}

func TestCompletion(t *testing.T) {
	app := example(&bytes.Buffer{})
	for _, shell := range []string{"bash", "zsh", "fish"} {
		text, err := completion(app, shell)
		if err != nil || !strings.Contains(text, "verbose") || !strings.Contains(text, "context") {
			t.Errorf("%s: %v\n%s", shell, err, text)
		}
	}
	if _, err := completion(app, "tcsh"); err == nil {
		t.Error("no error for a shell that is not known")
	}
}

// TestBashReadsItsCompletion holds the script to a real shell, where there is
// one.
func TestBashReadsItsCompletion(t *testing.T) {
	path, err := exec.LookPath("bash")
	if err != nil {
		t.Logf("no bash here: %v", err)
		return
	}
	script := bash(example(&bytes.Buffer{})) + `
COMP_WORDS=(kv get --ver); COMP_CWORD=2; _kv; echo "${COMPREPLY[@]}"
COMP_WORDS=(kv con); COMP_CWORD=1; _kv; echo "${COMPREPLY[@]}"
COMP_WORDS=(kv get --no); COMP_CWORD=2; _kv; echo "${COMPREPLY[@]}"
COMP_WORDS=(kv context a); COMP_CWORD=2; _kv; echo "${COMPREPLY[@]}"`
	out, err := exec.Command(path, "-c", script).CombinedOutput()
	if err != nil || string(out) != "--verbose\ncontext\n--node\nadd\n" {
		t.Errorf("%v: %q", err, out)
	}
}
