package replay

import (
	"slices"

	"kvd/logical"
	"kvd/resolve"
	"kvd/wallclock"
)

// acceptances finds out, for resolvers that were on no panel when the history was made,
// which ops were beaten on acceptance by something their author had been shown. It knows
// no rule: it lets each resolver fold the op into what its leader held, which is what the
// op's Deps cover, and checks whether something survives there that the op descends from.
//
// Where Deps cover all of the key that was replayed so far, that is the object at hand.
// Otherwise the leader gets a state of its own, which grows with its ops.
type acceptances struct {
	*past
	stamps   chunked[stamps]
	before   chunked[opIndex] // by op: the key's op before it, noOp for the first
	keys     []keyLeaders     // by key
	states   int              // of all keys
	folder   resolve.Folder
	ancestry []opIndex // scratch of the search under way
	targets  []opIndex
}

// stamps is what an op can be folded by again, beside its [entry].
type stamps struct {
	wall wallclock.Interval
	hlc  logical.HLC
}

// keyLeaders is one key as its leaders saw it.
type keyLeaders struct {
	tips   []opIndex // the newest op of each origin
	last   opIndex   // the newest of all
	states []leaderState
	// Ops that were inverted on acceptance: later ones need not be searched for again.
	descents []descent
}

// leaderState is what one origin's leader held of one key when it last wrote it.
type leaderState struct {
	origin uint32
	known  opIndex // the key's ops up to this one have been sorted into queues
	object resolve.Object
	queues [][]opIndex // of each origin, in its order, what the leader had not applied
	deps   logical.Frontier
}

func newAcceptances(p *past) *acceptances { return &acceptances{past: p} }

// add stamps the op that was just added to the past.
func (b *acceptances) add(op *resolve.Op, at opIndex) {
	e := b.entries.at(at)
	wall, hlc, _ := op.Stamps()
	b.stamps.append(stamps{wall, hlc})
	for int(e.key) >= len(b.keys) {
		b.keys = append(b.keys, keyLeaders{last: noOp})
	}
	l := &b.keys[e.key]
	b.before.append(l.last)
	l.last = at
	for i, t := range l.tips {
		if b.entries.at(t).origin == e.origin {
			l.tips[i] = at
			return
		}
	}
	l.tips = append(l.tips, at)
}

// coversAll reports whether the leader held all of the key that came before.
func (b *acceptances) coversAll(op *resolve.Op, at opIndex) bool {
	for _, tip := range b.keys[b.entries.at(at).key].tips {
		if tip != at && !op.Deps.Covers(b.dot(tip)) {
			return false
		}
	}
	return true
}

// inverted is the resolvers of want under which, in an object that op was just
// folded into, something survives it that its author had seen. No request of the
// key has several dots.
func (b *acceptances) inverted(panel resolve.Panel, o *resolve.Object, op *resolve.Op, at opIndex, want resolve.Mask) resolve.Mask {
	if len(o.Versions) == 1 && o.Versions[0].Dot == op.Dot && o.Versions[0].Mask&want == want {
		return 0
	}
	var out resolve.Mask
	for id := range resolve.ID(maxResolvers) {
		if want.Has(id) && b.beaten(panel, o, op.Dot, id) && b.descends(at) {
			out |= id.Mask()
		}
	}
	return out
}

// beaten reports whether d does not survive, and makes targets of what does.
func (b *acceptances) beaten(panel resolve.Panel, o *resolve.Object, d logical.Dot, id resolve.ID) bool {
	var buf [8]int
	b.targets = b.targets[:0]
	for _, i := range panel.Survivors(o, id, buf[:0]) {
		if o.Versions[i].Dot == d {
			return false
		}
		if t, ok := b.find(o.Versions[i].Dot); ok {
			b.targets = append(b.targets, t)
		}
	}
	return len(b.targets) > 0
}

// descends reports whether one of the targets is among the ancestors of the op at
// an index. Parents come before their children, so the newest is always taken next, and
// nothing older than all targets is.
func (b *acceptances) descends(at opIndex) bool {
	floor := slices.Min(b.targets)
	for b.ancestry = append(b.ancestry[:0], at); len(b.ancestry) > 0; {
		next := b.ancestry[len(b.ancestry)-1]
		b.ancestry = b.ancestry[:len(b.ancestry)-1]
		if t, ok := b.known(at, next); ok {
			b.learn(at, t)
			return true
		}
		e := b.entries.at(next)
		for i := range e.parents {
			p := *b.edges.at(e.edges + i)
			if j, found := slices.BinarySearch(b.ancestry, p); !found && p >= floor {
				b.ancestry = slices.Insert(b.ancestry, j, p)
			}
		}
	}
	return false
}

// descent is an op that is known to descend from another.
type descent struct{ from, to opIndex }

// known is the target that an op is or is known to descend from. A clock far ahead
// makes every later op of its key descend from the same one: the op before knows.
func (b *acceptances) known(at, p opIndex) (opIndex, bool) {
	if slices.Contains(b.targets, p) {
		return p, true
	}
	for _, d := range b.keys[b.entries.at(at).key].descents {
		if d.to == p && slices.Contains(b.targets, d.from) {
			return d.from, true
		}
	}
	return 0, false
}

