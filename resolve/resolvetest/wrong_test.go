package resolvetest

import (
	"math/rand/v2"
	"testing"

	"kvd/resolve"
)

const ties = 10_000

func TestTiesAreSettledFairly(t *testing.T) {
	for _, id := range []resolve.ID{resolve.LWW, resolve.Lamport, resolve.HLC, resolve.Causal} {
		if err := Fair(everyone(id), id, ties, rand.New(rand.NewPCG(1, uint64(id)))); err != nil {
			t.Error(err)
		}
	}
}

func TestOverlapDoesNotDependOnOrder(t *testing.T) {
	if err := Overlap(everyone(resolve.Interval)); err != nil {
		t.Error(err)
	}
}

// Each mistake must be caught by a law about histories; the log says which, and
// after how many cases. What only fairness can catch has its own test.
func TestLawsCatchEveryMistake(t *testing.T) {
	const enough = 2000
	for _, m := range Mistakes() {
		if m.Name == byNodeName {
			continue
		}
		t.Run(m.Name, func(t *testing.T) {
			for n := range enough {
				if law, err := lawful(m, n); err != nil {
					t.Logf("caught after %d cases by %q", n+1, law)
					return
				}
			}
			t.Errorf("not caught in %d cases", enough)
		})
	}
}

// Ties by node name converge and keep every law but fairness.
func TestFairnessCatchesTiesByNodeName(t *testing.T) {
	for _, m := range Mistakes() {
		if m.Name != byNodeName {
			continue
		}
		for n := range 200 {
			if law, err := lawful(m, n); err != nil {
				t.Fatalf("%q catches it, though it converges: %v", law, err)
			}
		}
		err := Fair(m.Panel, m.In, ties, rand.New(rand.NewPCG(1, 1)))
		if err == nil {
			t.Fatal("not caught")
		}
		t.Logf("caught by %d ties: %v", ties, err)
	}
}

func TestOverlapCatchesPairs(t *testing.T) {
	rules := &resolve.Rules{resolve.Interval: pairwise{}}
	if err := Overlap(resolve.Panel{Serving: resolve.Interval, Rules: rules}); err == nil {
		t.Error("intervals by pairs pass in every order")
	}
}

// lawful runs every law on the n-th history.
func lawful(m Mistake, n int) (string, error) {
	p := Pasts(m.Panel).Example(n)
	for i, law := range Laws() {
		if err := law.Check(p, rand.New(rand.NewPCG(uint64(n), uint64(i)))); err != nil {
			return law.Name, err
		}
	}
	return "", nil
}
