package ledger

import (
	"cmp"
	"slices"

	"kvd/logical"
	"kvd/resolve"
)

// descent visits ops through what they name, always the newest that is left: by
// Lamport stamp, which is larger than that of every parent. So the first few that it
// visits are the newest of all, and once one is old enough the rest are older. Each
// op is visited once.
type descent struct {
	// op reads one; false: it is not to be visited.
	op   func(logical.Dot) (*resolve.Op, bool)
	seen map[logical.Dot]bool // reached, to be visited or not
	left []*resolve.Op        // not visited yet, oldest first
}

func descend(op func(logical.Dot) (*resolve.Op, bool)) *descent {
	return &descent{op: op, seen: map[logical.Dot]bool{}}
}

func (d *descent) reach(dots ...logical.Dot) {
	for _, dot := range dots {
		if d.seen[dot] {
			continue
		}
		d.seen[dot] = true
		if op, ok := d.op(dot); ok {
			i, _ := slices.BinarySearchFunc(d.left, op, byAge)
			d.left = slices.Insert(d.left, i, op)
		}
	}
}

func (d *descent) next() *resolve.Op {
	last := len(d.left) - 1
	if last < 0 {
		return nil
	}
	op := d.left[last]
	d.left = d.left[:last]
	return op
}

func byAge(a, b *resolve.Op) int {
	return cmp.Or(cmp.Compare(a.Lamport, b.Lamport), a.Dot.Compare(b.Dot))
}
