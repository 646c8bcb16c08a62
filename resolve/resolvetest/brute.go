package resolvetest

import (
	"cmp"
	"fmt"
	"slices"

	"kvd/logical"
	"kvd/resolve"
	"kvd/resolve/number"
)

// Brute says what must have come out of a set of ops of one key, from all of
// them at once and without regard for cost.
type Brute struct {
	panel resolve.Panel
	key   string
	ops   []*resolve.Op // without touches, which change nothing that is judged
	all   []*resolve.Op
	err   error
}

// NewBrute judges ops, which must hold everything any of them depends on.
func NewBrute(p resolve.Panel, key string, ops []*resolve.Op) *Brute {
	b := &Brute{panel: p, key: key, all: ops}
	for _, op := range Writes(ops) {
		judged := *op
		judged.Wall, judged.HLC, judged.Lamport = op.Stamps()
		judged.Expired = nil
		b.ops = append(b.ops, &judged)
	}
	return b
}

func Writes(ops []*resolve.Op) []*resolve.Op {
	return keep(ops, func(op *resolve.Op) bool { return op.Kind != resolve.Touch })
}

// Survivors is what resolver id shows, by dot.
func (b *Brute) Survivors(id resolve.ID) []logical.Dot {
	var ops []*resolve.Op
	switch id {
	case resolve.Siblings:
		ops = b.live(b.panel.Serving != id, false)
	case resolve.Causal:
		ops = maxima(b.live(true, true), b.above(resolve.HLC))
	case resolve.Interval:
		ops = b.overlapping()
	case resolve.Counter:
		ops = b.newest()
	default:
		ops = maxima(b.ops, b.above(id))
	}
	return dots(ops)
}

// overlapping is the ops that no other covers and that do not lie wholly before
// any op whatever; if all that are not covered do, the one they lie before.
func (b *Brute) overlapping() []*resolve.Op {
	top := keep(b.ops, func(v *resolve.Op) bool {
		return !slices.ContainsFunc(b.ops, func(w *resolve.Op) bool {
			return cmp.Or(cmp.Compare(w.Wall.Earliest, v.Wall.Earliest), w.Dot.Compare(v.Dot)) > 0
		})
	})
	live := keep(b.live(true, true), func(v *resolve.Op) bool { return v.Wall.Latest >= top[0].Wall.Earliest })
	if len(live) == 0 {
		return top
	}
	return live
}

// maxima is the ops that no other is above.
func maxima(ops []*resolve.Op, above func(v, w *resolve.Op) bool) []*resolve.Op {
	return keep(ops, func(v *resolve.Op) bool {
		return !slices.ContainsFunc(ops, func(w *resolve.Op) bool { return w != v && above(w, v) })
	})
}

// above compares stamps; equal ones as the panel itself settles them between
// two, whichever comes first.
func (b *Brute) above(id resolve.ID) func(v, w *resolve.Op) bool {
	return func(v, w *resolve.Op) bool {
		c := 0
		switch id {
		case resolve.LWW:
			c = cmp.Compare(v.Wall.Earliest+v.Wall.Latest, w.Wall.Earliest+w.Wall.Latest)
		case resolve.Lamport:
			c = cmp.Compare(v.Lamport, w.Lamport)
		case resolve.HLC:
			c = v.HLC.Compare(w.HLC)
		}
		return c > 0 || c == 0 && b.winsTie(id, v, w)
	}
}

// winsTie folds the two alone, both ways round. Parents, which would tell the
// two apart otherwise, are taken off.
func (b *Brute) winsTie(id resolve.ID, v, w *resolve.Op) bool {
	first, second := *v, *w
	for _, op := range []*resolve.Op{&first, &second} {
		op.Parents, op.Hidden, op.Client = nil, nil, 0
	}
	one, two := b.alone(id, &first, &second), b.alone(id, &second, &first)
	if !slices.Equal(one, two) || len(one) != 1 {
		b.err = fmt.Errorf("%s settles the tie of %s and %s by arrival: %v or %v", id, v.Dot, w.Dot, one, two)
	}
	return slices.Contains(one, v.Dot)
}

func (b *Brute) alone(id resolve.ID, ops ...*resolve.Op) []logical.Dot {
	r := NewReplica(resolve.Panel{Serving: id, Rules: b.panel.Rules}, b.key)
	for _, op := range ops {
		r.Panel.Fold(r.Object, op, r.History, nil)
	}
	return r.Survivors(id)
}

// live is the ops that no other covers.
func (b *Brute) live(hidden, deletes bool) []*resolve.Op {
	covered := map[logical.Dot]bool{}
	for _, op := range b.ops {
		for _, d := range op.Parents {
			covered[d] = true
		}
		for _, d := range op.Hidden {
			covered[d] = covered[d] || hidden
		}
	}
	return keep(b.ops, func(op *resolve.Op) bool {
		return !covered[op.Dot] && (deletes || op.Kind != resolve.Delete)
	})
}

