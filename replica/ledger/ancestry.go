package ledger

import (
	"cmp"
	"slices"

	"kvd/logical"
	"kvd/resolve"
)

// That a write is lost is a row of the ledger. Where there is none, because a ledger
// of bounded size has given it up, ancestry says the same: what neither survives nor
// was seen by what does is lost.

// ancestry is what one resolver's survivors had been shown of what is newer than
// one write, and that write if they had been shown it.
type ancestry struct {
	seen       map[logical.Dot]bool // the survivors among them
	bounded    bool                 // there was more than one question may read
	incomplete bool                 // the log no longer holds all of it
}

// below goes down from what survives under id to whatever is not older than w, along
// the edges that an audit follows: parents, and the other dots of one request. What is
// older was written over nothing newer; but duplicates have stamps of their own.
func (q *question) below(id resolve.ID, w *Write) ancestry {
	var a ancestry
	d := descend(func(dot logical.Dot) (*resolve.Op, bool) {
		op, ok := q.Op(dot)
		a.incomplete = a.incomplete || !ok && dot != w.Dot
		return op, ok
	})
	d.reach(q.survivors(id)...)
	for op := d.next(); op != nil; op = d.next() {
		if len(d.seen) > q.cfg.Steps {
			a.bounded = true
			break
		}
		if op.Dot == w.Dot {
			continue
		}
		if op.Lamport <= w.Lamport && !q.object.Duplicates {
			break
		}
		d.reach(op.Parents...)
		d.reach(q.duplicatesOf(op.Dot)...)
	}
	a.seen = d.seen
	return a
}

// unlisted is the loss of a write that the ledger does not list and that no survivor
// had seen; how it lost was recorded where it was accepted.
func (q *question) unlisted(id resolve.ID, d logical.Dot) (LossRecord, bool) {
	op, ok := q.Op(d)
	if !ok {
		return LossRecord{}, false
	}
	l := resolve.Loss{Resolver: id, Relation: resolve.Concurrent, Key: q.object.Key, Loser: d}
	if op.Inverted.Has(id) {
		l.Relation = resolve.Inverted
	}
	found := q.lossRecord(l)
	if found.NoRow = "the ledger has no row of it"; q.cfg.Evicted[id] > 0 {
		found.NoRow = "its row is no longer in the ledger"
	}
	return found, true
}

// absenceCounts says what ancestry says of a write that does not survive and has no row.
// It is true when the ledger's silence may be taken for an answer: a survivor had
// seen the write, or nothing was ever given up and ancestry does not know better.
func (q *question) absenceCounts(v *Verdict, w *Write) bool {
	under := q.below(v.Resolver, w)
	q.under[v.Resolver] = under.seen
	if under.seen[w.Dot] {
		return true
	}
	if len(under.seen) > 0 && !under.bounded && !under.incomplete { // what is not among them was not seen
		if d, ok := q.unlisted(v.Resolver, w.Dot); ok {
			v.State, v.By, v.LossRecord = Lost, d.Winner, &d
			return false
		}
	}
	v.Bounded = under.bounded
	return q.cfg.Evicted[v.Resolver] == 0
}

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
			i, _ := slices.BinarySearchFunc(d.left, op, func(a, b *resolve.Op) int {
				return cmp.Or(cmp.Compare(a.Lamport, b.Lamport), a.Dot.Compare(b.Dot))
			})
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
