package clocks_test

import (
	"cmp"
	"fmt"
	"math/rand/v2"
	"os"
	"slices"
	"strconv"
	"time"

	"kvd/replica/internal/clocks"
	"kvd/replica/internal/config"
	"kvd/replica/internal/peerclock"
	"kvd/wallclock"
)

// machine is a leader's clocks in a world where true time is known.
type machine struct {
	name   config.Leader
	clocks clocks.Clocks
	meters []peerclock.Meter // by index of the peer; its own is unused
	number uint64
	due    time.Duration

	clock  wallclock.Skewed
	claims time.Duration // the error that it claims
	lies   bool          // the claim is false, or was of late
	stood  time.Duration // how long the machine stood still, its stopwatch with it
	until  time.Duration // till when it stands still
	rate   float64       // of its stopwatch, in parts of one
}

// letter is a message with a clock under way.
type letter struct {
	at       time.Duration
	from, to int
	number   uint64
	wall     wallclock.Interval
	echoed   uint64
	held     time.Duration
}

// world is machines and the messages between them. Its dice follow from the seed.
type world struct {
	rng      *rand.Rand
	now      time.Duration
	machines []*machine
	letters  []letter
	delay    func(from, to int) time.Duration
	cfg      config.Config
}

const (
	epoch = wallclock.Instant(1_700_000_000_000_000_000)
	beat  = 500 * time.Millisecond
	tick  = 110 * time.Millisecond // longer than it takes until clocks are judged again
	ms    = time.Millisecond
)

// newWorld has n machines, whose clocks claim 5 ms and are off by less.
func newWorld(seed uint64, n int) *world {
	w := &world{rng: rand.New(rand.NewPCG(seed, 7)), cfg: config.Defaults()}
	w.cfg.Quarantine = config.Quarantine{Scope: config.ScopeStamps}
	w.delay = func(int, int) time.Duration { return time.Duration(w.rng.Int64N(int64(2 * ms))) }
	for i := range n {
		m := &machine{name: config.Leader(fmt.Sprintf("n%d", i+1)), meters: make([]peerclock.Meter, n), claims: 5 * ms, rate: w.between(-400e-6, 400e-6)}
		m.clock = wallclock.NewSkewed(wallclock.Faults{Offset: time.Duration(w.between(-4e6, 4e6))}, epoch)
		m.clocks.Configure(n)
		w.machines = append(w.machines, m)
	}
	return w
}

func (w *world) between(low, high float64) float64 { return low + w.rng.Float64()*(high-low) }

func (w *world) truth() wallclock.Instant { return epoch.Add(w.now) }

// moment is what m's clocks show. While it stands still, nobody asks.
func (w *world) moment(m *machine) wallclock.Moment {
	ran := w.now - m.stood
	return wallclock.Moment{Mono: wallclock.Mono(ran + time.Duration(float64(ran)*m.rate)), Wall: wallclock.Around(m.clock.Shows(w.truth()), m.claims)}
}

// stand lets a machine stand still for d, with both clocks, and go on from there.
func (w *world) stand(m *machine, d time.Duration) {
	m.until, m.stood = w.now+d, m.stood+d
	m.clock = m.clock.Step(-d)
}

// step passes one tick: whose turn it is says what its clock shows, what has arrived is
// heard, and everybody compares.
func (w *world) step() {
	w.now += tick
	for i, m := range w.machines {
		if w.now < m.until || w.now < m.due {
			continue
		}
		m.due = w.now + beat
		at := w.moment(m)
		for j := range w.machines {
			if d := w.delay(i, j); j != i && d >= 0 {
				m.number++
				l := letter{at: w.now + d, from: i, to: j, number: m.number, wall: at.Wall}
				l.echoed, l.held = m.meters[j].Echo(at.Mono)
				m.meters[j].Asked(l.number, at.Mono, beat)
				w.letters = append(w.letters, l)
			}
		}
	}
	w.deliver()
	for i, m := range w.machines {
		if w.now >= m.until {
			m.clocks.Observe(w.moment(m), w.peers(i), &w.cfg)
		}
	}
}

// deliver hears what has arrived. The moment of arrival is that of the message, not of the
// tick, except at who stood still.
func (w *world) deliver() {
	slices.SortFunc(w.letters, func(a, b letter) int { return cmp.Compare(a.at, b.at) })
	rest := w.letters[:0]
	now := w.now
	for _, l := range w.letters {
		m := w.machines[l.to]
		if l.at > now || now < m.until {
			rest = append(rest, l)
			continue
		}
		if w.now = l.at; l.at < m.until {
			w.now = m.until
		}
		m.meters[l.from].Heard(l.number, l.wall, l.echoed, l.held, w.moment(m).Mono)
		w.now = now
	}
	w.letters = rest
}

func (w *world) peers(own int) func(yield func(clocks.Peer) bool) {
	return func(yield func(clocks.Peer) bool) {
		for j, m := range w.machines {
			if j != own && !yield(clocks.Peer{Name: m.name, Meter: &w.machines[own].meters[j]}) {
				return
			}
		}
	}
}

// pass runs the world for d.
func (w *world) pass(d time.Duration) {
	for end := w.now + d; w.now < end; {
		w.step()
	}
}

func (m *machine) quarantined() bool { return m.clocks.State().Guard.Quarantined() }

// seedOr is KVD_SEED, or else one of our own.
func seedOr(own uint64) uint64 {
	if n, err := strconv.ParseUint(os.Getenv("KVD_SEED"), 10, 64); err == nil {
		return n
	}
	return own
}
