package record

import (
	"context"
	"fmt"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"kvd/replica/client/conn"
	"kvd/resolve/blackbox"
	"kvd/wallclock"
)

// Run records until the ops are done, the time is over or the context ends; then it reads
// what is there, whatever ended it. The summary is of what was recorded, also beside an
// error.
func Run(ctx context.Context, c Config) (Summary, error) {
	if err := c.Validate(); err != nil {
		return Summary{}, err
	}
	r := &recorder{Config: c, began: time.Now(), keys: map[string]bool{}, gens: map[string]int{}}
	if err := r.reach(); err != nil {
		return Summary{}, err
	}
	load, stop := context.WithCancelCause(ctx)
	defer stop(nil)
	r.stop = stop
	if c.Duration > 0 {
		end := time.AfterFunc(c.Duration, func() { stop(nil) })
		defer end.Stop()
	}
	var all sync.WaitGroup
	for i := range c.Clients * len(c.Servers) {
		w := r.worker(load, i)
		all.Go(w.run)
	}
	ended := make(chan struct{})
	go func() { all.Wait(); close(ended) }()
	r.tell(ended)
	stop(nil)
	if r.failure() == nil {
		r.finals(context.WithoutCancel(ctx))
	}
	r.sum.Took, r.sum.Keys = r.since(), len(r.keys)
	return r.sum, r.failure()
}

// recorder is a recording under way.
type recorder struct {
	Config
	began time.Time
	stop  context.CancelCauseFunc
	left  atomic.Int64 // updates that were begun
	due   atomic.Int64 // of the rate

	mu   sync.Mutex // of what follows
	keys map[string]bool
	gens map[string]int // by slot: which key of a set is filled now
	sum  Summary
	err  error
}

// since is the time of the history.
func (r *recorder) since() time.Duration { return time.Since(r.began) }

func (r *recorder) now() wallclock.Instant { return wallclock.Instant(r.since()) }

func (r *recorder) failure() error {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.err
}

// reach asks every server once, so that a wrong address is said at once.
func (r *recorder) reach() error {
	for _, s := range r.Servers {
		nc, err := s.dial(r.Timeout)
		if err != nil {
			return fmt.Errorf("%s: %w", s.Addr, err)
		}
		_, err = nc.Do(r.Timeout, "PING")
		if nc.Close(); err != nil {
			return fmt.Errorf("%s: %w", s.Addr, err)
		}
	}
	return nil
}

func (s Server) dial(timeout time.Duration) (*conn.Conn, error) {
	nc, err := conn.Dial(s.Addr, timeout)
	if err != nil || s.Password == "" {
		return nc, err
	}
	if err = nc.SetDeadline(time.Now().Add(timeout)); err == nil {
		err = nc.Login(s.User, s.Password)
	}
	if err != nil {
		nc.Close()
		return nil, err
	}
	return nc, nil
}

// put records one op and counts it.
func (r *recorder) put(o *blackbox.Op) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.err != nil {
		return
	}
	r.keys[o.Key] = true
	switch {
	case o.Verb == blackbox.Get:
		r.sum.Reads++
	case o.Outcome == blackbox.Acked:
		r.sum.Acked++
	case o.Outcome == blackbox.Failed:
		r.sum.Failed++
	default:
		r.sum.Indeterminate++
	}
	if o.Verb != blackbox.Get {
		r.sum.Updates++
	}
	if r.err = r.Put(o); r.err != nil {
		r.stop(r.err)
	}
}

// tell says once a second how far it is, until all clients have ended.
func (r *recorder) tell(ended <-chan struct{}) {
	tick := time.NewTicker(time.Second)
	defer tick.Stop()
	for {
		select {
		case <-ended:
			return
		case <-tick.C:
		}
		if r.Progress != nil {
			r.mu.Lock()
			n := r.sum.Updates
			r.mu.Unlock()
			r.Progress(n, r.since())
		}
	}
}

// next waits until an update is due; false: there is no more.
func (r *recorder) next(ctx context.Context) bool {
	if ctx.Err() != nil || r.Ops > 0 && r.left.Add(1) > r.Ops {
		return false
	}
	if r.Rate == 0 {
		return true
	}
	at := time.Duration(float64(r.due.Add(1)-1) / r.Rate * float64(time.Second))
	return sleep(ctx, at-r.since())
}

// sleep is false if the context ends first.
func sleep(ctx context.Context, d time.Duration) bool {
	if d <= 0 {
		return ctx.Err() == nil
	}
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
		return true
	case <-ctx.Done():
		return false
	}
}

// round is what every key shows at one server.
type round struct {
	server int
	ops    []*blackbox.Op
}

// finals asks every server for every key until all show the same, or until the time for
// that is over, and records the last answers.
func (r *recorder) finals(ctx context.Context) {
	ctx, cancel := context.WithTimeout(ctx, r.Settle+r.Timeout)
	defer cancel()
	r.mu.Lock()
	keys := make([]string, 0, len(r.keys))
	for k := range r.keys {
		keys = append(keys, k)
	}
	r.mu.Unlock()
	slices.Sort(keys)
	until := time.Now().Add(r.Settle)
	var last []round
	for pause := 50 * time.Millisecond; ; pause = min(2*pause, time.Second) {
		last = r.ask(keys)
		r.sum.Differ = differ(last)
		r.sum.Agreed = r.sum.Differ == 0 && len(last) == len(r.Servers)
		if r.sum.Agreed || time.Now().After(until) || !sleep(ctx, pause) {
			break
		}
	}
	for i, s := range r.Servers {
		if !slices.ContainsFunc(last, func(l round) bool { return l.server == i }) {
			r.sum.Missing = append(r.sum.Missing, s.Addr)
		}
	}
	for _, l := range last {
		for _, o := range l.ops {
			r.put(o)
		}
	}
}

// ask is the answers of the servers that gave all.
func (r *recorder) ask(keys []string) []round {
	all := make([]*round, len(r.Servers))
	var wg sync.WaitGroup
	for i := range r.Servers {
		wg.Go(func() { all[i] = r.askOne(i, keys) })
	}
	wg.Wait()
	var out []round
	for _, a := range all {
		if a != nil {
			out = append(out, *a)
		}
	}
	return out
}

func (r *recorder) askOne(i int, keys []string) *round {
	nc, err := r.Servers[i].dial(r.Timeout)
	if err != nil {
		return nil
	}
	defer nc.Close()
	out := &round{server: i}
	for _, k := range keys {
		o := &blackbox.Op{Client: "final", Node: r.Servers[i].Addr, Key: k, Verb: blackbox.Get, Final: true, Start: r.now()}
		reply, err := nc.Do(r.Timeout, "GET", k)
		if err != nil {
			return nil
		}
		o.End, o.Read = r.now(), readingOf(k, r.Prefix, reply)
		out.ops = append(out.ops, o)
	}
	return out
}

// differ counts the keys that not all show alike.
func differ(all []round) int {
	n := 0
	for i := range all[:min(1, len(all))] {
		for k := range all[i].ops {
			if slices.ContainsFunc(all, func(o round) bool { return !slices.Equal(o.ops[k].Read.Values, all[i].ops[k].Read.Values) }) {
				n++
			}
		}
	}
	return n
}
