package world

import (
	"errors"
	"fmt"
	"slices"
	"time"

	"kvd/replica/lease"
	"kvd/scenarios/trace"
)

// issuer is the quorum of a simulated cluster: one honest, linearizable service, which answers a leader
// that can exchange messages with a majority of all leaders, itself among them. What raft does inside, that it has a
// leader of its own and holds elections, is not played; package replica/quorum's tests do. The state is
// the real one, and a lease is counted by elapsed time from when it was granted.
type issuer struct {
	w       *World
	state   *lease.State
	index   uint64
	ends    map[lease.Name]time.Duration // when a lease ends, unless it is renewed
	waiting map[lease.Name][]func()      // who waits for a lock to be free, in order

	grants []Grant // in order
}

// Grant is a lease that a client was given.
type Grant struct {
	At     time.Duration
	Lock   string
	Client string
	Token  lease.Token
}

// Grants is every lease that was given, in order. The slice is the world's.
func (w *World) Grants() []Grant { return w.issuer.grants }

func newIssuer(w *World) *issuer {
	return &issuer{w: w, state: lease.New(1), ends: map[lease.Name]time.Duration{}, waiting: map[lease.Name][]func(){}}
}

// errNoMajority is what a leader answers about locks that no majority of the leaders answers.
var errNoMajority = errors.New("NOQUORUM no majority of the leaders answered")

// lookAgain is how often a leader without a majority tries, and noMajority how long it does.
const (
	lookAgain  = 100 * time.Millisecond
	noMajority = 5 * time.Second
)

// ask has the issuer do something for a leader; do is given a way back to the leader, which a leader
// whose process has ended meanwhile does not hear. Without a majority until then, lost is called.
func (i *issuer) ask(l *leader, until time.Duration, do func(back func(func())), lost func()) {
	starts := l.starts
	atLeader := func(d time.Duration, f func()) {
		i.w.after(d, func() {
			i.w.at(l.paused, func() {
				if l.pump != nil && l.starts == starts {
					f()
				}
			})
		})
	}
	switch round, reached := i.round(l); {
	case reached:
		i.w.after(round/2, func() { do(func(f func()) { atLeader(round-round/2, f) }) })
	case i.w.now < until:
		atLeader(lookAgain, func() { i.ask(l, until, do, lost) })
	default:
		lost()
	}
}

// round is how long a leader takes to hear from a majority, and whether it does.
func (i *issuer) round(l *leader) (time.Duration, bool) {
	var trips []time.Duration
	for _, n := range i.w.names {
		if n == l.name {
			trips = append(trips, 0)
			continue
		}
		out, back, other := i.w.link(path{l.name, n}), i.w.link(path{n, l.name}), i.w.leaders[n]
		if other.pump != nil && other.paused <= i.w.now && !out.cut && !back.cut {
			trips = append(trips, out.Delay+back.Delay)
		}
	}
	majority := len(i.w.names)/2 + 1
	if len(trips) < majority {
		return 0, false
	}
	slices.Sort(trips)
	return trips[majority-1], true
}

func (i *issuer) apply(e lease.Entry) lease.Result {
	i.index++
	return i.state.Apply(i.index, e)
}

// acquire grants a lock, or holds the request until it is free, the time is over or nobody waits for the answer
// any more.
func (i *issuer) acquire(c *client, op *operation, id uint64, until time.Duration, answer func(lease.Result)) {
	name := lease.Name(op.Lock)
	r := i.apply(lease.Entry{Kind: lease.Acquire, Name: name, ID: op.ID(), TTL: op.TTL})
	if r.Fresh {
		i.grants = append(i.grants, Grant{i.w.now, op.Lock, c.name, r.Lock.Token})
		i.lasts(name, i.w.now+op.TTL)
	}
	if r.Code == lease.Done || i.w.now >= until {
		answer(r)
		return
	}
	i.w.last = max(i.w.last, min(until, i.ends[name]))
	asked := false
	again := func() {
		if _, waits := i.w.waiting[id]; waits && !asked {
			asked = true
			i.acquire(c, op, id, until, answer)
		}
	}
	i.waiting[name] = append(i.waiting[name], again)
	if until < never {
		i.w.at(until, again)
	}
}

// lasts lets a lease end then, unless it was released or given anew.
func (i *issuer) lasts(name lease.Name, end time.Duration) {
	i.ends[name] = end
	held, _ := i.state.Get(name)
	var due func()
	due = func() {
		now, is := i.state.Get(name)
		if !is || now.Token != held.Token || now.Renewals != held.Renewals {
			return
		}
		if !i.majority() { // nobody can agree on it
			i.w.after(lookAgain, due)
			return
		}
		i.w.Trace.Add(trace.Event{At: i.w.now, Kind: trace.Granted, Text: fmt.Sprintf("the lease of %s under %s is over", name, held.Token)})
		i.end(lease.Entry{Kind: lease.Expire, Name: name, Token: held.Token, Renewals: held.Renewals})
	}
	i.w.at(end, due)
}

func (i *issuer) majority() bool {
	return slices.ContainsFunc(i.w.names, func(n string) bool {
		l := i.w.leaders[n]
		_, reached := i.round(l)
		return reached && l.pump != nil && l.paused <= i.w.now
	})
}

// end lets whoever waits for a lock have it.
func (i *issuer) end(e lease.Entry) lease.Result {
	r := i.apply(e)
	if r.Code == lease.Done {
		delete(i.ends, e.Name)
		next := i.waiting[e.Name]
		delete(i.waiting, e.Name)
		for _, again := range next {
			again()
		}
	}
	return r
}

// left is how much of a lease is left, if it is held under a token.
func (i *issuer) left(name lease.Name, t lease.Token) (time.Duration, bool) {
	l, held := i.state.Get(name)
	return i.ends[name] - i.w.now, held && l.Token == t
}

// redlock is a lock at one leader: who holds it there, and until when by the leader's own wall clock.
type redlock struct {
	client string
	until  time.Duration // since the scenario's zero, as the wall clock shows it
}

// takesRedlock sets a lock at one leader if it is free there.
func (l *leader) takesRedlock(c *client, op *operation) bool {
	now := l.clock.Read(l.w.instant()).Midpoint().Sub(zero)
	if held, taken := l.redlocks[op.Lock]; taken && held.client != c.name && now < held.until {
		return false
	}
	if l.redlocks == nil {
		l.redlocks = map[string]redlock{}
	}
	l.redlocks[op.Lock] = redlock{c.name, now + op.TTL}
	return true
}

// reaches reports whether a client's request would be answered by a leader at this moment.
func (c *client) reaches(l *leader) bool {
	return l.pump != nil && l.paused <= c.w.now && !c.w.link(path{c.name, l.name}).cut && !c.w.link(path{l.name, c.name}).cut
}

// takes asks every leader for itself, as Redlock does (Sanfilippo, "Distributed locks with Redis"):
// the lock is the client's if a majority of them set it.
func (c *client) takes(op *operation) bool {
	set := 0
	for _, n := range c.w.names {
		if l := c.w.leaders[n]; c.reaches(l) && l.takesRedlock(c, op) {
			set++
		}
	}
	if set > len(c.w.names)/2 {
		return true
	}
	c.leaves(op.Lock)
	return false
}

// leaves gives back what the client holds of a redlock.
func (c *client) leaves(lock string) {
	for _, n := range c.w.names {
		if l := c.w.leaders[n]; c.reaches(l) && l.redlocks[lock].client == c.name {
			delete(l.redlocks, lock)
		}
	}
}
