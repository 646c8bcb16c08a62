package node

import (
	"fmt"

	"kvd/replica"
	"kvd/replica/console"
)

// unsendable describes an op that cannot be sent to a peer, for the console; nil: there
// is none. The detail is shown to whoever probes, and so names no key.
func unsendable(op replica.OversizedOp, peer string) *console.Unsendable {
	if op.Dot.IsZero() {
		return nil
	}
	return &console.Unsendable{Dot: op.Dot.String(), Key: op.Key, Bytes: op.Bytes, Limit: op.Limit, Detail: fmt.Sprintf(
		"write %s takes %d bytes and a message to %s at most %d, so neither it nor later writes of its origin can be sent; "+
			"it was stored by another version of kvd: start one that sends as much on every leader, or write what this leader holds again on another",
		op.Dot, op.Bytes, peer, op.Limit)}
}

// logUnsendable says it once for each connection.
func (l *Leader) logUnsendable(e replica.Unsendable) {
	l.cfg.Logger.Error("a write cannot be sent", "leader", l.cfg.Name, "peer", string(e.Peer), "key", fmt.Sprintf("%.64q", e.Op.Key), "why", unsendable(e.Op, string(e.Peer)).Detail)
}
