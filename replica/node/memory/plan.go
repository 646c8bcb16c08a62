package memory

import (
	"fmt"

	"kvd/resolve/limits"
)

// Plan is how many bytes each part of a leader may take.
type Plan struct {
	Objects  int64 // encoded objects that serve reads and folds
	Blocks   int64 // of the database
	MemTable int64 // one memtable of the database; see Buffers
	Clients  int64 // requests in progress, and replies that were not taken
	Work     int64 // queues, groups under way, and garbage
}

const (
	mib = 1 << 20

	// Min is the least that a leader can be given.
	Min = 256 * mib

	minClients, maxClients   = 64 * mib, int64(limits.Clients)
	minWork, maxWork         = 64 * mib, 256 * mib
	minMemTable, maxMemTable = 8 * mib, 16 * mib
	minBlocks, minObjects    = 4 * mib, 16 * mib

	// memTables is how many memtables the buffers are: one that fills, and two that are
	// flushed or kept to be filled next; and objects that wait, which take three quarters
	// of one four times, as [Plan.WriteBehind] says.
	memTables = 3 + 3
)

// Asked is what parts somebody asked for in particular; zero: the share of the total.
type Asked struct {
	Objects int64 // and as much for blocks
	Clients int64
}

// Divide divides the total, which is at least Min. What was asked for comes first; it is
// an error if the rest cannot live on what it leaves.
func Divide(total int64, asked Asked) (Plan, error) {
	p := Plan{
		MemTable: min(max(total/32, minMemTable), maxMemTable),
		Clients:  min(max(total/4, minClients), maxClients),
		Work:     min(max(total/8, minWork), maxWork),
	}
	if asked.Clients > 0 {
		p.Clients = asked.Clients
	}
	rest := total - p.Buffers() - p.Clients - p.Work
	p.Blocks = max(minBlocks, rest/5)
	p.Objects = max(minObjects, rest-p.Blocks)
	if asked.Objects > 0 {
		p.Objects, p.Blocks = asked.Objects, asked.Objects
	}
	if total < Min {
		return p, fmt.Errorf("%d bytes of memory are too few; give at least %d", total, int64(Min))
	}
	if n := p.Total(); n > total {
		return p, fmt.Errorf("%d bytes of memory are too few for what is asked for in particular: %d for objects, %d for blocks, %d for clients, and %d for buffers and work are %d",
			total, p.Objects, p.Blocks, p.Clients, p.Buffers()+p.Work, n)
	}
	return p, nil
}

// AtLeast is Divide of as much more as it takes if what was asked for does not fit.
func AtLeast(total int64, asked Asked) Plan {
	p, _ := Divide(max(total, Min), asked) // the parts are there all the same
	return p
}

// Buffers is what memtables take, and objects on their way there.
func (p *Plan) Buffers() int64 { return memTables * p.MemTable }

// WriteBehind is after how many bytes of objects they are put into the database. They are
// more than half a memtable: such a batch is flushed as it is, without being sorted into
// one. Up to twice as many wait while as many are written, which are copied for that.
func (p *Plan) WriteBehind() int64 { return p.MemTable * 3 / 4 }

// Total is what all parts take together.
func (p *Plan) Total() int64 { return p.Objects + p.Blocks + p.Buffers() + p.Clients + p.Work }
