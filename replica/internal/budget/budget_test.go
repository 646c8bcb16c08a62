package budget

import (
	"bytes"
	"testing"

	"kvd/logical"
	"kvd/resolve"
)

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

// What a scratch gave out stays as it is while the scratch grows.
func TestScratchKeepsWhatItGaveOut(t *testing.T) {
	for _, s := range []*Scratch{nil, new(Scratch)} {
		var given []resolve.Reading
		for i := range 3000 {
			b := bytes.Repeat([]byte{byte(i)}, i%100)
			given = append(given, s.Reading(s.Copy(b), logical.Dot{Origin: 1, Seq: logical.Seq(i)}))
			clear(b)
		}
		for i, r := range given {
			if len(r.Values) != 1 || !bytes.Equal(r.Values[0], bytes.Repeat([]byte{byte(i)}, i%100)) || len(r.Dots) != 1 || r.Dots[0].Seq != logical.Seq(i) {
				t.Fatalf("reading %d is %v", i, r)
			}
		}
	}
	var s Scratch
	s.Copy(make([]byte, 1<<20))
	if s.Reset(); cap(s.bytes) > maxRetainedBytes {
		t.Errorf("%d bytes are retained", cap(s.bytes))
	}
}
