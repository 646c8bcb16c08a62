package attempt

import (
	"cmp"
	"fmt"
	"maps"
	"math/big"
	"slices"

	"kvd/logical"
	"kvd/resolve"
	"kvd/scenarios/script"
	"kvd/scenarios/trace"
	"kvd/scenarios/world"
	"kvd/wallclock"
)

// Evidence is what a resolver may judge a write by, as far as a schedule decides
// it.
type Evidence struct {
	Key  string
	Wall wallclock.Interval
	Over []Identity // the writes behind its parents
	Name string
}

// Reference is the script as the simulation tells it.
type Reference struct {
	Before  []int // acknowledgements before each action that is no operation
	Refused bool  // a drift guard held back a stamp

	writes map[Identity]Evidence
	newest map[string]wallclock.Instant // by key: where the latest interval begins
}

// Refer plays the script in the simulation.
func Refer(s *script.Scenario, policy resolve.Policy, seed uint64) (*Reference, error) {
	w, err := world.New(s, world.Config{Policy: policy, Seed: seed})
	if err != nil {
		return nil, fmt.Errorf("reference: %w", err)
	}
	defer w.Close()
	if err := w.Run(); err != nil {
		return nil, fmt.Errorf("reference: %w", err)
	}
	ref := newReference()
	ref.Refused = w.Refused
	acks := 0
	for e := range w.Trace.All() {
		switch e.Kind {
		case trace.Acked:
			acks++
		case trace.Fault:
			ref.Before = append(ref.Before, acks)
		case trace.Accepted:
			ref.accepted(w, e.Dot)
		}
	}
	return ref, nil
}

func newReference() *Reference {
	return &Reference{writes: map[Identity]Evidence{}, newest: map[string]wallclock.Instant{}}
}

func (r *Reference) accepted(w *world.World, d logical.Dot) {
	op := w.Op(d)
	if op == nil {
		return // it was lost with every disk that had it
	}
	e := Evidence{Key: op.Key, Wall: op.Wall, Name: w.Label(d)}
	for _, p := range op.Parents {
		if o := w.Op(p); o != nil {
			e.Over = append(e.Over, Identity{Client: o.Client, Number: o.Request})
		}
	}
	r.add(Identity{Client: op.Client, Number: op.Request}, e)
}

// add takes a write down unless it is known.
func (r *Reference) add(id Identity, e Evidence) {
	if _, twice := r.writes[id]; twice {
		return
	}
	r.writes[id] = e
	r.newest[e.Key] = max(r.newest[e.Key], e.Wall.Earliest)
}

// Evidence is the record's, in the reference's terms.
func (r *Record) Evidence() map[Identity]Evidence {
	r.mu.Lock()
	defer r.mu.Unlock()
	all := map[Identity]Evidence{}
	for _, w := range r.order {
		if len(w.acceptances) == 0 {
			continue
		}
		a := w.acceptances[0]
		e := Evidence{Key: w.Key, Wall: a.Wall, Name: w.Label}
		for _, d := range a.Over {
			if o := r.byDot[d]; o != nil {
				e.Over = append(e.Over, o.Identity)
			}
		}
		all[w.Identity] = e
	}
	return all
}

// Differs says in what way the writes of an attempt are not related as those of the
// reference are; empty: it is the same history. What counts is who had
// seen whom, which writes are stamped before something of their past, and how the
// last ones of a key are stamped. How two writes that both came to nothing are
// stamped changes nothing.
func (r *Reference) Differs(got map[Identity]Evidence) string {
	ids := slices.SortedFunc(maps.Keys(r.writes), byIdentity)
	for _, id := range ids {
		if _, ok := got[id]; !ok {
			return r.writes[id].Name + " was not accepted"
		}
	}
	if len(got) != len(ids) {
		return fmt.Sprintf("%d writes were accepted, not %d", len(got), len(ids))
	}
	want, have := ancestry(r.writes, ids), ancestry(got, ids)
	for i, a := range ids {
		if r.inverted(r.writes, i, ids, want) != r.inverted(got, i, ids, have) {
			return fmt.Sprintf("whether %s is stamped before what it was based on", r.writes[a].Name)
		}
		for j, b := range ids[:i] {
			if r.writes[a].Key != r.writes[b].Key {
				continue
			}
			if want.knows(i, j) != have.knows(i, j) || want.knows(j, i) != have.knows(j, i) {
				return fmt.Sprintf("whether %s and %s had seen each other", r.writes[a].Name, r.writes[b].Name)
			}
			if how := apart(r.writes[a], r.writes[b], got[a], got[b]); how != "" && (r.top(a) || r.top(b)) {
				return how
			}
		}
	}
	return ""
}

