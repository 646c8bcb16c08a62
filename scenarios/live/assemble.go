package live

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"time"

	"kvd/logical"
	"kvd/resolve"
	"kvd/scenarios/oracle"
	"kvd/scenarios/trace"
	"kvd/scenarios/world"
	"kvd/wallclock"
)

// step is a fact in its place. At one instant sends come first, then births in the
// order of their depth, then what was applied, then what clients were told.
type step struct {
	at    time.Duration
	rank  int
	depth int
	tell  func(*oracle.History)
	event trace.Event
}

const (
	rankDone = iota
	rankBorn
	rankApplied
	rankTold
)

// assemble puts what was observed in the order in which it can have happened, and
// tells it; more is asked once births have their dates. What comes later, to those
// who no longer wait, is left out.
func (r *record) assemble(more func() []step) (*oracle.History, *trace.Trace) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.date()
	steps := more()
	for _, f := range r.facts {
		s := step{at: f.at, rank: rankDone, tell: f.tell, event: f.event}
		if f.told {
			s.rank = rankTold
		}
		steps = append(steps, s)
	}
	steps = append(steps, r.accepted()...)
	for _, leader := range slices.Sorted(maps.Keys(r.polls)) {
		steps = append(steps, r.applied(leader)...)
	}
	slices.SortStableFunc(steps, func(a, b step) int {
		return cmp.Or(cmp.Compare(a.at, b.at), cmp.Compare(a.rank, b.rank), cmp.Compare(a.depth, b.depth))
	})
	h, t := oracle.NewHistory(), &trace.Trace{}
	for _, s := range steps {
		if s.tell != nil {
			s.tell(h)
		}
		if s.event.Kind != 0 {
			t.Add(s.event)
		}
	}
	return h, t
}

// births lists them by leader's reply.
func (r *record) births() []*birth {
	var all []*birth
	for _, w := range r.order {
		all = append(all, w.births...)
	}
	return all
}

// date moves births back to when they must have happened at the latest: before
// anybody was shown them, before a leader had them, and before what went over
// them.
func (r *record) date() {
	for _, m := range r.shown {
		r.known(m.dots, m.at)
	}
	for _, b := range r.births() {
		b.at = max(b.sent, min(b.at, r.covered(b.dot)))
	}
	for moved := true; moved; {
		moved = false
		for _, b := range r.births() {
			for _, d := range b.over {
				if o := r.byDot[d]; o != nil && max(o.sent, b.at) < o.at {
					o.at, moved = max(o.sent, b.at), true
				}
			}
		}
	}
	r.deepen()
}

func (r *record) known(dots []logical.Dot, at time.Duration) {
	for _, d := range dots {
		if b := r.byDot[d]; b != nil {
			b.at = min(b.at, at)
		}
	}
}

// covered is when some leader first said that it had the dot; far away if none
// did.
func (r *record) covered(d logical.Dot) time.Duration {
	first := time.Duration(1<<63 - 1)
	for _, polls := range r.polls {
		if i := firstWith(polls, d); i < len(polls) {
			first = min(first, polls[i].answered)
		}
	}
	return first
}

// firstWith is the first poll that covers the dot; their number if none does.
func firstWith(polls []poll, d logical.Dot) int {
	for i := range polls {
		if polls[i].has.Covers(d) {
			return i
		}
	}
	return len(polls)
}

// deepen gives every birth a depth above all it went over, so that those of one
// instant have an order.
func (r *record) deepen() {
	all := r.births()
	slices.SortStableFunc(all, func(a, b *birth) int { return cmp.Compare(a.at, b.at) })
	for deeper := true; deeper; {
		deeper = false
		for _, b := range all {
			for _, d := range b.over {
				if o := r.byDot[d]; o != nil && o != b && o.depth >= b.depth && b.depth < len(all) {
					b.depth, deeper = o.depth+1, true
				}
			}
		}
	}
}

func (r *record) accepted() []step {
	var steps []step
	for _, b := range r.births() {
		steps = append(steps, step{at: b.at, rank: rankBorn, depth: b.depth,
			event: trace.Event{At: b.at, Kind: trace.Accepted, Where: b.leader, Label: b.label, Key: b.key, Values: b.values, Dot: b.dot, Dots: b.over, Clock: b.wall},
			tell: func(h *oracle.History) {
				h.Accepted(b.at, b.leader, b.request, oracle.Acceptance{Dot: b.dot, Over: b.over, Delta: b.delta, After: b.written.shown, Unseen: b.unseen})
			}})
	}
	return steps
}

// applied is when a leader applied what others accepted, as early as can be: right
// after the last time that it said it had it not. What is applied later is then
// never dated before it, and a leader that said it had the one and not the other
// is found out.
func (r *record) applied(leader string) []step {
	polls := r.polls[leader]
	var steps []step
	for _, b := range r.births() {
		i := firstWith(polls, b.dot)
		if b.leader == leader || i == len(polls) {
			continue
		}
		at := r.had(leader, b)
		steps = append(steps, step{at: at, rank: rankApplied, depth: b.depth,
			event: trace.Event{At: at, Kind: trace.Applied, Where: leader, Peer: b.leader, Label: b.label, Key: b.key, Dot: b.dot},
			tell:  func(h *oracle.History) { h.Applied(at, leader, b.dot) }})
	}
	return steps
}

// had is when a leader had what was born, as it is told.
func (r *record) had(leader string, b *birth) time.Duration {
	if b.leader == leader {
		return b.at
	}
	polls := r.polls[leader]
	if i := firstWith(polls, b.dot); i > 0 {
		return max(b.at, polls[i-1].asked)
	}
	return b.at
}

// lost tells what the ledgers hold, at the moment when the leader had both.
func (r *record) lost(nodes []world.Node, serving func(key string) resolve.ID) []step {
	var steps []step
	for _, n := range nodes {
		for _, l := range n.Losses {
			loser, winner := r.byDot[l.Loser], r.byDot[l.Winner]
			if loser == nil || winner == nil || serving(l.Key) != l.Resolver {
				continue
			}
			at := max(r.had(n.Name, loser), r.had(n.Name, winner))
			steps = append(steps, step{at: at, rank: rankTold, event: trace.Event{At: at, Kind: trace.Lost, Where: n.Name,
				Label: loser.label, Other: winner.label, Key: l.Key, Dot: l.Loser, Text: explain(l, loser.wall, winner.wall)}})
		}
	}
	return steps
}

// explain says how the two stood to each other.
func explain(l resolve.Loss, loser, winner wallclock.Interval) string {
	known := "no survivor's author had seen it"
	if l.Relation == resolve.Inverted {
		known = "the loser's author had been shown the winner"
	}
	return fmt.Sprintf("wall clocks %s apart; %s", winner.Midpoint().Sub(loser.Midpoint()), known)
}
