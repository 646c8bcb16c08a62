package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"runtime"
	"runtime/debug"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/urfave/cli/v2"

	"kvd/cmd/internal/cliutil"
	"kvd/replica/node"
)

func serveCommand() *cli.Command {
	return &cli.Command{
		Name: "serve", Usage: "serve as one leader",
		Description: "A first interrupt or SIGTERM drains: no new clients, then what only this leader has\n" +
			"goes to the others. The last line says how many acknowledged writes no other leader\n" +
			"is known to have. A second signal ends at once.\n\n" +
			"SIGHUP, or kv admin reload, reads users, certificates and the log level again; a\n" +
			"failure is logged, and what was read before stays. The end of the terminal that kvd\n" +
			"was begun at drains, as an interrupt does; nohup and disown keep it serving.\n\n" +
			"Memory: --memory is what the process takes in all, and most of it is for objects. Of it\n" +
			"a quarter but at most 256 MiB is for clients, an eighth but at most 256 MiB for peers\n" +
			"and its own work, six memtables of a thirty-second but at most 16 MiB for what is on\n" +
			"its way to disk, and a fifth of the rest for blocks of the store. The garbage collector\n" +
			"keeps to it where it can; GOMEMLIMIT in the environment overrides that.\n\n" +
			"Sizes are numbers of bytes, or of KiB, MiB, GiB and TiB, as in 2GiB.",
		Flags: flags(table()), Action: serve,
	}
}

func serve(c *cli.Context) error {
	if c.NArg() > 0 {
		return cliutil.Usage("kvd serve takes flags only", "read: "+c.Args().First(), "kvd serve --help")
	}
	r := running{c: c}
	var err error
	if r.all, err = gather(c, ""); err == nil {
		r.cfg, err = configured(r.all, c.App.ErrWriter)
	}
	if err != nil {
		return err
	}
	r.cfg.Renewable, r.cfg.Reload = true, r.reload
	defer runtime.KeepAlive(limitMemory(&r.cfg.Config))
	addThread()
	ctx, reloads, stopWatching := hangups(c.Context, true)
	defer stopWatching()
	for again := r.cfg.Config; ; {
		l, err := begin(ctx, again)
		if err != nil {
			return err
		}
		r.serves.Store(l)
		next, err := r.attend(ctx, c.App.ErrWriter, l, reloads)
		if next == nil {
			return err
		}
		again = *next
	}
}

// attend serves until the leader is to stop, or cannot go on: then it says with which
// configuration it is to begin again, if it is.
func (r *running) attend(ctx context.Context, w io.Writer, l *node.Leader, reloads <-chan struct{}) (again *node.Config, err error) {
	for {
		select {
		case <-ctx.Done():
			return nil, drain(w, r.cfg.drain, l)
		case <-reloads:
			_, _ = r.reload() // it is logged
		case err := <-l.Broken():
			if errors.Is(err, node.ErrLeave) {
				return nil, errors.Join(drain(w, r.cfg.drain, l), said(w, l))
			}
			next := l.Again()
			stopErr := stop(l)
			if beginsAgain(err) && (stopErr == nil || !errors.Is(err, node.ErrRenew)) {
				r.cfg.Logger.Warn("begins again", "leader", l.Name(), "why", err.Error())
				return &next, nil
			}
			return nil, cliutil.Fail(l.Name()+" cannot go on", errors.Join(err, stopErr), "what was acknowledged is on disk; mend the cause and start again")
		}
	}
}

// beginsAgain reports whether a leader that gives this reason is to be started again.
func beginsAgain(why error) bool {
	return slices.ContainsFunc([]error{node.ErrReopen, node.ErrInstall, node.ErrPolicy, node.ErrRenew}, func(e error) bool { return errors.Is(why, e) })
}

func begin(ctx context.Context, cfg node.Config) (*node.Leader, error) {
	l, err := node.Start(ctx, cfg)
	if err != nil {
		return nil, cliutil.Fail("cannot serve", err, "kvd config print --origin says what was asked for, and by whom")
	}
	origin, resumed := l.Origin()
	a := l.Addrs()
	cfg.Logger.Info("serving", "leader", l.Name(), "resp", a.RESP, "http", a.HTTP, "peer", a.Peer, "gossip", a.Gossip,
		"origin", origin.String(), "resumed", resumed, "policy", l.Policy())
	return l, nil
}

// drain takes leaders down together: none leaves before all have given the
// others what only they have.
func drain(w io.Writer, timeout time.Duration, all ...*node.Leader) error {
	ctx, cancel := context.WithTimeout(context.Background(), timeout)
	defer cancel()
	var unshared atomic.Int64
	err := errors.Join(atOnce(all, func(l *node.Leader) error {
		n, err := l.Quiesce(ctx)
		unshared.Add(int64(n))
		return err
	}), stop(all...))
	fmt.Fprintf(w, "kvd: stopped; acknowledged writes that no other leader is known to have: %d\n", unshared.Load())
	if err != nil {
		return &cliutil.Problem{What: "stopped, though not in order", Why: err.Error(), Next: "mend the cause and start again; what was acknowledged is on disk, as --sync says", Code: cliutil.Failed, Stopping: true}
	}
	return nil
}

// said says that a leader has left.
func said(w io.Writer, l *node.Leader) error {
	_, err := fmt.Fprintf(w, "kvd: %s has left its cluster for good; its data directory can be removed\n", l.Name())
	return err
}

