package transfer

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"kvd/logical"
	"kvd/replica"
	"kvd/replica/host"
	"kvd/storage"
	"kvd/storage/disk"
	"kvd/storage/file"
)

// ReceiverConfig is what a receiver is told once.
type ReceiverConfig struct {
	Leader string // its name
	Dir    string // the data directory
	Store  *storage.Store
	Loop   *host.Loop
	// Fetch connects to another leader that is to be asked.
	Fetch func(ctx context.Context, from replica.Leader) (net.Conn, error)
	// Timeout is how long it waits for what another has before it asks what the others keep;
	// it asks twice.
	Timeout time.Duration
	// Space is how many bytes the disk has left; false: it is not known.
	Space func() (free uint64, ok bool)
	// Fetched is told that a state is whole: the leader is to begin again.
	Fetched func()
	Logger  *slog.Logger
}

// Receiver finds out that a leader lacks what only the state of another has, and fetches it.
type Receiver struct {
	cfg      ReceiverConfig
	failures failures

	target logical.Frontier // what others were known to have, and since when it is waited for
	since  time.Time
	stuck  int  // times in a row that nobody had what is lacking in its log
	begun  bool // something may be left of a state that was begun

	done atomic.Int64 // bytes
	mu   sync.Mutex
	now  Progress
}

// Progress is a transfer under way; the zero Progress: none is.
type Progress struct {
	From        string // the leader whose state it is
	Done, Total int64  // bytes
	Failed      string // why the last one failed, if none is under way
}

// stuckTimes is how often it must find, in a row, that nobody can give what is lacking.
const stuckTimes = 2

// NewReceiver does nothing before Run.
func NewReceiver(cfg ReceiverConfig) *Receiver {
	r := &Receiver{cfg: cfg, failures: readFailures(cfg.Dir), begun: true}
	r.now.Failed = r.failures.Why
	return r
}

// Progress is how far it has come. A receiver that is nil has nothing to do.
func (r *Receiver) Progress() Progress {
	if r == nil {
		return Progress{}
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	p := r.now
	if p.From != "" {
		p.Done = min(r.done.Load(), p.Total)
	}
	return p
}

func (r *Receiver) tell(p Progress) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.now = p
}

// Run works until the loop ends, or a state is whole.
func (r *Receiver) Run() {
	ctx, stop := context.WithCancel(context.Background())
	defer stop()
	go func() {
		<-r.cfg.Loop.Done()
		stop()
	}()
	tick := time.NewTicker(r.cfg.Timeout / 3)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case now := <-tick.C:
			if r.look(ctx, now) {
				return
			}
		}
	}
}

// look is one round; true: a state is whole.
func (r *Receiver) look(ctx context.Context, now time.Time) (fetched bool) {
	have := r.cfg.Loop.Frontier()
	if !r.waits(have, now) || now.Sub(r.since) < r.cfg.Timeout || now.Before(r.failures.next()) {
		return false
	}
	r.since = now
	from := r.lenders(ctx, have)
	if len(from) == 0 {
		r.stuck = 0
		return false
	}
	if r.stuck++; r.stuck < stuckTimes {
		return false
	}
	r.stuck = 0
	return r.fetchFrom(ctx, from)
}

// waits notes how long something has been lacking. What is left of a state is removed once
// nothing is.
func (r *Receiver) waits(have logical.Frontier, now time.Time) bool {
	var known logical.Frontier
	for _, p := range r.cfg.Loop.Status().Peers {
		known = known.Join(p.Known)
	}
	if !have.Includes(r.target) {
		return true
	}
	r.target, r.since, r.stuck = known, now, 0
	if have.Includes(known) && r.begun {
		r.begun = os.RemoveAll(r.path(fetchingDir)) != nil || forgetFailures(r.cfg.Dir) != nil
		r.failures = failures{}
		r.tell(Progress{})
	}
	return !have.Includes(known)
}

func (r *Receiver) path(name string) string { return filepath.Join(r.cfg.Dir, name) }

// candidate is a leader in reach that has what is lacking here.
type candidate struct {
	name replica.Leader
	more uint64 // ops
}

// lenders is whose state would help, those with most first; none: some leader in reach has
// something that is lacking, and can give what comes before.
func (r *Receiver) lenders(ctx context.Context, have logical.Frontier) (from []candidate) {
	for _, p := range r.cfg.Loop.Status().Peers {
		more := p.Known.Beyond(have)
		if !p.Up || more == 0 {
			continue
		}
		var b begins
		l := r.lender(p.Peer)
		err := l.ask(ctx, http.MethodGet, "/log", &b)
		l.stop()
		switch {
		case err != nil:
			r.cfg.Logger.Debug("what its log begins with is not known", "leader", r.cfg.Leader, "peer", string(p.Peer), "why", err.Error())
		case have.Includes(frontier(b.Removed)):
			return nil
		default:
			from = append(from, candidate{p.Peer, more})
		}
	}
	slices.SortFunc(from, func(a, b candidate) int { return cmp.Or(cmp.Compare(b.more, a.more), cmp.Compare(a.name, b.name)) })
	return from
}

