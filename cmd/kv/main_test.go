package main

import (
	"net"
	"os"
	"strings"
	"testing"

	"github.com/rogpeppe/go-internal/testscript"

	"kvd/cmd/internal/clitest"
	"kvd/logical"
	"kvd/replica/acl/acltest"
	"kvd/replica/resp"
	"kvd/replica/resp/resptest"
	"kvd/replica/resp/server"
)

// TestMain lets the scripts call the program as they would from a shell.
func TestMain(m *testing.M) {
	clitest.Parallel(4)
	testscript.Main(m, map[string]func(){"kv": main})
}

func TestSynonymsMeanCommands(t *testing.T) {
	clitest.Synonyms(t, program(nil, nil, nil), synonyms())
}

// TestScripts runs each script against three fake leaders of its own, which
// listen at $N1, $N2 and $N3, and do not replicate: a script says what arrives.
func TestScripts(t *testing.T) {
	testscript.Run(t, testscript.Params{
		Dir:   "testdata",
		Setup: func(env *testscript.Env) error { return setUp(t, env) },
		Cmds: map[string]func(*testscript.TestScript, bool, []string){
			"exits": clitest.Exits, "siblings": siblingsAt, "heard": heardAt, "draining": drainingAt,
			"cut": cutOut, "mode": modeOf,
		},
	})
}

func setUp(t *testing.T, env *testscript.Env) error {
	env.Setenv("XDG_CONFIG_HOME", env.WorkDir+"/config")
	env.Setenv("XDG_STATE_HOME", env.WorkDir+"/state")
	for _, name := range []string{"N1", "N2", "N3"} {
		f := serve(t, nil)
		env.Values[strings.ToLower(name)] = f
		env.Setenv(name, f.addr)
		env.Defer(f.stop)
	}
	locked := serve(t, func(c *server.Config) {
		c.RequireAuth = true
		c.Login = acltest.Let(func(user, pass string) bool { return pass == user+"-secret" })
	})
	env.Setenv("LOCKED", locked.addr)
	env.Defer(locked.stop)
	old := serveStub(t, nil)
	env.Setenv("OLD", old)
	env.Setenv("NEW", serveStub(t, newer(env.Getenv("N1"), env.Getenv("N2"))))
	env.Setenv("GONE", unused(t))
	return secure(t, env)
}

// fake is a server with a fake leader behind it.
type fake struct {
	*resptest.Leader
	addr string
	stop func()
}

func serve(t *testing.T, change func(*server.Config)) *fake {
	t.Helper()
	r := resptest.Start(t, resptest.TCP(t), func(c *server.Config) {
		c.Feeds = nil
		if change != nil {
			change(c)
		}
	})
	return &fake{r.Leader, r.Listener.Addr().String(), r.Stop}
}

func listen(t testing.TB) net.Listener {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	return l
}

// unused is an address at which nobody listens while the test runs: the near end
// of a connection, so that no other test is given its port meanwhile.
func unused(t testing.TB) string {
	l := listen(t)
	c, err := net.Dial("tcp", l.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.Close(); l.Close() })
	return c.LocalAddr().String()
}

func leaderOf(ts *testscript.TestScript, args []string, least int) *fake {
	if len(args) < least {
		ts.Fatalf("give a leader, and what happens to it")
	}
	f, ok := ts.Value(args[0]).(*fake)
	if !ok {
		ts.Fatalf("no leader %s", args[0])
	}
	return f
}

// siblingsAt lets a key show several values: siblings n1 key value...
func siblingsAt(ts *testscript.TestScript, _ bool, args []string) {
	leaderOf(ts, args, 3).Siblings(args[1], args[2:]...)
}

// heardAt lets a leader apply an op of another: heard n2 DOT
func heardAt(ts *testscript.TestScript, _ bool, args []string) {
	f := leaderOf(ts, args, 2)
	dot, err := logical.ParseDot(args[1])
	ts.Check(err)
	f.Heard(dot)
}

// drainingAt lets a leader refuse everything: draining n1
func drainingAt(ts *testscript.TestScript, _ bool, args []string) {
	leaderOf(ts, args, 1).Refuse(resp.ErrDraining)
}

// cutOut puts what follows a word on standard output into a variable:
// cut token TOKEN
func cutOut(ts *testscript.TestScript, _ bool, args []string) {
	if len(args) != 2 {
		ts.Fatalf("usage: cut WORD VARIABLE")
	}
	for line := range strings.Lines(ts.ReadFile("stdout")) {
		if rest, ok := strings.CutPrefix(line, args[0]+" "); ok {
			ts.Setenv(args[1], strings.TrimSpace(rest))
			return
		}
	}
	ts.Fatalf("no line begins with %s", args[0])
}

// modeOf holds a file to its permissions: mode 0600 FILE
func modeOf(ts *testscript.TestScript, _ bool, args []string) {
	if len(args) != 2 {
		ts.Fatalf("usage: mode MODE FILE")
	}
	info, err := os.Stat(ts.MkAbs(args[1]))
	ts.Check(err)
	if got := info.Mode().Perm().String(); got != args[0] {
		ts.Fatalf("%s has mode %s, want %s", args[1], got, args[0])
	}
}
