package replay

import (
	"slices"

	"kvd/logical"
	"kvd/resolve"
	"kvd/wallclock"
)

// births finds out, for resolvers that were on nobody's panel when the history
// was made, which ops were beaten where they were accepted by something their
// author had been shown. It knows no rule: it lets each resolver accept the op on
// what its leader held, which is what the op's Deps cover.
//
// Where they cover all of the key that was replayed so far, that is the object
// at hand. Else the leader gets a view of its own, which grows with its ops.
type births struct {
	*past
	stamps chunked[stamps]
	keys   []lives // by key
}

// stamps is what an op can be folded by again, beside its [entry].
type stamps struct {
	wall wallclock.Interval
	hlc  logical.HLC
}

// lives is one key as its leaders saw it.
type lives struct {
	ops   []place
	tips  []place // the newest op of each origin
	views []view
}

// view is what one origin's leader held of one key when it last wrote it.
type view struct {
	origin uint32
	object resolve.Object
	known  int       // how many of the key's ops have been sorted into queues
	queues [][]place // of each origin, in its order, what the leader had not applied
	deps   logical.Frontier
}

// add stamps the op at a place that was just remembered.
func (b *births) add(op *resolve.Op, at place) {
	e := b.entries.at(at)
	b.stamps.append(stamps{op.Wall, op.HLC})
	for int(e.key) >= len(b.keys) {
		b.keys = append(b.keys, lives{})
	}
	l := &b.keys[e.key]
	l.ops = append(l.ops, at)
	if i := slices.IndexFunc(l.tips, func(t place) bool { return b.entries.at(t).origin == e.origin }); i >= 0 {
		l.tips[i] = at
	} else {
		l.tips = append(l.tips, at)
	}
}

// coversAll reports whether the leader held all of the key that came before.
func (b *births) coversAll(op *resolve.Op, at place) bool {
	for _, tip := range b.keys[b.entries.at(at).key].tips {
		if tip != at && !op.Deps.Covers(b.dot(tip)) {
			return false
		}
	}
	return true
}

// inverted lets the resolvers of want accept the op on what its leader held.
func (b *births) inverted(op *resolve.Op, at place, want resolve.Mask) resolve.Mask {
	v := b.view(at)
	v.deps = op.Deps
	panel, history := panelOf(want), viewed{b.past, v.deps}
	for _, held := range b.arrived(v, at) {
		panel.Fold(&v.object, b.again(held), history, nil)
	}
	born := b.again(at)
	panel.Accept(&v.object, born, history, nil)
	return born.Inverted & want
}

// panelOf judges by all of m; it does not matter which of them serves.
func panelOf(m resolve.Mask) resolve.Panel {
	for _, id := range resolve.IDs() {
		if m.Has(id) {
			return resolve.Panel{Serving: id, Shadows: m &^ id.Mask()}
		}
	}
	return resolve.Panel{}
}

// view is that of the leader which accepted the op.
func (b *births) view(at place) *view {
	e := b.entries.at(at)
	l := &b.keys[e.key]
	i := slices.IndexFunc(l.views, func(v view) bool { return v.origin == e.origin })
	if i < 0 {
		i = len(l.views)
		l.views = append(l.views, view{origin: e.origin, object: resolve.Object{Key: b.past.keys[e.key]}})
	}
	return &l.views[i]
}

// arrived takes from the queues what the leader had applied when it accepted the
// op at a place, in the order of replaying. The op itself is not among them, and
// is not queued either.
func (b *births) arrived(v *view, at place) []place {
	l := &b.keys[b.entries.at(at).key]
	for ; v.known < len(l.ops); v.known++ {
		if w := l.ops[v.known]; w != at {
			b.enqueue(v, w)
		}
	}
	var out []place
	for i, q := range v.queues {
		n := 0
		for n < len(q) && v.deps.Covers(b.dot(q[n])) {
			n++
		}
		out = append(out, q[:n]...)
		v.queues[i] = q[n:]
	}
	slices.Sort(out)
	return out
}

func (b *births) enqueue(v *view, at place) {
	origin := b.entries.at(at).origin
	for int(origin) >= len(v.queues) {
		v.queues = append(v.queues, nil)
	}
	v.queues[origin] = append(v.queues[origin], at)
}

// again is a replayed op as it can be folded once more, without its value. It is
// lent like what [past.Op] gives.
func (b *births) again(at place) *resolve.Op {
	op, _ := b.Op(b.dot(at))
	e, s := b.entries.at(at), b.stamps.at(at)
	op.Wall, op.HLC, op.Inverted = s.wall, s.hlc, 0
	from := len(b.dots)
	for i := range uint32(e.hidden) {
		b.dots = append(b.dots, b.dot(*b.edges.at(e.edges + uint32(e.parents) + i)))
	}
	op.Hidden = b.dots[from:len(b.dots):len(b.dots)]
	if _, twin := b.twins[at]; twin {
		op.Client = 1 // whoever has none does not ask for its twin
	}
	return op
}

// viewed is the past as one leader knew it.
type viewed struct {
	*past
	deps logical.Frontier
}

// Twin is the other dot of d's request, if the leader had it.
func (v viewed) Twin(d logical.Dot) (logical.Dot, bool) {
	t, ok := v.past.Twin(d)
	return t, ok && v.deps.Covers(t)
}

// Lost is false: whether something was lost is never asked for the sake of a
// birth, so no ledger is kept.
func (viewed) Lost(resolve.ID, string, logical.Dot) bool { return false }
