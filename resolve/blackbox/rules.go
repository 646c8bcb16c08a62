package blackbox

import (
	"iter"

	"kvd/logical"
	"kvd/resolve"
	"kvd/resolve/number"
	"kvd/wallclock"
)

// origins gives each node its log. Nodes without a name are as many as clients.
type origins struct {
	ids  map[uint64]logical.Origin
	seqs map[logical.Origin]logical.Seq
}

func newOrigins() *origins {
	return &origins{ids: map[uint64]logical.Origin{}, seqs: map[logical.Origin]logical.Seq{}}
}

func (o *origins) of(u *update) logical.Origin {
	id := uint64(u.node) << 1
	if u.node == unnamed {
		id = uint64(u.client)<<1 | 1
	}
	origin, ok := o.ids[id]
	if !ok {
		origin = logical.Origin(scramble(id + 1))
		o.ids[id] = origin
	}
	return origin
}

// leader is what one node is known to have applied of a key, and its clocks.
type leader struct {
	deps    logical.Frontier
	hlc     logical.HLC
	lamport logical.Lamport
	total   number.Int128
	prev    logical.Seq
}

// ops is the key's updates as a leader of ours would have accepted them, in an order that
// respects causality, each with which update it is.
func (h *keyHistory) ops(o *origins) iter.Seq2[int, *resolve.Op] {
	return func(yield func(int, *resolve.Op) bool) {
		done := make([]*resolve.Op, len(h.updates))
		leaders := map[logical.Origin]*leader{}
		for i := range h.updates {
			u := &h.updates[i]
			if u.doubtful {
				continue
			}
			origin := o.of(u)
			l := leaders[origin]
			if l == nil {
				l = &leader{}
				leaders[origin] = l
			}
			op := l.accept(h, int32(i), origin, o, done)
			done[i] = op
			if !yield(i, op) {
				return
			}
		}
	}
}

// accept makes an op of an update. The leader holds what it was observed to hold, and what
// the author had been shown.
func (l *leader) accept(h *keyHistory, i int32, origin logical.Origin, o *origins, done []*resolve.Op) *resolve.Op {
	u := &h.updates[i]
	for _, list := range [][]int32{u.held, u.parents} {
		for _, p := range list {
			if p < i && done[p] != nil {
				l.learn(done[p])
			}
		}
	}
	op := &resolve.Op{Key: h.key, Kind: resolve.Put, Deps: l.deps}
	for _, p := range u.parents {
		if p < i && done[p] != nil {
			op.Parents = append(op.Parents, done[p].Dot)
		}
	}
	switch u.verb {
	case Del:
		op.Kind = resolve.Delete
	case Incr:
		op.Kind, op.Delta = resolve.Add, number.Of(u.delta)
		l.total = l.total.Plus(op.Delta)
		op.Total, op.Prev = l.total, l.prev
	}
	o.seqs[origin]++
	op.Dot = logical.Dot{Origin: origin, Seq: o.seqs[origin]}
	if u.verb == Incr {
		l.prev = op.Dot.Seq
	}
	op.Wall = u.wall()
	l.hlc = l.hlc.Next(int64(op.Wall.Midpoint()))
	l.lamport++
	op.HLC, op.Lamport = l.hlc, l.lamport
	l.deps = l.deps.Clone()
	l.deps.Advance(op.Dot)
	return op
}

// learn applies what another leader had accepted.
func (l *leader) learn(op *resolve.Op) {
	if l.deps.Covers(op.Dot) {
		return
	}
	l.deps = l.deps.Join(op.Deps).Join(logical.FrontierOf(op.Dot))
	l.lamport = max(l.lamport, op.Lamport)
	if l.hlc.Compare(op.HLC) < 0 {
		l.hlc = op.HLC
	}
}

// wall is the node's reading: its stamp, or when the op can have been done.
func (u *update) wall() wallclock.Interval {
	if u.stamp != 0 {
		return wallclock.Interval{Earliest: u.stamp, Latest: u.stamp}
	}
	return wallclock.Interval{Earliest: u.start, Latest: u.until}
}

// scramble is the finaliser of MurmurHash3; it is never zero for what is not.
func scramble(h uint64) uint64 {
	h = (h ^ h>>33) * 0xff51afd7ed558ccd
	h = (h ^ h>>33) * 0xc4ceb9fe1a85ec53
	return h ^ h>>33
}
