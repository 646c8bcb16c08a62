package ledger_test

import (
	"strings"
	"testing"
	"time"

	"kvd/logical"
	"kvd/replica"
	"kvd/replica/ledger"
	"kvd/replica/ledger/explain"
	"kvd/resolve"
	"kvd/resolve/number"
)

// text is an advice with its evidence.
func text(a *ledger.Advice) string {
	return explain.Advice(a) + " (" + strings.Join(explain.Evidence(a), "; ") + ")"
}

// stats is a measurement made up from counts.
func stats(serving resolve.ID, change func(*ledger.Stats)) *ledger.Stats {
	s := &ledger.Stats{Prefix: "stock/", Serving: serving, Panel: resolve.All}
	change(s)
	return s
}

func TestAdviceIsOneSentenceWithItsEvidence(t *testing.T) {
	for _, x := range []struct {
		name string
		s    *ledger.Stats
		want string
	}{
		{"nothing lost", stats(resolve.LWW, func(s *ledger.Stats) { s.Writes = 9 }), ""},
		{"a counter", stats(resolve.LWW, func(s *ledger.Stats) {
			s.Writes, s.Increments = 120, 119
			s.Lost[resolve.LWW] = ledger.Losing{Inverted: 3, Concurrent: 28, Increments: 31}
		}), "31 increments lost on stock/ under lww: a counter would have lost none. (120 writes accepted, 119 of them increments, 0 blind; 3 inverted and 28 concurrent under lww)"},
		{"a counter among others", stats(resolve.HLC, func(s *ledger.Stats) {
			s.Writes, s.Increments, s.Others = 120, 20, 100
			s.Lost[resolve.HLC] = ledger.Losing{Concurrent: 1, Increments: 1}
		}), "1 increment lost on stock/ under hlc; a counter would have lost none of them, but the prefix holds other values too: give the numbers a prefix of their own. (120 writes accepted, 20 of them increments, 0 blind; 0 inverted and 1 concurrent under hlc)"},
		{"what looks like it", stats(resolve.LWW, func(s *ledger.Stats) {
			s.Writes, s.Alike, s.Evicted = 9, 9, 1200
			s.Lost[resolve.LWW] = ledger.Losing{Inverted: 3, Alike: 3}
		}), "3 writes that look like increments lost on stock/ under lww: a counter would have lost none. (9 writes accepted, 0 of them increments, 9 that look like increments, 0 blind; 3 inverted and 0 concurrent under lww; 1,200 rows of this leader's ledger given up, of this prefix or others: what they told of is not counted)"},
		{"some of both", stats(resolve.LWW, func(s *ledger.Stats) {
			s.Writes, s.Alike, s.Increments, s.Others = 9, 4, 4, 1
			s.Lost[resolve.LWW] = ledger.Losing{Inverted: 3, Alike: 1, Increments: 2}
		}), "2 increments and 1 write that looks like an increment lost on stock/ under lww; a counter would have lost none of them, but the prefix holds other values too: give the numbers a prefix of their own. (9 writes accepted, 4 of them increments, 4 that look like increments, 0 blind; 3 inverted and 0 concurrent under lww)"},
		{"causal", stats(resolve.LWW, func(s *ledger.Stats) {
			s.Writes, s.Others, s.Siblings = 50, 50, 3
			s.Lost[resolve.LWW] = ledger.Losing{Inverted: 9, Concurrent: 3}
			s.Lost[resolve.Causal], s.Lost[resolve.HLC], s.Lost[resolve.Lamport] = ledger.Losing{Concurrent: 3}, ledger.Losing{Concurrent: 4}, ledger.Losing{Concurrent: 5}
		}), "12 writes lost on stock/ under lww: causal, which shows one value as well, would have lost 3; siblings would have lost none. (50 writes accepted, 0 of them increments, 0 blind; 9 inverted and 3 concurrent under lww; 3 lost by causal, which watched; up to 3 values at once)"},
		{"siblings", stats(resolve.Causal, func(s *ledger.Stats) {
			s.Writes, s.Others = 50, 50
			s.Lost[resolve.Causal], s.Lost[resolve.HLC], s.Lost[resolve.Lamport] = ledger.Losing{Concurrent: 3}, ledger.Losing{Concurrent: 3}, ledger.Losing{Concurrent: 3}
		}), "3 writes lost on stock/ under causal: siblings would have lost none, and clients would have been shown the values to merge. (50 writes accepted, 0 of them increments, 0 blind; 0 inverted and 3 concurrent under causal)"},
		{"merge them", stats(resolve.Siblings, func(s *ledger.Stats) { s.Writes, s.Siblings = 50, 40 }),
			"One key shows 40 values under siblings: clients do not merge what they are shown; let them write with the token they read with, or serve the prefix by causal, which shows one. (50 writes accepted, 0 of them increments, 0 blind; 0 lost by causal, which watched; up to 40 values at once)"},
	} {
		a, ok := x.s.Advise()
		got := ""
		if ok {
			got = text(&a)
		}
		if ok != (x.want != "") || got != x.want {
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
	s, err := c.reader("n3").Measure([]string{"text/", "", "text/"})
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
	if !ok || a.Better != resolve.Counter || !strings.HasPrefix(explain.Advice(&a), "10 increments lost under lww: a counter would have lost none.") {
		t.Errorf("%+v", a)
	}
}

// TestSetNumbersAreIncrementsOnlyOverNumbers: to set a number that nobody had been
// shown one before is not to add to it.
func TestSetNumbersAreIncrementsOnlyOverNumbers(t *testing.T) {
	c := newCluster(t, everybody(resolve.LWW), "n1", "n2", "n3")
	c.set("n1", 1, "sets/x", "500")
	c.quiet()
	for i, n := range c.names {
		c.now += time.Millisecond
		c.set(n, 1, "sets/x", "50"+string(rune('1'+i)))
		c.set(n, 1, "blind/x", string(rune('1'+i)))
	}
	c.quiet()
	a := c.reader("n3")
	a.Config().Evicted[resolve.LWW] = 3
	s, err := a.Measure([]string{"sets/", "blind/"})
	if err != nil || len(s) != 2 {
		t.Fatal(s, err)
	}
	for i, want := range []string{"2 writes lost on blind/ under lww:", "2 writes that look like increments lost on sets/ under lww: a counter would have lost none."} {
		a, ok := s[i].Advise()
		if !ok || !strings.HasPrefix(explain.Advice(&a), want) || !strings.Contains(text(&a), "3 rows of this leader's ledger given up") {
			t.Errorf("%+v says %s, want %s", s[i], text(&a), want)
		}
	}
	if s[0].Alike != 0 || s[0].Numbers != 3 || s[1].Alike != 3 || s[1].Numbers != 1 || s[1].Others != 0 {
		t.Errorf("%+v", s)
	}
}

func TestObservedClasses(t *testing.T) {
	var s ledger.Stats
	s.Observe(&resolve.Op{Kind: resolve.Delete, Parents: []logical.Dot{{Origin: 1, Seq: 1}}})
	s.Observe(&resolve.Op{Kind: resolve.Put, Delta: number.Of(400)})
	seen := []logical.Dot{{Origin: 1, Seq: 1}}
	s.Observe(&resolve.Op{Kind: resolve.Put, Delta: number.Of(-2), Parents: seen})
	s.Observe(&resolve.Op{Kind: resolve.Put, Delta: number.Of(0), Parents: seen})
	s.Observe(&resolve.Op{Kind: resolve.Put, Delta: number.Of(7)}) // set by who had been shown nothing
	s.Observe(&resolve.Op{Kind: resolve.Add, Delta: number.Of(400)})
	s.ObserveLoss(&resolve.Loss{Resolver: resolve.HLC, Relation: resolve.Inverted}, nil)
	s.ObserveLoss(&resolve.Loss{Resolver: resolve.HLC, Relation: resolve.Concurrent}, &resolve.Op{Kind: resolve.Delete})
	s.ObserveLoss(&resolve.Loss{Resolver: resolve.LWW, Relation: resolve.Concurrent}, &resolve.Op{Kind: resolve.Put, Delta: number.Of(7)})
	s.ObserveLoss(&resolve.Loss{Resolver: resolve.LWW, Relation: resolve.Concurrent}, &resolve.Op{Kind: resolve.Put, Delta: number.Of(7), Parents: seen})
	s.ObserveKey(3)
	s.ObserveKey(1)
	if s.Writes != 6 || s.Blind != 3 || s.Deletes != 1 || s.Increments != 1 || s.Alike != 1 || s.Others != 3 || s.Lost[resolve.LWW] != (ledger.Losing{Concurrent: 2, Alike: 1}) || s.Siblings != 3 || s.Conflicted != 1 ||
		s.Lost[resolve.HLC] != (ledger.Losing{Inverted: 1, Concurrent: 1, Deletes: 1}) {
		t.Errorf("%+v", s)
	}
}
