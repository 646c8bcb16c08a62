package node

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"net"
	"sync"
	"sync/atomic"
	"time"

	"kvd/logical"
	"kvd/replica"
	"kvd/replica/console"
	"kvd/replica/host"
	"kvd/replica/host/refold"
	"kvd/replica/node/internal/lent"
	"kvd/replica/resp/server"
	"kvd/resolve"
)

const tellEvery = 5 * time.Second

// foldAgain makes the objects anew from the log, if they were folded under another
// policy. It runs before any other step changes the disk, so that a store for which it
// fails is as it was. While it runs, clients are answered LOADING.
func (l *Leader) foldAgain(ctx context.Context) error {
	w, o := &foldingWork{Leader: l}, l.objects()
	fold := o.Refold()
	fold.Progress = w.progress
	err := refold.Run(ctx, l.store, l.cfg.Policy, fold)
	return errors.Join(err, w.close(), w.err)
}

type foldingWork struct {
	*Leader
	began, told time.Time
	done, total atomic.Uint64
	from        string
	end         func() // of the blocker; nil: nothing had to be folded
	servers     *waitingServers
	err         error // servers that could not be started
}

// progress is called for each stretch, first before anything is changed.
func (w *foldingWork) progress(p refold.Progress) {
	w.done.Store(p.Done)
	w.total.Store(p.Total)
	now := time.Now()
	if w.end == nil {
		w.from = cmp.Or(p.From, "a policy that is not known")
		w.began, w.told = now, now
		w.end = w.blockers.Block(console.Folding, w.tell)
		w.servers, w.err = w.startWaiting()
		w.cfg.Logger.Info("folds its objects again from the log: they were made under another policy",
			"leader", w.cfg.Name, "before", w.from, "now", w.cfg.Policy.String(), "ops", p.Total/2, "resp", w.addrs.RESP, "http", w.addrs.HTTP)
	}
	if now.Sub(w.told) >= tellEvery {
		w.told = now
		w.cfg.Logger.Info("folds its objects again", "leader", w.cfg.Name, "percent", 100*p.Done/max(p.Total, 1))
	}
}

func (w *foldingWork) tell() (string, console.Progress) {
	p := console.Progress{Done: w.done.Load(), Total: w.total.Load()}
	return fmt.Sprintf("its objects are folded again from the log, since they were made under another policy (%s): %d %% done; wait, or ask another leader",
		w.from, 100*p.Done/max(p.Total, 1)), p
}

// close lets clients in, and takes the listeners back.
func (w *foldingWork) close() error {
	if w.end == nil {
		return nil
	}
	w.end()
	if w.done.Load() >= w.total.Load() {
		w.cfg.Logger.Info("has folded its objects again", "leader", w.cfg.Name, "took", time.Since(w.began).Round(time.Millisecond).String())
	}
	return w.servers.close()
}

// waitingServers answer clients and people as long as there is no leader yet to ask.
type waitingServers struct {
	resp    *server.Server
	console *console.Console
	lent    []*lent.Listener
	serving sync.WaitGroup
}

func (l *Leader) startWaiting() (*waitingServers, error) {
	d := &waitingServers{}
	lend := func(of net.Listener) *lent.Listener {
		d.lent = append(d.lent, lent.New(of))
		return d.lent[len(d.lent)-1]
	}
	cfg := l.respConfig()
	cfg.Loading = l.blockers.Loading
	var err error
	if d.resp, err = server.New(cfg, nobody{}, nobody{}, nobody{&l.cfg.Policy}); err != nil {
		return d, err
	}
	http := console.Config{Listener: lend(l.listeners.http), TLS: l.cfg.TLS.server(), Logger: l.cfg.Logger, Login: l.cfg.loginConsole()}
	if d.console, err = console.New(http, waitingSource{l}, l.metrics); err != nil {
		return d, err
	}
	clients := lend(l.listeners.resp)
	d.serving.Go(func() { _ = d.console.Serve() })
	d.serving.Go(func() { _ = d.resp.Serve(context.Background(), clients) })
	return d, nil
}

// close stops the servers, and leaves the addresses to whoever serves from now on.
func (d *waitingServers) close() error {
	if d == nil {
		return nil
	}
	ctx, cancel := context.WithTimeout(context.Background(), time.Second)
	defer cancel()
	if d.resp != nil {
		_ = d.resp.Shutdown(ctx) // whoever is cut off asks again
	}
	if d.console != nil {
		_ = d.console.Shutdown(ctx)
	}
	for _, l := range d.lent {
		_ = l.Close()
	}
	d.serving.Wait()
	var errs []error
	for _, l := range d.lent {
		errs = append(errs, l.Reclaim())
	}
	return errors.Join(errs...)
}

// nobody stands in for the leader: all that looks at keys is refused before it
// gets here.
type nobody struct{ policy *resolve.Policy }

func (nobody) Do([]*replica.Request, func([]replica.Reply)) error { return host.ErrStopped }
func (nobody) Scan(string, int, func(string) bool) ([]string, string, error) {
	return nil, "", host.ErrStopped
}
func (nobody) Find(func(string) bool) (string, bool, error) { return "", false, host.ErrStopped }

func (nobody) Size() (int64, error)     { return 0, host.ErrStopped }
func (nobody) Expiring() (int64, error) { return 0, host.ErrStopped }
func (nobody) Random(func(int) int, func(string) bool) (string, bool, error) {
	return "", false, host.ErrStopped
}
func (nobody) Info() []server.Section       { return nil }
func (n nobody) Policy() *resolve.Policy    { return n.policy }
func (nobody) Frontier() logical.Frontier   { return logical.Frontier{} }
func (nobody) Durable(logical.Frontier) int { return 0 }

// waitingSource is the leader as the console sees it until it is there.
type waitingSource struct{ *Leader }

func (s waitingSource) Ready() []console.Reason { return s.blockers.Reasons() }

func (s waitingSource) Status() console.Status {
	return console.Status{Name: s.cfg.Name, Policy: s.cfg.Policy.String(), UptimeSeconds: time.Since(s.began).Seconds()}
}
