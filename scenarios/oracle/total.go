package oracle

import (
	"math"
	"math/bits"
)

// total is a sum in 128 bits, two's complement.
type total struct {
	hi int64
	lo uint64
}

func (t *total) add(n int64) {
	lo, carry := bits.Add64(t.lo, uint64(n), 0)
	t.hi, t.lo = t.hi+n>>63+int64(carry), lo
}

func (t *total) plus(o total) {
	lo, carry := bits.Add64(t.lo, o.lo, 0)
	t.hi, t.lo = t.hi+o.hi+int64(carry), lo
}

func (t *total) minus(o total) {
	lo, borrow := bits.Sub64(t.lo, o.lo, 0)
	t.hi, t.lo = t.hi-o.hi-int64(borrow), lo
}

// shown is what a key shows of the sum: the nearest that 64 bits hold.
func (t *total) shown() int64 {
	switch {
	case t.hi == int64(t.lo)>>63:
		return int64(t.lo)
	case t.hi < 0:
		return math.MinInt64
	}
	return math.MaxInt64
}

// less is a-b, or the nearest that 64 bits hold.
func less(a, b int64) int64 {
	t := total{a >> 63, uint64(a)}
	lo, borrow := bits.Sub64(t.lo, uint64(b), 0)
	t.hi, t.lo = t.hi-b>>63-int64(borrow), lo
	return t.shown()
}

// abs is n without its sign, as far as 64 bits hold it.
func abs(n int64) int64 { return max(n, less(0, n)) }
