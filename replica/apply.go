package replica

import (
	"slices"

	"kvd/logical"
	"kvd/resolve"
)

// arrival says where an op comes from.
type arrival bool

const (
	local  arrival = true  // accepted here, now
	remote arrival = false // accepted by a peer, or by an earlier incarnation
)

// applyRemote takes an op from the gate to the common road. Its clocks are
// heard; when a guard refuses one, the op is applied all the same, since a hole in a
// log could never be filled.
func (t *turn) applyRemote(op *resolve.Op, from Leader) {
	t.out.tellApplied(Applied{op, from})
	t.mergeLamport(op.Lamport, op.Dot)
	t.mergeHLC(op.HLC, op.Dot)
	t.apply(t.panel(op.Key), t.r.Object(op.Key), op, remote)
	t.moved = true
}

// apply is the road that every op takes. The op and its duplicates are put before the
// fold, because the fold asks the reader for them.
func (t *turn) apply(panel resolve.Panel, object *resolve.Object, op *resolve.Op, b arrival) {
	t.put(PutOp{op})
	t.remember(op, b)
	if op.Settles.Origin != 0 {
		t.put(PutSettled{op.Settles, op.Dot})
	}
	if b == local {
		t.verdicts = t.folder.Accept(panel, object, op, t.r, t.verdicts[:0])
	} else {
		t.verdicts = t.folder.Fold(panel, object, op, t.r, t.verdicts[:0])
	}
	t.record(op.Key, t.verdicts)
	t.put(PutObject{object})
	t.backlog.Add(len(op.Value), t.m.Mono)
	t.advance(op.Dot)
	if op.Dot.Seq == 1 {
		t.watchOrigins()
	}
}

// remember keeps which dot the op's request was given, and notices when another
// leader had accepted the request too. The smaller dot counts, so that every
// leader credits the same one whichever came first.
func (t *turn) remember(op *resolve.Op, b arrival) {
	if !op.HasRequest() {
		return
	}
	other, known := logical.Dot{}, false
	if b == remote {
		other, known = t.r.Request(op.Client, op.Request)
	}
	if known {
		t.join(op, other)
	}
	if !known || op.Dot.Compare(other) < 0 {
		t.put(PutRequest{op.Client, op.Request, op.Dot})
	}
}

// join enters op among the dots of its request, of which other is one. They are
// kept sorted, so that it does not matter in what order they came.
func (t *turn) join(op *resolve.Op, other logical.Dot) {
	dots := append([]logical.Dot{op.Dot, other}, t.r.Duplicates(other)...)
	slices.SortFunc(dots, logical.Dot.Compare)
	dots = slices.Compact(dots)
	t.put(PutDuplicates{dots})
	alike := slices.DeleteFunc(slices.Clone(dots), func(d logical.Dot) bool { return d != op.Dot && !t.sameKey(d, op) })
	switch {
	case len(alike) == 1:
	case alike[0] == op.Dot:
		t.event(DuplicateFound{A: op.Dot, B: alike[1], Dots: len(alike)})
	default:
		t.event(DuplicateFound{A: alike[0], B: op.Dot, Dots: len(alike)})
	}
}

// sameKey reports whether two ops can be one write. A client that numbers
// writes to two keys alike has made two.
func (t *turn) sameKey(d logical.Dot, op *resolve.Op) bool {
	other, ok := t.r.Op(d)
	return !ok || other.Key == op.Key
}

// record turns verdicts into rows of the ledger and events.
func (t *turn) record(key string, verdicts []resolve.Verdict) {
	for _, v := range verdicts {
		t.out.tellJudged(Judged{key, v, t.m.Wall.Midpoint()})
		switch {
		case v.Retracted:
			t.put(DropLoss{v.Resolvers, key, v.Loser})
		case v.Relation.Lost():
			t.put(PutLoss{Resolvers: v.Resolvers, Relation: v.Relation, Key: key, Loser: v.Loser, Winner: v.Winner, At: t.m.Wall})
		}
	}
}
