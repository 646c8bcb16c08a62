package main

import (
	"bufio"
	"context"
	"errors"
	"io"
	"net"
	"os"
	"os/exec"
	"regexp"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"kvd/replica/replicatest"

	"github.com/redis/go-redis/v9"
)

// process is a kvd of its own.
type process struct {
	t     *testing.T
	cmd   *exec.Cmd
	ended chan error

	mu    sync.Mutex // guards what it said
	lines []string
}

// launch starts kvd with its contexts in a folder of the test's.
func launch(t *testing.T, args ...string) *process {
	t.Helper()
	return launchAs(t, func(*exec.Cmd) {}, args...)
}

// launchAs is launch with something else about the process.
func launchAs(t *testing.T, change func(*exec.Cmd), args ...string) *process {
	t.Helper()
	p := &process{t: t, cmd: exec.Command("kvd", args...), ended: make(chan error, 1)}
	p.cmd.Env = append(p.cmd.Environ(), "XDG_CONFIG_HOME="+t.TempDir(), "XDG_STATE_HOME="+stateHome(t))
	r, w := io.Pipe()
	p.cmd.Stdout, p.cmd.Stderr = w, w
	change(p.cmd)
	if err := p.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	heard := make(chan struct{}) // all that it said
	go func() {
		p.read(r)
		close(heard)
	}()
	go func() {
		err := p.cmd.Wait()
		w.Close()
		<-heard
		p.ended <- err
	}()
	t.Cleanup(func() {
		_ = p.cmd.Process.Kill() // it may have ended
		if t.Failed() {
			t.Logf("kvd %s\n%s", strings.Join(args, " "), p.text())
		}
	})
	return p
}

// homes is the folder of each test that stands for what a machine remembers.
var homes sync.Map

func stateHome(t *testing.T) string {
	home, _ := homes.LoadOrStore(t, t.TempDir())
	return home.(string)
}

func (p *process) read(r io.Reader) {
	for s := bufio.NewScanner(r); s.Scan(); {
		p.mu.Lock()
		p.lines = append(p.lines, s.Text())
		p.mu.Unlock()
	}
}

func (p *process) text() string {
	p.mu.Lock()
	defer p.mu.Unlock()
	return strings.Join(p.lines, "\n")
}

// says waits for a line that matches, and gives its groups.
func (p *process) says(pattern string) []string {
	p.t.Helper()
	re := regexp.MustCompile("(?m)" + pattern)
	var found []string
	replicatest.Eventually(p.t, "a line like "+pattern, func() bool {
		found = re.FindStringSubmatch(p.text())
		return found != nil
	})
	return found[1:]
}

func (p *process) signal(s syscall.Signal) {
	p.t.Helper()
	if err := p.cmd.Process.Signal(s); err != nil {
		p.t.Fatal(err)
	}
}

// end waits until it is gone, and gives its exit code; -1: by a signal.
func (p *process) end() int {
	p.t.Helper()
	select {
	case err := <-p.ended:
		p.ended <- err
		var exit *exec.ExitError
		if errors.As(err, &exit) {
			return exit.ExitCode()
		}
		if err != nil {
			p.t.Fatal(err)
		}
		return 0
	case <-time.After(replicatest.Timeout):
		p.t.Fatal("it does not end")
		return -1
	}
}

// last is the last line it said.
func (p *process) last() string {
	lines := strings.Split(strings.TrimSpace(p.text()), "\n")
	return lines[len(lines)-1]
}

// node is a kvd serve.
type served struct {
	*process
	*redis.Client
	name, origin, gossip, http string
	resumed                    string
}

// serves is begins, and waits until clients are served.
func serves(t *testing.T, name, dir, gossip string, more ...string) *served {
	t.Helper()
	n := begins(t, name, dir, gossip, more...)
	replicatest.Eventually(t, name+" serves", func() bool {
		err := n.Get(context.Background(), "k").Err()
		return err == nil || err == redis.Nil || !strings.HasPrefix(err.Error(), "LOADING ")
	})
	return n
}

// begins starts a leader whose addresses are free ones, gossip excepted: that is
// where the others, and the leader itself after a restart, are found.
func begins(t *testing.T, name, dir, gossip string, more ...string) *served {
	t.Helper()
	p := launch(t, append([]string{"serve", "--node", name, "--data-dir", dir, "--gossip-addr", gossip,
		"--resp-addr", "127.0.0.1:0", "--http-addr", "127.0.0.1:0", "--peer-addr", "127.0.0.1:0", "--gossip-pace", paceLocal}, more...)...)
	at := p.says(`msg=serving .* resp=(\S+) http=(\S+) .* gossip=(\S+) origin=(\S+) resumed=(\S+)`)
	c := redis.NewClient(&redis.Options{Addr: at[0], MaxRetries: -1, DisableIdentity: true, ReadTimeout: 2 * replicatest.Timeout})
	t.Cleanup(func() { c.Close() })
	return &served{process: p, Client: c, name: name, http: at[1], gossip: at[2], origin: at[3], resumed: at[4]}
}

// Ports that no system gives to whoever wants any, so that one which is free stays
// so until it is used.
const (
	firstFree = 20_000
	freePorts = 10_000
)

// lastFree counts those that were given out. Other test programs begin elsewhere.
var lastFree atomic.Uint32

// free is an address that nobody is at, and that nobody else is given.
func free(t *testing.T) string {
	t.Helper()
	for range freePorts {
		addr := devAddr(firstFree+(os.Getpid()*101+int(lastFree.Add(1)))%freePorts, 0)
		if l, err := net.Listen("tcp", addr); err == nil {
			l.Close()
			return addr
		}
	}
	t.Fatal("no port is free")
	return ""
}

// try does a command that must succeed.
func (n *served) try(args ...any) any {
	n.t.Helper()
	v, err := n.Do(context.Background(), args...).Result()
	if err != nil {
		n.t.Fatalf("%s: %v: %v", n.name, args, err)
	}
	return v
}

// shows waits until the key shows the value.
func (n *served) shows(key, value string) {
	n.t.Helper()
	got := ""
	replicatest.Eventually(n.t, n.name+" shows "+key+" = "+value+", at last "+got, func() bool {
		got, _ = n.Get(context.Background(), key).Result()
		return got == value
	})
}
