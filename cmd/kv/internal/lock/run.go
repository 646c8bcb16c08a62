package lock

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"runtime"
	"time"

	"kvd/cmd/internal/cliutil"
	"kvd/cmd/kv/internal/invoke"
	"kvd/cmd/kv/internal/show"
	"kvd/replica/client"
)

type problem = cliutil.Problem

// Exit codes beside those of the command and of kv.
const (
	codeLost     = 124 // the lock was lost, and the command was stopped
	codeCannot   = 126 // the command is there, and cannot be run
	codeNotFound = 127 // there is no such command
)

// runHeld is kv lock run.
func runHeld(k *invoke.Call) error {
	ttl, grace, wait := k.Duration("ttl"), k.Duration("grace"), time.Duration(-1)
	if k.IsSet("wait") {
		wait = k.Duration("wait")
		if wait < 0 {
			return cliutil.Usage(fmt.Sprintf("--wait %s is no time to wait", wait), "0s does not wait, and without --wait it takes as long as it takes", "kv lock run NAME --wait 10s -- COMMAND")
		}
	}
	if !k.IsSet("grace") {
		grace = ttl / 4
	}
	name, words := k.Args().First(), k.Args().Tail()
	if err := sensible(name, ttl, grace); err != nil {
		return err
	}
	path, err := exec.LookPath(words[0])
	if err != nil {
		return &problem{What: "cannot run " + show.Printable(words[0]), Why: err.Error(), Next: "kv lock run NAME -- COMMAND; the lock was not taken", Code: cannot(err)}
	}
	h, err := newHolder(k, name, ttl)
	if err != nil {
		return err
	}
	defer h.opened.Close()
	got, err := h.acquire(k.Ctx(), wait)
	if err != nil {
		return err
	}
	r := &running{h: h, renewed: make(chan grant, 1), w: watch{ttl: ttl, grace: grace, looked: got.asked}}
	r.w.held(got.asked, got.left)
	if r.w.look(elapsed()) != nothing { // it was waited for long
		again := h.renew(k.Ctx())
		if again.err != nil {
			h.release()
			return again.err
		}
		r.w.held(again.asked, again.left)
	}
	return r.command(path, words)
}

// cannot is the exit code for a command that is not run, as shells say it.
func cannot(err error) int {
	if errors.Is(err, exec.ErrNotFound) || errors.Is(err, os.ErrNotExist) {
		return codeNotFound
	}
	return codeCannot
}

const minTTL, maxTTL = 500 * time.Millisecond, 24 * time.Hour

func sensible(name string, ttl, grace time.Duration) error {
	const next = "kv lock run --ttl 15s NAME -- COMMAND"
	switch {
	case name == "":
		return cliutil.Usage("a lock has a name", "the one given is empty", next)
	case ttl < minTTL || ttl > maxTTL:
		return cliutil.Usage(fmt.Sprintf("--ttl %s is no time for a lease", ttl), fmt.Sprintf("it lasts %s to %s without being renewed", minTTL, maxTTL), next)
	case grace < 0 || grace > ttl/2:
		return cliutil.Usage(fmt.Sprintf("--grace %s does not go with --ttl %s", grace, ttl), "a command is told to end before the lease may, and half of it is left for renewing", next)
	}
	return nil
}

// running is a command under a lock.
type running struct {
	h       *holder
	w       watch
	renewed chan grant
	failed  error // of the last renewal; nil: it succeeded

	cmd         *exec.Cmd
	group       bool
	interrupted bool
	ended       chan error // of the command
}

// command runs it to its end, and releases the lock.
func (r *running) command(path string, words []string) error {
	k := r.h.k
	r.cmd = exec.Command(path, words[1:]...)
	r.cmd.Args[0] = words[0]
	r.cmd.Stdin, r.cmd.Stdout, r.cmd.Stderr = k.App.Reader, k.App.Writer, k.App.ErrWriter
	r.cmd.Env = append(os.Environ(), "KV_LOCK_NAME="+r.h.name, "KV_LOCK_TOKEN="+r.h.token)
	r.cmd.WaitDelay = time.Second // whatever it started may hold its output open
	r.group = apart(r.cmd, k.App.Reader)
	began := make(chan error, 1)
	r.ended = make(chan error, 1)
	go func() {
		runtime.LockOSThread() // Linux kills the command with the thread that started it
		err := r.cmd.Start()
		began <- err
		if err == nil {
			r.ended <- r.cmd.Wait()
		}
	}()
	if err := <-began; err != nil {
		r.h.release()
		return &problem{What: "cannot run " + show.Printable(words[0]), Why: err.Error(), Next: "the lock was released", Code: cannot(err)}
	}
	ctx, stop := context.WithCancel(context.WithoutCancel(k.Ctx()))
	err := r.wait(ctx)
	stop()
	if r.w.asking {
		<-r.renewed
	}
	return r.verdict(err)
}

