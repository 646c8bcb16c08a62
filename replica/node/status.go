package node

import (
	"cmp"
	"fmt"
	"strings"

	"kvd/replica"
	"kvd/replica/console"
	"kvd/replica/host"
	"kvd/resolve"
	"kvd/storage/losses"
)

func ledgerStatus(state string, h losses.Stats) console.Ledger {
	s := console.Ledger{State: state, Rows: h.Rows, Bytes: h.Bytes}
	for id, classes := range h.Evicted.Verdicts {
		for class, n := range classes {
			if n > 0 {
				relation := [...]resolve.Relation{resolve.Inverted, resolve.Concurrent}[class]
				s.Evicted = append(s.Evicted, console.Evicted{Resolver: resolve.ID(id).String(), Relation: relation.String(), Losses: n})
			}
		}
	}
	return s
}

func (l *Leader) ledgerState() string {
	if l.cfg.Storage.NoLedger {
		return "off"
	}
	return "on"
}

// refusals is why writes are refused, by cause; none: they are accepted.
func (l *Leader) refusals() []console.Reason {
	var all []console.Reason
	for _, r := range l.loop.Status().Refusals {
		all = append(all, console.Reason{Cause: console.Cause(r.Cause), Detail: r.Detail})
	}
	return all
}

// refusedFor is the causes alone, for INFO; "none": writes are accepted.
func (l *Leader) refusedFor() string {
	var causes []string
	for _, r := range l.refusals() {
		causes = append(causes, string(r.Cause))
	}
	return cmp.Or(strings.Join(causes, ","), "none")
}

// halted logs, once, that the disk failed. The leader serves reads until it is stopped.
func (l *Leader) halted(why error) {
	l.cfg.Logger.Error("the disk failed: takes no writes, applies nothing and sends nothing; what was acknowledged before is read on", "leader", l.cfg.Name, "cause", string(host.DiskFailed), "why", why.Error())
}

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
