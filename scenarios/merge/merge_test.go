package merge_test

import (
	"fmt"
	"math/rand/v2"
	"testing"

	"kvd/logical"
	"kvd/scenarios/merge"
)

// book is writes by dot; each is a request of its own unless it is said to be again.
type book map[logical.Dot]merge.Write

func (b book) find(d logical.Dot) (merge.Write, bool) {
	w, ok := b[d]
	return w, ok
}

func dot(n int) logical.Dot { return logical.Dot{Origin: 1, Seq: logical.Seq(n)} }

func dots(ns ...int) (ds []logical.Dot) {
	for _, n := range ns {
		ds = append(ds, dot(n))
	}
	return ds
}

func (b book) add(n int, k merge.Kind, amount int64, over ...int) {
	b[dot(n)] = merge.Write{Request: merge.Request{Client: 1, Number: uint64(n)}, Kind: k, Amount: amount, Over: dots(over...)}
}

func TestSum(t *testing.T) {
	cases := []struct {
		name string
		tell func(b book)
		of   []int
		want int64
	}{
		{"one taken away, one added", func(b book) {
			b.add(1, merge.Puts, 10)
			b.add(2, merge.Adds, -5, 1)
			b.add(3, merge.Adds, 2, 1)
		}, []int{2, 3}, 7},
		{"by the leader's own addition", func(b book) {
			b.add(1, merge.Puts, 10)
			b.add(2, merge.AddsToGreatest, -5, 1)
			b.add(3, merge.AddsToGreatest, 2, 1)
		}, []int{2, 3}, 7},
		{"what went before the fork counts once, however deep", func(b book) {
			b.add(1, merge.Puts, 10)
			b.add(2, merge.Adds, 1, 1)
			b.add(3, merge.Adds, 1, 2)
			b.add(4, merge.Adds, 1, 2)
		}, []int{3, 4}, 13},
		{"a merge is merged again", func(b book) {
			b.add(1, merge.Puts, 10)
			b.add(2, merge.Adds, -5, 1)
			b.add(3, merge.Adds, 2, 1)
			b.add(4, merge.Adds, 1, 2, 3)
			b.add(5, merge.Adds, 20, 3)
		}, []int{4, 5}, 28},
		{"a new beginning leaves out what it had seen", func(b book) {
			b.add(1, merge.Puts, 10)
			b.add(2, merge.Puts, 3, 1)
			b.add(3, merge.Adds, 2, 1)
		}, []int{2, 3}, 5},
		{"two beginnings are both there", func(b book) {
			b.add(1, merge.Puts, 10)
			b.add(2, merge.Puts, 3)
		}, []int{1, 2}, 13},
		{"a deletion beside a value takes nothing from it", func(b book) {
			b.add(1, merge.Puts, 10)
			b.add(2, merge.Deletes, 0, 1)
			b.add(3, merge.Adds, 2, 1)
		}, []int{2, 3}, 12},
		{"after a deletion nothing of before is left", func(b book) {
			b.add(1, merge.Puts, 10)
			b.add(2, merge.Deletes, 0, 1)
			b.add(3, merge.Adds, 2, 2)
			b.add(4, merge.Adds, 1, 1)
		}, []int{3, 4}, 3},
		{"a leader goes on from the greatest alone", func(b book) {
			b.add(1, merge.Puts, 10)
			b.add(2, merge.Adds, -5, 1)
			b.add(3, merge.Adds, 2, 1)
			b.add(4, merge.AddsToGreatest, 1, 2, 3)
		}, []int{4}, 13},
		{"a request accepted twice is one change", func(b book) {
			b.add(1, merge.Puts, 10)
			b.add(2, merge.Adds, 5, 1)
			b.add(3, merge.Adds, 5)
			again := b[dot(3)]
			again.Request = b[dot(2)].Request
			b[dot(3)] = again
		}, []int{3, 2}, 15},
		{"what nobody knows counts for nothing", func(b book) { b.add(1, merge.Adds, 4, 9) }, []int{1, 9}, 4},
		{"nothing", func(book) {}, nil, 0},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			b := book{}
			c.tell(b)
			if got := merge.Sum(b.find, dots(c.of...)); got != c.want {
				t.Errorf("sum %d, expected %d", got, c.want)
			}
		})
	}
}

// TestEveryChangeCountsOnce: without new beginnings and deletions the merge of all
// that is left is the sum of all amounts, however it forked and merged.
func TestEveryChangeCountsOnce(t *testing.T) {
	for seed := range uint64(50) {
		r := rand.New(rand.NewPCG(seed, 1))
		b, live, want := book{}, []int{}, int64(0)
		for n := 1; n <= 60; n++ {
			r.Shuffle(len(live), func(i, j int) { live[i], live[j] = live[j], live[i] })
			seen := r.IntN(min(4, len(live)+1))
			amount := r.Int64N(21) - 10
			b.add(n, merge.Adds, amount, live[:seen]...)
			live, want = append(append([]int{}, live[seen:]...), n), want+amount
		}
		if got := merge.Sum(b.find, dots(live...)); got != want {
			t.Errorf("seed %d: sum %d, expected %d of %s", seed, got, want, fmt.Sprint(live))
		}
	}
}

func TestDeepPasts(t *testing.T) {
	const n = 50_000
	b := book{}
	b.add(1, merge.Puts, 1)
	for i := 2; i <= n; i++ {
		b.add(i, merge.Adds, 1, i-1)
	}
	b.add(n+1, merge.Adds, 5, 7)
	if got := merge.Sum(b.find, dots(n, n+1)); got != n+5 {
		t.Errorf("sum %d, expected %d", got, n+5)
	}
}
