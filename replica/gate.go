package replica

import (
	"fmt"

	"kvd/replica/internal/causal"
	"kvd/resolve"
)

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
		t.applyRemote(op, from)
		t.credit(from, op.Footprint())
		t.drain()
	default:
		t.buffer(op, from, op.Dot.Seq > last+1)
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

// buffer keeps an op until what it depends on is here.
func (t *turn) buffer(op *resolve.Op, from Leader, gap bool) {
	switch outcome, credit := t.gate.Offer(op, from, causal.Limits{Ops: t.cfg.GateOps, Bytes: t.cfg.GateBytes}); outcome {
	case causal.Duplicate:
		t.drop(op, from, Duplicate)
	case causal.Full:
		t.drop(op, from, GateFull)
	default:
		t.event(Buffered{op.Dot, gap})
		t.credit(from, credit)
	}
}

// drop lets an op go. Its sender sends it again unless it is known here.
func (t *turn) drop(op *resolve.Op, from Leader, why DropReason) {
	t.event(Dropped{op.Dot, why})
	t.credit(from, op.Footprint())
}

// drain applies what waits and can be applied by now.
func (t *turn) drain() {
	if t.gate.Ops() > 0 {
		t.gate.Drain(t.deliver)
	}
}

// deliver takes a buffered op if it is ready. One that the frontier cannot take in
// any more would wait for ever: it is turned away.
func (t *turn) deliver(e *causal.Entry[Leader]) bool {
	switch {
	case !t.fits(e.Op):
		t.turnAway(e.Op)
	case t.ready(e.Op):
		t.applyRemote(e.Op, e.From)
	default:
		return false
	}
	t.credit(e.From, e.Credit())
	return true
}
