package losses

import (
	"cmp"
	"math/bits"
	"slices"

	"kvd/logical"
	"kvd/resolve"
	"kvd/wallclock"
)

// Row is one row of the ledger: a write that at least one resolver lost, with
// all their verdicts. The row is its holder's, slices included.
type Row struct {
	Key   string
	Loser logical.Dot
	// Position rises with each row that is inserted and is never given again. A row
	// keeps its position when its verdicts change.
	Position uint64
	Verdicts []Verdict // by their first resolver; no resolver is in two
	// Evidence is what was known of the write when the resolver that serves its
	// key lost it; nil: only shadows did, or its log entry was gone.
	Evidence *Evidence
}

// Verdict is what resolvers that agree have decided.
type Verdict struct {
	Resolvers resolve.Mask
	Relation  resolve.Relation // Inverted or Concurrent
	Winner    logical.Dot      // a survivor when it was decided; zero: none
	At        wallclock.Interval
}

// Evidence is what is kept of a lost write beside its log entry.
type Evidence struct {
	Kind            resolve.Kind
	Value           []byte // the begin of it, as much as retention keeps; nil: none
	Size            int    // of the whole value, in bytes
	Delta           int64
	Expires         wallclock.Instant
	Stamps          Stamps // the loser's
	Client, Request uint64
	Winner          *Stamps // the winner's; nil: there was none, or nothing was left of it
}

// Stamps is the three clocks of one write.
type Stamps struct {
	Wall    wallclock.Interval
	HLC     logical.HLC
	Lamport logical.Lamport
}

// ID is what a row is found by, and where reading goes on. The zero ID is
// before every row.
type ID struct {
	Key   string
	Loser logical.Dot
}

// ID is what r is found by.
func (r *Row) ID() ID { return ID{r.Key, r.Loser} }

// Resolvers is everybody who lost the write.
func (r *Row) Resolvers() resolve.Mask {
	var m resolve.Mask
	for i := range r.Verdicts {
		m |= r.Verdicts[i].Resolvers
	}
	return m
}

// Verdict is one resolver's; false: it did not lose the write.
func (r *Row) Verdict(id resolve.ID) (Verdict, bool) {
	for _, v := range r.Verdicts {
		if v.Resolvers.Has(id) {
			return v, true
		}
	}
	return Verdict{}, false
}

// Loss is one resolver's verdict as folding gave it.
func (r *Row) Loss(id resolve.ID, v Verdict) resolve.Loss {
	return resolve.Loss{Resolver: id, Relation: v.Relation, Key: r.Key, Loser: r.Loser, Winner: v.Winner, At: v.At}
}

// Losses yields every resolver's verdict, by resolver, until yield answers false.
func (r *Row) Losses(yield func(resolve.Loss) bool) {
	for m := r.Resolvers(); m != 0; m &= m - 1 {
		id := resolve.ID(bits.TrailingZeros16(uint16(m)))
		if v, _ := r.Verdict(id); !yield(r.Loss(id, v)) {
			return
		}
	}
}

// Newest is the latest instant of any verdict: what its age is counted from.
func (r *Row) Newest() wallclock.Instant {
	newest := r.Verdicts[0].At.Latest
	for _, v := range r.Verdicts[1:] {
		newest = max(newest, v.At.Latest)
	}
	return newest
}

// Insert adds one resolver's verdict, in place of an older one of its own.
func (r *Row) Insert(l resolve.Loss) {
	r.Retract(l.Resolver)
	i := slices.IndexFunc(r.Verdicts, func(v Verdict) bool {
		return v.Relation == l.Relation && v.Winner == l.Winner && v.At == l.At
	})
	if i < 0 {
		i = len(r.Verdicts)
		r.Verdicts = append(r.Verdicts, Verdict{Relation: l.Relation, Winner: l.Winner, At: l.At})
	}
	r.Verdicts[i].Resolvers |= l.Resolver.Mask()
	r.sort()
}

// Retract takes one resolver's verdict back and reports whether there was one. A
// row without verdicts is to be dropped.
func (r *Row) Retract(id resolve.ID) bool {
	i := slices.IndexFunc(r.Verdicts, func(v Verdict) bool { return v.Resolvers.Has(id) })
	if i < 0 {
		return false
	}
	if r.Verdicts[i].Resolvers &^= id.Mask(); r.Verdicts[i].Resolvers == 0 {
		r.Verdicts = slices.Delete(r.Verdicts, i, i+1)
	}
	r.sort()
	return true
}

// sort restores the order of the encoding.
func (r *Row) sort() {
	if len(r.Verdicts) > 1 {
		slices.SortFunc(r.Verdicts, func(a, b Verdict) int { return cmp.Compare(a.first(), b.first()) })
	}
}

func (v *Verdict) first() int { return bits.TrailingZeros16(uint16(v.Resolvers)) }
