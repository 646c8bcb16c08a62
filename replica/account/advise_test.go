package account

import (
	"strings"
	"testing"

	"kvd/logical"
	"kvd/replica"
	"kvd/resolve"
)

// stats is a measurement made up from counts.
func stats(serving resolve.ID, change func(*Stats)) *Stats {
	s := &Stats{Prefix: "stock/", Serving: serving, Panel: resolve.All}
	change(s)
	return s
}

func TestAdviceIsOneSentenceWithItsEvidence(t *testing.T) {
	for _, x := range []struct {
		name string
		s    *Stats
		want string
	}{
		{"nothing lost", stats(resolve.LWW, func(s *Stats) { s.Writes = 9 }), ""},
		{"a counter", stats(resolve.LWW, func(s *Stats) {
			s.Writes, s.Increments = 120, 119
			s.Lost[resolve.LWW] = Losing{Inverted: 3, Concurrent: 28, Increments: 31}
		}), "31 increments lost on stock/ under lww: a counter would have lost none. (120 writes accepted, 119 of them increments, 0 blind; 3 inverted and 28 concurrent under lww)"},
		{"a counter among others", stats(resolve.HLC, func(s *Stats) {
			s.Writes, s.Increments, s.Others = 120, 20, 100
			s.Lost[resolve.HLC] = Losing{Concurrent: 1, Increments: 1}
		}), "1 increment lost on stock/ under hlc; a counter would have lost none of them, but the prefix holds other values too: give the numbers a prefix of their own. (120 writes accepted, 20 of them increments, 0 blind; 0 inverted and 1 concurrent under hlc)"},
		{"causal", stats(resolve.LWW, func(s *Stats) {
			s.Writes, s.Others, s.Siblings = 50, 50, 3
			s.Lost[resolve.LWW] = Losing{Inverted: 9, Concurrent: 3}
			s.Lost[resolve.Causal], s.Lost[resolve.HLC], s.Lost[resolve.Lamport] = Losing{Concurrent: 3}, Losing{Concurrent: 4}, Losing{Concurrent: 5}
		}), "12 writes lost on stock/ under lww: causal, which shows one value as well, would have lost 3; siblings would have lost none. (50 writes accepted, 0 of them increments, 0 blind; 9 inverted and 3 concurrent under lww; 3 lost by causal, which watched; up to 3 values at once)"},
		{"siblings", stats(resolve.Causal, func(s *Stats) {
			s.Writes, s.Others = 50, 50
			s.Lost[resolve.Causal], s.Lost[resolve.HLC], s.Lost[resolve.Lamport] = Losing{Concurrent: 3}, Losing{Concurrent: 3}, Losing{Concurrent: 3}
		}), "3 writes lost on stock/ under causal: siblings would have lost none, and clients would have been shown the values to merge. (50 writes accepted, 0 of them increments, 0 blind; 0 inverted and 3 concurrent under causal)"},
		{"merge them", stats(resolve.Siblings, func(s *Stats) { s.Writes, s.Siblings = 50, 40 }),
			"One key shows 40 values under siblings: clients do not merge what they are shown; let them write with the token they read with, or serve the prefix by causal, which shows one. (50 writes accepted, 0 of them increments, 0 blind; 0 lost by causal, which watched; up to 40 values at once)"},
	} {
		a, ok := x.s.Advise()
		if got := a.Text(); ok != (x.want != "") || ok && got != x.want {
			t.Errorf("%s: %t\n%s\nwant\n%s", x.name, ok, got, x.want)
		}
	}
}

// TestMeasuredIncrements: five clients add to a register by reading and writing,
// at leaders that hear of each other late.
func TestMeasuredIncrements(t *testing.T) {
	policy := resolve.Policy{Default: resolve.LWW, Shadows: resolve.All, Rules: []resolve.Rule{{Prefix: "text/", Resolver: resolve.Causal}}}
	c := newCluster(t, policy, "n1", "n2", "n3")
	for range 5 {
		for _, n := range c.names {
			c.ask(n, &replica.Request{Verb: replica.Incr, Key: "hits", Delta: 1, Client: 1})
		}
		c.set("n1", 2, "text/a", "words")
		c.quiet()
	}
	s, err := c.account("n3").Measure([]string{"text/", "", "text/"})
	if err != nil || len(s) != 2 {
		t.Fatal(s, err)
	}
	if h := s[0]; h.Writes != 15 || h.Increments != 15 || h.Blind != 3 || h.Lost[resolve.LWW].Total() != 10 || h.Lost[resolve.LWW].Increments != 10 || h.Lost[resolve.Counter].Total() != 0 {
		t.Errorf("%+v", h)
	}
	if x := s[1]; x.Prefix != "text/" || x.Serving != resolve.Causal || x.Others != 5 || x.Lost[resolve.Causal].Total() != 0 {
		t.Errorf("%+v", x)
	}
	a, ok := s[0].Advise()
	if !ok || a.Better != resolve.Counter || !strings.HasPrefix(a.Sentence, "10 increments lost under lww: a counter would have lost none.") {
		t.Errorf("%+v", a)
	}
}

func TestObservedClasses(t *testing.T) {
	var s Stats
	s.Observe(&resolve.Op{Kind: resolve.Delete, Parents: []logical.Dot{{Origin: 1, Seq: 1}}})
	s.Observe(&resolve.Op{Kind: resolve.Put, Delta: 400})
	s.Observe(&resolve.Op{Kind: resolve.Put, Delta: -2})
	s.ObserveLoss(&resolve.Loss{Resolver: resolve.HLC, Relation: resolve.Inverted}, nil)
	s.ObserveLoss(&resolve.Loss{Resolver: resolve.HLC, Relation: resolve.Concurrent}, &resolve.Op{Kind: resolve.Delete})
	s.ObserveKey(3)
	s.ObserveKey(1)
	if s.Writes != 3 || s.Blind != 2 || s.Deletes != 1 || s.Increments != 1 || s.Others != 1 || s.Siblings != 3 || s.Conflicted != 1 ||
		s.Lost[resolve.HLC] != (Losing{Inverted: 1, Concurrent: 1, Deletes: 1}) {
		t.Errorf("%+v", s)
	}
}
