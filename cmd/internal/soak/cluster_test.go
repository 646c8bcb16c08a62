package soak

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"

	"kvd/cmd/internal/clitest"
)

// Bounds on waiting. What fails takes this long; a busy machine may need much.
const (
	serveWithin  = 90 * time.Second
	stopWithin   = 60 * time.Second
	answerWithin = time.Minute
	settleWithin = 6 * time.Minute
)

// cluster is the leaders' processes, their folders and where they listen.
type cluster struct {
	t        *testing.T
	bin, dir string

	mu      sync.Mutex // guards what follows
	policy  []string
	leaders map[string]*leader
	joins   []string // gossip addresses to join the cluster at
}

// leader is one node over all its processes: its address stays.
type leader struct {
	name, dir, resp, gossip string

	restarting sync.Mutex // held by whoever stops and starts it
	client     *redis.Client
	cmd        *exec.Cmd
	ended      chan struct{}
	said       *text
	peak       int64 // greatest resident set seen, bytes
}

// text is what a process wrote, its end at least.
type text struct {
	mu   sync.Mutex
	b    []byte
	gone int // bytes that are not kept any more
}

const maxText = 256 << 10

// Write keeps the last bytes.
func (x *text) Write(b []byte) (int, error) {
	x.mu.Lock()
	defer x.mu.Unlock()
	x.b = append(x.b, b...)
	if more := len(x.b) - maxText; more > maxText {
		x.gone += more
		x.b = slices.Clone(x.b[more:])
	}
	return len(b), nil
}

// written is how many bytes were, ever.
func (x *text) written() int {
	x.mu.Lock()
	defer x.mu.Unlock()
	return x.gone + len(x.b)
}

// since is what was written after so many bytes, as far as it is kept.
func (x *text) since(began int) string {
	x.mu.Lock()
	defer x.mu.Unlock()
	return string(x.b[min(max(0, began-x.gone), len(x.b)):])
}

func (x *text) String() string {
	x.mu.Lock()
	defer x.mu.Unlock()
	return string(x.b)
}

// build makes the programs.
func build(t *testing.T) string {
	t.Helper()
	bin := t.TempDir()
	clitest.Build(t, bin, "kvd/cmd/kvd", "kvd/cmd/kv")
	return bin
}

func newCluster(t *testing.T, policy ...string) *cluster {
	c := &cluster{t: t, bin: build(t), dir: t.TempDir(), policy: policy, leaders: map[string]*leader{}}
	t.Cleanup(c.end)
	return c
}

