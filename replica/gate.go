package replica

import (
	"cmp"
	"fmt"
	"slices"

	"kvd/logical"
	"kvd/resolve"
)

// gate holds ops that came before what they depend on. Memory is bounded by
// Config.GateOps, and by Config.GateBytes and one op more for each peer. One whose ops
// all wait must still be able to send what they wait for, so that what is held beyond
// GateBytes is credited at once. What finds no room is dropped, and the
// sender, who sees no progress, ships it again. An op that can be applied needs no
// room, so a full gate never stops the one that would empty it.
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
	op     *resolve.Op
	from   Leader
	beyond int // bytes of it that were credited as it was held
}

// credit is what its sender is still to be credited.
func (h *held) credit() int { return h.op.Footprint() - h.beyond }

// admit decides what becomes of an op that a peer shipped.
func (t *turn) admit(op *resolve.Op, from Leader) error {
	if err := t.assertSane(op); err != nil {
		return err
	}
	if t.beyondOwn(op, from) {
		return nil
	}
	switch last := t.st.Frontier.At(op.Dot.Origin); {
	case op.Dot.Seq <= last:
		t.compareAgain(op, from)
		t.drop(op, from, Duplicate)
	case !t.fits(op):
		t.turnAway(op)
		t.credit(from, op.Footprint())
	case t.ready(op):
		t.applyForeign(op, from)
		t.credit(from, op.Footprint())
		t.drain()
	default:
		t.hold(held{op: op, from: from}, op.Dot.Seq > last+1)
	}
	return nil
}

// assertSane finds what no peer can honestly send.
func (t *turn) assertSane(op *resolve.Op) error {
	switch d := op.Dot; {
	case d.Origin == 0 || d.Seq == 0:
		return fmt.Errorf("op %s on key %q has no dot", d, op.Key)
	case op.Deps.At(d.Origin) != d.Seq-1:
		return fmt.Errorf("op %s depends on %d ops of its own origin; it must depend on all before it and no more", d, uint64(op.Deps.At(d.Origin)))
	}
	return nil
}

// beyondOwn reports whether the op is of our own origin and beyond what it has
// accepted, or depends on such a one: the origin is another's too. It is not taken:
// its content might not be the one of its dot.
func (t *turn) beyondOwn(op *resolve.Op, from Leader) bool {
	know := op.Deps.At(t.st.Origin)
	if op.Dot.Origin == t.st.Origin {
		know = op.Dot.Seq
	}
	if know <= t.st.Frontier.At(t.st.Origin) {
		return false
	}
	t.drop(op, from, NotOurs)
	t.ownBeyond(from, know)
	return true
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
		t.drop(h.op, h.from, Duplicate)
	case t.gate.ops >= t.cfg.GateOps || t.peer(h.from).held >= t.cfg.GateBytes:
		t.drop(h.op, h.from, GateFull)
	default:
		p, n := t.peer(h.from), h.op.Footprint()
		if p.held += n; p.held > t.cfg.GateBytes {
			h.beyond = p.held - t.cfg.GateBytes
			t.credit(h.from, h.beyond)
		}
		l.held = slices.Insert(l.held, i, h)
		t.gate.ops++
		t.event(Held{h.op.Dot, gap})
	}
}

// drop lets an op go. Its sender sends it again unless it is known here.
func (t *turn) drop(op *resolve.Op, from Leader, why DropReason) {
	t.event(Dropped{op.Dot, why})
	t.credit(from, op.Footprint())
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
	t.gate.lanes = slices.DeleteFunc(t.gate.lanes, func(l lane) bool { return len(l.held) == 0 })
}

// drainLane applies the lane's first ops as long as they are ready, and turns those
// away for which the frontier has no place any more: they would wait for ever.
func (t *turn) drainLane(l *lane) (moved bool) {
	n := 0
	for ; n < len(l.held); n++ {
		h := &l.held[n]
		full := !t.fits(h.op)
		if !full && !t.ready(h.op) {
			break
		}
		t.peer(h.from).held -= h.op.Footprint()
		if full {
			t.turnAway(h.op)
		} else {
			t.applyForeign(h.op, h.from)
		}
		t.credit(h.from, h.credit())
	}
	clear(l.held[:n])
	l.held = l.held[n:]
	t.gate.ops -= n
	return n > 0
}
