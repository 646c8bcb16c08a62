package live

import (
	"context"
	"sync"
	"time"

	"kvd/logical"
	"kvd/replica/client/conn"
	"kvd/scenarios/live/attempt"
	"kvd/scenarios/script"
)

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
