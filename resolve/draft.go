package resolve

import (
	"errors"
	"math"
	"slices"
	"strconv"

	"kvd/logical"
	"kvd/wallclock"
)

// ErrNotInteger is answered to an addition to something that is no number, and
// to a register write on a counter key.
var ErrNotInteger = errors.New("value is not an integer or out of range")

// ErrOverflow is answered to an addition that leaves the range of 64 bits.
var ErrOverflow = errors.New("increment or decrement would overflow")

// Intent is what an author asks for.
type Intent struct {
	Kind    Kind
	Value   []byte // Put; owned by the op from now on
	Delta   int64  // Add
	Expires wallclock.Instant
	// Now is the time of the accepting leader: numbers that have ended by then
	// are not added to. Zero: none has.
	Now wallclock.Instant
	// Exact says that Shown is what the author had been shown. Otherwise the
	// author writes over whatever this leader shows now.
	Exact bool
	Shown []logical.Dot
}

// Draft is an op with what its author meant and had seen; its stamps and its
// identity are still to be filled in. It fails with ErrNotInteger or
// ErrOverflow and changes nothing. The object is not changed either.
func (p Panel) Draft(o *Object, origin logical.Origin, in Intent, h History) (Op, error) {
	op := Op{Key: o.Key, Kind: in.Kind, Value: in.Value, Expires: in.Expires}
	shown := p.shown(o)
	op.Parents = shown
	if in.Exact {
		op.Parents = slices.Clone(in.Shown)
	}
	op.Hidden = p.hidden(o, shown, op.Parents)
	if err := p.outcome(o, &op, in, h); err != nil {
		return Op{}, err
	}
	if p.Mask().Has(Counter) {
		o.tally(&op, origin, h)
	}
	return op, nil
}

// shown is the dots that the serving resolver shows now.
func (p Panel) shown(o *Object) []logical.Dot {
	var idx [8]int
	var dots []logical.Dot
	for _, i := range p.Survivors(o, p.Serving, idx[:0]) {
		dots = append(dots, o.Versions[i].Dot)
	}
	return dots
}

// hidden is the live versions that this leader holds but neither shows nor was
// told about.
func (p Panel) hidden(o *Object, shown, parents []logical.Dot) []logical.Dot {
	var dots []logical.Dot
	live := p.Mask().keeps(liveSet)
	for i := range o.Versions {
		v := &o.Versions[i]
		if v.Mask&live != 0 && !slices.Contains(shown, v.Dot) && !slices.Contains(parents, v.Dot) {
			dots = append(dots, v.Dot)
		}
	}
	return dots
}

// outcome fills in what a register holds afterwards, and what a counter grows
// by.
func (p Panel) outcome(o *Object, op *Op, in Intent, h History) error {
	if in.Kind == Delete {
		op.Value = nil
		return nil
	}
	if in.Kind == Add {
		return p.outcomeOfAdd(o, op, in, h)
	}
	want, isNumber := integer(in.Value)
	switch {
	case !isNumber && p.Serving == Counter:
		return ErrNotInteger
	case !isNumber:
		return nil // what stood there before need not be read
	}
	if base, ok := p.number(o, op.Parents, in.Now, h); ok {
		op.Delta = want - base // wraps round as sums do
	}
	return nil
}

func (p Panel) outcomeOfAdd(o *Object, op *Op, in Intent, h History) error {
	base, ok := p.number(o, op.Parents, in.Now, h)
	if !ok {
		return ErrNotInteger
	}
	sum, fits := plus(base, in.Delta)
	if !fits {
		return ErrOverflow
	}
	op.Delta, op.Value = in.Delta, strconv.AppendInt(nil, sum, 10)
	return nil
}

// number is what the author's number starts from: the sum of a counter, else
// the greatest of the values shown that have not ended, else zero. It is false
// when such a value is no integer.
func (p Panel) number(o *Object, parents []logical.Dot, now wallclock.Instant, h History) (int64, bool) {
	if p.Serving == Counter {
		sum, _ := o.Sum()
		return sum, true
	}
	var best int64
	found := false
	for _, d := range parents {
		value, kind, ends := o.valueOf(d, h)
		if kind == Delete || kind == 0 || ends != 0 && ends <= now {
			continue
		}
		n, ok := integer(value)
		if !ok {
			return 0, false
		}
		if !found || n > best {
			best, found = n, true
		}
	}
	return best, true
}

// valueOf is what version d held and when that ends, from the object or else
// from the log.
func (o *Object) valueOf(d logical.Dot, h History) ([]byte, Kind, wallclock.Instant) {
	if i, ok := o.Find(d); ok && o.Versions[i].Value != nil {
		v := &o.Versions[i]
		return v.Value, v.Kind, v.Expires
	}
	if op, ok := h.Op(d); ok {
		return op.Value, op.Kind, op.Expires
	}
	return nil, 0, 0
}

// tally fills in the counter's evidence: the origin's new running total, or
// what a delete saw of everybody's.
func (o *Object) tally(op *Op, origin logical.Origin, h History) {
	if op.Kind != Delete {
		op.Total = op.Delta
		if v := o.share(origin, Counter.Mask()); v != nil {
			op.Total, op.Prev = v.Count.Total+op.Delta, v.Dot.Seq
		}
		return
	}
	op.Parents, op.Seen = o.seen(op.Parents, h)
}

// seen orders dots, in place, so that those which carried a running total come
// first, and returns these totals with them. Deletions carried none.
func (o *Object) seen(dots []logical.Dot, h History) ([]logical.Dot, []int64) {
	var totals []int64
	for i, d := range dots {
		total, carried := o.totalOf(d, h)
		if !carried {
			continue
		}
		copy(dots[len(totals)+1:i+1], dots[len(totals):i])
		dots[len(totals)] = d
		totals = append(totals, total)
	}
	return dots, totals
}

// totalOf is the running total that dot d carried, if it did.
func (o *Object) totalOf(d logical.Dot, h History) (int64, bool) {
	if i, ok := o.Find(d); ok && o.Versions[i].Mask.Has(Counter) {
		return o.Versions[i].Count.Total, true
	}
	if op, ok := h.Op(d); ok && op.Kind != Delete {
		return op.Total, true
	}
	return 0, false
}

// plus adds and reports whether the sum fits.
func plus(a, b int64) (int64, bool) {
	if b > 0 && a > math.MaxInt64-b || b < 0 && a < math.MinInt64-b {
		return 0, false
	}
	return a + b, true
}

// Reading is what a reader is shown of a key.
type Reading struct {
	Values [][]byte      // several: siblings; none: absent. Shared, immutable
	Dots   []logical.Dot // the versions behind them, deletions among them
}

// Read shows the key under the serving resolver, whatever the time: no value has
// ended (see [Panel.ReadAt]). Several dots of one request are shown once.
func (p Panel) Read(o *Object, h History) Reading {
	var idx [8]int
	r := Reading{}
	for _, i := range p.Survivors(o, p.Serving, idx[:0]) {
		v := &o.Versions[i]
		if p.Serving != Counter && !v.Deleted() && !o.repeats(v.Dot, r.Dots, h) {
			r.Values = append(r.Values, v.Value)
		}
		r.Dots = append(r.Dots, v.Dot)
	}
	if sum, live := o.Sum(); live && p.Serving == Counter {
		r.Values = [][]byte{strconv.AppendInt(nil, sum, 10)}
	}
	return r
}
