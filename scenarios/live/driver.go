package live

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"kvd/logical"
	"kvd/replica/client/conn"
	"kvd/scenarios/live/attempt"
	"kvd/scenarios/script"
	"kvd/scenarios/trace"
	"kvd/scenarios/world/clientop"
)

// machines is the leaders as the driver handles them.
type machines interface {
	// running is where clients find the leaders that run.
	running() map[string]string
	// fault plants a fault: the words after KVD.FAULT.
	fault(leader string, words ...string) error
	// act does Pause, Crash, Restart, Wipe, Backup, Restore, Clone, DiskFault and Rot.
	act(a script.Action) error
	// resume ends a pause.
	resume(leader string) error
}

func (d *driver) alive() []string {
	at := d.m.running()
	return slices.DeleteFunc(slices.Clone(d.s.Leaders), func(n string) bool { return at[n] == "" })
}

// dial connects to a leader. One that does not run refuses.
func (d *driver) dial(leader string) (*conn.Conn, error) {
	addr := d.m.running()[leader]
	if addr == "" {
		return nil, fmt.Errorf("%s refuses the connection", leader)
	}
	return conn.Dial(addr, dialTime)
}

// driver plays a scaled script in real time. One goroutine, in play, does what the
// script says in its order; each client has one, and each leader one that asks it
// what it has applied.
type driver struct {
	s        *script.Scenario
	m        machines
	rec      *attempt.Record
	counts   func(key string) bool // served by a resolver that is told the intent
	before   []int                 // how many acknowledgements precede each action but operations, in the reference
	requests atomic.Int64
	acks     atomic.Int64
	asking   *sync.WaitGroup // attempts without a reply yet
	news     chan struct{}   // something was acknowledged, seen or finished

	agenda  []item // by time
	until   time.Duration
	links   *links
	clocks  map[string][]script.ClockFault // by leader, in order
	clients map[string]*client
	faults  int // actions done that are no operations

	mu       sync.Mutex
	labels   map[string]bool // acknowledged
	busy     map[string]int  // operations not finished, by client
	lost     map[[2]string]bool
	frontier map[string]logical.Frontier
	named    map[string]attempt.Identity // which write a label is
	err      error
	triggers []*script.Event
	unnamed  int
}

// play does everything the script says, and returns when all clients have
// finished, or at true time d.until: some wait for what never comes.
func (d *driver) play(ctx context.Context) error {
	d.arm()
	for ctx.Err() == nil && d.failure() == nil && d.rec.Now() < d.until {
		d.trigger()
		next := d.until - d.rec.Now()
		if len(d.agenda) > 0 {
			next = d.agenda[0].at - d.rec.Now()
		} else if d.idle() {
			return nil
		}
		if next > 0 {
			d.wait(ctx, next)
			continue
		}
		due := d.agenda[0]
		d.agenda = d.agenda[1:]
		due.do(ctx)
	}
	if err := d.failure(); err != nil {
		return err
	}
	return ctx.Err()
}

// wait sleeps until something happens, or for a while.
func (d *driver) wait(ctx context.Context, atMost time.Duration) {
	t := time.NewTimer(atMost)
	defer t.Stop()
	select {
	case <-t.C:
	case <-d.news:
	case <-ctx.Done():
	}
}

func (d *driver) tell() {
	select {
	case d.news <- struct{}{}:
	default:
	}
}

// fail ends the run: the machines broke.
func (d *driver) fail(err error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.err == nil {
		d.err = err
	}
	d.tell()
}

func (d *driver) failure() error {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.err
}

// arm puts what has its time on the agenda.
func (d *driver) arm() {
	for i := range d.s.Events {
		e := &d.s.Events[i]
		switch t := e.Trigger.(type) {
		case script.At:
			d.agenda = append(d.agenda, d.happening(t.Time, e.Action, 0))
		case script.Every:
			for k := range t.Times {
				d.agenda = append(d.agenda, d.happening(t.From+time.Duration(k)*t.Period, e.Action, k+1))
			}
		case script.After:
			d.triggers = append(d.triggers, e)
		}
	}
	slices.SortStableFunc(d.agenda, func(a, b item) int { return cmp.Compare(a.at, b.at) })
}

// happening is an action at its time; turn counts the repetitions of every.
func (d *driver) happening(t time.Duration, a script.Action, turn int) item {
	return item{t, func(ctx context.Context) { d.happen(ctx, a, turn) }}
}

// trigger enters what waited for a label that has come to pass.
func (d *driver) trigger() {
	var waiting []*script.Event
	for _, e := range d.triggers {
		t := e.Trigger.(script.After)
		if !d.passed(t) {
			waiting = append(waiting, e)
			continue
		}
		d.enter(d.happening(d.rec.Now()+t.Plus, e.Action, 0))
	}
	d.triggers = waiting
}

func (d *driver) passed(t script.After) bool {
	d.mu.Lock()
	defer d.mu.Unlock()
	if t.SeenBy == "" {
		return d.labels[t.Label]
	}
	id, ok := d.named[t.Label]
	if !ok {
		return false
	}
	dot, ok := d.rec.Dot(id)
	return ok && d.frontier[t.SeenBy].Covers(dot)
}

