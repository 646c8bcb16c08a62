package live

import (
	"cmp"
	"fmt"
	"maps"
	"slices"

	"kvd/logical"
	"kvd/resolve"
	"kvd/scenarios/script"
	"kvd/scenarios/trace"
	"kvd/scenarios/world"
	"kvd/wallclock"
)

// evidence is what a resolver may judge a write by, as far as a schedule decides
// it.
type evidence struct {
	key  string
	wall wallclock.Interval
	over []identity
	name string
}

// reference is the script as the simulation tells it.
type reference struct {
	writes  map[identity]evidence
	newest  map[string]wallclock.Instant // by key: where the latest interval begins
	before  []int                        // acknowledgements before each action that is no operation
	refused bool                         // a drift guard held back a stamp
}

// refer plays the script in the simulation.
func refer(s *script.Scenario, policy resolve.Policy, seed uint64) (*reference, error) {
	w, err := world.New(s, world.Config{Policy: policy, Seed: seed})
	if err != nil {
		return nil, fmt.Errorf("reference: %w", err)
	}
	defer w.Close()
	if err := w.Run(); err != nil {
		return nil, fmt.Errorf("reference: %w", err)
	}
	ref := &reference{writes: map[identity]evidence{}, newest: map[string]wallclock.Instant{}, refused: w.Refused()}
	acks := 0
	for e := range w.Trace().All() {
		switch e.Kind {
		case trace.Acked:
			acks++
		case trace.Fault:
			ref.before = append(ref.before, acks)
		case trace.Accepted:
			ref.write(w, e.Dot)
		}
	}
	return ref, nil
}

// write takes an op down; of a request's two ops the first.
func (r *reference) write(w *world.World, d logical.Dot) {
	op := w.Op(d)
	if op == nil {
		return // it was lost with every disk that had it
	}
	id := identity{op.Client, op.Request}
	if _, twice := r.writes[id]; twice {
		return
	}
	e := evidence{key: op.Key, wall: op.Wall, name: w.Label(d)}
	for _, p := range op.Parents {
		if o := w.Op(p); o != nil {
			e.over = append(e.over, identity{o.Client, o.Request})
		}
	}
	r.writes[id] = e
	r.newest[op.Key] = max(r.newest[op.Key], op.Wall.Earliest)
}

// evidence is the record's, in the reference's terms.
func (r *record) evidence() map[identity]evidence {
	r.mu.Lock()
	defer r.mu.Unlock()
	all := map[identity]evidence{}
	for _, w := range r.order {
		if len(w.births) == 0 {
			continue
		}
		b := w.births[0]
		e := evidence{key: w.key, wall: b.wall, name: w.label}
		for _, d := range b.over {
			if o := r.byDot[d]; o != nil {
				e.over = append(e.over, o.identity)
			}
		}
		all[w.identity] = e
	}
	return all
}

// differs says in what way the writes of an attempt do not stand to each other as
// those of the reference do; empty: it is the same story. What counts is who had
// seen whom, which writes are stamped before something of their past, and how the
// last ones of a key are stamped. How two writes that both came to nothing are
// stamped changes nothing.
func (r *reference) differs(got map[identity]evidence) string {
	ids := slices.SortedFunc(maps.Keys(r.writes), compareIdentities)
	for _, id := range ids {
		if _, ok := got[id]; !ok {
			return r.writes[id].name + " was not accepted"
		}
	}
	if len(got) != len(ids) {
		return fmt.Sprintf("%d writes were accepted, not %d", len(got), len(ids))
	}
	want, have := ancestry(r.writes, ids), ancestry(got, ids)
	for i, a := range ids {
		if r.beaten(r.writes, i, ids, want) != r.beaten(got, i, ids, have) {
			return fmt.Sprintf("whether %s is stamped before what it was based on", r.writes[a].name)
		}
		for j, b := range ids[:i] {
			if r.writes[a].key != r.writes[b].key {
				continue
			}
			if want.knows(i, j) != have.knows(i, j) || want.knows(j, i) != have.knows(j, i) {
				return fmt.Sprintf("whether %s and %s had seen each other", r.writes[a].name, r.writes[b].name)
			}
			if how := apart(r.writes[a], r.writes[b], got[a], got[b]); how != "" && (r.top(a) || r.top(b)) {
				return how
			}
		}
	}
	return ""
}

