package budget

import (
	"cmp"
	"errors"
	"maps"
	"slices"
	"sync"
	"sync/atomic"
	"time"
)

// Config is what a budget is told.
type Config struct {
	Limit int64            // bytes
	Stall time.Duration    // a connection that holds much and does not go on for this long is cut when others need it
	Now   func() time.Time // the clock that Account.Waits is told by
	Done  <-chan struct{}  // closed when nobody is to wait any more
}

// Budget is the memory of all clients. It may be used from many goroutines.
type Budget struct {
	cfg    Config
	used   atomic.Int64
	asked  atomic.Int64 // how many wait
	waits  atomic.Uint64
	cut    atomic.Uint64
	lastID atomic.Int64

	mu    sync.Mutex
	queue []*request // in the order of asking

	accountsMu sync.Mutex
	accounts   map[*Account]struct{}
}

type request struct {
	bytes   int64
	granted chan struct{}
}

const (
	// reserved is the part of the budget, of 4, that is only for what every connection
	// has.
	reserved = 1
	// tick is how often a connection that waits looks whom to cut.
	tick = 50 * time.Millisecond
	// maxStalls is how many times Config.Stall a connection waits before one that
	// holds much is cut though its client is not quite still.
	maxStalls = 5
)

// MinHeld is what a connection must hold for others to gain by its end.
const MinHeld = 64 << 10

// ErrFull is answered to who waited in vain.
var ErrFull = errors.New("clients hold all the memory they may (--client-memory)")

// ErrCut is answered to whose connection was cut while it waited.
var ErrCut = errors.New("the connection was cut")

// New is a budget of which nothing is used.
func New(cfg Config) *Budget {
	return &Budget{cfg: cfg, accounts: map[*Account]struct{}{}}
}

// Stats is the state of a budget.
type Stats struct {
	Limit, Used int64  // bytes
	Waiting     int    // accounts that wait for others to give some back
	Waits       uint64 // how often one has waited
	Cut         uint64 // connections cut because others needed what they held
}

// Stats counts.
func (b *Budget) Stats() Stats {
	return Stats{Limit: b.cfg.Limit, Used: b.used.Load(), Waiting: int(b.asked.Load()), Waits: b.waits.Load(), Cut: b.cut.Load()}
}

// Grantable is how much may be asked for in all.
func (b *Budget) Grantable() int64 { return b.cfg.Limit - b.cfg.Limit*reserved/4 }

// Pressed reports whether spare memory should be given back.
func (b *Budget) Pressed() bool { return b.used.Load() > b.cfg.Limit/2 || b.asked.Load() > 0 }

func (b *Budget) over() bool { return b.used.Load() > b.cfg.Limit }

// Count counts n bytes more, or less, that nobody can be refused.
func (b *Budget) Count(n int64) {
	if b.used.Add(n); n < 0 && b.asked.Load() > 0 {
		b.grant()
	}
}

// Take takes n bytes if they are there, without waiting. Count gives them back.
func (b *Budget) Take(n int64) bool {
	for {
		was := b.used.Load()
		if was+n > b.Grantable() {
			return false
		}
		if b.used.CompareAndSwap(was, was+n) {
			return true
		}
	}
}

// try is Take if nobody waits.
func (b *Budget) try(n int64) bool { return b.asked.Load() == 0 && b.Take(n) }

// grant gives to those who wait, in order, what there is.
func (b *Budget) grant() {
	b.mu.Lock()
	defer b.mu.Unlock()
	n := 0
	for n < len(b.queue) && b.Take(b.queue[n].bytes) {
		close(b.queue[n].granted)
		n++
	}
	b.queue = slices.Delete(b.queue, 0, n)
	b.asked.Add(-int64(n))
}

func (b *Budget) ask(n int64) *request {
	r := &request{n, make(chan struct{})}
	b.mu.Lock()
	b.queue = append(b.queue, r)
	b.asked.Add(1)
	b.mu.Unlock()
	b.waits.Add(1)
	b.grant()
	return r
}

// first reports whether nobody who waits has asked earlier.
func (b *Budget) first(r *request) bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	return len(b.queue) > 0 && b.queue[0] == r
}

// forget ends the waiting, and gives back what was granted meanwhile.
func (b *Budget) forget(r *request) {
	b.mu.Lock()
	i := slices.Index(b.queue, r)
	if i >= 0 {
		b.queue = slices.Delete(b.queue, i, i+1)
		b.asked.Add(-1)
	}
	b.mu.Unlock()
	if i < 0 {
		b.Count(-r.bytes)
	}
	b.grant()
}

func (b *Budget) sorted() []*Account {
	b.accountsMu.Lock()
	defer b.accountsMu.Unlock()
	return slices.SortedFunc(maps.Keys(b.accounts), func(x, y *Account) int { return cmp.Compare(x.id, y.id) })
}

// relieve cuts the connection that holds most for a client that has kept it waiting
// for at least so long.
func (b *Budget) relieve(asker *Account, still time.Duration) {
	latest := b.cfg.Now().Add(-still).UnixNano()
	var worst *Account
	all := b.sorted()
	for _, a := range all {
		if since := a.still.Load(); a == asker || since == 0 || since > latest || !a.engaged.Load() || a.Held() < MinHeld {
			continue
		}
		if worst == nil || a.Held() > worst.Held() {
			worst = a
		}
	}
	if worst != nil {
		b.cut.Add(1)
		worst.owner.Cut()
		return
	}
	// Those that are idle and hold spare memory had it when there was enough. One that is
	// about to read misses being woken, and hears of it when the asker looks again.
	for _, a := range all {
		if a != asker && a.still.Load() != 0 && !a.engaged.Load() && a.Held() >= MinHeld {
			a.owner.Trim()
		}
	}
}
