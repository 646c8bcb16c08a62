package settlement

import (
	"slices"
	"testing"

	"kvd/logical"
	"kvd/resolve"
)

func on(key string) *resolve.Op {
	return &resolve.Op{Key: key, Dot: logical.Dot{Origin: 7, Seq: 1}}
}

// The chosen content's key is settled last, so that its op is the one that is answered.
func TestKeysEndWithTheChosenOnes(t *testing.T) {
	for chosen, want := range map[int][]string{KeepShown: {"y", "x"}, 0: {"y", "x"}, 1: {"x", "y"}, 2: {"y", "x"}} {
		s := Settlement{Contents: []*resolve.Op{on("x"), on("y"), on("x")}, Chosen: chosen}
		if got := s.Keys(); !slices.Equal(got, want) {
			t.Errorf("chosen %d: %v, want %v", chosen, got, want)
		}
	}
	s := Settlement{Contents: []*resolve.Op{on("x"), on("y"), on("x")}}
	if got := s.Of("x"); len(got) != 2 || got[0] != s.Contents[0] || got[1] != s.Contents[2] {
		t.Errorf("of x: %v", got)
	}
}