// add makes a leader that has nothing yet and starts it.
func (c *cluster) add(name string) {
	c.t.Helper()
	l := &leader{name: name, dir: filepath.Join(c.dir, name), said: &text{}}
	if err := c.start(l); err != nil {
		c.t.Fatal(err)
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.leaders[name] = l
	c.joins = append(c.joins, l.gossip)
}

var serving = regexp.MustCompile(`msg=serving .*?resp=(\S+) .*?gossip=(\S+)`)

// start begins a process of the leader, at the addresses of the one before, and waits until
// it serves.
func (c *cluster) start(l *leader) error {
	began, err := c.launch(l)
	if err != nil {
		return err
	}
	return c.served(l, began)
}

// launch begins a process of the leader. What it says comes after so many bytes.
func (c *cluster) launch(l *leader) (began int, err error) {
	listen := func(known string) string {
		if known == "" {
			return "127.0.0.1:0"
		}
		return known
	}
	args := []string{"serve", "--node", l.name, "--data-dir", l.dir, "--unsafe-faults", "--quarantine", "warn", "--cache-bytes", strconv.Itoa(cacheBytes),
		"--resp-addr", listen(l.resp), "--gossip-addr", listen(l.gossip), "--http-addr", "127.0.0.1:0", "--peer-addr", "127.0.0.1:0", "--gossip-pace", "local"}
	c.mu.Lock()
	args = append(args, c.policy...)
	for _, at := range c.joins {
		if at != l.gossip {
			args = append(args, "--join", at)
		}
	}
	c.mu.Unlock()
	began = l.said.written()
	cmd := exec.Command(filepath.Join(c.bin, "kvd"), args...)
	cmd.Env, cmd.Dir, cmd.Stderr, cmd.Stdout = append(os.Environ(), "HOME="+c.dir, "XDG_CONFIG_HOME="+c.dir, "XDG_STATE_HOME="+c.dir), c.dir, l.said, io.Discard
	if err := cmd.Start(); err != nil {
		return 0, fmt.Errorf("start %s: %w", l.name, err)
	}
	l.cmd, l.ended = cmd, make(chan struct{})
	go func(ended chan struct{}) {
		_ = cmd.Wait() // how it ended is told by what it said
		close(ended)
	}(l.ended)
	return began, nil
}

// served waits until the process says where it serves.
func (c *cluster) served(l *leader, began int) error {
	poll := time.NewTicker(10 * time.Millisecond)
	defer poll.Stop()
	for end := time.After(serveWithin); ; {
		if at := serving.FindStringSubmatch(l.said.since(began)); at != nil {
			if l.client == nil {
				l.client = redis.NewClient(&redis.Options{Addr: at[1], Protocol: 2, MaxRetries: -1, DisableIdentity: true,
					ReadTimeout: answerWithin, WriteTimeout: answerWithin, PoolTimeout: answerWithin})
			}
			l.resp, l.gossip = at[1], at[2]
			return nil
		}
		select {
		case <-poll.C:
		case <-l.ended:
			return fmt.Errorf("%s ended before it served:\n%s", l.name, l.said)
		case <-end:
			return fmt.Errorf("%s does not serve after %s:\n%s", l.name, serveWithin, l.said)
		}
	}
}

// stop signals the leader's process and waits until it is gone.
func (c *cluster) stop(l *leader, s syscall.Signal) error {
	if err := l.cmd.Process.Signal(s); err != nil {
		return fmt.Errorf("signal %s: %w", l.name, err)
	}
	select {
	case <-l.ended:
		return nil
	case <-time.After(stopWithin):
		return fmt.Errorf("%s goes on %s after %s:\n%s", l.name, stopWithin, s, l.said)
	}
}

// kill ends a leader without warning and starts it again.
func (c *cluster) kill(name string) error {
	l := c.leader(name)
	l.restarting.Lock()
	defer l.restarting.Unlock()
	if err := c.stop(l, syscall.SIGKILL); err != nil {
		return err
	}
	return c.start(l)
}

// restart stops all leaders in order and starts them under another policy, all
// at once: they wait for each other.
func (c *cluster) restart(policy ...string) error {
	all := c.all()
	for _, l := range all {
		l.restarting.Lock()
		defer l.restarting.Unlock()
		if err := c.stop(l, syscall.SIGTERM); err != nil {
			return err
		}
	}
	c.mu.Lock()
	c.policy = policy
	c.mu.Unlock()
	errs := make([]error, len(all))
	var starting sync.WaitGroup
	for i, l := range all {
		starting.Go(func() { errs[i] = c.start(l) })
	}
	starting.Wait()
	return errors.Join(errs...)
}

func (c *cluster) leader(name string) *leader {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.leaders[name]
}

// all is the leaders by name.
func (c *cluster) all() []*leader {
	c.mu.Lock()
	defer c.mu.Unlock()
	var all []*leader
	for _, l := range c.leaders {
		all = append(all, l)
	}
	slices.SortFunc(all, func(a, b *leader) int { return strings.Compare(a.name, b.name) })
	return all
}

// end kills what still runs.
func (c *cluster) end() {
	for _, l := range c.all() {
		_ = l.cmd.Process.Kill() // it may be gone
		<-l.ended
		if l.client != nil {
			_ = l.client.Close()
		}
		if c.t.Failed() {
			lines := strings.Split(strings.TrimSpace(l.said.String()), "\n")
			c.t.Logf("%s said at last:\n%s", l.name, strings.Join(lines[max(0, len(lines)-40):], "\n"))
		}
	}
}

// weigh notes the resident set of every process.
func (c *cluster) weigh() {
	for _, l := range c.all() {
		status, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", l.cmd.Process.Pid))
		if err != nil {
			continue // it is being restarted, or this is no Linux
		}
		if m := regexp.MustCompile(`VmRSS:\s+(\d+) kB`).FindSubmatch(status); m != nil {
			kib, _ := strconv.ParseInt(string(m[1]), 10, 64)
			c.mu.Lock()
			l.peak = max(l.peak, kib<<10)
			c.mu.Unlock()
		}
	}
}

// kv runs our client against all leaders, and gives what it printed.
func (c *cluster) kv(ctx context.Context, args ...string) (string, error) {
	var nodes []string
	for _, l := range c.all() {
		nodes = append(nodes, l.resp)
	}
	cmd := exec.CommandContext(ctx, filepath.Join(c.bin, "kv"), append(args, "-n", strings.Join(nodes, ","), "--timeout", "5m")...)
	cmd.Env, cmd.Dir = append(os.Environ(), "HOME="+c.dir, "XDG_CONFIG_HOME="+c.dir, "XDG_STATE_HOME="+c.dir, "NO_COLOR=1"), c.dir
	out, err := cmd.CombinedOutput()
	return string(out), err
}
