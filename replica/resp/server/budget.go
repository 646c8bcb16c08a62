package server

import (
	"errors"
	"fmt"
	"slices"
	"sync"
	"sync/atomic"
	"time"
)

// budget is the memory that all clients' requests in progress, and replies they have
// not taken, may use together: input buffers and the copies made of them, values that
// wait to be sent, transactions that are being queued, spare buffers.
//
// What every connection has is only counted. What one needs beyond that it asks for,
// and waits, in the order of asking, until others have given back: meanwhile its
// client is not read from. Whoever holds much and waits for its own client is then
// cut, the largest first, so that a client that does not take its replies, or never
// ends its command, costs those that do a second.
type budget struct {
	limit int64
	used  atomic.Int64
	asked atomic.Int64 // how many wait

	mu    sync.Mutex
	queue []*asking // in the order of asking

	waits atomic.Uint64 // how often anybody waited
}

// asking is a connection that waits.
type asking struct {
	bytes   int64
	granted chan struct{}
}

const (
	// freely is the part of the budget, of 4, that is only for what every connection
	// has: nobody is turned away because others hold large things.
	freely = 1
	// tick is how often a connection that waits looks whom to cut.
	tick = 50 * time.Millisecond
	// outlasts is how many times Config.Stall a connection waits before one that
	// holds much is cut though its client is not quite still.
	outlasts = 5
)

// errBudget is answered to who waited in vain.
var errBudget = errors.New("clients hold all the memory they may (--client-memory)")

// granting is how much may be asked for in all.
func (b *budget) granting() int64 { return b.limit - b.limit*freely/4 }

// pressed reports whether spare memory should be given back.
func (b *budget) pressed() bool { return b.used.Load() > b.limit/2 || b.asked.Load() > 0 }

// over reports whether more is used than there may be.
func (b *budget) over() bool { return b.used.Load() > b.limit }

// count counts n bytes more, or less, that nobody can be refused.
func (b *budget) count(n int64) {
	if b.used.Add(n); n < 0 && b.asked.Load() > 0 {
		b.grant()
	}
}

// try takes n bytes if they are there and nobody waits.
func (b *budget) try(n int64) bool {
	return b.asked.Load() == 0 && b.take(n)
}

func (b *budget) take(n int64) bool {
	for {
		was := b.used.Load()
		if was+n > b.granting() {
			return false
		}
		if b.used.CompareAndSwap(was, was+n) {
			return true
		}
	}
}

// grant gives to those who wait, in order, what there is.
func (b *budget) grant() {
	b.mu.Lock()
	defer b.mu.Unlock()
	n := 0
	for n < len(b.queue) && b.take(b.queue[n].bytes) {
		close(b.queue[n].granted)
		n++
	}
	b.queue = slices.Delete(b.queue, 0, n)
	b.asked.Add(-int64(n))
}

// ask begins to wait for n bytes.
func (b *budget) ask(n int64) *asking {
	a := &asking{n, make(chan struct{})}
	b.mu.Lock()
	b.queue = append(b.queue, a)
	b.asked.Add(1)
	b.mu.Unlock()
	b.waits.Add(1)
	b.grant()
	return a
}

// next reports whether nobody who waits has asked earlier.
func (b *budget) next(a *asking) bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	return len(b.queue) > 0 && b.queue[0] == a
}

// forget ends the waiting, and gives back what was granted meanwhile.
func (b *budget) forget(a *asking) {
	b.mu.Lock()
	i := slices.Index(b.queue, a)
	if i >= 0 {
		b.queue = slices.Delete(b.queue, i, i+1)
		b.asked.Add(-1)
	}
	b.mu.Unlock()
	if i < 0 {
		b.count(-a.bytes)
	}
	b.grant()
}

// reserve takes n bytes for the connection, and waits for them. It fails when there
// can never be as many, when the connection is cut meanwhile, or after limit; sooner
// if it holds much itself, since others may be waiting for just that.
func (c *conn) reserve(n int64, limit time.Duration) error {
	b := &c.srv.budget
	if c.held.Load() > minHogged {
		limit = min(limit, outlasts*c.srv.cfg.Stall)
	}
	switch {
	case n <= 0:
		return nil
	case n > b.granting():
		return fmt.Errorf("%w: this needs %d bytes at once, and %d can be had", errBudget, n, b.granting())
	case !b.try(n):
		if err := c.await(b.ask(n), limit); err != nil {
			return err
		}
	}
	c.held.Add(n)
	return nil
}

// giveBack returns n bytes.
func (c *conn) giveBack(n int64) {
	if n != 0 {
		c.held.Add(-n)
		c.srv.budget.count(-n)
	}
}

// await waits until the bytes asked for are granted, and cuts those who hold others
// up.
func (c *conn) await(a *asking, limit time.Duration) error {
	b, began := &c.srv.budget, time.Now()
	look := time.NewTicker(tick)
	defer look.Stop()
	for {
		select {
		case <-a.granted:
			return nil
		case <-c.severed:
			b.forget(a)
			return errSevered
		case <-look.C:
		}
		waited := time.Since(began)
		if c.srv.isDraining() || waited > limit {
			b.forget(a)
			return fmt.Errorf("%w, and gave none back within %s; try again later", errBudget, waited.Round(time.Second))
		}
		c.press(a, waited)
	}
}

// press cuts a connection that holds others up. Who asked first does it for all who
// wait: what is given back is that one's, and thousands that each look through all
// connections would leave no time for anything else.
func (c *conn) press(a *asking, waited time.Duration) {
	switch {
	case waited <= tick || !c.srv.budget.next(a):
	case waited > outlasts*c.srv.cfg.Stall:
		c.srv.relieve(c, 0)
	default:
		c.srv.relieve(c, c.srv.cfg.Stall)
	}
}

// waitFor notes that the connection waits for its client from now on, or has
// something to do again, when since is zero. Engaged says that what it holds is
// held for that client: half a command, or replies.
func (c *conn) waitFor(since int64, engaged bool) {
	c.engaged.Store(engaged)
	c.still.Store(since)
}

// relieve cuts the connection that holds most for a client that has kept it waiting
// for at least so long.
func (s *Server) relieve(asker *conn, still time.Duration) {
	latest := s.cfg.Now().Add(-still).UnixNano()
	var worst *conn
	for _, c := range s.sorted() {
		if since := c.still.Load(); c == asker || since == 0 || since > latest || !c.engaged.Load() || c.held.Load() < minHogged {
			continue
		}
		if worst == nil || c.held.Load() > worst.held.Load() {
			worst = c
		}
	}
	if worst != nil {
		s.stats.hogs.Add(1)
		worst.sever()
		return
	}
	s.tidy(asker)
}

// tidy wakes connections that are idle and hold spare memory, so that they give it
// back: they had it when there was enough. One that is about to read misses it, and
// hears of it when the asker looks again.
func (s *Server) tidy(asker *conn) {
	for _, c := range s.sorted() {
		if c == asker || c.still.Load() == 0 || c.engaged.Load() || c.held.Load() < minHogged {
			continue
		}
		c.tidy.Store(true)
		_ = c.nc.SetReadDeadline(time.Unix(1, 0)) // it may be closed
	}
}

// minHogged is what a connection must hold for others to gain by its end.
const minHogged = 64 << 10
