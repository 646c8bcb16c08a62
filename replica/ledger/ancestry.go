package ledger

import (
	"kvd/logical"
	"kvd/resolve"
)

// That a write is lost is a row of the ledger. Where there is none, because a ledger
// of bounded size has given it up, ancestry says the same: what neither survives nor
// was seen by what does is lost.

// ancestry is what one resolver's survivors had been shown of what is newer than
// one write, and that write if they had been shown it.
type ancestry struct {
	met        map[logical.Dot]bool // the survivors among them
	cut        bool                 // there was more than one question may look at
	incomplete bool                 // the log no longer holds all of it
}

// whole reports whether what was not met was not seen.
func (a *ancestry) whole() bool { return len(a.met) > 0 && !a.cut && !a.incomplete }

// below goes down from what survives under id to whatever is not older than w, along
// the edges that an audit follows: parents, and the other dots of one request.
func (q *question) below(id resolve.ID, w *Write) ancestry {
	a := ancestry{met: map[logical.Dot]bool{}}
	var queue []logical.Dot
	reach := func(dots []logical.Dot) {
		for _, d := range dots {
			if !a.met[d] {
				a.met[d] = true
				queue = append(queue, d)
			}
		}
	}
	for reach(q.survivors(id)); len(queue) > 0; queue = queue[1:] {
		if len(a.met) > q.cfg.Steps {
			a.cut = true
			break
		}
		if queue[0] == w.Dot {
			continue
		}
		switch op, ok := q.Op(queue[0]); {
		case ok && op.Lamport <= w.Lamport && !q.object.Duplicates:
			// what is older was written over nothing newer; duplicates have stamps of their own
		case ok:
			reach(op.Parents)
			reach(q.duplicatesOf(op.Dot))
		default:
			a.incomplete = true
		}
	}
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
	q.under[v.Resolver] = under.met
	if under.met[w.Dot] {
		return true
	}
	if under.whole() {
		if d, ok := q.unlisted(v.Resolver, w.Dot); ok {
			v.State, v.By, v.LossRecord = Lost, d.Winner, &d
			return false
		}
	}
	v.Cut = under.cut
	return q.cfg.Evicted[v.Resolver] == 0
}
