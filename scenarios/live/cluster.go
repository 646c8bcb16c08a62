package live

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"kvd/replica/client/conn"
	"kvd/scenarios/script"
)

// cluster is the processes of one attempt, one a leader, and their folders.
// Nobody else reads or writes below dir.
type cluster struct {
	binary string
	dir    string
	names  []string
	policy []string // flags

	mu        sync.Mutex
	processes map[string]*process
	at        map[string]addrs // retained over restarts
}

var _ machines = (*cluster)(nil)

// startAll starts every leader, the first alone and the others together, and
// waits until all hear each other.
func (c *cluster) startAll(ctx context.Context) error {
	if err := c.start(c.names[0]); err != nil {
		return err
	}
	errs := make([]error, len(c.names))
	var wg sync.WaitGroup
	for i, n := range c.names[1:] {
		wg.Go(func() { errs[i] = c.start(n) })
	}
	wg.Wait()
	if err := errors.Join(errs...); err != nil {
		return err
	}
	for _, n := range c.names {
		if err := c.hears(ctx, n, len(c.names)-1); err != nil {
			return err
		}
	}
	return nil
}

// start starts a leader's process, at the addresses it had before if it had any.
func (c *cluster) start(name string) error {
	dir := c.home(name)
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return fmt.Errorf("start %s: %w", name, err)
	}
	p, at, err := launch(c.binary, c.dir, c.arguments(name))
	if err != nil {
		return fmt.Errorf("start %s: %w", name, err)
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.processes[name], c.at[name] = p, at
	return nil
}

func (c *cluster) home(name string) string { return filepath.Join(c.dir, name) }

func (c *cluster) arguments(name string) []string {
	c.mu.Lock()
	defer c.mu.Unlock()
	at, known := c.at[name]
	if !known {
		const any = "127.0.0.1:0"
		at = addrs{any, any, any, any}
	}
	args := []string{"serve", "--node", name, "--data-dir", c.home(name), "--state-dir", "none", "--log-format", "json", "--log-level", "info",
		"--resp-addr", at.RESP, "--http-addr", at.HTTP, "--peer-addr", at.Peer, "--gossip-addr", at.Gossip, "--gossip-pace", "local",
		"--sync", "always", "--cache-bytes", strconv.Itoa(8 << 20), "--unsafe-faults", "--quarantine", "warn"}
	args = append(args, c.policy...)
	for _, other := range slices.Sorted(maps.Keys(c.at)) {
		if other != name {
			args = append(args, "--join", c.at[other].Gossip)
		}
	}
	return args
}

// joinTime bounds how long leaders may take to find each other.
const joinTime = 20 * time.Second

// hears waits until a leader has heard from so many others: its links to them are
// up. WAIT without a write counts them.
func (c *cluster) hears(ctx context.Context, name string, others int) error {
	k, err := conn.Dial(c.running()[name], dialTime)
	if err != nil {
		return fmt.Errorf("%s: %w", name, err)
	}
	defer k.Close()
	for end := time.Now().Add(joinTime); ; {
		r, err := k.Do(joinTime, "WAIT", strconv.Itoa(others), "200")
		switch {
		case err != nil:
			return fmt.Errorf("%s does not say whom it hears: %w", name, err)
		case r.Int >= int64(others):
			return nil
		case ctx.Err() != nil:
			return ctx.Err()
		case time.Now().After(end):
			return fmt.Errorf("%s hears %d of %d others after %s%s", name, r.Int, others, joinTime, c.last(name))
		}
	}
}

func (c *cluster) last(name string) string {
	if p := c.process(name); p != nil {
		return p.log.last()
	}
	return ""
}

// process is the leader's, nil if none runs.
func (c *cluster) process(name string) *process {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.processes[name]
}

// running is where clients find the leaders that run.
func (c *cluster) running() map[string]string {
	c.mu.Lock()
	defer c.mu.Unlock()
	at := map[string]string{}
	for n := range c.processes {
		at[n] = c.at[n].RESP
	}
	return at
}

