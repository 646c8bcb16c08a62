package live

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"
)

type addrs struct{ RESP, HTTP, Peer, Gossip string }

type process struct {
	cmd    *exec.Cmd
	log    log
	killed atomic.Bool   // we did it
	done   chan struct{} // closed when it has ended
	err    error         // how; read after done
}

// startTime bounds how long a process may take until it serves.
const startTime = 20 * time.Second

func launch(binary, dir string, args []string) (*process, addrs, error) {
	p := &process{cmd: exec.Command(binary, args...), done: make(chan struct{})}
	p.log.serving = make(chan addrs, 1)
	p.cmd.Dir, p.cmd.Env, p.cmd.Stderr, p.cmd.SysProcAttr = dir, environment(), &p.log, attributes()
	began := make(chan error, 1)
	go p.run(began)
	if err := <-began; err != nil {
		return nil, addrs{}, fmt.Errorf("start %s: %w", binary, err)
	}
	select {
	case a := <-p.log.serving:
		return p, a, nil
	case <-p.done:
		return nil, addrs{}, fmt.Errorf("it ended before it served: %w%s", p.err, p.log.last())
	case <-time.After(startTime):
		p.kill()
		return nil, addrs{}, fmt.Errorf("it does not serve after %s%s", startTime, p.log.last())
	}
}

// run is the process's goroutine. It keeps the thread that started the process:
// where children die with their parent, the parent is a thread.
func (p *process) run(began chan<- error) {
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	defer close(p.done)
	err := p.cmd.Start()
	began <- err
	if err == nil {
		p.err = p.cmd.Wait()
	}
	if p.err == nil {
		p.err = fmt.Errorf("it ended by itself")
	}
}

// environment is ours without what would configure a leader.
func environment() []string {
	return slices.DeleteFunc(os.Environ(), func(v string) bool { return strings.HasPrefix(v, "KVD_") })
}

// kill ends the process at once and waits until it is gone.
func (p *process) kill() {
	p.killed.Store(true)
	_ = p.cmd.Process.Kill() // it may be gone already
	<-p.done
}

func (p *process) ended() bool {
	select {
	case <-p.done:
		return true
	default:
		return false
	}
}

// maxLines is how much of a log is retained for when something goes wrong.
const maxLines = 12

// log takes what a process writes to its standard error, one JSON object a line.
type log struct {
	serving chan addrs // of one

	mu    sync.Mutex
	rest  string
	lines []string
}

// Write never fails.
func (l *log) Write(b []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	lines := strings.Split(l.rest+string(b), "\n")
	l.rest = lines[len(lines)-1]
	for _, line := range lines[:len(lines)-1] {
		l.lines = append(l.lines, line)
		l.parse(line)
	}
	l.lines = l.lines[max(0, len(l.lines)-maxLines):]
	return len(b), nil
}

// parse looks for the line that says where the leader serves.
func (l *log) parse(line string) {
	var said struct {
		Msg string
		addrs
	}
	if json.Unmarshal([]byte(line), &said) != nil || said.Msg != "serving" {
		return
	}
	select {
	case l.serving <- said.addrs:
	default:
	}
}

// last is the last lines, for people; empty if there are none.
func (l *log) last() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	lines := l.lines
	if l.rest != "" {
		lines = append(lines[:len(lines):len(lines)], l.rest)
	}
	if len(lines) == 0 {
		return ""
	}
	return "\nits last lines:\n  " + strings.Join(lines, "\n  ")
}

// Build compiles kvd into dir and returns the program's path. It needs the go
// command and to be run inside the project's source tree.
func Build(ctx context.Context, dir string) (string, error) {
	path, err := filepath.Abs(filepath.Join(dir, "kvd"))
	if err != nil {
		return "", err
	}
	args := []string{"run", "-exec", "cp", "kvd/cmd/kvd", path} // the go command keeps what it runs: the next build is a copy
	if runtime.GOOS == "windows" {
		args = []string{"build", "-o", path, "kvd/cmd/kvd"}
	}
	out, err := exec.CommandContext(ctx, "go", args...).CombinedOutput()
	switch {
	case errors.Is(err, exec.ErrNotFound):
		return "", fmt.Errorf("build kvd: %w; install Go, or name a kvd program", err)
	case ctx.Err() != nil:
		return "", ctx.Err()
	case err != nil:
		return "", fmt.Errorf("build kvd: %w: %s; build inside the source tree, or name a kvd program", err, strings.TrimSpace(string(out)))
	}
	return path, nil
}
