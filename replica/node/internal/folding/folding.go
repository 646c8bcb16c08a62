package folding

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
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
	"kvd/storage"
)

const tellEvery = 5 * time.Second

// Config is the store, and what a leader that is not there yet serves with.
type Config struct {
	Leader  string
	Store   *storage.Store
	Policy  *resolve.Policy // to be under from now on
	Objects refold.Options
	Logger  *slog.Logger
	// Block says, until it is released, that clients are not served; Reasons is why.
	Block   func(c console.Cause, tell func() (string, console.Progress)) (release func())
	Reasons func() []console.Reason
	// Clients and People are listened to meanwhile, as RESP and Console say, and are the
	// caller's again afterwards.
	Clients, People net.Listener
	RESP            server.Config
	Console         console.Config
	Metrics         *console.Metrics
	Began           time.Time
}

// Run brings the objects under the policy, if they are under another, and says whether they
// were. While it runs, clients are answered LOADING.
func Run(ctx context.Context, cfg Config) (folded bool, err error) {
	w := &work{Config: &cfg}
	fold := cfg.Objects
	fold.Progress = w.progress
	err = refold.Run(ctx, cfg.Store, *cfg.Policy, fold)
	return w.end != nil, errors.Join(err, w.close(), w.err)
}

// work is one folding under way.
type work struct {
	*Config
	began, told time.Time
	done, total atomic.Uint64
	from        string
	end         func() // of the blocker; nil: nothing had to be folded
	servers     *waitingServers
	err         error // servers that could not be started
}

// progress is called for each stretch, first before anything is changed.
func (w *work) progress(p refold.Progress) {
	w.done.Store(p.Done)
	w.total.Store(p.Total)
	now := time.Now()
	if w.end == nil {
		w.from = cmp.Or(p.From, "a policy that is not known")
		w.began, w.told = now, now
		w.end = w.Block(console.Folding, w.tell)
		w.servers, w.err = w.startServers()
		w.Logger.Info("folds its objects again from the log, and from what they keep: they were made under another policy",
			"leader", w.Leader, "before", w.from, "now", w.Policy.String(), "ops", p.Total/2, "resp", w.Clients.Addr().String(), "http", w.People.Addr().String())
	}
	if now.Sub(w.told) >= tellEvery {
		w.told = now
		w.Logger.Info("folds its objects again", "leader", w.Leader, "percent", 100*p.Done/max(p.Total, 1))
	}
}

func (w *work) tell() (string, console.Progress) {
	p := console.Progress{Done: w.done.Load(), Total: w.total.Load()}
	return fmt.Sprintf("its objects are folded again, since they were made under another policy (%s): %d %% done; wait, or ask another leader",
		w.from, 100*p.Done/max(p.Total, 1)), p
}

// close lets clients in, and takes the listeners back.
func (w *work) close() error {
	if w.end == nil {
		return nil
	}
	w.end()
	if w.done.Load() >= w.total.Load() {
		w.Logger.Info("has folded its objects again", "leader", w.Leader, "took", time.Since(w.began).Round(time.Millisecond).String())
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

func (c *Config) startServers() (*waitingServers, error) {
	d := &waitingServers{}
	lend := func(of net.Listener) *lent.Listener {
		d.lent = append(d.lent, lent.New(of))
		return d.lent[len(d.lent)-1]
	}
	var err error
	if d.resp, err = server.New(c.RESP, nobody{}, nobody{}, nobody{c.Policy}); err != nil {
		return d, err
	}
	http := c.Console
	http.Listener = lend(c.People)
	if d.console, err = console.New(http, source{c}, c.Metrics); err != nil {
		return d, err
	}
	clients := lend(c.Clients)
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

// source is the leader as the console sees it until it is there.
type source struct{ *Config }

func (s source) Ready() []console.Reason { return s.Reasons() }

func (s source) Status() console.Status {
	return console.Status{Name: s.Leader, Policy: s.Policy.String(), UptimeSeconds: time.Since(s.Began).Seconds()}
}
