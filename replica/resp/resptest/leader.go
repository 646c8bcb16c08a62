// Package resptest has a leader for tests of the Redis protocol edge: a map, one
// goroutine, and the promises of server.Engine, server.Keys and server.Inspector. It
// does not replicate and resolves nothing: siblings are put there by the test. A Rig is a whole server
// with the table of commands over such a leader, and Client a raw connection to it.
package resptest

import (
	"fmt"
	"slices"
	"strconv"
	"sync"
	"time"

	"kvd/logical"
	"kvd/replica"
	"kvd/replica/resp/server"
	"kvd/resolve"
	"kvd/wallclock"
)

// Origin is the fake leader's.
const Origin logical.Origin = 0xfade

// Leader is the fake. Make it with New.
type Leader struct {
	now   func() time.Time
	queue chan job
	done  sync.WaitGroup

	mu      sync.Mutex
	objects map[string]object
	known   map[identity]replica.Reply // what requests with an identity did
	seq     logical.Seq
	extra   logical.Frontier // what "other leaders" have sent
	durable int
	asked   logical.Frontier
	refuse  error
	policy  resolve.Policy
	batches []int // sizes of the calls of Do
	gate    chan struct{}
	broken  map[string]error // by key: why its requests fail
}

type identity struct{ client, number uint64 }

type object struct {
	values  [][]byte
	dots    []logical.Dot
	expires wallclock.Instant
	written wallclock.Instant
}

type job struct {
	reqs []*replica.Request
	done func([]replica.Reply)
}

// New starts the leader's goroutine; Close ends it.
func New(now func() time.Time) *Leader {
	l := &Leader{now: now, queue: make(chan job, 64), objects: map[string]object{}, known: map[identity]replica.Reply{}, broken: map[string]error{}, durable: 2}
	l.done.Go(l.run)
	return l
}

func (l *Leader) change(f func()) {
	l.mu.Lock()
	defer l.mu.Unlock()
	f()
}

func locked[T any](l *Leader, f func() T) (t T) {
	l.change(func() { t = f() })
	return t
}

// Close answers what was taken and ends the goroutine. Nobody may call Do
// afterwards.
func (l *Leader) Close() {
	close(l.queue)
	l.done.Wait()
}

// Hold makes the leader keep batches until release is called.
func (l *Leader) Hold() (release func()) {
	gate := make(chan struct{})
	l.change(func() { l.gate = gate })
	return sync.OnceFunc(func() { close(gate) })
}

// Break lets every request for the key fail; nil ends that.
func (l *Leader) Break(key string, err error) { l.change(func() { l.broken[key] = err }) }

// Refuse makes Do take nothing and answer err; nil ends that.
func (l *Leader) Refuse(err error) { l.change(func() { l.refuse = err }) }

// Siblings lets the key show several values.
func (l *Leader) Siblings(key string, values ...string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	var o object
	for _, v := range values {
		o.values = append(o.values, []byte(v))
		o.dots = append(o.dots, l.dot())
	}
	l.objects[key] = o
}

// Heard moves the frontier as if an op of another leader had been applied.
func (l *Leader) Heard(d logical.Dot) {
	l.change(func() { l.extra = l.extra.Join(logical.FrontierOf(d)) })
}

// Batches is the sizes of the calls of Do so far.
func (l *Leader) Batches() []int { return locked(l, func() []int { return slices.Clone(l.batches) }) }

// SetPolicy puts another policy in force.
func (l *Leader) SetPolicy(p resolve.Policy) { l.change(func() { l.policy = p }) }

// Do queues.
func (l *Leader) Do(reqs []*replica.Request, done func([]replica.Reply)) error {
	l.mu.Lock()
	err := l.refuse
	if err == nil {
		l.batches = append(l.batches, len(reqs))
	}
	l.mu.Unlock()
	if err == nil {
		l.queue <- job{reqs, done}
	}
	return err
}

func (l *Leader) run() {
	for j := range l.queue {
		if gate := locked(l, func() chan struct{} { return l.gate }); gate != nil {
			<-gate
		}
		j.done(l.answer(j.reqs))
	}
}

func (l *Leader) answer(reqs []*replica.Request) []replica.Reply {
	l.mu.Lock()
	defer l.mu.Unlock()
	replies := make([]replica.Reply, 0, len(reqs))
	for _, r := range reqs {
		rep := l.step(r)
		rep.ID = r.ID
		replies = append(replies, rep)
	}
	return replies
}

func (l *Leader) step(r *replica.Request) replica.Reply {
	if !l.frontier().Includes(r.Token.Frontier) {
		return failed(r, replica.ErrBehind)
	}
	if err := l.broken[r.Key]; err != nil {
		return failed(r, err)
	}
	if r.Guard != nil && r.Guard.Broken {
		return failed(r, replica.ErrGuard)
	}
	w := replica.Write{Verb: r.Verb, Value: r.Value, Delta: r.Delta, Expires: r.Expires}
	o := l.show(r.Key)
	if r.Together != nil {
		if err := r.Together.Fault(r, l.try); err != nil {
			return replica.Reply{Err: err}
		}
	} else if rep := overBudget(r, o); rep != nil {
		return *rep
	}
	if r.Verb == replica.Update {
		var err error
		if w, err = r.Decide(l.present(o)); err != nil {
			return failed(r, err)
		}
	}
	rep, err := l.once(r, w, o)
	if err != nil {
		return failed(r, err)
	}
	if !r.Quiet {
		rep.Shown = r.Brief(l.show(r.Key).reading())
	}
	rep.Token = replica.Token{Frontier: l.frontier(), Lamport: logical.Lamport(l.seq)}
	return rep
}

