package ledger

import (
	"kvd/logical"
	"kvd/resolve"
)

// Balance is one resolver's count.
type Balance struct {
	Resolver                   resolve.ID
	Accepted, Live, Superseded int
	Inverted, Concurrent       int // in the ledger
	// Evicted counts ops that are lost by ancestry, neither surviving nor seen by what
	// does, and that the ledger does not list; no more of them than it says that it
	// has given up. The rest are InNone.
	Evicted int
	// Stale counts rows of writes that a survivor has seen since, which a ledger
	// that has given up rows could not retract: it follows rows from later writes
	// to earlier ones. The writes count as superseded.
	Stale         int
	InNone, InTwo int
	// Beyond counts ops that are in none and might be accounted for by a version
	// whose own log entry is gone: what that had seen cannot be told.
	Beyond int
}

// Lost is the ledger's count.
func (b *Balance) Lost() int { return b.Inverted + b.Concurrent }

// Holds reports whether it adds up.
func (b *Balance) Holds() bool {
	return b.InNone == 0 && b.InTwo == 0 && b.Accepted == b.Live+b.Superseded+b.Lost()+b.Evicted+b.Beyond
}

// Gap is an op that does not add up.
type Gap struct {
	Key      string
	Dot      logical.Dot
	Resolver resolve.ID
	In       []State // none, or two of Live, Superseded, Lost
}
