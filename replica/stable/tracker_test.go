package stable

import (
	"testing"

	"kvd/logical"
)

func at(a, b logical.Seq) (f logical.Frontier) {
	f.Advance(logical.Dot{Origin: 1, Seq: a})
	f.Advance(logical.Dot{Origin: 2, Seq: b})
	return f
}

func said(name string, known, durable logical.Frontier) Member {
	return Member{Name: name, Reached: true, Heard: true, Known: known, Durable: durable}
}

func observed(t *testing.T, tr *Tracker, v View, want logical.Frontier) {
	t.Helper()
	if got := tr.Observe(v); got.Compare(want) != logical.Equal {
		t.Errorf("stable is %s, want %s", got, want)
	}
}

func TestStableIsWhatEverybodyHolds(t *testing.T) {
	var tr Tracker
	v := View{Applied: at(9, 9), Durable: at(8, 9)}
	observed(t, &tr, v, at(8, 9)) // alone
	v.Members = []Member{said("b", at(9, 9), at(7, 3)), said("c", at(3, 9), at(2, 9))}
	observed(t, &tr, v, at(2, 3))
	v.Members[1] = said("c", at(9, 9), at(9, 9))
	observed(t, &tr, v, at(7, 3))
	v.Members = append(v.Members, Member{Name: "new"})
	observed(t, &tr, v, at(0, 0))
	v.Members = v.Members[:1]
	observed(t, &tr, v, at(7, 3))
	v.Members[0] = said("b", at(1, 1), at(1, 1)) // it lost what it had
	observed(t, &tr, v, at(1, 1))
}

// TestNothingConcurrentIsToCome: b holds our 5, and had accepted 4 before it did, of which
// we have applied 2. Ours are stable when those 4 are here.
func TestNothingConcurrentIsToCome(t *testing.T) {
	var tr Tracker
	v := View{Applied: at(5, 2), Durable: at(5, 2), Members: []Member{said("b", at(5, 4), at(5, 4))}}
	observed(t, &tr, v, at(0, 0))
	v.Members[0] = said("b", at(5, 9), at(5, 9)) // b goes on, and we are always behind
	v.Applied, v.Durable = at(5, 3), at(5, 3)
	observed(t, &tr, v, at(0, 0))
	v.Applied, v.Durable = at(7, 6), at(7, 6)
	observed(t, &tr, v, at(5, 2))
	v.Applied, v.Durable = at(7, 9), at(7, 9)
	observed(t, &tr, v, at(5, 9))
	v.Members[0] = said("b", at(3, 12), at(3, 9)) // it lost what it had, and has what we have not
	observed(t, &tr, v, at(3, 9))
}
