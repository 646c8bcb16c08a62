package replica

import (
	"cmp"
	"fmt"
	"slices"

	"kvd/logical"
	"kvd/resolve"
)

// gate holds ops that came before what they depend on. Memory is bounded by
// Config.GateOps: what finds no room is dropped, and the sender, who sees no
// progress, ships it again. An op that can be applied needs no room, so a full
// gate never stops the one that would empty it.
type gate struct {
	lanes []lane // by origin
	ops   int    // held in all lanes
}

// lane is the held ops of one origin, ascending, none twice.
type lane struct {
	origin logical.Origin
	held   []held
}

type held struct {
	op   *resolve.Op
	from Leader
}

// admit decides what becomes of an op that a peer shipped.
func (t *turn) admit(op *resolve.Op, from Leader) error {
	if err := t.assertSane(op); err != nil {
		return err
	}
	switch last := t.st.Frontier.At(op.Dot.Origin); {
	case op.Dot.Seq <= last:
		t.event(Dropped{op.Dot, Duplicate})
	case t.ready(op):
		t.applyForeign(op, from)
		t.drain()
	default:
		t.hold(held{op, from}, op.Dot.Seq > last+1)
	}
	return nil
}

// assertSane finds what no peer can honestly send.
func (t *turn) assertSane(op *resolve.Op) error {
	own := t.st.Origin
	switch d := op.Dot; {
	case d.Origin == 0 || d.Seq == 0 || op.Key == "":
		return fmt.Errorf("op %s on key %q has no dot or no key", d, op.Key)
	case op.Deps.At(d.Origin) != d.Seq-1:
		return fmt.Errorf("op %s depends on %d ops of its own origin; it must depend on all before it and no more", d, uint64(op.Deps.At(d.Origin)))
	case d.Origin == own && !t.st.Frontier.Covers(d),
		op.Deps.At(own) > t.st.Frontier.At(own):
		return fmt.Errorf("op %s, deps %s: origin %s is this life's, which has accepted only %d; another leader uses the same origin, stop one of them",
			d, op.Deps, own, uint64(t.st.Frontier.At(own)))
	}
	return nil
}

// ready reports whether the op is the next of its origin and everything its
// leader had applied is applied here: causal delivery.
func (t *turn) ready(op *resolve.Op) bool {
	return op.Dot.Seq == t.st.Frontier.At(op.Dot.Origin)+1 && t.st.Frontier.Includes(op.Deps)
}

func (t *turn) hold(h held, gap bool) {
	l := t.gate.lane(h.op.Dot.Origin)
	i, twice := slices.BinarySearchFunc(l.held, h, func(a, b held) int { return cmp.Compare(a.op.Dot.Seq, b.op.Dot.Seq) })
	switch {
	case twice:
		t.event(Dropped{h.op.Dot, Duplicate})
	case t.gate.ops >= t.cfg.GateOps:
		t.event(Dropped{h.op.Dot, GateFull})
	default:
		l.held = slices.Insert(l.held, i, h)
		t.gate.ops++
		t.event(Held{h.op.Dot, gap})
	}
}

// lane is where the origin's ops wait.
func (g *gate) lane(o logical.Origin) *lane {
	i, ok := slices.BinarySearchFunc(g.lanes, o, func(l lane, o logical.Origin) int { return cmp.Compare(l.origin, o) })
	if !ok {
		g.lanes = slices.Insert(g.lanes, i, lane{origin: o})
	}
	return &g.lanes[i]
}

// drain applies what can be, lane by lane, until nothing moves.
func (t *turn) drain() {
	for moved := t.gate.ops > 0; moved; {
		moved = false
		for i := range t.gate.lanes {
			moved = t.drainLane(&t.gate.lanes[i]) || moved
		}
	}
	if len(t.gate.lanes) > 0 {
		t.gate.lanes = slices.DeleteFunc(t.gate.lanes, func(l lane) bool { return len(l.held) == 0 })
	}
}

// drainLane applies the lane's first ops as long as they are ready.
func (t *turn) drainLane(l *lane) (moved bool) {
	n := 0
	for ; n < len(l.held) && t.ready(l.held[n].op); n++ {
		t.applyForeign(l.held[n].op, l.held[n].from)
	}
	clear(l.held[:n])
	l.held = l.held[n:]
	t.gate.ops -= n
	return n > 0
}
