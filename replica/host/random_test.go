package host_test

import (
	"fmt"
	"math/rand/v2"
	"testing"

	"kvd/replica"
	"kvd/replica/host"
)

// Every key that shows a value comes up, and no other, however they are named.
func TestRandomDrawsEveryKey(t *testing.T) {
	p, _, _ := fresh(t, nil)
	h := start(t, p, host.LoopConfig{SweepEvery: -1})
	rnd := rand.New(rand.NewPCG(1, 2))
	if key, found, err := h.Random(rnd.IntN, nil); found || err != nil {
		t.Fatalf("%q, %t, %v of an empty store", key, found, err)
	}
	want := map[string]int{"a": 0, "a\x00": 0, "a\xff": 0, "a\xff\xff": 0, "\xff": 0, "b:only:one:long:name": 0}
	for i := range 20 {
		want[fmt.Sprintf("user:%d", 1000+i)] = 0
		gone := fmt.Sprintf("user:%d", 2000+i)
		h.must(set(gone, "v"))
		h.must(&replica.Request{Verb: replica.Remove, Key: gone})
	}
	for key := range want {
		h.must(set(key, "v"))
	}
	for range 2000 {
		key, found, err := h.Random(rnd.IntN, nil)
		if _, known := want[key]; !found || !known || err != nil {
			t.Fatalf("%q, %t, %v", key, found, err)
		}
		want[key]++
	}
	for key, n := range want {
		if n == 0 {
			t.Errorf("%q never came up", key)
		}
	}
	for key := range want {
		h.must(&replica.Request{Verb: replica.Remove, Key: key})
	}
	h.must(set("user:2013", "the only one left"))
	if key, found, err := h.Random(rnd.IntN, nil); key != "user:2013" || !found || err != nil {
		t.Errorf("%q, %t, %v", key, found, err)
	}
}
