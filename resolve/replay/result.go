package replay

import (
	"bytes"
	"math/bits"
	"slices"
	"strings"

	"kvd/resolve"
)

// Result is what one history would have come to. See [Caveat].
type Result struct {
	Ops, Keys int // ops without touches
	Touches   int // ops that only say when something ends
	// Beyond counts what ops had seen that is not in the history: its beginning
	// was truncated, and what depends on it is judged as if it had not been.
	Beyond   int
	Outcomes []Outcome // by resolver

	listed int // Config.Differences
}

// Outcome is what one resolver would have made of it. Of every op it is true
// that it is live, superseded or lost.
type Outcome struct {
	Resolver   resolve.ID
	Keys       int // that it judged
	Accepted   int // ops of those
	Live       int // survive
	Superseded int // a survivor's author had seen them; for what loses nothing also: merged or deleted
	Inverted   int // lost to what their author had been shown
	Concurrent int // lost to writes whose authors had not seen them, nor been seen
	Deletes    int // of the lost: deletions undone
	Increments int // of the lost: additions, and what looks like one, see [Increment]

	Siblings   int   // most values shown at once for one key, at any point of the history
	Conflicted int   // keys that show more than one value at the end
	Metadata   int64 // bytes, by Config.Size, for keys that hold anything
	Holding    int   // how many those are

	Differ      int          // keys whose final values are not those of the serving resolver
	Differences []Difference // the first of them by key

	// Unrecorded counts ops without the evidence that this resolver goes by: no
	// leader judged by it when they were accepted. Running totals, or what was
	// hidden, are missing, and the outcome is what the rest says.
	Unrecorded int
}

// Lost is how many ops it lost.
func (o *Outcome) Lost() int { return o.Inverted + o.Concurrent }

// MetadataPerKey is the bytes for each key that holds anything.
func (o *Outcome) MetadataPerKey() float64 {
	if o.Holding == 0 {
		return 0
	}
	return float64(o.Metadata) / float64(o.Holding)
}

// Difference is a key that would show something else.
type Difference struct {
	Key     string
	Serving resolve.ID
	Shows   [][]byte // under the serving resolver
	Would   [][]byte // several: siblings; none: absent
}

// small is how much a plain write may change a number and still pass for an
// increment.
const small = 16

// Increment reports whether an op of that kind and delta looks like one: an addition,
// or a write of a number a little off the one its author had been shown. Who had been
// shown nothing has set a number, however small.
func Increment(k resolve.Kind, delta int64, shown bool) bool {
	return k == resolve.Add || k == resolve.Put && shown && delta != 0 && -small <= delta && delta <= small
}

// result summarises the replay.
func (r *replayer) result() *Result {
	res := &Result{Ops: int(r.past.entries.len()), Touches: r.touches, Keys: len(r.past.keys), Beyond: r.past.beyond, listed: r.cfg.Differences}
	f := summary{replayer: r, marks: make([]resolve.Mask, r.past.entries.len())}
	f.live = make([]resolve.Mask, len(f.marks))
	for id := range f.out {
		f.out[id].Resolver = resolve.ID(id)
		f.out[id].Siblings, f.out[id].Unrecorded = r.peak[id], r.unrecorded[id]
	}
	f.countKeys()
	f.countOps()
	for id := range f.out {
		if f.out[id].Keys > 0 {
			res.Outcomes = append(res.Outcomes, f.out[id])
		}
	}
	return res
}

// summary is the result being made.
type summary struct {
	*replayer
	out     [maxResolvers]Outcome
	live    []resolve.Mask // by op: where it survives
	marks   []resolve.Mask // by op: where it survives or was seen by what does
	scratch resolve.Object // one resolver's part of an object
}

// countKeys goes through the keys in order.
func (f *summary) countKeys() {
	order := make([]uint32, f.keys.len())
	for i := range order {
		order[i] = uint32(i)
	}
	slices.SortFunc(order, func(a, b uint32) int { return strings.Compare(f.past.keys[a], f.past.keys[b]) })
	for _, i := range order {
		k := f.keys.at(i)
		f.past.lend()
		served := f.read(k, k.panel.Serving)
		for m := k.panel.Mask(); m != 0; m &= m - 1 {
			f.countKey(k, resolve.ID(bits.TrailingZeros16(uint16(m))), served)
		}
	}
}

