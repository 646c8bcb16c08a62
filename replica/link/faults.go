package link

import (
	"fmt"
	"math/rand/v2"
	"sync"
	"time"

	"kvd/replica"
)

// LinkFault is what goes wrong on the way to one peer. It falls on batches and
// statuses; the connection itself, its greeting and its credit are spared, so
// that a fault is the same in a simulation, which has no connections. Where everything
// vanishes no state is fetched either. The zero LinkFault is a good link.
type LinkFault struct {
	Delay, Jitter time.Duration // each message waits Delay and up to Jitter more, in order
	Loss          float64       // probability that a message vanishes
	Duplicate     float64       // probability that it comes twice
	Overtake      float64       // probability that it is delayed and later ones pass it
	Cut           bool          // everything vanishes
}

// Validate refuses times and probabilities that are none.
func (f LinkFault) Validate() error {
	if f.Delay < 0 || f.Jitter < 0 {
		return fmt.Errorf("link fault: delay %s, jitter %s; neither can be negative", f.Delay, f.Jitter)
	}
	for name, p := range map[string]float64{"loss": f.Loss, "duplicate": f.Duplicate, "overtake": f.Overtake} {
		if !(p >= 0 && p <= 1) {
			return fmt.Errorf("link fault: %s is %v; a probability is between 0 and 1", name, p)
		}
	}
	return nil
}

// Faults are the faults of all links of one leader; they can be changed while it
// runs.
type Faults struct {
	mu     sync.Mutex
	chance *rand.Rand
	links  map[replica.Leader]*faultyLink
}

type faultyLink struct {
	fault LinkFault
	last  time.Time // when the message before is due: links keep order unless told otherwise
}

// NewFaults has no faults yet; all chance comes from the seed.
func NewFaults(seed uint64) *Faults {
	return &Faults{chance: rand.New(rand.NewPCG(seed, 0x6b7664)), links: map[replica.Leader]*faultyLink{}}
}

// Set replaces what goes wrong on the way to a peer. Messages that wait already
// keep their time.
func (f *Faults) Set(to replica.Leader, fault LinkFault) error {
	if err := fault.Validate(); err != nil {
		return fmt.Errorf("to %s: %w", to, err)
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.links[to] == nil {
		f.links[to] = &faultyLink{}
	}
	f.links[to].fault = fault
	return nil
}

// Clear makes every link good again.
func (f *Faults) Clear() {
	f.mu.Lock()
	defer f.mu.Unlock()
	for _, l := range f.links {
		l.fault = LinkFault{}
	}
}

// fate is when the copies of one message are due: none if it is lost.
type fate struct {
	due [2]time.Time
	n   int
}

// plan draws the fate of a message sent now. Without faults it is due at once,
// which the zero time says.
func (f *Faults) plan(to replica.Leader, now time.Time) fate {
	if f == nil {
		return fate{n: 1}
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	l := f.links[to]
	if l == nil {
		return fate{n: 1}
	}
	if l.fault.Cut || f.happens(l.fault.Loss) {
		return fate{}
	}
	out := fate{n: 1}
	out.due[0] = f.arrival(l, now)
	if f.happens(l.fault.Duplicate) {
		out.due[1], out.n = f.arrival(l, now), 2
	}
	return out
}

// arrival draws one delay. A message that is not overtaken never arrives before
// the one sent before it.
func (f *Faults) arrival(l *faultyLink, now time.Time) time.Time {
	at := now.Add(l.fault.Delay)
	if j := l.fault.Jitter; j > 0 {
		at = at.Add(time.Duration(f.chance.Int64N(int64(j))))
	}
	if f.happens(l.fault.Overtake) {
		return at.Add(l.fault.Delay + time.Duration(f.chance.Int64N(int64(4*l.fault.Delay+1))))
	}
	if at.Before(l.last) {
		at = l.last
	}
	l.last = at
	return at
}

// cut reports whether everything to the peer vanishes.
func (f *Faults) cut(to replica.Leader) bool {
	if f == nil {
		return false
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	l := f.links[to]
	return l != nil && l.fault.Cut
}

func (f *Faults) happens(p float64) bool { return p > 0 && f.chance.Float64() < p }
