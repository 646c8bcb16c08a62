package acks

import (
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"kvd/logical"
	"kvd/replica"
	"kvd/resolve"
	"kvd/wallclock"
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
	// Now reads the clocks that ops are stamped by.
	Now func() wallclock.Moment
	// Waited is told how long a call was held under commit-wait after its writes were
	// durable; nil: nobody is.
	Waited func(time.Duration)
	Limit  time.Duration // for requests that do not say
}

// Keeper withholds replies. Make it with New; Run must run.
type Keeper struct {
	cfg   Config
	rules bool // the policy has levels
	waits bool // the policy has prefixes under commit-wait
	wake  chan struct{}

	mu      sync.Mutex
	waiting []*waiter
	ended   bool
	n       atomic.Int64 // of waiting
	past    atomic.Int64 // of those that wait for a stamp to be past
}

// New is a keeper that nobody waits at.
func New(cfg Config) *Keeper {
	return &Keeper{cfg: cfg, rules: asks(cfg.Policy), wake: make(chan struct{}, 1),
		waits: slices.ContainsFunc(cfg.Policy.Rules, func(r resolve.Rule) bool { return r.CommitWait })}
}

// asks reports whether the policy asks for more than one leader for any key.
func asks(p *resolve.Policy) bool {
	return p.Acks > 1 || slices.ContainsFunc(p.Rules, func(r resolve.Rule) bool { return r.Acks > 1 })
}

// Waiting is how many calls wait at present, and how many of them under commit-wait.
func (k *Keeper) Waiting() (calls, commit int64) { return k.n.Load(), k.past.Load() }

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
	restore := refuse(reqs, k.impossible(reqs, levels, limit))
	return k.cfg.Next(reqs, func(replies []replica.Reply) {
		restore(replies)
		k.take(replies, levels, limit, done)
	})
}

// take answers replies whose writes are held by enough leaders, and past, and lets the others
// wait. Where it is known that a stamp will not be past in time nobody waits for that.
func (k *Keeper) take(replies []replica.Reply, levels []int, limit time.Duration, done func([]replica.Reply)) {
	w := &waiter{levels: levels, began: time.Now(), done: done}
	for i := range replies {
		if r := &replies[i]; r.Err == nil && !r.Dot.IsZero() {
			w.past = max(w.past, r.Past)
			if levels[i] > 1 {
				w.want(r.Dot, levels[i])
			}
		}
	}
	left, held := time.Duration(0), w.held(k.cfg.Held)
	if w.past > 0 {
		left = w.left(k.cfg.Now().Mono)
	}
	if held && left <= 0 {
		k.waited(w)
		done(replies)
		return
	}
	w.replies, w.deadline = slices.Clone(replies), w.began.Add(limit) // they were lent
	if held && left > limit {
		k.doubt(w, "at once, since waiting "+limit.String()+" changes nothing")
		return
	}
	k.mu.Lock()
	ended := k.ended
	if !ended {
		k.waiting = append(k.waiting, w)
		k.count()
	}
	k.mu.Unlock()
	if ended {
		k.doubt(w, "this leader stops")
		return
	}
	if !held || left < lookEvery { // Run looks before longer ones are over
		k.Notify() // it may have been held before it was listed
	}
}

// count says how many wait. The lock is held.
func (k *Keeper) count() {
	past := 0
	for _, w := range k.waiting {
		if w.past > 0 {
			past++
		}
	}
	k.n.Store(int64(len(k.waiting)))
	k.past.Store(int64(past))
}

func (k *Keeper) waited(w *waiter) {
	if w.past > 0 && k.cfg.Waited != nil {
		k.cfg.Waited(time.Since(w.began))
	}
}

// Notify says that leaders may hold more than before. It does not wait.
func (k *Keeper) Notify() {
	if k.n.Load() == 0 {
		return
	}
	select {
	case k.wake <- struct{}{}:
	default:
	}
}

// lookEvery bounds how late a reply is when nobody rang for it: a status of a peer rings
// only where it changes something that is published.
const lookEvery = 10 * time.Millisecond

// Run answers whoever need not wait any more, until ended is closed; then it answers all
// that wait, and takes nobody more.
func (k *Keeper) Run(ended <-chan struct{}) {
	look := time.NewTimer(lookEvery)
	defer look.Stop()
	for {
		select {
		case <-k.wake:
		case <-look.C:
		case <-ended:
			k.mu.Lock()
			left := k.waiting
			k.waiting, k.ended = nil, true
			k.count()
			k.mu.Unlock()
			for _, w := range left {
				k.doubt(w, "this leader stops")
			}
			return
		}
		next := lookEvery
		if k.n.Load() > 0 {
			next = k.settle(time.Now())
		}
		look.Reset(next)
	}
}

// settle answers whose writes are held by enough leaders and past, and whose time is over, or
// will be before their stamps are past. It says when to look again at the latest.
func (k *Keeper) settle(now time.Time) (next time.Duration) {
	var answered, late []*waiter
	var mono wallclock.Mono // read once for all: there may be thousands
	next = lookEvery
	k.mu.Lock()
	if k.past.Load() > 0 {
		mono = k.cfg.Now().Mono
	}
	k.waiting = slices.DeleteFunc(k.waiting, func(w *waiter) bool {
		left := w.left(mono)
		switch held := w.held(k.cfg.Held); {
		case held && left <= 0:
			answered = append(answered, w)
		case !now.Before(w.deadline), held && left > w.deadline.Sub(now):
			late = append(late, w)
		default:
			if left > 0 {
				next = min(next, left)
			}
			return false
		}
		return true
	})
	k.count()
	k.mu.Unlock()
	for _, w := range answered {
		k.waited(w)
		w.done(w.replies)
	}
	for _, w := range late {
		k.doubt(w, "after "+now.Sub(w.began).Round(time.Millisecond).String())
	}
	return next
}
