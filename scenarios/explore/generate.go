package explore

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"time"

	"kvd/scenarios/script"
)

// Generate makes the scenario of a seed. The same seed gives the same scenario.
func Generate(seed uint64) *script.Scenario {
	g := &generator{Rand: rand.New(rand.NewPCG(seed, 0x6b7664)), s: &script.Scenario{
		Name:   fmt.Sprintf("seed-%d", seed),
		Title:  fmt.Sprintf("A random history from seed %d", seed),
		Model:  script.DefaultModel(),
		Seed:   seed,
		Settle: 15 * time.Second,
	}}
	g.scale = []time.Duration{0, time.Millisecond, 20 * time.Millisecond, 40 * time.Millisecond, time.Second, time.Hour}[g.IntN(6)]
	g.kinds = g.Perm(kinds)[:1+g.IntN(5)]
	g.cluster()
	g.clients()
	g.operations()
	g.faults()
	g.mend()
	g.checks()
	g.configure(seed)
	slices.SortStableFunc(g.s.Events, func(a, b script.Event) int { return int(when(a) - when(b)) })
	return g.s
}

// span is how long clients and faults are active; their moments are multiples of grid.
const (
	span = 4 * time.Second
	grid = 20 * time.Millisecond
)

// kinds is how many kinds of fault there are; faults says which.
const kinds = 11

// generator draws one history. Each seed is a swarm of its own (Groce et al.
// 2012): it leaves most kinds of fault out and has more of the others, because
// faults hide each other when all are mixed.
type generator struct {
	*rand.Rand
	s       *script.Scenario
	keys    []string
	scale   time.Duration // of clock skew
	kinds   []int         // of faults
	crashed bool
	lost    bool // some disk is lost
	backups int
}

// when is the true time of a generated event: they are all at or every.
func when(e script.Event) time.Duration {
	first, _, _ := e.Timed()
	return first
}

// chance is true in one of n cases.
func (g *generator) chance(n int) bool { return g.IntN(n) == 0 }

// moment is a true time within the active span, on a coarse grid, so that
// things happen at the same instant now and then.
func (g *generator) moment() time.Duration {
	return time.Duration(g.Int64N(int64(span/grid))) * grid
}

func (g *generator) leader() string { return g.s.Leaders[g.IntN(len(g.s.Leaders))] }

func (g *generator) pair() script.Path {
	a := g.IntN(len(g.s.Leaders))
	b := (a + 1 + g.IntN(len(g.s.Leaders)-1)) % len(g.s.Leaders)
	return script.Path{From: g.s.Leaders[a], To: g.s.Leaders[b]}
}

func (g *generator) at(t time.Duration, a script.Action) {
	g.s.Events = append(g.s.Events, script.Event{Trigger: script.At{Time: t}, Action: a})
}

func (g *generator) cluster() {
	for i := range 2 + g.IntN(3) {
		g.s.Leaders = append(g.s.Leaders, fmt.Sprintf("n%d", i+1))
	}
	claim := time.Duration(g.IntN(20)) * time.Millisecond
	if g.chance(2) {
		claim *= 20
	}
	g.setup(script.ClockFault{Leader: script.AllLeaders, Error: script.Some(claim)})
	for _, n := range g.s.Leaders {
		if g.scale > 0 && g.chance(2) {
			g.setup(script.ClockFault{Leader: n, Offset: script.Some(g.skew()), DriftPPM: script.Some(int64(g.IntN(400) - 200))})
		}
	}
	g.setup(g.quality(script.Path{}))
	if g.chance(2) {
		g.setup(g.quality(g.pair()))
	}
}

func (g *generator) setup(a script.Action) {
	g.s.Setup = append(g.s.Setup, script.Setup{Action: a})
}

func (g *generator) skew() time.Duration { return time.Duration(g.IntN(21)-10) * g.scale }

func (g *generator) quality(p script.Path) script.LinkFault {
	f := script.LinkFault{Path: p, Delay: script.Some(time.Duration(1+g.IntN(40)) * time.Millisecond)}
	if g.chance(2) {
		f.Jitter = script.Some(time.Duration(1+g.IntN(20)) * time.Millisecond)
	}
	if g.chance(3) {
		f.Loss = script.Some(script.Rate(g.IntN(30) * 10000))
		f.Duplicate = script.Some(script.Rate(g.IntN(50) * 10000))
		f.Reorder = script.Some(script.Rate(g.IntN(30) * 10000))
	}
	return f
}

