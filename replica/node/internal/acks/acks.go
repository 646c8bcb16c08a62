package acks

import (
	"cmp"
	"fmt"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"kvd/logical"
	"kvd/replica"
	"kvd/resolve"
)

// Config is what a keeper is told once. Its functions are called from any goroutine.
type Config struct {
	Leader string
	Policy *resolve.Policy
	// Next takes requests as server.Engine does: replies come once the writes among them
	// are durable here.
	Next func(reqs []*replica.Request, done func([]replica.Reply)) error
	// Held is how many leaders, this one included, durably hold the op.
	Held func(d logical.Dot) int
	// Members is how many leaders there are, this one included, whether or not they can be
	// reached; those that left or are forgotten are none.
	Members func() int
	Limit   time.Duration // for requests that do not say
}

// Keeper withholds replies. Make it with New; Run must run.
type Keeper struct {
	cfg   Config
	rules bool // the policy has levels
	wake  chan struct{}

	mu      sync.Mutex
	waiting []*waiter
	ended   bool
	n       atomic.Int64 // of waiting
}

// New is a keeper that nobody waits at.
func New(cfg Config) *Keeper {
	return &Keeper{cfg: cfg, rules: asks(cfg.Policy), wake: make(chan struct{}, 1)}
}

// asks reports whether the policy asks for more than one leader for any key.
func asks(p *resolve.Policy) bool {
	return p.Acks > 1 || slices.ContainsFunc(p.Rules, func(r resolve.Rule) bool { return r.Acks > 1 })
}

// Waiting is how many calls wait at present.
func (k *Keeper) Waiting() int64 { return k.n.Load() }

// waiter is a call whose writes are durable here.
type waiter struct {
	replies  []replica.Reply
	levels   []int // by reply; below 2: nothing is waited for
	wants    []want
	began    time.Time
	deadline time.Time
	done     func([]replica.Reply)
}

// want is a dot that so many leaders are to hold; they then hold what its origin gave
// before, too.
type want struct {
	dot logical.Dot
	n   int
}

// Do is server.Engine's, for requests of any level.
func (k *Keeper) Do(reqs []*replica.Request, done func([]replica.Reply)) error {
	if !k.asked(reqs) {
		return k.cfg.Next(reqs, done)
	}
	levels, limit := make([]int, len(reqs)), k.cfg.Limit
	for i, q := range reqs {
		levels[i] = k.level(q)
		if q.AckLimit > 0 {
			limit = q.AckLimit
		}
	}
	restore := k.refuseTooFew(reqs, levels)
	return k.cfg.Next(reqs, func(replies []replica.Reply) {
		restore(replies)
		k.take(replies, levels, limit, done)
	})
}

func (k *Keeper) asked(reqs []*replica.Request) bool {
	for _, q := range reqs {
		if q.Acks > 1 || k.rules && k.level(q) > 1 {
			return true
		}
	}
	return false
}

// level is the greater of what the policy and the request ask for.
func (k *Keeper) level(q *replica.Request) int {
	if q.Verb == replica.Get {
		return 0
	}
	return max(q.Acks, cmp.Or(k.cfg.Policy.Rule(q.Key).Acks, k.cfg.Policy.Acks))
}

// broken keeps requests from being done. Nobody changes it.
var broken = &replica.Guard{Broken: true}

// refuseTooFew sees to it that writes which no set of members can acknowledge are not done,
// and nothing that is done only together with them. What the caller gave is put back by
// restore, which also says why in the replies.
func (k *Keeper) refuseTooFew(reqs []*replica.Request, levels []int) (restore func([]replica.Reply)) {
	members, most := k.cfg.Members(), slices.Max(levels)
	if most <= members {
		return func([]replica.Reply) {}
	}
	why := fmt.Errorf("%w: %d leaders are to hold it, and the cluster has %d; nothing was written; kv members lists them, a lower acks takes fewer", replica.ErrTooFew, most, members)
	together := map[*replica.Together]bool{}
	for i, q := range reqs {
		if levels[i] > members && q.Together != nil {
			together[q.Together] = true
		}
	}
	guards, decides := map[int]*replica.Guard{}, map[int]func(replica.Present) (replica.Write, error){}
	for i, q := range reqs {
		switch {
		case q.Together != nil && together[q.Together], levels[i] > members && q.Verb != replica.Update:
			guards[i], q.Guard = q.Guard, broken
		case levels[i] > members: // it may come to nothing but a look
			decides[i] = q.Decide
			decide := q.Decide
			q.Decide = func(p replica.Present) (replica.Write, error) {
				w, err := decide(p)
				if err == nil && w.Verb != replica.Get {
					return replica.Write{}, why
				}
				return w, err
			}
		}
	}
	return func(replies []replica.Reply) {
		for i, g := range guards {
			reqs[i].Guard = g
			replies[i].Err = fmt.Errorf("%s %.64q: %w", reqs[i].Verb, reqs[i].Key, why)
		}
		for i, d := range decides {
			reqs[i].Decide = d
		}
	}
}