func (d *driver) happen(ctx context.Context, a script.Action, turn int) {
	op, ok := a.(script.ClientOp)
	if !ok {
		d.await(ctx)
		d.rec.Add(false, trace.Event{Kind: trace.Fault, Text: a.String()}, nil)
		if err := d.act(a); err != nil {
			d.fail(fmt.Errorf("%s: %w", a, err))
		}
		return
	}
	d.mu.Lock()
	d.busy[op.Client]++
	d.mu.Unlock()
	d.clients[op.Client].queue <- operation{Operation: clientop.Take(op, turn, &d.unnamed)}
}

// awaitTime bounds how long an action waits for what precedes it in the reference.
const awaitTime = 2 * time.Second

// await holds an action back until as many writes are acknowledged as in the
// reference. Among real processes a fault would otherwise overtake a write that
// was sent long before it, as the script counts.
func (d *driver) await(ctx context.Context) {
	want := 0
	if d.faults < len(d.before) {
		want = d.before[d.faults]
	}
	d.faults++
	for end := time.Now().Add(awaitTime); ctx.Err() == nil && int(d.acks.Load()) < want && time.Now().Before(end); {
		d.wait(ctx, 10*time.Millisecond)
	}
}

// acked notes an acknowledgement that reached its client.
func (d *driver) acked(label string) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.acks.Add(1)
	d.labels[label] = true
	d.tell()
}

// naming notes which write a label is.
func (d *driver) naming(label string, id attempt.Identity) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.named[label] = id
}

// applied notes what a leader says it has applied.
func (d *driver) applied(leader string, f logical.Frontier) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.frontier[leader].Compare(f) != logical.Equal {
		d.frontier[leader] = f
		d.tell()
	}
}

func (d *driver) finished(client string) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.busy[client]--
	d.tell()
}

// idle reports whether no client has anything to do and nothing waits that still
// can be caused.
func (d *driver) idle() bool {
	d.mu.Lock()
	defer d.mu.Unlock()
	for _, n := range d.busy {
		if n > 0 {
			return false
		}
	}
	for _, e := range d.triggers {
		if id, ok := d.named[e.Trigger.(script.After).Label]; ok {
			if _, accepted := d.rec.Dot(id); accepted {
				return false
			}
		}
	}
	return true
}

type item struct {
	at time.Duration
	do func(context.Context)
}

// enter puts something on the agenda; at one instant things happen in the order in which
// they were entered.
func (d *driver) enter(it item) {
	after, _ := slices.BinarySearchFunc(d.agenda, it.at+1, func(o item, t time.Duration) int { return cmp.Compare(o.at, t) })
	d.agenda = slices.Insert(d.agenda, after, it)
}

func newDriver(s *script.Scenario, m machines, counts func(key string) bool) *driver {
	d := &driver{
		asking: &sync.WaitGroup{},
		s:      s, m: m, counts: counts, news: make(chan struct{}, 1), links: newLinks(s.Leaders),
		clocks: map[string][]script.ClockFault{}, clients: map[string]*client{}, labels: map[string]bool{},
		busy: map[string]int{}, lost: map[[2]string]bool{}, frontier: map[string]logical.Frontier{}, named: map[string]attempt.Identity{},
	}
	for i, c := range s.Clients {
		d.clients[c.Name] = &client{d: d, name: c.Name, id: uint64(i + 1), at: c.At, spec: c,
			queue: make(chan operation, happenings(s)), conns: map[string]*conn.Conn{}}
	}
	return d
}

func happenings(s *script.Scenario) int {
	n := 0
	for _, e := range s.Events {
		n += e.Times()
	}
	return n
}

// headStart is the time between planting the first faults and true time zero.
const headStart = 20 * time.Millisecond

// prepare does what the script does before true time zero, and sets that. It lies
// as the simulation's does to the phase of a clock that strobes.
func (d *driver) prepare() error {
	d.begins(time.Now())
	for _, u := range d.s.Setup {
		if err := d.act(u.Action); err != nil {
			return err
		}
	}
	d.begins(aligned(time.Now().Add(headStart), swing(d.s)))
	return nil
}

func (d *driver) begins(zero time.Time) {
	d.rec = attempt.NewRecord(func() time.Duration { return time.Since(zero) })
}

// swing is the time after which a strobing clock of the script is where it was;
// zero: none strobes.
func swing(s *script.Scenario) time.Duration {
	for a := range s.Actions() {
		if c, ok := a.(script.ClockFault); ok && c.Strobe.Value.Period > 0 {
			return 2 * c.Strobe.Value.Period
		}
	}
	return 0
}

// simulated is true time zero of every simulation, in seconds since 1970.
const simulated = 1767225600

// aligned is the first moment from t on that lies to the phase of swing as the
// simulation's zero does.
func aligned(t time.Time, swing time.Duration) time.Time {
	if swing <= 0 {
		return t
	}
	since := t.Sub(time.Unix(simulated, 0)) % swing
	return t.Add((swing - since) % swing)
}

// begin starts the goroutines of clients and of those who watch leaders. The
// function it returns ends them and waits until they have.
func (d *driver) begin(ctx context.Context) (stop func()) {
	ctx, cancel := context.WithCancel(ctx)
	var wg sync.WaitGroup
	for _, c := range d.s.Clients {
		wg.Go(func() { d.clients[c.Name].run(ctx) })
	}
	for _, n := range d.s.Leaders {
		wg.Go(func() { d.watch(ctx, n, polling(d.s)) })
	}
	return func() {
		cancel()
		for _, c := range d.clients {
			close(c.queue)
		}
		wg.Wait()
	}
}