// wait looks after lock and command until the command has ended, and where it was told to, all that it
// started: a shell ends at once, and what it runs may take its time.
func (r *running) wait(ctx context.Context) (result error) {
	tick := time.NewTicker(r.w.every())
	defer tick.Stop()
	interrupt, ended := r.h.k.Ctx().Done(), r.ended
	for ended != nil || r.w.told && !r.w.killed && remains(r.cmd, r.group) {
		select {
		case result = <-ended:
			ended = nil
			continue
		case g := <-r.renewed:
			r.note(g)
		case <-interrupt:
			interrupt = nil
			r.interrupted = true
			r.tell(max(r.w.grace, interruptGrace))
		case <-tick.C:
		}
		switch r.w.look(elapsed()) {
		case renew:
			r.w.asking = true
			go func() { r.renewed <- r.h.renew(ctx) }()
		case tell:
			is := "may be lost soon"
			if r.w.over {
				is = "is lost"
			}
			r.h.k.Say(show.Printable(r.h.name) + " " + is + ": " + show.Printable(r.why()))
			r.tell(r.w.grace)
		case kill:
			r.w.killed = true
			signal(r.cmd, r.group, true)
		}
	}
	return result
}

// interruptGrace is how long a command has to end when the user wants it to: the lease goes on.
const interruptGrace = 10 * time.Second

func (r *running) tell(grace time.Duration) {
	r.w.stop(elapsed(), grace)
	signal(r.cmd, r.group, false)
}

// note takes the answer to a renewal. One that failed is tried again soon.
func (r *running) note(g grant) {
	r.w.asking, r.failed = false, g.err
	switch {
	case g.err == nil:
		r.w.held(g.asked, g.left)
	case client.Code(g.err) == "FENCED":
		r.w.lost(elapsed())
	default:
		r.w.next = elapsed() + r.w.ttl/16
	}
}

// why is why the lock may be lost.
func (r *running) why() string {
	switch {
	case r.w.stood > r.w.ttl/4:
		return fmt.Sprintf("this process stood still for %s, and the lease lasts %s", r.w.stood.Round(10*time.Millisecond), r.w.ttl)
	case r.w.over:
		return reason(r.failed)
	case r.failed != nil:
		return "the lease could not be renewed: " + reason(r.failed)
	}
	return "the lease was not renewed in time"
}

// verdict is what became of the command, as kv's own end.
func (r *running) verdict(err error) error {
	late := elapsed() >= r.w.end
	lost := r.w.over || late || r.w.told && !r.interrupted
	if !lost {
		r.failed = r.h.lapsed()
		r.w.over = r.failed != nil
		lost = r.w.over
	}
	if !r.w.over {
		r.h.release()
	}
	state := r.cmd.ProcessState
	switch {
	case lost && !r.w.told && !r.w.killed:
		r.w.look(elapsed())
		return r.lost("the command ended, though later than its lock")
	case lost:
		return r.lost("the lock was lost, and the command was stopped")
	case r.interrupted:
		how := "has"
		if r.w.killed {
			how = "was killed since it did not in time"
		}
		return &problem{What: "interrupted", Why: "a signal asked for it; the command was told to end, and " + how + "; the lock is released", Next: "run it again", Code: cliutil.Interrupted}
	case state == nil:
		return cliutil.Fail("the command cannot be waited for", err, "")
	case !state.Success():
		return &problem{Told: true, Code: code(state)}
	}
	return nil
}

func (r *running) lost(what string) error {
	return &problem{What: r.h.k.Subject() + ": " + what, Why: r.why(), Code: codeLost, Stopping: true,
		Next: "what it wrote without the token " + r.h.token + " may stand beside what the next holder writes; kv lock write and KVD.FENCED refuse what comes too late"}
}
