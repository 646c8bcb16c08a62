package resolve

import (
	"kvd/logical"
)

// maxTrace is how many additions are followed back to a dot at most.
const maxTrace = 100_000

// Counted reports whether the counter's sum, as this object has it, holds what c
// adds: c is one content of its dot, and held says whether it is the one that was
// folded here. It is not known where a deletion has taken the dot away since.
func (o *Object) Counted(c *Op, held bool, h History) (counted, known bool) {
	v := o.share(c.Dot.Origin, Counter.Mask())
	switch {
	case v == nil || v.Dot.Seq < c.Dot.Seq:
		return false, !held
	case v.Count.Base.Seq >= c.Dot.Seq:
		return false, false
	case v.Dot == c.Dot:
		return held, true
	}
	op, ok := h.Op(v.Dot)
	for i := 0; ok && op.Prev > c.Dot.Seq && i < maxTrace; i++ {
		op, ok = h.Op(logical.Dot{Origin: c.Dot.Origin, Seq: op.Prev})
	}
	if !ok || op.Prev > c.Dot.Seq {
		return false, false
	}
	return op.Prev == c.Dot.Seq && op.Total.Minus(op.Delta) == c.Total, true
}

// KeepsSiblings reports whether the serving resolver may show several values.
func (p Panel) KeepsSiblings() bool {
	return p.Serving.Mask().ofFamily(liveSet) != 0 && p.Serving != Causal
}
