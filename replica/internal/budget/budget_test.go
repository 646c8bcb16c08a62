package budget

import "testing"

func TestNilBoundsNothing(t *testing.T) {
	var b *Budget
	if !b.Take(1<<60) || b.Closed() {
		t.Error("no budget is a bound")
	}
}

// What does not fit is not taken, and closes the budget to what comes after it, unless
// each request is asked for itself.
func TestWhatDoesNotFitClosesTheBudget(t *testing.T) {
	for _, each := range []bool{false, true} {
		b := Budget{Bytes: 10, Each: each}
		if !b.Take(4) || !b.Take(6) || b.Bytes != 0 || b.Closed() || !b.Take(0) {
			t.Errorf("each %v: ten bytes are taken: %+v", each, b)
		}
		if b.Take(1) || b.Bytes != 0 || b.Need != 1 || b.Closed() == each {
			t.Errorf("each %v: one more: %+v, closed %v", each, b, b.Closed())
		}
	}
	if b := (Budget{Bytes: 10}); b.Take(50) || b.Need != 50 {
		t.Errorf("the need is the whole request's: %+v", b)
	}
	b := Budget{Bytes: -1}
	if b.Take(0) || b.Need != 1 || !b.Closed() {
		t.Errorf("overdrawn: %+v", b)
	}
}

func TestWhatWasMadeClosesTheBudget(t *testing.T) {
	for _, c := range []struct {
		b      Budget
		closed bool
	}{
		{Budget{Made: MaxMade}, false}, {Budget{Made: MaxMade + 1}, true},
		{Budget{Vain: MaxVain, Each: true}, false}, {Budget{Vain: MaxVain + 1, Each: true}, true},
	} {
		if c.b.Closed() != c.closed {
			t.Errorf("%+v: closed %v", c.b, c.b.Closed())
		}
	}
}
