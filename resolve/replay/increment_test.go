package replay

import (
	"slices"
	"testing"

	"kvd/resolve"
	"kvd/resolve/number"
)

// TestWhatLooksLikeAnIncrement: an addition is one; a number is one if it was written
// over a number that it is a little off.
func TestWhatLooksLikeAnIncrement(t *testing.T) {
	for _, x := range []struct {
		kind  resolve.Kind
		delta int64
		shown bool
		want  bool
	}{
		{resolve.Add, 1, false, true}, {resolve.Add, 1 << 40, true, true},
		{resolve.Put, 1, true, true}, {resolve.Put, -small, true, true}, {resolve.Put, small + 1, true, false},
		{resolve.Put, 0, true, false}, {resolve.Put, 1, false, false}, {resolve.Delete, 1, true, false},
	} {
		if got := Increment(x.kind, x.delta, x.shown); got != x.want {
			t.Errorf("%s by %d, shown %t: %t", x.kind, x.delta, x.shown, got)
		}
	}
}

// TestSetNumbersAreNoIncrements: of what is lost here, one author had been shown a
// number, and one nothing.
func TestSetNumbersAreNoIncrements(t *testing.T) {
	a, b := put(1, 1, 10, "1"), put(2, 1, 20, "2")
	over := put(3, 1, 5, "3", a.Dot)
	a.Delta, b.Delta, over.Delta = number.Of(1), number.Of(2), number.Of(2)
	res, err := Replay(everything(resolve.LWW), slices.Values([]*resolve.Op{a, b, over}))
	if err != nil {
		t.Fatal(err)
	}
	if o := res.Outcomes[resolve.LWW]; o.Resolver != resolve.LWW || o.Lost() != 2 || o.Increments != 1 {
		t.Errorf("%+v", o)
	}
}
