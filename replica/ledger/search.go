package ledger

import (
	"cmp"
	"slices"
	"sort"

	"kvd/logical"
	"kvd/resolve"
)

// Who wrote over what is nowhere stored: ops name what they were written over.
// So the search goes down from what is left of the key, its versions and its
// lost writes, newest first, through parents and what was hidden. Deletions that
// left nothing are found in the log.

// overwriter is the nearest op that names d: under id, one that is not lost if
// there is one.
func (q *question) overwriter(id resolve.ID, d logical.Dot) (overwrite, bool) {
	found := q.overwriters(d)
	if len(found) == 0 {
		return overwrite{}, false
	}
	best := found[0]
	for _, o := range found[1:] {
		if q.nearer(id, o, best) {
			best = o
		}
	}
	return best, true
}

// nearer prefers what was not lost, then what had seen d, then the oldest.
func (q *question) nearer(id resolve.ID, a, b overwrite) bool {
	if x, y := q.lostOrUnseen(id, a.dot), q.lostOrUnseen(id, b.dot); x != y {
		return y
	}
	if a.hidden != b.hidden {
		return b.hidden
	}
	x, y := q.write(a.dot), q.write(b.dot)
	return cmp.Or(cmp.Compare(x.Lamport, y.Lamport), a.dot.Compare(b.dot)) < 0
}

// lostOrUnseen reports whether d is lost under id, or, where the ledger does not say, is
// not among what the survivors had seen.
func (q *question) lostOrUnseen(id resolve.ID, d logical.Dot) bool {
	seen, asked := q.under[id]
	return q.Lost("", d).Has(id) || asked && !seen[d]
}

// overwriters is every op that names d, as far as one question may look.
func (q *question) overwriters(d logical.Dot) []overwrite {
	if q.over == nil {
		q.over = map[logical.Dot][]overwrite{}
		q.search()
	}
	if len(q.over[d]) == 0 {
		q.scan(d)
	}
	return q.over[d]
}

func (q *question) search() {
	d := descend(func(dot logical.Dot) (*resolve.Op, bool) {
		op, ok := q.Op(dot)
		if ok = ok && q.steps > 0; ok {
			q.steps--
		}
		return op, ok
	})
	for i := range q.object.Versions {
		d.reach(q.object.Versions[i].Dot)
	}
	q.fail(q.ledger.LossesOf(q.object.Key, func(l resolve.Loss) bool {
		if q.panel.Mask().Has(l.Resolver) {
			d.reach(l.Loser)
		}
		return q.steps > 0
	}))
	for op := d.next(); op != nil; op = d.next() {
		q.names(op)
		d.reach(op.Parents...)
		d.reach(op.Hidden...)
	}
}

func (q *question) names(op *resolve.Op) {
	add := func(d logical.Dot, o overwrite) {
		if !slices.Contains(q.over[d], o) {
			q.over[d] = append(q.over[d], o)
		}
	}
	for _, d := range op.Parents {
		add(d, overwrite{op.Dot, false})
	}
	for _, d := range op.Hidden {
		add(d, overwrite{op.Dot, true})
	}
}

// What is read of one origin at a time.
const (
	scanOps   = 256
	scanBytes = 1 << 20
)

// scan looks for what names d in the log: from where in each origin
// Lamport stamps pass d's.
func (q *question) scan(d logical.Dot) {
	for last := range q.cfg.Applied.All() {
		from := q.past(last, d)
		for q.steps > 0 && from <= last.Seq {
			ops, err := q.store.Ops(last.Origin, from, min(scanOps, q.steps), scanBytes)
			if q.fail(err); err != nil || len(ops) == 0 {
				break
			}
			q.steps -= len(ops)
			from = ops[len(ops)-1].Dot.Seq + 1
			for _, op := range ops {
				if op.Key == q.object.Key && op.Kind != resolve.Touch && (slices.Contains(op.Parents, d) || slices.Contains(op.Hidden, d)) {
					q.names(op)
				}
			}
		}
	}
}

// past is the first op of an origin whose stamp is above that of d; its stamps
// ascend.
func (q *question) past(last, d logical.Dot) logical.Seq {
	op, ok := q.Op(d)
	if !ok {
		return 1
	}
	n := sort.Search(int(last.Seq), func(i int) bool {
		ops, err := q.store.Ops(last.Origin, logical.Seq(i+1), 1, 1)
		q.fail(err)
		return err != nil || len(ops) == 0 || ops[0].Lamport > op.Lamport
	})
	return logical.Seq(n + 1)
}

// sees reports whether the author of op had been shown d, directly or through
// others. Lamport stamps fall along every edge but those between duplicates.
//
// A list of what one key lost asks this of write after write over each other, so
// what was found out is remembered; not where there are duplicates, because who saw
// one saw others only as far as its own leader had them.
func (q *question) sees(op *resolve.Op, w Write) bool {
	known := q.saw[w.Dot]
	if known == nil || q.object.Duplicates {
		known = map[logical.Dot]bool{}
		q.saw[w.Dot] = known
	}
	wanted, found := append(q.duplicatesOf(w.Dot), w.Dot), false
	d := descend(func(p logical.Dot) (*resolve.Op, bool) {
		saw, told := known[p]
		if saw || slices.Contains(wanted, p) {
			found = true
		}
		if found || told {
			return nil, false
		}
		up, ok := q.Op(p)
		return up, ok && (up.Lamport > w.Lamport || q.object.Duplicates)
	})
	d.reach(op.Parents...)
	for up := d.next(); up != nil && !found; up = d.next() {
		if q.steps--; q.steps < 0 {
			return false // not known
		}
		d.reach(up.Parents...)
		for _, t := range q.duplicatesOf(up.Dot) {
			if op.Deps.Covers(t) {
				d.reach(t)
			}
		}
	}
	if known[op.Dot] = found; !found {
		for p := range d.seen {
			known[p] = false
		}
	}
	return found
}

func (q *question) Duplicates(d logical.Dot) []logical.Dot {
	dots, err := q.store.Duplicates(d)
	q.fail(err)
	return dots
}

// duplicatesOf is the other dots of d's request, asked only where there can be any. A
// client that numbers writes to two keys alike has made two requests.
func (q *question) duplicatesOf(d logical.Dot) []logical.Dot {
	if !q.object.Duplicates {
		return nil
	}
	return slices.DeleteFunc(slices.Clone(q.Duplicates(d)), func(t logical.Dot) bool {
		op, known := q.Op(t)
		return t == d || known && op.Key != q.object.Key
	})
}

// duplicate is another dot of d's request: the first that is so, or else the smallest;
// zero: there is no other.
func (q *question) duplicate(d logical.Dot, is func(logical.Dot) bool) logical.Dot {
	dots := q.duplicatesOf(d)
	if len(dots) == 0 {
		return logical.Dot{}
	}
	return dots[max(0, slices.IndexFunc(dots, is))]
}

// share is the running total that d's addition is in: nil if a deletion has taken
// it away. Doubled says that the request is not counted under this dot.
func (q *question) share(d logical.Dot) (s *resolve.Version, doubled bool) {
	for i := range q.object.Versions {
		s := &q.object.Versions[i]
		if s.Dot.Origin == d.Origin && s.Mask.Has(resolve.Counter) && d.Seq > s.Count.Base.Seq {
			return s, slices.ContainsFunc(s.Count.Voids, func(v resolve.VoidDelta) bool { return v.Seq == d.Seq })
		}
	}
	return nil, false
}