// faultTime bounds how long a leader that has just started may take to know whom
// a fault is about.
const faultTime = 10 * time.Second

// fault plants a fault in a leader. One that does not run has neither clock nor
// links.
func (c *cluster) fault(name string, words ...string) error {
	if c.process(name) == nil {
		return nil
	}
	k, err := conn.Dial(c.running()[name], dialTime)
	if err != nil {
		return fmt.Errorf("plant a fault in %s: %w%s", name, err, c.last(name))
	}
	defer k.Close()
	for end := time.Now().Add(faultTime); ; time.Sleep(5 * time.Millisecond) {
		_, err = k.Do(faultTime, append([]string{"KVD.FAULT"}, words...)...)
		if err == nil {
			return nil
		}
		if !strings.Contains(err.Error(), "is no other leader") || time.Now().After(end) {
			return fmt.Errorf("plant a fault in %s: %w%s", name, err, c.last(name))
		}
	}
}

func (c *cluster) act(a script.Action) error {
	switch a := a.(type) {
	case script.Pause:
		if p := c.process(a.Leader); p != nil {
			return p.pause()
		}
	case script.Crash:
		c.end(a.Leader)
	case script.Restart:
		c.end(a.Leader)
		return c.start(a.Leader)
	case script.Wipe:
		c.end(a.Leader)
		return os.RemoveAll(c.home(a.Leader))
	case script.Backup:
		return c.keep(a)
	case script.Restore:
		c.end(a.Leader)
		if err := os.RemoveAll(c.home(a.Leader)); err != nil {
			return err
		}
		return copyFolder(c.backup(a.Name), c.home(a.Leader))
	case script.DiskFault:
		return c.fault(a.Leader, "DISK", string(a.State))
	case script.Rot:
		return rot(filepath.Join(c.home(a.Leader), "store", "log"))
	case script.Clone:
		c.end(a.To)
		if err := os.RemoveAll(c.home(a.To)); err != nil {
			return err
		}
		return c.copyOf(a.From, c.home(a.To))
	}
	return nil
}

func (c *cluster) backup(name string) string { return filepath.Join(c.dir, "backup-"+name) }

func (c *cluster) resume(name string) error {
	if p := c.process(name); p != nil {
		return p.resume()
	}
	return nil
}

// keep retains a copy of a leader's files.
func (c *cluster) keep(b script.Backup) error { return c.copyOf(b.Leader, c.backup(b.Name)) }

// copyOf copies a leader's files. Under a running process they would change while
// they are read, so it stands still meanwhile: the copy is what a crash at this
// moment would leave.
func (c *cluster) copyOf(leader, to string) (err error) {
	if p := c.process(leader); p != nil {
		if err := p.halt(); err != nil {
			return fmt.Errorf("%s runs, and its files cannot be copied whole: %w; crash it first", leader, err)
		}
		defer func() { err = errors.Join(err, p.resume()) }()
	}
	return copyFolder(c.home(leader), to)
}

func copyFolder(from, to string) error {
	if err := os.CopyFS(to, os.DirFS(from)); err != nil {
		return fmt.Errorf("copy a leader's disk: %w", err)
	}
	return nil
}

func (c *cluster) end(name string) {
	c.mu.Lock()
	p := c.processes[name]
	delete(c.processes, name)
	c.mu.Unlock()
	if p != nil {
		p.kill()
	}
}

// dead names a process that ended and was not told to.
func (c *cluster) dead() error {
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, n := range slices.Sorted(maps.Keys(c.processes)) {
		if p := c.processes[n]; p.ended() && !p.killed.Load() {
			return fmt.Errorf("the process of %s died: %w%s", n, p.err, p.log.last())
		}
	}
	return nil
}

func (c *cluster) close() error {
	for _, n := range c.names {
		c.end(n)
	}
	if err := os.RemoveAll(c.dir); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("remove %s: %w", c.dir, err)
	}
	return nil
}
