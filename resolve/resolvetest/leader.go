package resolvetest

import (
	"time"

	"kvd/logical"
	"kvd/resolve"
	"kvd/wallclock"
)

// Leader is a replica that also accepts.
type Leader struct {
	*Replica
	origin  logical.Origin
	seq     logical.Seq
	hlc     logical.HLC
	lamport logical.Lamport
	Clock   wallclock.Skewed
}

// NewLeader has accepted and applied nothing; its clock is perfect.
func NewLeader(p resolve.Panel, key string, o logical.Origin) *Leader {
	return &Leader{Replica: NewReplica(p, key), origin: o}
}

// maxDrift is small, so that stamps are refused now and then.
const maxDrift = 30 * time.Nanosecond

// Asked is a client's request: zero Client is one that is not retried.
type Asked struct {
	resolve.Intent
	Client, Number uint64
}

// Skip leaves n places of the log to ops of other keys.
func (l *Leader) Skip(n int) { l.seq += logical.Seq(n) }

// Accept drafts, stamps and folds at true time now. A client's mistake gives no
// op.
func (l *Leader) Accept(a Asked, now wallclock.Instant) (*resolve.Op, error) {
	op, err := l.Panel.Draft(l.Object, l.origin, a.Intent, l.History)
	if err != nil {
		return nil, nil
	}
	return l.begin(&op, a, now)
}

// Expire deletes what has ended, if anything has.
func (l *Leader) Expire(now wallclock.Instant) (*resolve.Op, error) {
	ended := l.Panel.Expired(l.Object, now, nil)
	if len(ended) == 0 {
		return nil, nil
	}
	a := Asked{Intent: resolve.Intent{Kind: resolve.Delete, Exact: true, Shown: ended}}
	op, err := l.Panel.Draft(l.Object, l.origin, a.Intent, l.History)
	if err != nil {
		return nil, err
	}
	op.Expired = l.Object.JustAbove(ended)
	op.Expired.At = now
	return l.begin(&op, a, now)
}

// begin stamps the op and folds it.
func (l *Leader) begin(op *resolve.Op, a Asked, now wallclock.Instant) (*resolve.Op, error) {
	l.seq++
	op.Dot = logical.Dot{Origin: l.origin, Seq: l.seq}
	op.Wall = l.Clock.Read(now)
	l.hlc = l.hlc.Next(int64(op.Wall.Midpoint()))
	l.lamport = l.lamport.Next()
	op.HLC, op.Lamport, op.Deps = l.hlc, l.lamport, l.Applied
	op.Client, op.Request = a.Client, a.Number
	op.Rank()
	return op, l.Replica.accept(op)
}

// Pull applies up to n ops that from has and l has not.
func (l *Leader) Pull(from *Leader, n int, now wallclock.Instant) error {
	for _, op := range from.Log {
		if n == 0 {
			return nil
		}
		if l.Applied.Covers(op.Dot) {
			continue
		}
		if err := l.Apply(op); err != nil {
			return err
		}
		l.lamport = l.lamport.Merge(op.Lamport)
		l.hlc, _ = l.hlc.Merge(op.HLC, int64(l.Clock.Shows(now)), maxDrift)
		n--
	}
	return nil
}