// exact says in what way the story hangs on stamps that are equal, or meet, to the
// nanosecond; empty: it does not. No two clocks of real processes can be brought to
// do that again. Where the resolver does not go by it, it is left out of the
// comparison.
func (r *reference) exact(policy *resolve.Policy) string {
	ids := slices.SortedFunc(maps.Keys(r.writes), compareIdentities)
	seen := ancestry(r.writes, ids)
	for i, id := range ids {
		for j, other := range ids[:i] {
			a, b := r.writes[id], r.writes[other]
			known := seen.knows(i, j) || seen.knows(j, i)
			if a.key != b.key || !known && !r.top(id) && !r.top(other) {
				continue
			}
			switch policy.Panel(a.key).Serving {
			case resolve.Interval:
				if touch(a, b) {
					return fmt.Sprintf("the intervals of %s and %s touch to the nanosecond, and those of two processes never do", b.name, a.name)
				}
			case resolve.LWW, resolve.HLC, resolve.Causal:
				if !known && a.wall.Midpoint() == b.wall.Midpoint() {
					return fmt.Sprintf("the stamps of %s and %s are equal to the nanosecond, and those of two processes never are", b.name, a.name)
				}
			}
		}
	}
	return ""
}

// touch reports whether one interval ends in the very instant in which the other begins.
func touch(a, b evidence) bool {
	return a.wall.Latest == b.wall.Earliest || b.wall.Latest == a.wall.Earliest
}

// top reports whether no other write of the key is stamped surely later.
func (r *reference) top(id identity) bool {
	e := r.writes[id]
	return e.wall.Latest >= r.newest[e.key]
}

// standing is how a write lies to its past.
type standing struct{ midpoint, interval bool }

// beaten reports whether some of a write's past is stamped later than it. Intervals
// that were meant to touch are not compared.
func (r *reference) beaten(writes map[identity]evidence, i int, ids []identity, p past) standing {
	a, s := writes[ids[i]].wall, standing{}
	for j, id := range ids {
		if b := writes[id].wall; p.knows(i, j) {
			s.midpoint = s.midpoint || b.Midpoint() > a.Midpoint()
			s.interval = s.interval || a.Before(b) && !touch(r.writes[ids[i]], r.writes[id])
		}
	}
	return s
}

func compareIdentities(a, b identity) int {
	return cmp.Or(cmp.Compare(a.client, b.client), cmp.Compare(a.number, b.number))
}

// apart compares how the stamps of two writes lie. Equal stamps cannot be had from
// two clocks.
func apart(a, b, gotA, gotB evidence) string {
	want := cmp.Compare(a.wall.Midpoint(), b.wall.Midpoint())
	have := cmp.Compare(gotA.wall.Midpoint(), gotB.wall.Midpoint())
	switch {
	case want != 0 && want != have:
		return fmt.Sprintf("%s is stamped %s against %s, where %s was meant", a.name,
			gotA.wall.Midpoint().Sub(gotB.wall.Midpoint()), b.name, a.wall.Midpoint().Sub(b.wall.Midpoint()))
	case touch(a, b): // however they lie now
	case a.wall.Before(b.wall) != gotA.wall.Before(gotB.wall), b.wall.Before(a.wall) != gotB.wall.Before(gotA.wall):
		return fmt.Sprintf("whether the intervals of %s and %s overlap", a.name, b.name)
	}
	return ""
}

// past is, for each write, which others are in its past: one bit each.
type past [][]uint64

func (p past) knows(i, j int) bool { return p[i][j/64]>>(j%64)&1 == 1 }

// ancestry follows what writes went over.
func ancestry(writes map[identity]evidence, ids []identity) past {
	index := map[identity]int{}
	for i, id := range ids {
		index[id] = i
	}
	p := make(past, len(ids))
	for i := range p {
		p[i] = make([]uint64, (len(ids)+63)/64)
	}
	for changed := true; changed; {
		changed = false
		for i, id := range ids {
			for _, o := range writes[id].over {
				if j, ok := index[o]; ok && p.inherit(i, j) {
					changed = true
				}
			}
		}
	}
	return p
}

// inherit gives i the write j and all its past; true: some of it is new.
func (p past) inherit(i, j int) bool {
	changed := false
	for k, bits := range p[j] {
		if k == j/64 {
			bits |= 1 << (j % 64)
		}
		if bits&^p[i][k] != 0 {
			p[i][k] |= bits
			changed = true
		}
	}
	return changed
}
