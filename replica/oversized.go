package replica

import (
	"slices"

	"kvd/logical"
	"kvd/resolve"
)

// OversizedOp is an op that no message can carry. Nothing that is admitted is one;
// a log that another version wrote may hold one.
type OversizedOp struct {
	Dot   logical.Dot // zero: there is none
	Key   string
	Bytes int // as Config.OpBytes counts them
	Limit int // Config.OpBytes
}

func (Unsendable) isEvent() {}

// Unsendable: an op is larger than what can be sent, so that neither it nor what
// its origin accepted after it reaches the peer. It is told once for as long as the
// peer is up.
type Unsendable struct {
	Peer Leader
	Op   OversizedOp
}

// sendable is ops up to the first that no message could carry. Where that one is
// next, the stream stops: a peer can pass over no op of an origin.
func (t *turn) sendable(p *peer, st *stream, ops []*resolve.Op) []*resolve.Op {
	i := slices.IndexFunc(ops, func(op *resolve.Op) bool { return op.Footprint() > t.cfg.OpBytes })
	if i < 0 {
		return ops
	}
	if op := ops[i]; i == 0 && st.stuck.Dot != op.Dot {
		st.stuck = OversizedOp{Dot: op.Dot, Key: op.Key, Bytes: op.Footprint(), Limit: t.cfg.OpBytes}
		t.event(Unsendable{p.name, st.stuck})
	}
	return ops[:i:i]
}

// stopped reports whether what comes next cannot be sent.
func (st *stream) stopped() bool { return st.stuck.Dot.Seq == st.sent+1 }

// oversized is an op that cannot be sent to the peer; zero: none is known.
func (p *peer) oversized() OversizedOp {
	for i := range p.streams {
		if st := &p.streams[i]; !st.stuck.Dot.IsZero() {
			return st.stuck
		}
	}
	return OversizedOp{}
}
