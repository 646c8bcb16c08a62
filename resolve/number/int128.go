package number

import (
	"math"
	"math/bits"
)

// Int128 is an integer in two's complement. Running totals, and what is counted
// from them, are kept in 128 bits, so that additions which several leaders accepted
// apart never wrap; only what a key shows is held within 64 bits (see
// [Int128.Clamp]). The zero Int128 is zero.
type Int128 struct {
	Hi int64
	Lo uint64
}

// Of is n.
func Of(n int64) Int128 { return Int128{n >> 63, uint64(n)} }

// IsZero reports whether a is zero.
func (a Int128) IsZero() bool { return a == Int128{} }

// Plus is a+b. It wraps beyond 128 bits, which 2^63 ops of any size cannot reach.
func (a Int128) Plus(b Int128) Int128 {
	lo, carry := bits.Add64(a.Lo, b.Lo, 0)
	return Int128{a.Hi + b.Hi + int64(carry), lo}
}

// Minus is a-b.
func (a Int128) Minus(b Int128) Int128 {
	lo, borrow := bits.Sub64(a.Lo, b.Lo, 0)
	return Int128{a.Hi - b.Hi - int64(borrow), lo}
}

// Fits reports whether 64 bits hold a.
func (a Int128) Fits() bool { return Of(int64(a.Lo)) == a }

// Clamp is a, or the 64-bit integer nearest to it.
func (a Int128) Clamp() int64 {
	switch {
	case a.Fits():
		return int64(a.Lo)
	case a.Hi < 0:
		return math.MinInt64
	}
	return math.MaxInt64
}

// Excess is how far a lies outside of 64 bits, not negative; zero: it does not.
func (a Int128) Excess() Int128 {
	if d := a.Minus(Of(a.Clamp())); d.Hi >= 0 {
		return d
	}
	return Of(a.Clamp()).Minus(a)
}

// Less compares two that are not negative.
func (a Int128) Less(b Int128) bool { return a.Hi < b.Hi || a.Hi == b.Hi && a.Lo < b.Lo }

// String is a in base ten.
func (a Int128) String() string {
	if a.Hi < 0 {
		return "-" + Int128{}.Minus(a).digits()
	}
	return a.digits()
}

// digits takes nineteen at a time: a as an unsigned number is the dividend.
func (a Int128) digits() string {
	const chunk = 1e19
	var text [40]byte
	at := len(text)
	hi, lo := uint64(a.Hi), a.Lo
	for {
		var rest uint64
		top := hi / chunk
		lo, rest = bits.Div64(hi%chunk, lo, chunk)
		hi = top
		for n := 0; n < 19 && (hi != 0 || lo != 0 || rest != 0) || at == len(text); n++ {
			at--
			text[at] = byte('0' + rest%10)
			rest /= 10
		}
		if hi == 0 && lo == 0 {
			return string(text[at:])
		}
	}
}
