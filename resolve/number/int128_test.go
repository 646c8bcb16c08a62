package number_test

import (
	"math"
	"math/big"
	"testing"

	"pgregory.net/rapid"

	"kvd/resolve/number"
)

// exact is what big arithmetic makes of a.
func exact(a number.Int128) *big.Int {
	n := new(big.Int).Lsh(big.NewInt(a.Hi), 64)
	return n.Add(n, new(big.Int).SetUint64(a.Lo))
}

func TestInt128IsWhatBigSays(t *testing.T) {
	some := rapid.Custom(func(t *rapid.T) number.Int128 {
		hi := rapid.OneOf(rapid.Int64Range(-3, 3), rapid.Int64Range(math.MinInt64/4, math.MaxInt64/4)).Draw(t, "hi")
		return number.Int128{Hi: hi, Lo: rapid.OneOf(rapid.Uint64(), rapid.Uint64Range(0, 2), rapid.Uint64Range(math.MaxInt64-1, math.MaxInt64+2)).Draw(t, "lo")}
	})
	rapid.Check(t, func(t *rapid.T) {
		a, b := some.Draw(t, "a"), some.Draw(t, "b")
		if got, want := exact(a.Plus(b)), new(big.Int).Add(exact(a), exact(b)); got.Cmp(want) != 0 {
			t.Fatalf("%s + %s is %s, want %s", a, b, got, want)
		}
		if got, want := exact(a.Minus(b)), new(big.Int).Sub(exact(a), exact(b)); got.Cmp(want) != 0 {
			t.Fatalf("%s - %s is %s, want %s", a, b, got, want)
		}
		if a.String() != exact(a).String() {
			t.Fatalf("%s is written %s", exact(a), a)
		}
		if a.Fits() != exact(a).IsInt64() || a.Fits() && a.Clamp() != exact(a).Int64() {
			t.Fatalf("%s fits: %t, as %d", a, a.Fits(), a.Clamp())
		}
		if want := int64(math.MaxInt64); !a.Fits() && (a.Hi < 0) != (a.Clamp() != want) {
			t.Fatalf("%s is held at %d", a, a.Clamp())
		}
	})
}