func (g *generator) clients() {
	g.keys = []string{"x", "y", "z"}[:1+g.IntN(3)]
	for i := range 2 + g.IntN(4) {
		c := script.Client{Name: string(rune('A' + i)), At: g.leader(), Session: g.chance(2)}
		if g.chance(2) {
			c.Timeout = time.Duration(50+g.IntN(300)) * time.Millisecond
			c.Retry = []string{script.RetrySame, script.RetryNext, g.leader(), ""}[g.IntN(4)]
		}
		g.s.Clients = append(g.s.Clients, c)
	}
}

func (g *generator) operations() {
	for range 5 + g.IntN(40) {
		c := g.s.Clients[g.IntN(len(g.s.Clients))]
		op := g.operation(c.Name)
		if g.chance(6) && op.Label == "" && op.Kind != script.OpGoto {
			g.s.Events = append(g.s.Events, script.Event{Action: op, Trigger: script.Every{
				Period: time.Duration(10+g.IntN(200)) * time.Millisecond, Times: 2 + g.IntN(6), From: g.moment()}})
			continue
		}
		g.at(g.moment(), op)
	}
}

// operation draws one. Increments and updates are the most frequent: they
// build on what they saw.
func (g *generator) operation(client string) script.ClientOp {
	op := script.ClientOp{Client: client, Key: g.keys[g.IntN(len(g.keys))]}
	switch g.IntN(12) {
	case 0, 1:
		op.Kind, op.Value = script.OpSet, fmt.Sprint(g.IntN(100))
	case 2:
		op.Kind = script.OpDelete
	case 3, 4:
		op.Kind = script.OpGet
	case 5, 6:
		op.Kind, op.Amount = script.OpIncr, int64(1+g.IntN(3))
	case 7:
		return script.ClientOp{Client: client, Kind: script.OpGoto, Leader: g.leader()}
	default:
		op.Kind, op.Amount = script.OpUpdate, int64(1+g.IntN(3))
	}
	return op
}

func (g *generator) faults() {
	for range g.IntN(14) {
		t := g.moment()
		switch g.kinds[g.IntN(len(g.kinds))] {
		case 0:
			g.split(t)
		case 1:
			g.at(t, script.Cut{Path: g.pair()})
		case 2:
			g.cutClient(t)
		case 3:
			g.at(t, script.Pause{Leader: g.leader(), For: time.Duration(1+g.IntN(1500)) * time.Millisecond})
		case 4:
			g.crash(t)
		case 5, 6:
			g.at(t, g.clock())
		case 7:
			g.at(t, script.Heal{})
		case 8:
			g.wipe(t)
		case 9:
			g.rollBack(t)
		case 10:
			g.unheard(t)
		}
	}
}

func (g *generator) split(t time.Duration) {
	names := slices.Clone(g.s.Leaders)
	g.Shuffle(len(names), func(i, j int) { names[i], names[j] = names[j], names[i] })
	n := 1 + g.IntN(len(names)-1)
	g.at(t, script.Partition{Sides: [][]string{names[:n], names[n:]}})
}

// cutClient loses a client's requests to, or replies from, one leader for a
// while: most often its own, and while that carries out a write. The client then
// turns to another leader, which may not have heard of the write.
func (g *generator) cutClient(t time.Duration) {
	c := &g.s.Clients[g.IntN(len(g.s.Clients))]
	to := g.leader()
	if !g.chance(3) {
		to = c.At
		if c.Retry == "" {
			c.Timeout, c.Retry = time.Duration(10+g.IntN(100))*time.Millisecond, g.leader()
		}
	}
	p := script.Path{From: c.Name, To: to}
	if !g.chance(3) {
		p = script.Path{From: to, To: c.Name, Reply: true}
	}
	g.at(t, script.Cut{Path: p})
	g.at(t+time.Duration(5+g.IntN(500))*time.Millisecond, script.Heal{Path: p})
}

// unheard loses the replies of all leaders to one client while no leader hears of
// another: whatever it writes, it gives up and tries the next, and the next.
func (g *generator) unheard(t time.Duration) {
	c := &g.s.Clients[g.IntN(len(g.s.Clients))]
	c.Timeout, c.Retry = time.Duration(10+g.IntN(50))*time.Millisecond, script.RetryNext
	var apart [][]string
	for _, n := range g.s.Leaders {
		apart = append(apart, []string{n})
		g.at(t, script.Cut{Path: script.Path{From: n, To: c.Name, Reply: true}})
	}
	g.at(t, script.Partition{Sides: apart})
	for range 1 + g.IntN(2) {
		g.at(t+time.Duration(g.IntN(50))*time.Millisecond, g.operation(c.Name))
	}
	g.at(t+time.Duration(50+g.IntN(500))*time.Millisecond, script.Heal{})
}

