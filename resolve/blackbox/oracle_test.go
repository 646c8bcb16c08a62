package blackbox

import (
	"fmt"
	"iter"
	"math"
	"slices"
	"testing"

	"kvd/logical"
	"kvd/resolve"
	"kvd/scenarios"
	"kvd/scenarios/explore"
	"kvd/scenarios/history"
	"kvd/scenarios/library"
	"kvd/scenarios/script"
	"kvd/wallclock"
)

// list is a history in memory.
type list []*Op

func (l list) All() iter.Seq[*Op] { return slices.Values(l) }
func (l list) Err() error         { return nil }

// TestTheOracleAgrees plays scenarios on real leaders and gives judge what their clients
// saw, and nothing else. The oracle knows the names that acknowledgements gave to writes.
// Whatever judge says is lost, the oracle must find lost; and what it says survives,
// the oracle must find accounted for.
func TestTheOracleAgrees(t *testing.T) {
	var played []*script.Scenario
	for _, name := range []string{"ddia-8-3", "three-way-increment", "clock-step-back", "delete-against-update", "lost-reply"} {
		s, err := library.Find(name)
		if err != nil {
			t.Fatal(err)
		}
		played = append(played, s)
	}
	for seed := range uint64(4) {
		played = append(played, explore.Generate(seed))
	}
	judged := map[fate]int{}
	for _, s := range played {
		for _, id := range []resolve.ID{resolve.LWW, resolve.Siblings} {
			r, err := scenarios.Run(s, scenarios.Options{Resolver: id, Seed: 1})
			if err != nil {
				t.Fatal(err)
			}
			for f, n := range compare(t, fmt.Sprintf("%s under %s", s.Name, id), r) {
				judged[f] += n
			}
		}
	}
	for _, f := range []fate{present, superseded, lost} {
		if judged[f] < 10 {
			t.Errorf("only %d updates had fate %d: %v", judged[f], f, judged)
		}
	}
}

// compare judges each key of a run by what its clients saw.
func compare(t *testing.T, name string, r *scenarios.Result) map[fate]int {
	t.Helper()
	gone := map[string]bool{}
	for _, l := range r.Losses {
		gone[l.Label+" "+l.Key] = true
	}
	j := &judge{names: newNames(), report: &Report{}}
	all, err := j.read(list(seen(r.History)), part{0, 1})
	if err != nil {
		t.Fatal(err)
	}
	counts := map[fate]int{}
	for key, h := range all {
		if r.Serving[key] == resolve.Counter.String() {
			continue
		}
		h.begin()
		h.evidence()
		var k KindReport
		h.decide(&k)
		for i := range h.updates {
			u := &h.updates[i]
			if u.outcome != Acked {
				continue
			}
			call := r.History.Calls[u.line-1]
			counts[u.fate]++
			switch lostThere := gone[call.Name()+" "+key]; {
			case u.fate == lost && !lostThere:
				t.Errorf("%s: %s of %s by %s is said to be lost, and the oracle finds it", name, call.Name(), key, call.Client)
			case (u.fate == present || u.fate == superseded) && sureOf(h) && lostThere:
				t.Errorf("%s: %s of %s by %s is said to survive, and the oracle misses it", name, call.Name(), key, call.Client)
			}
		}
	}
	return counts
}

// sureOf reports whether the fates of a key rest on no presumption: all of its updates say
// what they go over, and it is not absent, which a lost disk looks like too.
func sureOf(h *keyHistory) bool {
	return len(h.finals[0].shown) > 0 && !slices.ContainsFunc(h.updates, func(u update) bool { return u.blind() })
}

// seen is a run as its clients saw it. Every write is a write of a value of its own; turns
// are the time.
func seen(h *history.History) []*Op {
	var ops []*Op
	names := func(dots []logical.Dot) Reading {
		r := Reading{Known: true}
		for _, d := range dots {
			if u, ok := h.ByDot[d]; ok && h.Updates[u].Verb != script.OpDelete && !slices.Contains(r.Values, h.Updates[u].ID) {
				r.Values = append(r.Values, h.Updates[u].ID)
			}
		}
		return r
	}
	for i, c := range h.Calls {
		if c.Verb == script.OpGet {
			continue
		}
		o := &Op{Line: i + 1, Client: c.Client, Node: c.Leader, Key: c.Key, Verb: Set, Value: c.ID, Start: wallclock.Instant(c.SentAt.Turn), End: wallclock.Instant(c.AckedAt.Turn)}
		switch {
		case c.AckedAt.Never():
			o.Outcome = Indeterminate
		case len(c.Acceptances) > 1:
			o.Node = ""
		}
		switch {
		case c.Verb == script.OpDelete:
			o.Verb = Del
		case c.Exact:
			o.Verb, o.Shown = Update, names(c.Shown)
		}
		ops = append(ops, o)
	}
	for i := range h.Replies {
		r := &h.Replies[i]
		o := &Op{Line: len(h.Calls) + i + 1, Client: h.Clients.List[r.Client], Node: h.Leaders.List[r.Leader], Key: h.Keys.List[r.Key], Verb: Get, Read: names(r.Dots),
			Start: wallclock.Instant(r.Since), End: wallclock.Instant(r.When.Turn)}
		if r.Own >= 0 {
			o.Start = o.End
		}
		ops = append(ops, o)
	}
	for at, r := range h.Finals {
		ops = append(ops, &Op{Line: math.MaxInt32, Client: "end", Node: at.Leader, Key: at.Key, Verb: Get, Read: names(r.Dots), Start: wallclock.Instant(h.Turns + 1), End: wallclock.Instant(h.Turns + 2), Final: true})
	}
	return ops
}
