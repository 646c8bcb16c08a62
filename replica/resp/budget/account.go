package budget

import (
	"fmt"
	"sync/atomic"
	"time"
)

// Owner is the connection that an account is of. Its functions may be called from any
// goroutine.
type Owner struct {
	Cut  func()          // ends the connection at once
	Trim func()          // wakes it, so that it gives spare memory back
	Gone <-chan struct{} // closed when it was cut
}

// Account is what one connection holds of a budget. All but Held belongs to the connection's
// goroutine, or to one that it waits for.
type Account struct {
	budget  *Budget
	owner   Owner
	id      int64
	held    atomic.Int64
	still   atomic.Int64 // nanoseconds of Unix time since when it waits for its client; zero: it does not
	engaged atomic.Bool  // half a command or replies wait with it
}

// Open begins an account that holds base bytes, which nobody is refused.
func (b *Budget) Open(base int64, o Owner) *Account {
	a := &Account{budget: b, owner: o, id: b.lastID.Add(1)}
	a.held.Store(base)
	b.Count(base)
	b.accountsMu.Lock()
	defer b.accountsMu.Unlock()
	b.accounts[a] = struct{}{}
	return a
}

// Close gives back all that the account holds.
func (a *Account) Close() {
	a.budget.accountsMu.Lock()
	delete(a.budget.accounts, a)
	a.budget.accountsMu.Unlock()
	a.budget.Count(-a.held.Swap(0))
}

// Held is how many bytes it holds. Anybody may ask.
func (a *Account) Held() int64 { return a.held.Load() }

// Waits notes that the connection waits for its client from now on, in nanoseconds of Unix
// time, or has something to do again, when since is zero. Engaged says that what it holds is
// held for that client: half a command, or replies.
func (a *Account) Waits(since int64, engaged bool) {
	a.engaged.Store(engaged)
	a.still.Store(since)
}

// Try takes n bytes if they are there and nobody waits for any.
func (a *Account) Try(n int64) bool {
	if !a.budget.try(n) {
		return false
	}
	a.held.Add(n)
	return true
}

// Charge counts n bytes more, or less, that the connection has whatever there is. Where all
// have too much together, one that only waits for its client is cut.
func (a *Account) Charge(n int64) {
	if n == 0 {
		return
	}
	a.held.Add(n)
	a.budget.Count(n)
	if n > 0 && a.budget.over() {
		a.budget.relieve(a, a.budget.cfg.Stall)
	}
}

// Release gives back n bytes.
func (a *Account) Release(n int64) {
	if n != 0 {
		a.held.Add(-n)
		a.budget.Count(-n)
	}
}

// Reserve takes n bytes, and waits for them. It fails when there can never be as many, when
// the connection is cut meanwhile, or after limit; sooner if it holds much itself, since
// others may be waiting for just that.
func (a *Account) Reserve(n int64, limit time.Duration) error {
	b := a.budget
	if a.Held() > MinHeld {
		limit = min(limit, maxStalls*b.cfg.Stall)
	}
	switch {
	case n <= 0:
		return nil
	case n > b.Grantable():
		return fmt.Errorf("%w: this needs %d bytes at once, and %d can be had", ErrFull, n, b.Grantable())
	case !b.try(n):
		if err := a.await(b.ask(n), limit); err != nil {
			return err
		}
	}
	a.held.Add(n)
	return nil
}

// await waits until the bytes asked for are granted, and cuts those who hold others
// up.
func (a *Account) await(r *request, limit time.Duration) error {
	b, began := a.budget, time.Now()
	poll := time.NewTicker(tick)
	defer poll.Stop()
	for {
		over := false
		select {
		case <-r.granted:
			return nil
		case <-a.owner.Gone:
			b.forget(r)
			return ErrCut
		case <-poll.C:
		}
		select {
		case <-b.cfg.Done:
			over = true
		default:
		}
		waited := time.Since(began)
		if over || waited > limit {
			b.forget(r)
			return fmt.Errorf("%w, and gave none back within %s; try again later", ErrFull, waited.Round(time.Second))
		}
		a.press(r, waited)
	}
}

// press cuts a connection that holds others up. Who asked first does it for all who
// wait: what is given back is that one's, and thousands that each look through all
// connections would leave no time for anything else.
func (a *Account) press(r *request, waited time.Duration) {
	b := a.budget
	switch {
	case waited <= tick || !b.first(r):
	case waited > maxStalls*b.cfg.Stall:
		b.relieve(a, 0)
	default:
		b.relieve(a, b.cfg.Stall)
	}
}