// maxDescents is how many are remembered of a key, the newest of each target.
const maxDescents = 4

func (b *acceptances) learn(at, target opIndex) {
	l := &b.keys[b.entries.at(at).key]
	i := slices.IndexFunc(l.descents, func(d descent) bool { return d.from == target })
	if i < 0 && len(l.descents) == maxDescents {
		i = 0
	}
	if i >= 0 {
		l.descents = slices.Delete(l.descents, i, i+1)
	}
	l.descents = append(l.descents, descent{target, at})
}

// foldAtLeader folds the op into its leader's state of the key and returns that.
func (b *acceptances) foldAtLeader(op *resolve.Op, at opIndex, panel resolve.Panel) *resolve.Object {
	v := b.leaderState(at)
	v.deps = op.Deps
	for _, held := range b.arrived(v, at) {
		b.folder.Keep(panel, &v.object, b.refoldable(held), b.past)
	}
	b.folder.Keep(panel, &v.object, b.refoldable(at), b.past)
	return &v.object
}

// accept lets the resolvers of want accept the op on what its leader held, where
// requests of the key have several dots each.
func (b *acceptances) accept(op *resolve.Op, at opIndex, want resolve.Mask) resolve.Mask {
	v := b.leaderState(at)
	v.deps = op.Deps
	panel, history := panelOf(want), leaderPast{b.past, v.deps}
	for _, held := range b.arrived(v, at) {
		panel.Fold(&v.object, b.refoldable(held), history, nil)
	}
	accepted := b.refoldable(at)
	b.folder.Accept(panel, &v.object, accepted, history, nil)
	return accepted.Inverted & want
}

// panelOf judges by all of m; it does not matter which of them serves.
func panelOf(m resolve.Mask) resolve.Panel {
	for id := range resolve.ID(maxResolvers) {
		if m.Has(id) {
			return resolve.Panel{Serving: id, Shadows: m &^ id.Mask()}
		}
	}
	return resolve.Panel{}
}

// leaderState is that of the leader which accepted the op.
func (b *acceptances) leaderState(at opIndex) *leaderState {
	e := b.entries.at(at)
	l := &b.keys[e.key]
	i := slices.IndexFunc(l.states, func(v leaderState) bool { return v.origin == e.origin })
	if i < 0 {
		i = len(l.states)
		b.states++
		l.states = append(l.states, leaderState{origin: e.origin, known: noOp, object: resolve.Object{Key: b.past.keys[e.key]}})
	}
	return &l.states[i]
}

// arrived takes from the queues what the leader had applied when it accepted the
// op at an index, in the order of replaying. The op itself is not among them, and is not
// queued either.
func (b *acceptances) arrived(v *leaderState, at opIndex) []opIndex {
	b.enqueue(v, at)
	var out []opIndex
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

// enqueue sorts into the queues of a leader's state the ops that it does not know yet. It
// finds them by going through the key's ops from the newest back.
func (b *acceptances) enqueue(v *leaderState, at opIndex) {
	news := b.targets[:0]
	for p := *b.before.at(at); p != v.known; p = *b.before.at(p) {
		news = append(news, p)
	}
	v.known = at
	for _, p := range slices.Backward(news) {
		origin := b.entries.at(p).origin
		for int(origin) >= len(v.queues) {
			v.queues = append(v.queues, nil)
		}
		v.queues[origin] = append(v.queues[origin], p)
	}
	b.targets = news
}

// refoldable is a replayed op as it can be folded once more, without its value. It is
// lent like what [past.Op] returns.
func (b *acceptances) refoldable(at opIndex) *resolve.Op {
	op, _ := b.Op(b.dot(at))
	e, s := b.entries.at(at), b.stamps.at(at)
	op.Wall, op.HLC, op.Inverted = s.wall, s.hlc, 0
	op.Panel = resolve.All // what it covers is among its hidden dots
	from := len(b.dots)
	for i := range e.hidden {
		b.dots = append(b.dots, b.dot(*b.edges.at(e.edges + e.parents + i)))
	}
	op.Hidden = b.dots[from:len(b.dots):len(b.dots)]
	if _, duplicate := b.duplicates[at]; duplicate {
		op.Client = 1 // whoever has none does not ask for its duplicates
	}
	return op
}

// leaderPast is the past as one leader knew it.
type leaderPast struct {
	*past
	deps logical.Frontier
}

// Duplicates is those dots of d's request that the leader had, and d.
func (v leaderPast) Duplicates(d logical.Dot) []logical.Dot {
	return slices.DeleteFunc(v.past.Duplicates(d), func(t logical.Dot) bool { return t != d && !v.deps.Covers(t) })
}

// Lost is none: an acceptance never asks whether something was lost, so no ledger is
// kept.
func (leaderPast) Lost(string, logical.Dot) resolve.Mask { return 0 }
