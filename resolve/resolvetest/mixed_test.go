package resolvetest

import (
	"fmt"
	"math/rand/v2"
	"strconv"
	"testing"

	"pgregory.net/rapid"

	"kvd/resolve"
	"kvd/resolve/number"
	"kvd/wallclock"
)

// TestAnotherPanelAnyOrder: whoever judged where an op was accepted, a panel that
// folds it now comes to the same object in any causal order, so it does not matter
// who folds a log again and who is sent the ops later.
func TestAnotherPanelAnyOrder(t *testing.T) {
	for _, id := range resolve.IDs() {
		t.Run(id.String(), func(t *testing.T) {
			rapid.Check(t, func(t *rapid.T) {
				p := MixedPasts().Draw(t, "past")
				if p.Err != nil {
					t.Fatal(p.Err)
				}
				p.Panel = Panel(t, id)
				r := rand.New(rand.NewPCG(1, rapid.Uint64().Draw(t, "seed")))
				if err := sameEverywhere(p, r); err != nil {
					t.Fatalf("%v\nby %s with %v of\n%s", err, id, p.Panel.Mask().Names(), p)
				}
			})
		})
	}
}

// sameEverywhere folds in the order of a log and in others, and compares the
// objects and who is lost.
func sameEverywhere(p Past, r *rand.Rand) error {
	first, err := replay(p, ByLamport(p.Ops), nil)
	if err != nil {
		return err
	}
	for range 4 {
		order := Order(p.Ops, r)
		other, err := replay(p, order, nil)
		if err != nil {
			return err
		}
		if err := same(first.Object, other.Object); err != nil {
			return fmt.Errorf("orders %v and %v: %w", inOrder(ByLamport(p.Ops)), inOrder(order), err)
		}
		for _, id := range resolve.IDs() {
			if a, b := first.History.Losses(id), other.History.Losses(id); !sameDots(a, b) {
				return fmt.Errorf("%s lost %v and %v", id, a, b)
			}
		}
	}
	return nil
}

func sameDots[K comparable, V any](a, b map[K]V) bool {
	for k := range a {
		if _, ok := b[k]; !ok {
			return false
		}
	}
	return len(a) == len(b)
}

// TestARecordedPanelAndALaterOneAgree: a live set that is asked only now covers what
// it would have covered then.
func TestARecordedPanelAndALaterOneAgree(t *testing.T) {
	for _, id := range []resolve.ID{resolve.Siblings, resolve.Causal} {
		rapid.Check(t, func(t *rapid.T) {
			p := Pasts(resolve.Panel{Serving: resolve.LWW, Shadows: id.Mask()}).Draw(t, "past")
			then, err := replay(p, p.Ops, nil)
			if err != nil {
				t.Fatal(err)
			}
			var bare []*resolve.Op
			for _, op := range p.Ops {
				c := *op
				c.Panel, c.Hidden, c.Inverted = resolve.LWW.Mask(), nil, 0
				bare = append(bare, &c)
			}
			now, err := replay(p, bare, nil)
			if err != nil {
				t.Fatal(err)
			}
			if err := same(then.Object, now.Object); err != nil {
				t.Fatalf("%s: %v\n%s", id, err, p)
			}
		})
	}
}

// TestARegisterReadsAsACounter: where one client at one leader wrote under another
// resolver, a counter asked later shows the number that stands there, or zero.
func TestARegisterReadsAsACounter(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		id := rapid.SampledFrom(resolve.IDs()[:resolve.Counter]).Draw(t, "serving")
		l := NewLeader(resolve.Panel{Serving: id}, "k", 1)
		for i := range rapid.IntRange(1, 12).Draw(t, "steps") {
			accept(t, l, drawOutcome(t), wallclock.Instant(1000+10*i))
		}
		shown := l.Panel.Read(l.Object, l.History).Values
		if err := l.Judge(resolve.Panel{Serving: resolve.Counter}); err != nil {
			t.Fatal(err)
		}
		want := int64(0)
		if len(shown) > 0 {
			want, _ = strconv.ParseInt(string(shown[0]), 10, 64)
		}
		if sum, live := l.Object.Sum(); sum != number.Of(want) || live != (len(shown) > 0) {
			t.Fatalf("%s showed %q, and the counter %s (%t)\n%s", id, shown, sum, live, Past{Ops: l.Log})
		}
	})
}