// counts is the ops whose additions no deletion has taken away: none had been
// shown them, nor a later addition of the same origin.
func (b *Brute) counts() []*resolve.Op {
	reset := b.reset()
	return keep(b.ops, func(op *resolve.Op) bool {
		return op.Kind != resolve.Delete && op.Dot.Seq > reset[op.Dot.Origin]
	})
}

// reset is up to where deletions have taken away what each origin added.
func (b *Brute) reset() map[logical.Origin]logical.Seq {
	reset := map[logical.Origin]logical.Seq{}
	for _, op := range b.ops {
		if op.Kind != resolve.Delete {
			continue
		}
		for _, p := range op.Parents {
			if i := slices.IndexFunc(b.ops, func(o *resolve.Op) bool { return o.Dot == p }); i >= 0 && b.ops[i].Kind != resolve.Delete {
				reset[p.Origin] = max(reset[p.Origin], p.Seq)
			}
		}
	}
	return reset
}

func (b *Brute) newest() []*resolve.Op {
	all := b.counts()
	return keep(all, func(op *resolve.Op) bool {
		return !slices.ContainsFunc(all, func(o *resolve.Op) bool {
			return o.Dot.Origin == op.Dot.Origin && o.Dot.Seq > op.Dot.Seq
		})
	})
}

// Sum is the counter's value and whether there is one. A request with several
// dots counts under the smallest, unless any was taken away. A dot under which it
// came to a deletion has nothing to count.
func (b *Brute) Sum() (number.Int128, bool) {
	var sum number.Int128
	all := b.counts()
	for _, op := range all {
		others := keep(b.duplicates(op), func(t *resolve.Op) bool { return t.Kind != resolve.Delete })
		if !slices.ContainsFunc(others, func(t *resolve.Op) bool { return t.Dot.Compare(op.Dot) < 0 || !slices.Contains(all, t) }) {
			sum = sum.Plus(op.Delta)
		}
	}
	return sum, len(all) > 0
}

// duplicates is the other ops of op's request.
func (b *Brute) duplicates(op *resolve.Op) []*resolve.Op {
	return keep(b.ops, func(o *resolve.Op) bool {
		return op.HasRequest() && o.Dot != op.Dot && o.Client == op.Client && o.Request == op.Request
	})
}

// Seen is everything the dots stand for and all that their authors had been
// shown, directly or through others. All dots of one request are one write.
func (b *Brute) Seen(from []logical.Dot) map[logical.Dot]bool {
	seen := map[logical.Dot]bool{}
	for _, d := range from {
		seen[d] = true
	}
	for grown := true; grown; {
		before := len(seen)
		for _, op := range b.ops {
			if slices.ContainsFunc(b.duplicates(op), func(t *resolve.Op) bool { return seen[t.Dot] }) {
				seen[op.Dot] = true
			}
			if !seen[op.Dot] {
				continue
			}
			for _, p := range op.Parents {
				seen[p] = true
			}
		}
		grown = len(seen) > before
	}
	return seen
}

// Lost is the ops that neither survive under id nor were seen by a survivor,
// with the relation that their acceptance recorded.
func (b *Brute) Lost(id resolve.ID) map[logical.Dot]resolve.Relation {
	lost := map[logical.Dot]resolve.Relation{}
	if !id.Loses() {
		return lost
	}
	seen := b.Seen(b.Survivors(id))
	for _, op := range b.ops {
		switch {
		case seen[op.Dot]:
		case op.Inverted.Has(id):
			lost[op.Dot] = resolve.Inverted
		default:
			lost[op.Dot] = resolve.Concurrent
		}
	}
	return lost
}

// Born says under which resolvers op, the last of the ops, was beaten at once
// by something that its author had been shown.
func (b *Brute) InvertedOnAcceptance(op *resolve.Op) resolve.Mask {
	var m resolve.Mask
	had := b.Seen(op.Parents)
	for _, id := range resolve.IDs() {
		if !b.panel.Mask().Has(id) || !id.Loses() {
			continue
		}
		survivors := b.Survivors(id)
		if !slices.Contains(survivors, op.Dot) && slices.ContainsFunc(survivors, func(d logical.Dot) bool { return had[d] }) {
			m |= id.Mask()
		}
	}
	return m
}

func keep(ops []*resolve.Op, want func(*resolve.Op) bool) []*resolve.Op {
	var out []*resolve.Op
	for _, op := range ops {
		if want(op) {
			out = append(out, op)
		}
	}
	return out
}

func dots(ops []*resolve.Op) []logical.Dot {
	var out []logical.Dot
	for _, op := range ops {
		out = append(out, op.Dot)
	}
	slices.SortFunc(out, logical.Dot.Compare)
	return out
}
