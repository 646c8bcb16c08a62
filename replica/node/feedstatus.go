package node

import (
	"kvd/replica/console"
	"kvd/resolve"
	"kvd/storage"
)

// ledgerStatus is what the console says of the ledger.
func ledgerStatus(state string, h storage.Holding) console.Ledger {
	s := console.Ledger{State: state, Rows: h.Rows, Bytes: h.Bytes}
	for id, classes := range h.Shed.Verdicts {
		for class, n := range classes {
			if n > 0 {
				relation := [...]resolve.Relation{resolve.Inverted, resolve.Concurrent}[class]
				s.Shed = append(s.Shed, console.Shed{Resolver: resolve.ID(id).String(), Relation: relation.String(), Losses: n})
			}
		}
	}
	return s
}