// take answers a call at once, or when enough leaders hold its writes.
func (k *Keeper) take(replies []replica.Reply, levels []int, limit time.Duration, done func([]replica.Reply)) {
	w := &waiter{levels: levels, began: time.Now(), done: done}
	for i := range replies {
		if r := &replies[i]; levels[i] > 1 && r.Err == nil && !r.Dot.IsZero() {
			w.want(r.Dot, levels[i])
		}
	}
	if w.held(k.cfg.Held) {
		done(replies)
		return
	}
	w.replies, w.deadline = slices.Clone(replies), w.began.Add(limit) // they were lent
	k.mu.Lock()
	ended := k.ended
	if !ended {
		k.waiting = append(k.waiting, w)
		k.n.Store(int64(len(k.waiting)))
	}
	k.mu.Unlock()
	if ended {
		k.doubt(w, "this leader stops")
		return
	}
	k.Notify() // it may have been held before it was listed
}

// want notes a dot. Of one origin and level only the last counts.
func (w *waiter) want(d logical.Dot, n int) {
	for i := range w.wants {
		if o := &w.wants[i]; o.n == n && o.dot.Origin == d.Origin {
			o.dot.Seq = max(o.dot.Seq, d.Seq)
			return
		}
	}
	w.wants = append(w.wants, want{d, n})
}

// held reports whether enough leaders hold all that is wanted.
func (w *waiter) held(count func(logical.Dot) int) bool {
	w.wants = slices.DeleteFunc(w.wants, func(o want) bool { return count(o.dot) >= o.n })
	return len(w.wants) == 0
}

// Notify says that some leader may hold more than before. It does not wait.
func (k *Keeper) Notify() {
	if k.n.Load() == 0 {
		return
	}
	select {
	case k.wake <- struct{}{}:
	default:
	}
}

// lookEvery is how often is looked without being told: for deadlines, and for what a store
// syncs later than it answers.
const lookEvery = 10 * time.Millisecond

// Run answers who waits, until ended is closed: then Next answers nobody any more.
func (k *Keeper) Run(ended <-chan struct{}) {
	look := time.NewTicker(lookEvery)
	defer look.Stop()
	for {
		select {
		case <-k.wake:
		case <-look.C:
		case <-ended:
			k.mu.Lock()
			left := k.waiting
			k.waiting, k.ended = nil, true
			k.n.Store(0)
			k.mu.Unlock()
			for _, w := range left {
				k.doubt(w, "this leader stops")
			}
			return
		}
		if k.n.Load() > 0 {
			k.settle(time.Now())
		}
	}
}

// settle answers those whose writes are held, and those whose time is over.
func (k *Keeper) settle(now time.Time) {
	var answered, late []*waiter
	k.mu.Lock()
	k.waiting = slices.DeleteFunc(k.waiting, func(w *waiter) bool {
		switch {
		case w.held(k.cfg.Held):
			answered = append(answered, w)
		case !now.Before(w.deadline):
			late = append(late, w)
		default:
			return false
		}
		return true
	})
	k.n.Store(int64(len(k.waiting)))
	k.mu.Unlock()
	for _, w := range answered {
		w.done(w.replies)
	}
	for _, w := range late {
		k.doubt(w, "after "+now.Sub(w.began).Round(time.Millisecond).String())
	}
}

// doubt answers that it is not known of those writes that are not held whether they will be.
func (k *Keeper) doubt(w *waiter, when string) {
	for i := range w.replies {
		r := &w.replies[i]
		if w.levels[i] < 2 || r.Err != nil || r.Dot.IsZero() {
			continue
		}
		n := k.cfg.Held(r.Dot)
		if n >= w.levels[i] {
			continue
		}
		r.Err = fmt.Errorf("%w: %s, %d of %d leaders are known to hold write %s, which is stored at %s and will reach the others; a retry with the same request id is the same write at any leader",
			replica.ErrInDoubt, when, n, w.levels[i], r.Dot, k.cfg.Leader)
	}
	w.done(w.replies)
}
