package attempt

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"time"

	"kvd/logical"
	"kvd/resolve"
	"kvd/scenarios/history"
	"kvd/scenarios/trace"
	"kvd/scenarios/world"
	"kvd/wallclock"
)

// step is a fact in its order. At one instant sends come first, then acceptances in
// the order of their depth, then what was applied, then what clients were told.
type step struct {
	at    time.Duration
	rank  int
	depth int
	tell  func(*history.History)
	event trace.Event
}

const (
	rankSent = iota
	rankAccepted
	rankApplied
	rankReply
)

// Assemble puts what was observed in the order in which it can have happened, with the
// losses that the nodes' ledgers hold under the resolver that serves a key. What comes
// later, to those who no longer wait, is left out.
func (r *Record) Assemble(nodes []world.Node, serving func(key string) resolve.ID) (*history.History, *trace.Trace) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.date()
	steps := slices.Concat(r.lost(nodes, serving), r.facts, r.accepted())
	for _, leader := range slices.Sorted(maps.Keys(r.polls)) {
		steps = append(steps, r.applied(leader)...)
	}
	slices.SortStableFunc(steps, func(a, b step) int {
		return cmp.Or(cmp.Compare(a.at, b.at), cmp.Compare(a.rank, b.rank), cmp.Compare(a.depth, b.depth))
	})
	h, t := history.New(), &trace.Trace{}
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

func (r *Record) acceptances() []*acceptance {
	var all []*acceptance
	for _, w := range r.order {
		all = append(all, w.acceptances...)
	}
	return all
}

// date moves acceptances back to when they must have happened at the latest: before
// anybody was shown them, before a leader had them, and before what went over
// them.
func (r *Record) date() {
	for _, m := range r.shown {
		r.known(m.dots, m.at)
	}
	for _, b := range r.acceptances() {
		b.at = max(b.sent, min(b.at, r.covered(b.Dot)))
	}
	for moved := true; moved; {
		moved = false
		for _, b := range r.acceptances() {
			for _, d := range b.Over {
				if o := r.byDot[d]; o != nil && max(o.sent, b.at) < o.at {
					o.at, moved = max(o.sent, b.at), true
				}
			}
		}
	}
	r.deepen()
}

func (r *Record) known(dots []logical.Dot, at time.Duration) {
	for _, d := range dots {
		if b := r.byDot[d]; b != nil {
			b.at = min(b.at, at)
		}
	}
}

// covered is when some leader first said that it had the dot; far away if none
// did.
func (r *Record) covered(d logical.Dot) time.Duration {
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

// deepen gives every acceptance a depth above all it went over, so that those of one
// instant have an order.
func (r *Record) deepen() {
	all := r.acceptances()
	slices.SortStableFunc(all, func(a, b *acceptance) int { return cmp.Compare(a.at, b.at) })
	for deeper := true; deeper; {
		deeper = false
		for _, b := range all {
			for _, d := range b.Over {
				if o := r.byDot[d]; o != nil && o != b && o.depth >= b.depth && b.depth < len(all) {
					b.depth, deeper = o.depth+1, true
				}
			}
		}
	}
}

func (r *Record) accepted() []step {
	var steps []step
	for _, b := range r.acceptances() {
		steps = append(steps, step{at: b.at, rank: rankAccepted, depth: b.depth,
			event: trace.Event{At: b.at, Kind: trace.Accepted, Where: b.leader, Label: b.Label, Key: b.Key, Values: b.Values, Dot: b.Dot, Dots: b.Over, Clock: b.Wall},
			tell: func(h *history.History) {
				h.Accepted(b.at, b.leader, b.Request, history.Acceptance{Dot: b.Dot, Over: b.Over, Delta: b.Delta, After: b.Shown, Unseen: b.Unseen})
			}})
	}
	return steps
}

// applied is when a leader applied what others accepted, as early as can be: right
// after the last time that it said it had it not. What is applied later is then
// never dated before it, and a leader that said it had the one and not the other
// is found out.
func (r *Record) applied(leader string) []step {
	polls := r.polls[leader]
	var steps []step
	for _, b := range r.acceptances() {
		i := firstWith(polls, b.Dot)
		if b.leader == leader || i == len(polls) {
			continue
		}
		at := r.had(leader, b)
		steps = append(steps, step{at: at, rank: rankApplied, depth: b.depth,
			event: trace.Event{At: at, Kind: trace.Applied, Where: leader, Peer: b.leader, Label: b.Label, Key: b.Key, Dot: b.Dot},
			tell:  func(h *history.History) { h.Applied(at, leader, b.Dot) }})
	}
	return steps
}

// had is when a leader had what was accepted, as it is told.
func (r *Record) had(leader string, b *acceptance) time.Duration {
	if b.leader == leader {
		return b.at
	}
	polls := r.polls[leader]
	if i := firstWith(polls, b.Dot); i > 0 {
		return max(b.at, polls[i-1].asked)
	}
	return b.at
}

// lost tells what the ledgers hold, at the moment when the leader had both.
func (r *Record) lost(nodes []world.Node, serving func(key string) resolve.ID) []step {
	var steps []step
	for _, n := range nodes {
		for _, l := range n.Losses {
			loser, winner := r.byDot[l.Loser], r.byDot[l.Winner]
			if loser == nil || winner == nil || serving(l.Key) != l.Resolver {
				continue
			}
			at := max(r.had(n.Name, loser), r.had(n.Name, winner))
			steps = append(steps, step{at: at, rank: rankReply, event: trace.Event{At: at, Kind: trace.Lost, Where: n.Name,
				Label: loser.Label, Other: winner.Label, Key: l.Key, Dot: l.Loser, Text: explain(l, loser.Wall, winner.Wall)}})
		}
	}
	return steps
}

func explain(l resolve.Loss, loser, winner wallclock.Interval) string {
	known := "no survivor's author had seen it"
	if l.Relation == resolve.Inverted {
		known = "the loser's author had been shown the winner"
	}
	return fmt.Sprintf("wall clocks %s apart; %s", winner.Midpoint().Sub(loser.Midpoint()), known)
}
