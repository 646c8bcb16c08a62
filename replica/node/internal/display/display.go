// Package display puts what a leader knows into the form in which INFO and the pages show it.
//
// What it is not: it asks nobody; its callers hand it what they know.
package display

import (
	"fmt"

	"kvd/replica/console"
	"kvd/resolve"
	"kvd/storage/losses"
)

// PeerLine is what INFO says of a peer. Its clock is left out while it is not
// known.
func PeerLine(p *console.Peer) string {
	line := fmt.Sprintf("name=%s,alive=%t,lag_ops=%d,lag_seconds=%.3f,queue_bytes=%d", p.Name, p.Alive, p.LagOps, p.LagSeconds, p.QueueBytes)
	if p.PinnedBytes > 0 {
		line += fmt.Sprintf(",pinned_bytes=%d", p.PinnedBytes)
	}
	if p.Clock != nil {
		line += fmt.Sprintf(",clock_earliest_seconds=%.6f,clock_latest_seconds=%.6f", p.Clock.Earliest, p.Clock.Latest)
	}
	if p.Unsendable != nil {
		line += ",unsendable=" + p.Unsendable.Dot
	}
	return line
}

// Ledger is how full the ledger is, and what it has given up.
func Ledger(state string, h losses.Stats) console.Ledger {
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
