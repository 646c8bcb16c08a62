package main

import (
	"bufio"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"syscall"
	"testing"

	"github.com/rogpeppe/go-internal/testscript"

	"kvd/cmd/internal/clitest"
	"kvd/cmd/internal/cliutil"
)

// TestOnARealCluster does what a user would with a cluster of kvd dev, which is
// built once.
func TestOnARealCluster(t *testing.T) {
	bin := filepath.Join(t.TempDir(), "kvd")
	clitest.Build(t, filepath.Dir(bin), "kvd/cmd/kvd")
	t.Run("scripts", func(t *testing.T) {
		testscript.Run(t, testscript.Params{
			Dir:   filepath.Join("testdata", "cluster"),
			Setup: func(env *testscript.Env) error { return onCluster(t, env, bin) },
			Cmds: map[string]func(*testscript.TestScript, bool, []string){
				"exits": clitest.Exits, "cut": cutOut, "cluster": startCluster, "counted": counted,
			},
		})
	})
	t.Run("follow", func(t *testing.T) { followCluster(t, bin) })
}

func onCluster(t *testing.T, env *testscript.Env, bin string) error {
	env.Setenv("XDG_CONFIG_HOME", env.WorkDir+"/config")
	env.Setenv("XDG_STATE_HOME", env.WorkDir+"/state")
	env.Setenv("KVD", bin)
	env.Setenv("GONE", unused(t))
	return nil
}

// startCluster is the command that runs kvd dev until the script ends. Its leaders
// are the context in use, and $N1, $N2 and so on.
func startCluster(ts *testscript.TestScript, _ bool, args []string) {
	cmd := exec.Command(ts.Getenv("KVD"), append([]string{"dev", "--resp-port", "0"}, args...)...)
	cmd.Env = []string{"XDG_CONFIG_HOME=" + ts.Getenv("XDG_CONFIG_HOME"), "XDG_STATE_HOME=" + ts.Getenv("XDG_STATE_HOME"), "HOME=" + ts.Getenv("WORK")}
	all, stop, err := begin(cmd)
	ts.Check(err)
	ts.Defer(func() { ts.Check(stop()) })
	for name, addr := range all {
		ts.Setenv(strings.ToUpper(name), addr)
	}
}

// counted is the command that compares how many lines one file has with the number in
// another.
func counted(ts *testscript.TestScript, _ bool, args []string) {
	if lines, n := strings.Count(ts.ReadFile(args[0]), "\n"), strings.TrimSpace(ts.ReadFile(args[1])); strconv.Itoa(lines) != n {
		ts.Fatalf("%s has %d lines, and %s says %s", args[0], lines, args[1], n)
	}
}

var introduced = regexp.MustCompile(`^  (n\d+) +redis (\S+)`)

// begin runs kvd dev and reads where its leaders are. Stop does what Ctrl-C does.
func begin(cmd *exec.Cmd) (leaders map[string]string, stop func() error, err error) {
	cmd.Stderr = os.Stderr
	out, err := cmd.StdoutPipe()
	if err != nil {
		return nil, nil, err
	}
	if err := cmd.Start(); err != nil {
		return nil, nil, err
	}
	leaders = map[string]string{}
	lines := bufio.NewScanner(out)
	for lines.Scan() && !strings.HasPrefix(lines.Text(), "Try") {
		if m := introduced.FindStringSubmatch(lines.Text()); m != nil {
			leaders[m[1]] = m[2]
		}
	}
	stop = func() error {
		if err := cmd.Process.Signal(syscall.SIGINT); err != nil {
			return err
		}
		_, _ = io.Copy(io.Discard, out)
		if err := cmd.Wait(); cmd.ProcessState.ExitCode() != cliutil.Interrupted {
			return err
		}
		return nil
	}
	return leaders, stop, nil
}

// followCluster listens to three leaders while increments are lost.
func followCluster(t *testing.T, bin string) {
	cmd := exec.Command(bin, "dev", "--resp-port", "0", "--resolver", "lww", "--skew", "n1=+1h")
	cmd.Env = []string{"XDG_CONFIG_HOME=" + t.TempDir(), "HOME=" + t.TempDir()}
	at, stop, err := begin(cmd)
	if err != nil {
		t.Fatal(err)
	}
	defer func() {
		if err := stop(); err != nil {
			t.Error(err)
		}
	}()
	all := []*actor{{name: "n1", addr: at["n1"]}, {name: "n2", addr: at["n2"]}, {name: "n3", addr: at["n3"]}}
	run := func(args ...string) string {
		o := kv(t, nil, args...)
		o.is(t, codeOK)
		return strings.TrimSpace(o.out)
	}
	run("set", "x", "1", "-n", at["n1"])
	run("wait", "--converged", "-n", addrs(all))
	before := run("incr", "x", "-n", at["n3"], "--dot", "-o", "raw")
	run("wait", "--converged", "-n", addrs(all))
	f := startFollowing(t, all, "-o", "raw")
	f.sees(before)
	for range 3 {
		f.sees(run("incr", "x", "-n", at["n3"], "--dot", "-o", "raw"))
	}
	interrupt(t)
	f.ends(codeOK)
	kv(t, all, "audit").is(t, codeOK, "accepted 5 = live 1 + superseded 0 + lost 4: adds up")
}