// crash kills a leader and starts it again. Two times in three it dies at the
// very instant of a write to it, between writing and syncing.
func (g *generator) crash(t time.Duration) {
	n := g.leader()
	if at, when, ok := g.write(); ok && !g.chance(3) {
		n, t = at, when
	}
	u := []script.Unsynced{script.UnsyncedKeep, script.UnsyncedLose, script.UnsyncedTorn}[g.IntN(3)]
	g.at(t, script.Crash{Leader: n, Unsynced: u})
	g.again(t, n)
}

// again starts a leader some time after it stopped at t.
func (g *generator) again(t time.Duration, n string) {
	down := time.Duration(1 + g.IntN(1500))
	if g.chance(2) {
		down = 1 + down/50
	}
	g.at(t+down*time.Millisecond, script.Restart{Leader: n})
	g.crashed = true
}

// wipe takes a leader's disk away: it comes back with an empty one.
func (g *generator) wipe(t time.Duration) {
	n := g.leader()
	g.at(t, script.Wipe{Leader: n})
	g.again(t, n)
	g.lost = true
}

// rollBack puts an older disk, now and then another leader's or a copy of that, in place
// of a leader's.
func (g *generator) rollBack(t time.Duration) {
	n, from := g.leader(), g.leader()
	if !g.chance(4) {
		from = n
	}
	g.backups++
	name := fmt.Sprintf("b%d", g.backups)
	later := t + time.Duration(g.IntN(1000))*time.Millisecond
	if from != n && g.backups%2 == 0 {
		g.at(later, script.Clone{From: from, To: n})
	} else {
		g.at(t, script.Backup{Leader: from, Name: name})
		g.at(later, script.Restore{Leader: n, Name: name})
	}
	t = later
	g.again(t, n)
	g.lost = true
}

// write is one of the writes that clients are to send, and where it goes as long
// as its client has not moved.
func (g *generator) write() (at string, t time.Duration, ok bool) {
	e := g.s.Events[g.IntN(len(g.s.Events))]
	op, ok := e.Action.(script.ClientOp)
	if !ok || op.Kind == script.OpGoto || op.Kind == script.OpGet {
		return "", 0, false
	}
	i := slices.IndexFunc(g.s.Clients, func(c script.Client) bool { return c.Name == op.Client })
	return g.s.Clients[i].At, when(e), true
}

func (g *generator) clock() script.ClockFault {
	f := script.ClockFault{Leader: g.leader()}
	switch g.IntN(4) {
	case 0:
		f.Step = script.Some(g.skew())
	case 1:
		f.Strobe = script.Some(script.Strobe{Amplitude: time.Duration(1+g.IntN(1000)) * time.Millisecond, Period: time.Duration(20+g.IntN(400)) * time.Millisecond})
	case 2:
		f.Freeze = script.Some(time.Duration(1+g.IntN(800)) * time.Millisecond)
	default:
		f.DriftPPM = script.Some(int64(g.IntN(20000) - 10000))
	}
	if f.Step.Set && f.Step.Value == 0 {
		f.Step.Value = time.Millisecond
	}
	return f
}

// mend ends what would keep the cluster from converging.
func (g *generator) mend() {
	end := span + 2*time.Second
	g.at(end, script.Heal{})
	for _, n := range g.s.Leaders {
		if g.crashed {
			g.at(end, script.Restart{Leader: n})
		}
	}
	clean := script.LinkFault{Loss: script.Some(script.Rate(0)), Reorder: script.Some(script.Rate(0))}
	g.at(end, clean)
}

// checks is what must hold in every history. Where a disk was lost, so is what
// only that disk had; everything else still holds.
func (g *generator) checks() {
	blameless := []string{"siblings", "counter"}
	ordered := []string{"lamport", "siblings", "causal", "counter"}
	g.s.Checks = append(g.s.Checks, script.Check{Name: script.CheckConverged})
	if !g.lost {
		g.s.Checks = append(g.s.Checks,
			script.Check{Name: script.CheckAcked, For: blameless},
			script.Check{Name: script.CheckDurability})
	}
	for _, k := range g.keys {
		g.s.Checks = append(g.s.Checks, script.Check{Name: script.CheckNoOvercount, Key: k},
			script.Check{Name: script.CheckNoResurrection, Key: k, For: ordered})
	}
	for _, c := range g.s.Clients {
		if c.Session {
			g.s.Checks = append(g.s.Checks, script.Check{Name: script.CheckSession, Client: c.Name, Guarantee: script.AllGuarantees, For: ordered})
		}
	}
}
