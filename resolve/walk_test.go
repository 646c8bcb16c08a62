package resolve

import (
	"math/rand/v2"
	"slices"
	"testing"

	"kvd/logical"
)

// A walk takes the newest op first, whatever the order in which ops are queued.
func TestAWalkTakesTheNewestFirst(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	for n := range 40 {
		var w walk
		for i := range n {
			w.nodes = append(w.nodes, node{dot: logical.Dot{Origin: logical.Origin(1 + i%3), Seq: logical.Seq(n - i)}, lamport: logical.Lamport(r.IntN(n))})
			w.push(i)
		}
		var took []int
		for len(w.queue) > 0 {
			took = append(took, w.pop())
		}
		if !slices.IsSortedFunc(took, func(i, j int) int {
			if w.newer(i, j) {
				return -1
			}
			return 1
		}) || len(took) != n {
			t.Errorf("of %d ops a walk takes %v", n, took)
		}
	}
}
