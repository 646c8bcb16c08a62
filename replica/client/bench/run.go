package bench

import (
	"context"
	"errors"
	"fmt"
	"runtime"
	"sync"
	"sync/atomic"
	"time"

	"kvd/replica/client/conn"
)

// Run puts the load on and waits for its end. When ctx ends, it returns what was
// measured so far and ctx's error. Any other error is that of the first client
// that failed; the others are ended with it. No goroutine is left behind.
func Run(ctx context.Context, cfg Config) (Result, error) {
	if err := cfg.Validate(); err != nil {
		return Result{}, err
	}
	r := newRun(cfg)
	inner, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	conns, err := r.connect(inner)
	defer func() {
		for _, c := range conns {
			_ = c.Close() // it is done with
		}
	}()
	if err != nil {
		return Result{}, err
	}
	r.began = time.Now()
	ended := r.watch()
	var wg sync.WaitGroup
	for i, c := range conns {
		wg.Go(func() {
			if err := newClient(r, i, c).loop(inner); err != nil {
				cancel(err)
			}
		})
	}
	wg.Wait()
	took := time.Since(r.began)
	ended()
	return r.result(took), verdict(ctx, inner)
}

func verdict(ctx, inner context.Context) error {
	if ctx.Err() != nil {
		return ctx.Err()
	}
	return context.Cause(inner)
}

// run is what all clients share.
type run struct {
	cfg     Config
	began   time.Time
	pool    []byte // values are pieces of it
	latency []*histogram
	late    []*histogram
	left    atomic.Int64 // requests still to be taken, if they are counted
	done    atomic.Int64
	refused atomic.Int64
	unsent  atomic.Int64

	mu      sync.Mutex
	refusal string
}

func newRun(cfg Config) *run {
	r := &run{cfg: cfg, pool: noise(cfg.Size+poolSlack, cfg.Seed)}
	r.left.Store(cfg.Requests)
	for range min(cfg.Clients, 2*runtime.GOMAXPROCS(0)) {
		r.latency = append(r.latency, newHistogram())
		r.late = append(r.late, newHistogram())
	}
	return r
}

// connect opens every connection before anything is measured.
func (r *run) connect(ctx context.Context) ([]*conn.Conn, error) {
	ctx, cancel := context.WithTimeout(ctx, r.cfg.Timeout)
	defer cancel()
	var conns []*conn.Conn
	for i := range r.cfg.Clients {
		nc, err := r.cfg.Dial(ctx)
		if err != nil {
			return conns, fmt.Errorf("connect client %d: %w", i+1, err)
		}
		conns = append(conns, conn.New(nc))
	}
	return conns, nil
}

// watch tells the progress until it is ended.
func (r *run) watch() (end func()) {
	if r.cfg.Progress == nil {
		return func() {}
	}
	stop, stopped := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(stopped)
		tick := time.NewTicker(100 * time.Millisecond)
		defer tick.Stop()
		for {
			select {
			case <-tick.C:
				r.cfg.Progress(r.done.Load(), time.Since(r.began))
			case <-stop:
				return
			}
		}
	}()
	return func() { close(stop); <-stopped }
}

// took reports whether a client may send another request, if they are counted.
func (r *run) take() bool {
	return r.cfg.Requests == 0 || r.left.Add(-1) >= 0
}

func (r *run) refuse(err error) {
	r.refused.Add(1)
	r.mu.Lock()
	defer r.mu.Unlock()
	var said conn.Refused
	if r.refusal == "" && errors.As(err, &said) {
		r.refusal = string(said)
	}
}

func (r *run) result(took time.Duration) Result {
	return Result{
		Requests: r.done.Load(), Refused: r.refused.Load(), Refusal: r.refusal, Unsent: r.unsent.Load(),
		Took: took, Latency: spread(r.latency), Late: spread(r.late),
	}
}

// closedBy closes the connection when the context ends, so that nobody waits on
// it. The caller calls stop.
func closedBy(ctx context.Context, c *conn.Conn) (stop func()) {
	cancel := context.AfterFunc(ctx, func() { _ = c.Close() }) // readers see it
	return func() { cancel(); _ = c.Close() }                  // it is done with
}
