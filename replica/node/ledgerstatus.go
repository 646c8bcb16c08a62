package node

import (
	"kvd/replica/console"
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