// try is why an Update would be refused. What it needs of the budget stays taken.
func (l *Leader) try(r *replica.Request) error {
	o := l.show(r.Key)
	if rep := overBudget(r, o); rep != nil {
		return rep.Err
	}
	if r.Budget != nil && holds(r) {
		r.Budget.Bytes += replica.Bytes(o.values)
	}
	_, err := r.Decide(l.present(o))
	return err
}

func (l *Leader) present(o object) replica.Present {
	return replica.Present{Reading: o.reading(), Expires: o.expires, Now: l.clock(), Written: o.written, Bytes: replica.Bytes(o.values)}
}

func (l *Leader) once(r *replica.Request, w replica.Write, o object) (replica.Reply, error) {
	id := identity{r.Client, r.Number}
	if first, ok := l.known[id]; ok && r.Client != 0 {
		first.Retry = true
		return first, nil
	}
	rep, err := l.write(r, w, o)
	if err == nil && r.Client != 0 {
		l.known[id] = rep
	}
	return rep, err
}

func (l *Leader) write(r *replica.Request, w replica.Write, o object) (replica.Reply, error) {
	var rep replica.Reply
	next := object{expires: w.Expires, written: l.clock().Midpoint()}
	if w.Keep || w.Verb == replica.Incr && w.Expires == 0 {
		next.expires = o.expires
	}
	switch w.Verb {
	case replica.Get:
		return rep, nil
	case replica.Touch:
		if len(o.values) > 0 {
			l.objects[r.Key] = object{values: o.values, dots: o.dots, expires: w.Expires, written: o.written}
			rep.Dot, rep.Over, rep.Wall = l.dot(), o.dots, l.clock()
		}
		return rep, nil
	case replica.Set:
		next.values = [][]byte{w.Value}
	case replica.Incr:
		n, err := sum(o.values, w.Delta)
		if err != nil {
			return rep, err
		}
		rep.Wrote = strconv.AppendInt(nil, n, 10)
		next.values = [][]byte{rep.Wrote}
	}
	rep.Dot, rep.Over, rep.Delta, rep.Wall = l.dot(), o.dots, w.Delta, l.clock()
	next.dots = []logical.Dot{rep.Dot}
	if r.Exact {
		rep.Over = slices.Clone(r.Shown)
		for i, d := range o.dots { // siblings the author had not been shown stay
			if i < len(o.values) && !slices.Contains(r.Shown, d) {
				next.values, next.dots = append(next.values, o.values[i]), append(next.dots, d)
			}
		}
	}
	l.objects[r.Key] = next
	return rep, nil
}

func sum(values [][]byte, delta int64) (int64, error) {
	if len(values) == 0 {
		return delta, nil
	}
	n, err := strconv.ParseInt(string(values[0]), 10, 64)
	switch {
	case err != nil, strconv.FormatInt(n, 10) != string(values[0]):
		return 0, resolve.ErrNotInteger
	case delta > 0 && n+delta < n, delta < 0 && n+delta > n:
		return 0, resolve.ErrOverflow
	}
	return n + delta, nil
}

func (l *Leader) show(key string) object {
	o := l.objects[key]
	if o.expires != 0 && o.expires <= l.clock().Midpoint() {
		return object{dots: o.dots}
	}
	return o
}

func (o object) reading() resolve.Reading { return resolve.Reading{Values: o.values, Dots: o.dots} }

func (l *Leader) clock() wallclock.Interval {
	return wallclock.Around(wallclock.Instant(l.now().UnixNano()), time.Millisecond)
}

func (l *Leader) dot() logical.Dot {
	l.seq++
	return logical.Dot{Origin: Origin, Seq: l.seq}
}

func (l *Leader) frontier() logical.Frontier {
	if l.seq == 0 {
		return l.extra
	}
	return l.extra.Join(logical.FrontierOf(logical.Dot{Origin: Origin, Seq: l.seq}))
}

func failed(r *replica.Request, err error) replica.Reply {
	verb := [...]string{"?", "get", "set", "remove", "incr", "update"}[min(r.Verb, 5)]
	return replica.Reply{Err: fmt.Errorf("%s %q: %w", verb, r.Key, err)}
}

// Size counts the keys that show a value.
func (l *Leader) Size() (int64, error) {
	return locked(l, func() int64 { return int64(len(l.sorted())) }), nil
}

// Expiring counts those among them that have a deadline.
func (l *Leader) Expiring() (n int64, err error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, key := range l.sorted() {
		if l.objects[key].expires != 0 {
			n++
		}
	}
	return n, nil
}

// Info has one section.
func (l *Leader) Info() []server.Section {
	return []server.Section{{Name: "kvd", Lines: []string{"origin:" + Origin.String()}}}
}

// Policy is what SetPolicy put in force, else lww for all.
func (l *Leader) Policy() *resolve.Policy {
	p := locked(l, func() resolve.Policy { return l.policy })
	return &p
}

// Frontier is all own writes, and what Heard said.
func (l *Leader) Frontier() logical.Frontier {
	return locked(l, func() logical.Frontier { return l.frontier() })
}

// Durable is always the same number of leaders.
func (l *Leader) Durable(f logical.Frontier) int {
	return locked(l, func() int { l.asked = f; return l.durable })
}

// Asked is what Durable was last asked about.
func (l *Leader) Asked() logical.Frontier {
	return locked(l, func() logical.Frontier { return l.asked })
}

// SetDurable changes that number.
func (l *Leader) SetDurable(n int) { l.change(func() { l.durable = n }) }

var (
	_ server.Engine    = (*Leader)(nil)
	_ server.Keys      = (*Leader)(nil)
	_ server.Inspector = (*Leader)(nil)
)