// stopWithin is how long leaders may take to tell the others that they go.
const stopWithin = 5 * time.Second

func stop(all ...*node.Leader) error {
	ctx, cancel := context.WithTimeout(context.Background(), stopWithin)
	defer cancel()
	return atOnce(all, func(l *node.Leader) error { return l.Stop(ctx) })
}

// atOnce does it to all leaders at the same time.
func atOnce(all []*node.Leader, do func(*node.Leader) error) error {
	errs := make([]error, len(all))
	var done sync.WaitGroup
	for i, l := range all {
		done.Go(func() { errs[i] = do(l) })
	}
	done.Wait()
	return errors.Join(errs...)
}

// running is a leader's configuration while it serves, and how to read it again.
type running struct {
	c   *cli.Context
	cfg *serving
	all []effective // what cfg was made of

	reading sync.Mutex                  // one reading at a time
	serves  atomic.Pointer[node.Leader] // nil before the first serves
}

// reload reads the configuration again, and takes over what can change while a leader
// serves: users, certificates and the log level. All of it is read before any of it
// counts; on a failure all stays as it was.
func (r *running) reload() (node.Reloaded, error) {
	r.reading.Lock()
	defer r.reading.Unlock()
	l := r.serves.Load()
	if l == nil {
		return node.Reloaded{}, errors.New("it has only just been read")
	}
	log := r.cfg.Logger.With("leader", l.Name())
	all, err := gather(r.c, "")
	var fresh *serving
	if err == nil {
		fresh, err = configured(all, io.Discard)
	}
	if err != nil {
		log.Error("the configuration was read again and is refused; what was read before stays", "why", err.Error())
		return node.Reloaded{}, err
	}
	r.cfg.level.Set(fresh.logLevel)
	out := node.Reloaded{Read: []string{"log-level"}, Waiting: r.waiting(all)}
	attrs := []any{"log-level", fresh.logLevel.String()}
	if r.cfg.TLS != nil && fresh.TLS != nil {
		r.cfg.TLS.Adopt(fresh.TLS)
		attrs, out.Read = append(attrs, "certificates", "read"), append(out.Read, "certificates")
	}
	if r.cfg.Users != nil && fresh.Users != nil {
		r.cfg.Users.Adopt(fresh.Users)
		attrs, out.Read = append(attrs, "users", r.cfg.Users.Len(), "connections-closed", l.Expel()), append(out.Read, "users")
	}
	log.Warn("the configuration was read again", attrs...) // at every level but error: somebody asked for it
	if len(out.Waiting) > 0 {
		log.Warn("some settings have changed that count from the next start on", "settings", fmt.Sprint(out.Waiting))
	}
	return out, nil
}

// waiting is the settings that have changed and do not change a leader that serves.
func (r *running) waiting(fresh []effective) []string {
	on := func(all []effective, name string) bool {
		return slices.ContainsFunc(all, func(e effective) bool { return e.name == name && e.text() != "" })
	}
	var waits []string
	for i, e := range fresh {
		taken := e.name == "log-level"
		switch e.name {
		case "users-file", "tls-cert", "tls-key", "tls-ca":
			taken = on(r.all, e.name) && on(fresh, e.name)
		}
		if !taken && e.text() != r.all[i].text() {
			waits = append(waits, e.name)
		}
	}
	return waits
}

// heapOf is what a leader of this configuration is meant to take of the heap that the
// collector sees: all of its memory, but for blocks and memtables where these are not Go's.
func heapOf(cfg *node.Config) int64 {
	heap := cfg.Memory.Total()
	if blocksOutside {
		heap -= cfg.Memory.Blocks + 3*cfg.Memory.MemTable
	}
	return heap
}

// limitMemory lets the garbage collector work harder near what the leader is meant
// to take of its heap. Without it megabytes that are garbage already may double the process:
// the collector would wait until the heap has grown by as much as is in use. It is
// a soft limit, and whoever sets GOMEMLIMIT knows better. The ballast is to be kept.
func limitMemory(cfg *node.Config) (ballast []byte) {
	askHugePages(min(heapOf(cfg), hugeBytes))
	if os.Getenv("GOMEMLIMIT") == "" {
		debug.SetMemoryLimit(heapOf(cfg))
	}
	if os.Getenv("GOGC") == "" {
		debug.SetGCPercent(garbagePercent)
		ballast = make([]byte, ballastBytes)
	}
	return ballast
}

// maxFew is how many processors are few.
const maxFew = 4

// addThread lets one thread more run Go code than there are processors, where these are
// few. A thread that syncs a file is kept for it for a while, and one that computes for 10 ms:
// with a sync and a compaction under way, requests would wait on two processors.
func addThread() {
	if n := runtime.GOMAXPROCS(0); n <= maxFew && os.Getenv("GOMAXPROCS") == "" {
		runtime.GOMAXPROCS(n + 1)
	}
}

// garbagePercent is how much garbage may gather, in per cent of what is in use. Objects lie
// outside of the heap, so that it is small and a collection cheap. Where little is in use
// the collector would come too often: ballast counts as in use, though nothing of it ever
// is, so that the system gives no memory for it.
const garbagePercent, ballastBytes = 50, 24 << 20

// hugeBytes is for how much of the heap huge pages are asked for: about what it takes with a
// few million objects, which lie outside of it.
const hugeBytes = 256 << 20
