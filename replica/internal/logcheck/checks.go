// Package logcheck keeps account of how a peer's log is compared with ours.
//
// Both say what the log of an origin adds up to. Where the sums agree the logs are alike
// up to there, almost surely. Where they do not, the ops after the last place that agrees
// are compared one by one, in their order, up to where the sums differed.
//
// The package computes no sum and compares no op: it says what is to be compared.
package logcheck

import (
	"cmp"
	"slices"

	"kvd/logical"
)

// Checks is what was compared with one peer since it came up. The zero Checks is ready.
type Checks struct {
	origins []check // ascending
}

// check is one origin's.
type check struct {
	origin   logical.Origin
	agreed   logical.Seq // alike up to here, as far as was compared
	differs  logical.Seq // the sums differ here; zero: nothing is being compared
	compared bool        // a difference was looked at, op by op
}

func (c *Checks) find(o logical.Origin) (int, bool) {
	return slices.BinarySearchFunc(c.origins, o, func(k check, o logical.Origin) int { return cmp.Compare(k.origin, o) })
}

// Sum hears that the sums through d are the same or not, and reports whether that is a
// difference to be looked at: one was not yet, and all before was not alike by then.
func (c *Checks) Sum(d logical.Dot, same bool) (differs bool) {
	i, ok := c.find(d.Origin)
	if !ok {
		c.origins = slices.Insert(c.origins, i, check{origin: d.Origin})
	}
	k := &c.origins[i]
	switch {
	case same:
		k.agreed = max(k.agreed, d.Seq)
	case !k.compared && k.differs == 0 && d.Seq > k.agreed:
		k.differs = d.Seq
		return true
	}
	return false
}

// Next reports whether the peer's op d is the one to be compared next, and takes it as
// compared.
func (c *Checks) Next(d logical.Dot) bool {
	i, ok := c.find(d.Origin)
	if !ok {
		return false
	}
	k := &c.origins[i]
	if k.differs == 0 || d.Seq != k.agreed+1 {
		return false
	}
	if k.agreed = d.Seq; k.agreed >= k.differs {
		k.differs, k.compared = 0, true
	}
	return true
}

// Wanted lists the ops from which on the peer is to show its own, one of each origin
// that is being compared, at most so many.
func (c *Checks) Wanted(most int) []logical.Dot {
	var dots []logical.Dot
	for _, k := range c.origins {
		if k.differs > 0 && len(dots) < most {
			dots = append(dots, logical.Dot{Origin: k.origin, Seq: k.agreed + 1})
		}
	}
	return dots
}
