package resolve

import (
	"errors"
	"slices"
	"strconv"

	"kvd/logical"
	"kvd/resolve/internal/dotset"
	"kvd/resolve/number"
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
	Keep    bool // Put: Expires is what it is for the value shown; an Add without Expires keeps it always
	// Now is the time of the accepting leader: an addition does not start from a
	// number that has expired by then. Zero: none has.
	Now wallclock.Instant
	// Exact is set when Shown is what the author had been shown. Otherwise the author
	// writes over whatever this leader shows now.
	Exact bool
	Shown []logical.Dot
}

// Draft is an op with what its author meant and had seen. The caller fills in its stamps
// and its identity, and then ranks it (see [Op.Rank]). Draft does not change the object.
// It fails with ErrNotInteger or ErrOverflow.
func (p Panel) Draft(o *Object, origin logical.Origin, in Intent, h History) (Op, error) {
	var op Op
	if err := p.DraftTo(&op, o, origin, &in, h); err != nil {
		return Op{}, err
	}
	return op, nil
}

// DraftTo is Draft in the place of what op was. Op.Parents is taken for memory that it may
// use. After an error op is to be given to nobody.
func (p Panel) DraftTo(op *Op, o *Object, origin logical.Origin, in *Intent, h History) error {
	room := op.Parents[:0]
	*op = Op{Key: o.Key, Kind: in.Kind, Value: in.Value, Expires: in.Expires, Panel: p.Mask()}
	if in.Keep || in.Kind == Add && in.Expires == 0 {
		op.Expires = 0
		p.keepDeadline(o, op, in.Now)
	}
	if op.Stated.By.IsZero() {
		op.Stated.HLC = o.newestStatement()
	}
	if in.Kind == Touch {
		op.Value, op.Parents = nil, p.touchable(o, in.Now)
		return nil
	}
	shown := p.shown(o, room)
	if op.Parents = shown; len(shown) == 0 {
		op.Parents = nil
	}
	if in.Exact {
		op.Parents = slices.Clone(in.Shown)
		if op.Unseen = dotset.Without(shown, op.Parents); len(op.Unseen) > maxUnseen {
			op.Unseen, op.Panel = nil, 0
		}
	}
	op.Hidden = p.hidden(o, shown, op.Parents)
	if in.Kind == Delete {
		op.Hidden = p.hideTombstones(o, op.Parents, op.Hidden)
	}
	if err := p.outcome(o, op, in, h); err != nil {
		return err
	}
	if p.Mask().Has(Counter) {
		o.counterEvidence(op, origin, h)
	}
	return nil
}

// shown appends the dots that the serving resolver shows now, and the tombstones that
// its reading reflects; nil if there are none.
func (p Panel) shown(o *Object, dots []logical.Dot) []logical.Dot {
	var buf [8]int
	for _, i := range p.Survivors(o, p.Serving, buf[:0]) {
		dots = append(dots, o.Versions[i].Dot)
	}
	return p.tombstones(o, dots)
}

// hidden is the live versions that this leader holds, and that are neither shown nor
// among the parents.
func (p Panel) hidden(o *Object, shown, parents []logical.Dot) []logical.Dot {
	var dots []logical.Dot
	live, showing, over := p.Mask().ofFamily(liveSet), dotset.Of(shown), dotset.Of(parents)
	for i := range o.Versions {
		v := &o.Versions[i]
		if v.Mask&live != 0 && !showing.Has(v.Dot) && !over.Has(v.Dot) {
			dots = append(dots, v.Dot)
		}
	}
	return dots
}

// outcome fills in what a register holds afterwards, and what a counter grows
// by.
func (p Panel) outcome(o *Object, op *Op, in *Intent, h History) error {
	if in.Kind == Delete {
		op.Value = nil
		return nil
	}
	if in.Kind == Add {
		return p.outcomeOfAdd(o, op, in, h)
	}
	want, isNumber := number.Canonical(in.Value)
	switch {
	case !isNumber && p.Serving == Counter:
		return ErrNotInteger
	case !isNumber:
		want, h = 0, nil // a value that is not kept with the object is too long for a number
	}
	base, _ := p.startOf(o, op.Parents, in.Now, h) // a text counts as zero
	op.Delta = number.Of(want).Minus(base)
	return nil
}

func (p Panel) outcomeOfAdd(o *Object, op *Op, in *Intent, h History) error {
	base, ok := p.startOf(o, op.Parents, in.Now, h)
	if !ok {
		return ErrNotInteger
	}
	op.Delta = number.Of(in.Delta)
	sum := base.Plus(op.Delta)
	if !sum.Fits() && !sum.Excess().Less(base.Excess()) {
		return ErrOverflow // an addition that takes a sum beyond 64 bits back is not refused
	}
	op.Value = strconv.AppendInt(nil, sum.Clamp(), 10)
	return nil
}

// startOf is what the author's number starts from: the sum of a counter, else
// the greatest of the integers shown that have not expired, else zero. It is false
// when one of the values shown is no integer.
func (p Panel) startOf(o *Object, parents []logical.Dot, now wallclock.Instant, h History) (number.Int128, bool) {
	if p.Serving == Counter {
		sum, _ := o.Sum()
		return sum, true
	}
	var best int64
	found, all := false, true
	for _, d := range parents {
		value, kind, ends := o.valueOf(d, h)
		if kind == Delete || kind == 0 || ends != 0 && ends <= now {
			continue
		}
		n, ok := number.Canonical(value)
		if !ok {
			all = false
			continue
		}
		if !found || n > best {
			best, found = n, true
		}
	}
	return number.Of(best), all
}

// valueOf is the value, kind and deadline of version d, from the object or else from
// the log; h may be nil.
func (o *Object) valueOf(d logical.Dot, h History) ([]byte, Kind, wallclock.Instant) {
	if i, ok := o.Find(d); ok && (o.Versions[i].Value != nil || o.Versions[i].Deleted()) {
		v := &o.Versions[i]
		return v.Value, v.Kind, v.Expires
	}
	if h == nil {
		return nil, 0, 0
	}
	if op, ok := h.Op(d); ok {
		return op.Value, op.Kind, op.Expires
	}
	return nil, 0, 0
}

// counterEvidence fills in the origin's new running total, or, for a deletion, the totals
// of all origins that it saw.
func (o *Object) counterEvidence(op *Op, origin logical.Origin, h History) {
	if op.Kind != Delete {
		op.Total = op.Delta
		if v := o.share(origin, Counter.Mask()); v != nil {
			op.Total, op.Prev = v.Count.Total.Plus(op.Delta), v.Dot.Seq
		}
		return
	}
	op.Parents, op.Seen = o.seen(op.Parents, h)
}

// seen orders dots, in place, so that those which carried a running total come
// first, and returns these totals with them. Deletions carried none.
func (o *Object) seen(dots []logical.Dot, h History) ([]logical.Dot, []number.Int128) {
	var totals []number.Int128
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
func (o *Object) totalOf(d logical.Dot, h History) (number.Int128, bool) {
	if i, ok := o.Find(d); ok && o.Versions[i].Mask.Has(Counter) {
		return o.Versions[i].Count.Total, true
	}
	if op, ok := h.Op(d); ok && op.Kind != Delete {
		return op.Total, true
	}
	return number.Int128{}, false
}
