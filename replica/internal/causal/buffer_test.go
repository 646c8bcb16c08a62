package causal

import (
	"slices"
	"testing"

	"pgregory.net/rapid"

	"kvd/logical"
	"kvd/resolve"
)

func op(o logical.Origin, s int, value int) *resolve.Op {
	return &resolve.Op{Dot: logical.Dot{Origin: o, Seq: logical.Seq(s)}, Value: make([]byte, value)}
}

// Whatever comes, in whatever order, is delivered once, in the order of its origin, as
// soon as take wants it, and the buffer is then empty to the byte.
func TestEverythingIsDeliveredOnceInOrder(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		var b Buffer[string]
		l := Limits{Ops: rapid.IntRange(1, 12).Draw(t, "ops"), Bytes: rapid.IntRange(1, 4000).Draw(t, "bytes")}
		applied, came, credited := map[logical.Origin]logical.Seq{}, map[logical.Dot]bool{}, 0
		for range rapid.IntRange(0, 60).Draw(t, "steps") {
			o := op(logical.Origin(rapid.IntRange(1, 3).Draw(t, "origin")), rapid.IntRange(1, 6).Draw(t, "seq"), rapid.IntRange(0, 500).Draw(t, "size"))
			if o.Dot.Seq <= applied[o.Dot.Origin] {
				continue
			}
			before := b.Ops()
			outcome, credit := b.Offer(o, rapid.SampledFrom([]string{"a", "b"}).Draw(t, "from"), l)
			credited += credit
			switch {
			case (outcome == Duplicate) != came[o.Dot]:
				t.Fatalf("%s: %d", o.Dot, outcome)
			case outcome == Buffered:
				came[o.Dot] = true
			case credit != 0:
				t.Fatalf("credit of %d for an op that is not buffered", credit)
			case outcome == Full && before < l.Ops && b.Bytes() < l.Bytes:
				t.Fatalf("full with %d ops of %d bytes", before, b.Bytes())
			}
			if b.Ops() > l.Ops {
				t.Fatalf("%d ops", b.Ops())
			}
			b.Drain(func(e *Entry[string]) bool {
				if e.Op.Dot.Seq != applied[e.Op.Dot.Origin]+1 {
					return false
				}
				applied[e.Op.Dot.Origin]++
				credited += e.Credit() - e.Op.Footprint()
				delete(came, e.Op.Dot)
				return true
			})
		}
		if b.Ops() != len(came) {
			t.Fatalf("%d ops wait, want %d", b.Ops(), len(came))
		}
		b.Drain(func(e *Entry[string]) bool { credited += e.Credit() - e.Op.Footprint(); return true })
		if b.Ops() != 0 || b.Bytes() != 0 || len(b.queues) != 0 || credited != 0 {
			t.Fatalf("left are %d ops, %d bytes, %d queues; %d too much was credited", b.Ops(), b.Bytes(), len(b.queues), credited)
		}
	})
}

// A sender's part is exceeded by one op at most, and what is beyond is credited as it
// comes and not again.
func TestWhatIsBeyondASendersBytesIsCreditedAtOnce(t *testing.T) {
	var b Buffer[string]
	size := op(1, 1, 100).Footprint()
	l := Limits{Ops: 10, Bytes: 2 * size}
	for s, want := range []int{0, 0} {
		if o, credit := b.Offer(op(1, s+2, 100), "a", l); o != Buffered || credit != want {
			t.Errorf("op %d: %d, credit %d", s, o, credit)
		}
	}
	if o, _ := b.Offer(op(1, 9, 0), "a", l); o != Full {
		t.Errorf("at the limit: %d", o)
	}
	l.Bytes++
	if o, credit := b.Offer(op(1, 9, 100), "a", l); o != Buffered || credit != size-1 {
		t.Errorf("a byte below the limit: %d, credit %d, want %d", o, credit, size-1)
	}
	if o, _ := b.Offer(op(1, 10, 100), "b", l); o != Buffered {
		t.Errorf("another sender: %d", o)
	}
	if o, _ := b.Offer(op(1, 9, 0), "b", l); o != Duplicate {
		t.Errorf("the same op from another: %d", o)
	}
	l.Ops = 4
	if o, _ := b.Offer(op(2, 1, 0), "b", l); o != Full {
		t.Errorf("with all ops that may be: %d", o)
	}
	var credits []int
	b.Drain(func(e *Entry[string]) bool { credits = append(credits, e.Credit()); return true })
	if !slices.Equal(credits, []int{size, size, 1, size}) {
		t.Errorf("credited as they leave: %v", credits)
	}
}

// What one queue delivers may make another's ops deliverable, in front of it or behind.
func TestDrainGoesOnUntilNothingMoves(t *testing.T) {
	for _, order := range [][]logical.Origin{{1, 2, 3}, {3, 2, 1}, {2, 3, 1}} {
		var b Buffer[string]
		for o := range order {
			b.Offer(op(logical.Origin(o+1), 1, 0), "a", Limits{9, 1 << 20})
		}
		var got []logical.Origin
		b.Drain(func(e *Entry[string]) bool {
			if e.Op.Dot.Origin != order[len(got)] {
				return false
			}
			got = append(got, e.Op.Dot.Origin)
			return true
		})
		if !slices.Equal(got, order) {
			t.Errorf("delivered are %v, want %v", got, order)
		}
	}
}