func (r *Receiver) lender(name replica.Leader) *lender {
	return newLender(func(ctx context.Context) (net.Conn, error) { return r.cfg.Fetch(ctx, name) })
}

// fetchFrom fetches the state of the first of them that gives it.
func (r *Receiver) fetchFrom(ctx context.Context, from []candidate) bool {
	var errs []error
	for _, c := range from {
		began := time.Now()
		bytes, err := r.fetch(ctx, c.name)
		if err == nil {
			r.cfg.Logger.Info("has the state of another leader, and begins again with it", "leader", r.cfg.Leader, "from", string(c.name), "bytes", bytes, "took", time.Since(began).Round(time.Millisecond).String())
			r.cfg.Fetched()
			return true
		}
		errs = append(errs, fmt.Errorf("the state of %s: %w", c.name, err))
		if ctx.Err() != nil {
			return false
		}
	}
	err := disk.Advised(errors.Join(errs...))
	why := strings.ReplaceAll(err.Error(), "\n", "; ")
	if disk.CauseOf(err) == disk.Full {
		_ = os.RemoveAll(r.path(fetchingDir)) // the leader itself needs the room
	}
	if failed := r.failures.note(r.cfg.Dir, errors.New(why)); failed != nil {
		r.cfg.Logger.Warn("that fetching a state failed is not remembered", "leader", r.cfg.Leader, "why", failed.Error())
	}
	r.tell(Progress{Failed: why})
	r.cfg.Logger.Error("needs ops that the others do not keep any more, and their state cannot be fetched", "leader", r.cfg.Leader, "why", why, "again", time.Until(r.failures.next()).Round(time.Second).String())
	return false
}

// senderFile names the leader whose files are in a state that is being fetched.
const senderFile = "store.fetching.from"

// maxBegins is how often a state that is given up amid it is asked for anew: what is here by
// then is not fetched again.
const maxBegins = 5

// fetch fetches the state of a leader, and gives it the name that says that it is whole.
func (r *Receiver) fetch(ctx context.Context, name replica.Leader) (bytes int64, err error) {
	r.begun = true
	f := fetching{dir: r.path(fetchingDir), lender: r.lender(name), done: &r.done}
	defer f.lender.stop()
	for try := 0; try == 0 || try < maxBegins && errors.Is(err, errGone); try++ {
		f.manifest = manifest{}
		if err := f.lender.ask(ctx, http.MethodPost, "/state", &f.manifest); err != nil {
			return 0, err
		}
		err = r.take(ctx, name, &f)
		f.end(ctx)
	}
	if err != nil {
		return 0, err
	}
	err = errors.Join(os.RemoveAll(r.path(fetchedDir)), os.Remove(r.path(senderFile)))
	if err == nil {
		err = cmp.Or(os.Rename(f.dir, r.path(fetchedDir)), file.SyncDir(r.cfg.Dir))
	}
	return f.manifest.bytes(), err
}

// take fetches what a manifest names.
func (r *Receiver) take(ctx context.Context, name replica.Leader, f *fetching) error {
	if err := f.manifest.check(); err != nil {
		return err
	}
	if !frontier(f.manifest.Frontier).Includes(r.cfg.Store.Log().Removed()) {
		return errors.New("it lacks what the log here does not keep any more")
	}
	if before, err := os.ReadFile(r.path(senderFile)); err != nil || string(before) != string(name) { // its files have other contents
		if err := os.RemoveAll(f.dir); err != nil {
			return err
		}
	}
	if err := cmp.Or(file.Replace(r.path(senderFile), []byte(name), 0o644), f.prepare()); err != nil {
		return err
	}
	total, present := f.manifest.bytes(), f.present()
	if free, ok := r.cfg.Space(); ok && free < uint64(total-present+room(total)) {
		return fmt.Errorf("it has %d bytes, and the disk has %d left, of which it takes some more to put the state in place: give the disk more room", total-present, free)
	}
	r.done.Store(present)
	r.tell(Progress{From: string(name), Total: total})
	r.cfg.Logger.Warn("needs ops that the others do not keep any more, and fetches the state of one of them", "leader", r.cfg.Leader, "from", string(name), "bytes", total, "here", present)
	return f.all(ctx)
}

// room is what a state takes beside its files, until it is in place.
func room(total int64) int64 { return 64<<20 + total/16 }