// countKey counts one key under one resolver.
func (f *summary) countKey(k *keyed, id resolve.ID, served [][]byte) {
	out := &f.out[id]
	out.Keys++
	var buf [8]int
	for _, i := range k.panel.Survivors(&k.object, id, buf[:0]) {
		if at, ok := f.past.find(k.object.Versions[i].Dot); ok {
			f.live[at] |= id.Mask()
		}
	}
	f.measure(k, id)
	shows := served
	if id != k.panel.Serving && !agreed(k, id) {
		shows = f.read(k, id)
	}
	if len(shows) > 1 {
		out.Conflicted++
	}
	out.Siblings = max(out.Siblings, len(shows))
	if id == k.panel.Serving || same(served, shows) {
		return
	}
	if out.Differ++; len(out.Differences) < f.cfg.Differences {
		out.Differences = append(out.Differences, Difference{k.object.Key, k.panel.Serving, served, shows})
	}
}

// agreed reports whether id and the serving resolver, both no counters, keep the
// same single version.
func agreed(k *keyed, id resolve.ID) bool {
	both := id.Mask() | k.panel.Serving.Mask()
	return len(k.object.Versions) == 1 && both&resolve.Counter.Mask() == 0 && k.object.Versions[0].Mask&both == both
}

// read is what the key shows under id. Values are shared with the ops.
func (f *summary) read(k *keyed, id resolve.ID) [][]byte {
	panel := k.panel
	panel.Serving, panel.Shadows = id, panel.Mask()&^id.Mask()
	r, _ := panel.ReadAt(&k.object, f.past, f.cfg.Now)
	return r.Values
}

// same compares values whatever their order.
func same(a, b [][]byte) bool {
	if len(a) != len(b) {
		return false
	}
	if len(a) > 1 {
		a, b = sorted(a), sorted(b)
	}
	return slices.EqualFunc(a, b, bytes.Equal)
}

func sorted(values [][]byte) [][]byte {
	out := slices.Clone(values)
	slices.SortFunc(out, bytes.Compare)
	return out
}

// measure asks what the key would take if id alone had judged.
func (f *summary) measure(k *keyed, id resolve.ID) {
	if f.cfg.Size == nil {
		return
	}
	f.scratch.Key, f.scratch.Duplicates, f.scratch.Versions = k.object.Key, k.object.Duplicates, f.scratch.Versions[:0]
	bits := id.Keeps()
	for i := range k.object.Versions {
		if v := k.object.Versions[i]; v.Mask&bits != 0 {
			v.Mask &= bits
			if id != resolve.Counter {
				v.Count = resolve.Count{}
			} else {
				v.Value = nil
			}
			f.scratch.Versions = append(f.scratch.Versions, v)
		}
	}
	if len(f.scratch.Versions) > 0 || f.scratch.Duplicates {
		f.out[id].Metadata += int64(f.cfg.Size(&f.scratch))
		f.out[id].Holding++
	}
}

// countOps counts every op once for each resolver that judged it: what neither survives
// nor was seen by what does is lost, and its acceptance says how.
func (f *summary) countOps() {
	for at := range f.marks {
		f.marks[at] = f.live[at] | f.taken(f.past.entries.at(opIndex(at)))
	}
	f.past.spread(f.marks, resolve.Siblings.Mask())
	for at := range f.marks {
		e := f.past.entries.at(opIndex(at))
		e.lost = f.keys.at(e.key).panel.Mask() &^ f.marks[at]
		if f.cfg.Each != nil {
			f.cfg.Each(at, f.live[at], e.lost, e.lost&e.inverted)
		}
		for m := f.keys.at(e.key).panel.Mask(); m != 0; m &= m - 1 {
			f.count(resolve.ID(bits.TrailingZeros16(uint16(m))), opIndex(at), e)
		}
	}
}

// taken is where the op counts as seen whatever survives: a counter adds up all
// there is, and in a live set without deletions those have done what they were
// for.
func (f *summary) taken(e *entry) resolve.Mask {
	m := resolve.Counter.Mask()
	if e.kind == resolve.Delete {
		m |= resolve.Siblings.Mask()
	}
	return m
}

// count is one op under one resolver.
func (f *summary) count(id resolve.ID, at opIndex, e *entry) {
	out := &f.out[id]
	out.Accepted++
	switch {
	case f.live[at].Has(id):
		out.Live++
		return
	case !e.lost.Has(id):
		out.Superseded++
		return
	case e.inverted.Has(id):
		out.Inverted++
	default:
		out.Concurrent++
	}
	if e.kind == resolve.Delete {
		out.Deletes++
	}
	if Increment(e.kind, e.delta, e.parents > 0) {
		out.Increments++
	}
}