// Exact says in what way the history depends on stamps that are equal, or meet, to the
// nanosecond; empty: it does not. No two clocks of real processes can be brought to
// do that again. Where the resolver does not go by it, it is left out of the
// comparison.
func (r *Reference) Exact(policy *resolve.Policy) string {
	ids := slices.SortedFunc(maps.Keys(r.writes), byIdentity)
	seen := ancestry(r.writes, ids)
	for i, id := range ids {
		for j, other := range ids[:i] {
			a, b := r.writes[id], r.writes[other]
			known := seen.knows(i, j) || seen.knows(j, i)
			if a.Key != b.Key || !known && !r.top(id) && !r.top(other) {
				continue
			}
			switch policy.Panel(a.Key).Serving {
			case resolve.Interval:
				if touch(a, b) {
					return fmt.Sprintf("the intervals of %s and %s touch to the nanosecond, and those of two processes never do", b.Name, a.Name)
				}
			case resolve.LWW, resolve.HLC, resolve.Causal:
				if !known && a.Wall.Midpoint() == b.Wall.Midpoint() {
					return fmt.Sprintf("the stamps of %s and %s are equal to the nanosecond, and those of two processes never are", b.Name, a.Name)
				}
			}
		}
	}
	return ""
}

// touch reports whether one interval ends in the very instant in which the other begins.
func touch(a, b Evidence) bool {
	return a.Wall.Latest == b.Wall.Earliest || b.Wall.Latest == a.Wall.Earliest
}

// top reports whether no other write of the key is stamped surely later.
func (r *Reference) top(id Identity) bool {
	e := r.writes[id]
	return e.Wall.Latest >= r.newest[e.Key]
}

// inversion says by which stamps a write lies before something of its past.
type inversion struct{ midpoint, interval bool }

// inverted compares a write with its past. Intervals that were meant to touch are not
// compared.
func (r *Reference) inverted(writes map[Identity]Evidence, i int, ids []Identity, p past) inversion {
	a, is := writes[ids[i]].Wall, inversion{}
	for j, id := range ids {
		if b := writes[id].Wall; p.knows(i, j) {
			is.midpoint = is.midpoint || b.Midpoint() > a.Midpoint()
			is.interval = is.interval || a.Before(b) && !touch(r.writes[ids[i]], r.writes[id])
		}
	}
	return is
}

func byIdentity(a, b Identity) int {
	return cmp.Or(cmp.Compare(a.Client, b.Client), cmp.Compare(a.Number, b.Number))
}

// apart compares how the stamps of two writes lie. Equal stamps cannot be had from
// two clocks.
func apart(a, b, gotA, gotB Evidence) string {
	want := cmp.Compare(a.Wall.Midpoint(), b.Wall.Midpoint())
	have := cmp.Compare(gotA.Wall.Midpoint(), gotB.Wall.Midpoint())
	switch {
	case want != 0 && want != have:
		return fmt.Sprintf("%s is stamped %s against %s, where %s was meant", a.Name,
			gotA.Wall.Midpoint().Sub(gotB.Wall.Midpoint()), b.Name, a.Wall.Midpoint().Sub(b.Wall.Midpoint()))
	case touch(a, b): // however they lie now
	case a.Wall.Before(b.Wall) != gotA.Wall.Before(gotB.Wall), b.Wall.Before(a.Wall) != gotB.Wall.Before(gotA.Wall):
		return fmt.Sprintf("whether the intervals of %s and %s overlap", a.Name, b.Name)
	}
	return ""
}

// past is, for each write, which others are in its past: one bit each.
type past []*big.Int

func (p past) knows(i, j int) bool { return p[i].Bit(j) == 1 }

// ancestry follows what writes went over.
func ancestry(writes map[Identity]Evidence, ids []Identity) past {
	index := map[Identity]int{}
	p := make(past, len(ids))
	for i, id := range ids {
		index[id], p[i] = i, new(big.Int)
	}
	for changed := true; changed; {
		changed = false
		for i, id := range ids {
			for _, o := range writes[id].Over {
				if j, ok := index[o]; ok {
					before := p[i]
					p[i] = new(big.Int).Or(before, p[j])
					p[i].SetBit(p[i], j, 1)
					changed = changed || p[i].Cmp(before) != 0
				}
			}
		}
	}
	return p
}
