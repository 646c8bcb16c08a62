package replica_test

import (
	"slices"
	"testing"
	"time"

	"kvd/logical"
	"kvd/replica"
	"kvd/resolve"
)

// says is a status of the peer called from.
func says(from replica.Leader, s replica.Status) replica.Received {
	return replica.Received{From: from, Message: &s}
}

// sum is what the node's log of the dot's origin adds up to, off by some.
func sum(n *node, d logical.Dot, off uint64) replica.Sum {
	s, _ := n.store.Sum(d)
	return replica.Sum{Through: d, Sum: s + off}
}

// Origins that two others share are known once each, and only so many of them.
func TestSharedOriginsAreKnownOnceAndBounded(t *testing.T) {
	n := newNode(t, config("c", "a", "b"), 9)
	found := 0
	for o := logical.Origin(100); o < 200; o++ {
		for range 2 {
			found += len(of[replica.OriginTwice](n.cycle(replica.OriginShared{Origin: o, With: "a"}).Events))
		}
	}
	n.now = n.now.Add(time.Hour)
	told := statuses(n.cycle(replica.PeerUp{Peer: "a"}).Sends)
	if found != 64 || len(told) != 1 || len(slices.Compact(told[0].Shared)) != 64 {
		t.Errorf("%d were found, and told are %v", found, told)
	}
}

// What lasts longer is not replaced by what may be lifted sooner: that somebody has
// more of the origin, then that another was met with it, then that somebody says so.
func TestWhatIsKnownOfTheOtherHolder(t *testing.T) {
	const own = logical.Origin(7)
	beyond := says("b", replica.Status{Origin: 8, Number: 1, Frontier: logical.FrontierOf(logical.Dot{Origin: own, Seq: 5})})
	met := replica.OriginShared{Origin: own, With: "b", Detail: "met"}
	told := says("c", replica.Status{Origin: 9, Number: 1, Shared: []logical.Origin{own}})
	leaves := says("b", replica.Status{Origin: 11, Number: 2})
	forgets := says("c", replica.Status{Origin: 9, Number: 2})
	for name, c := range map[string]struct {
		in     []replica.Input
		lifted bool
	}{
		"met, and it leaves":                         {[]replica.Input{met, leaves}, true},
		"met, and it says so again":                  {[]replica.Input{met, says("b", replica.Status{Origin: own, Number: 1})}, false},
		"met, then told, and it leaves":              {[]replica.Input{met, told, leaves}, true},
		"met, then told, and the teller forgets":     {[]replica.Input{met, told, forgets}, false},
		"told, and the teller forgets":               {[]replica.Input{told, forgets}, true},
		"told by two, and the first forgets":         {[]replica.Input{told, says("d", replica.Status{Origin: 10, Number: 1, Shared: []logical.Origin{own}}), forgets}, false},
		"told, then met, and the teller forgets":     {[]replica.Input{told, met, forgets}, false},
		"told, then met, and it leaves":              {[]replica.Input{told, met, leaves}, true},
		"it has more, then met, and it leaves":       {[]replica.Input{beyond, met, leaves}, false},
		"it has more, then told, and teller forgets": {[]replica.Input{beyond, told, forgets}, false},
	} {
		n := newNode(t, config("a", "b", "c", "d"), own)
		out := n.cycle(c.in...)
		if got := len(of[replica.WritesAllowed](out.Events)) > 0; got != c.lifted || (len(n.core.Refusals(nil)) > 0) == c.lifted {
			t.Errorf("%s: lifted %v, refusals %v", name, got, n.core.Refusals(nil))
		}
		if got := len(of[replica.OriginTwice](out.Events)); got != 1 {
			t.Errorf("%s: it was found %d times", name, got)
		}
	}
}

// Either of two other holders ends what is told of their origin by a new one, and
// nobody else does.
func TestEitherOfTwoOthersEndsIt(t *testing.T) {
	for by, ends := range map[replica.Leader]bool{"a": true, "b": true, "d": false} {
		n := newNode(t, config("c", "a", "b", "d"), 9)
		n.cycle(replica.OriginShared{Origin: 7, With: "a", Also: "b"}, replica.PeerUp{Peer: "d"})
		n.now = n.now.Add(time.Hour)
		told := statuses(n.cycle(says(by, replica.Status{Origin: 11, Number: 1})).Sends)
		if len(told) != 1 || (len(told[0].Shared) == 0) != ends {
			t.Errorf("%s has another origin: told are %v", by, told)
		}
	}
}

// A peer that compares is shown one batch of the ops that it asks for, if there are any
// and it can be sent to.
func TestAskedAgainIsShownAgain(t *testing.T) {
	n := newNode(t, config("a", "b"), 7)
	n.ask(set("x", "1"))
	n.ask(set("x", "2"))
	asks := func(number uint64, from logical.Seq) int {
		s := replica.Status{Origin: 8, Number: number, Frontier: n.core.State().Frontier, Again: []logical.Dot{{Origin: 7, Seq: from}}}
		sent := 0
		for _, m := range n.cycle(says("b", s)).Sends {
			if b, ok := m.Message.(*replica.Batch); ok {
				if sent += len(b.Ops); len(b.Ops) == 0 {
					t.Error("an empty batch")
				}
			}
		}
		return sent
	}
	if got := asks(1, 1); got != 0 {
		t.Errorf("%d ops to a peer that is down", got)
	}
	n.cycle(replica.PeerUp{Peer: "b"})
	for from, want := range map[logical.Seq]int{1: 2, 2: 1, 3: 0} {
		if got := asks(uint64(10+from), from); got != want {
			t.Errorf("from %d on it is shown %d ops, want %d", from, got, want)
		}
	}
}

// A sum is news only beyond what was compared and found alike.
func TestSumsAreComparedBeyondWhatAgrees(t *testing.T) {
	const own = logical.Origin(7)
	at := func(s int) logical.Dot { return logical.Dot{Origin: own, Seq: logical.Seq(s)} }
	for name, c := range map[string]struct {
		agrees, differs int
		found           bool
	}{"before": {3, 2, false}, "there": {3, 3, false}, "just after": {3, 4, true}, "nothing compared yet": {0, 1, true}} {
		n := newNode(t, config("a", "b"), own)
		n.cycle(replica.PeerUp{Peer: "b"})
		for range 5 {
			n.ask(set("x", "1"))
		}
		var sums []replica.Sum
		if c.agrees > 0 {
			sums = append(sums, sum(n, at(c.agrees), 0), sum(n, at(c.agrees-1), 0))
		}
		sums = append(sums, sum(n, at(c.differs), 1), sum(n, at(5), 1))
		out := n.cycle(says("b", replica.Status{Origin: 8, Number: 1, Sums: sums[:len(sums)-1]}))
		if got := of[replica.LogsDiffer](out.Events); (len(got) == 1) != c.found {
			t.Errorf("%s: %+v", name, got)
		}
		again := n.cycle(says("b", replica.Status{Origin: 8, Number: 2, Sums: sums}))
		if got := of[replica.LogsDiffer](again.Events); c.found && len(got) > 0 {
			t.Errorf("%s: found twice: %+v", name, got)
		}
		n.now = n.now.Add(time.Hour)
		asks := statuses(n.cycle(replica.Tick{}).Sends)
		if want := at(c.agrees + 1); c.found && (len(asks) != 1 || !slices.Equal(asks[0].Again, []logical.Dot{want})) {
			t.Errorf("%s: it asks again %+v, want from %s", name, asks, want)
		}
	}
}

// That the log of our own origin differs ends writing once, and not where a copy has
// given the origin up: what it wrote is known to differ.
func TestOurOwnLogThatDiffersEndsWriting(t *testing.T) {
	const own = logical.Origin(7)
	d := logical.Dot{Origin: own, Seq: 1}
	for name, c := range map[string]struct {
		before []replica.Input
		of     logical.Origin
		twice  int
		ended  bool
	}{
		"ours":                    {nil, own, 1, true},
		"another's":               {nil, 20, 0, false},
		"ours, refused already":   {[]replica.Input{replica.OriginShared{Origin: own, With: "c", Detail: "met"}}, own, 1, true},
		"ours, and the copy left": {[]replica.Input{replica.OriginShared{Origin: own, With: "c", Detail: "met"}, says("c", replica.Status{Origin: 12, Number: 1})}, own, 1, false},
	} {
		n := newNode(t, config("a", "b", "c"), own)
		n.ask(set("x", "1"))
		n.cycle(batch(begins(20)))
		out := n.cycle(append(c.before, says("b", replica.Status{Origin: 8, Number: 1, Sums: []replica.Sum{sum(n, logical.Dot{Origin: c.of, Seq: d.Seq}, 1)}}))...)
		if len(of[replica.LogsDiffer](out.Events)) != 1 || len(of[replica.OriginTwice](out.Events)) != c.twice || (len(n.core.Refusals(nil)) > 0) != c.ended {
			t.Errorf("%s: %+v, refusals %v", name, out.Events, n.core.Refusals(nil))
		}
		if c.before != nil && c.ended {
			n.cycle(says("c", replica.Status{Origin: 12, Number: 1}))
			if len(n.core.Refusals(nil)) > 0 {
				t.Errorf("%s: it does not end with the one that was met", name)
			}
		}
	}
}

// Ops are compared one by one, in their order, as far as the log still has them; only
// those that differ are put down.
func TestOpsAreComparedInTheirOrder(t *testing.T) {
	n := newNode(t, config("a", "b"), 7)
	for range 5 {
		n.ask(set("x", "1"))
	}
	theirs := func(s int) *resolve.Op {
		op := *n.store.Log[logical.Dot{Origin: 7, Seq: logical.Seq(s)}]
		if s != 1 {
			op.Value = []byte("other")
		}
		return &op
	}
	all := []*resolve.Op{theirs(1), theirs(2), theirs(3), theirs(4)}
	sum(n, logical.Dot{Origin: 7, Seq: 5}, 0)
	n.cycle(replica.PeerUp{Peer: "b"}, says("b", replica.Status{Origin: 8, Number: 1, Sums: []replica.Sum{sum(n, logical.Dot{Origin: 7, Seq: 4}, 1)}}))
	delete(n.store.Log, logical.Dot{Origin: 7, Seq: 3})
	found := func(ops ...*resolve.Op) (seqs []logical.Seq) {
		for _, e := range of[replica.ConflictFound](n.cycle(replica.Received{From: "b", Message: &replica.Batch{Ops: ops}}).Events) {
			seqs = append(seqs, e.Op.Dot.Seq)
		}
		return seqs
	}
	if got := found(all[1], all[2]); len(got) > 0 {
		t.Errorf("compared before the first: %v", got)
	}
	if got := found(all...); !slices.Equal(got, []logical.Seq{2, 4}) {
		t.Errorf("found are %v, want 2 and 4: the first is the same, and the third has left the log", got)
	}
	last := replica.Sum{Through: logical.Dot{Origin: 7, Seq: 5}, Sum: 1}
	if out := n.cycle(says("b", replica.Status{Origin: 8, Number: 2, Sums: []replica.Sum{last}})); len(out.Events) > 0 {
		t.Errorf("that the logs differ is known: %+v", out.Events)
	}
	if got := found(all...); len(got) > 0 {
		t.Errorf("what was compared is compared again: %v", got)
	}
	n.now = n.now.Add(time.Hour)
	asks := statuses(n.cycle(replica.Tick{}).Sends)
	if len(asks) != 1 || len(asks[0].Again) > 0 {
		t.Errorf("it still asks: %+v", asks)
	}
}

// A Status asks for so many origins' ops at most, and a leader asks as soon as there is
// something to compare, not only when sums are due.
func TestAskingAgainIsBounded(t *testing.T) {
	n := newNode(t, config("a", "b"), 7)
	var sums []replica.Sum
	for o := logical.Origin(100); o < 170; o++ {
		n.cycle(batch(begins(o)))
		sums = append(sums, sum(n, logical.Dot{Origin: o, Seq: 1}, 1))
	}
	n.cycle(replica.PeerUp{Peer: "b"})
	owed := replica.Received{From: "b", Message: &replica.Batch{Ops: []*resolve.Op{begins(200)}}}
	told := statuses(n.cycle(says("b", replica.Status{Origin: 8, Number: 1, Sums: sums}), owed).Sends)
	if len(told) != 1 || len(told[0].Again) != 64 || len(told[0].Sums) != 0 {
		t.Errorf("told are %d statuses; the first asks for %d", len(told), len(told[0].Again))
	}
}

// Sums go to a peer once a heartbeat: of the end of each log, of the last span before
// it, and of what the reader knows; the next time it is others' turn.
func TestWhichSumsAreTold(t *testing.T) {
	n := newNode(t, config("a", "b"), 7)
	for range replica.SumSpan {
		n.ask(set("x", "1"))
	}
	n.cycle(batch(begins(20)))
	delete(n.store.Log, logical.Dot{Origin: 20, Seq: 1})
	told := func() (dots []logical.Dot) {
		for _, s := range statuses(n.cycle(replica.Tick{}).Sends) {
			for _, sum := range s.Sums {
				dots = append(dots, sum.Through)
			}
		}
		return dots
	}
	own := func(seqs ...logical.Seq) (dots []logical.Dot) {
		for _, s := range seqs {
			dots = append(dots, logical.Dot{Origin: 7, Seq: s})
		}
		return dots
	}
	heartbeat := replica.Defaults().Heartbeat
	if out := n.cycle(replica.PeerUp{Peer: "b"}); len(statuses(out.Sends)) != 1 || len(statuses(out.Sends)[0].Sums) != 1 {
		t.Errorf("at once: %+v", statuses(out.Sends))
	}
	n.now = n.now.Add(heartbeat - 1)
	owed := statuses(n.cycle(replica.Received{From: "b", Message: &replica.Batch{Ops: []*resolve.Op{begins(21)}}}).Sends)
	if len(owed) != 1 || len(owed[0].Sums) > 0 {
		t.Errorf("a nanosecond before sums are due: %+v", owed)
	}
	n.now = n.now.Add(1)
	if got := told(); len(got) > 0 {
		t.Errorf("a Status went a nanosecond ago, and another goes with %v", got)
	}
	n.now = n.now.Add(heartbeat)
	if got := told(); !slices.Equal(got, append(own(replica.SumSpan), logical.Dot{Origin: 21, Seq: 1})) {
		t.Errorf("at the span: %v", got)
	}
	n.ask(set("x", "1"))
	n.now = n.now.Add(heartbeat)
	if got := told(); !slices.Equal(got, append(own(replica.SumSpan+1, replica.SumSpan), logical.Dot{Origin: 21, Seq: 1})) {
		t.Errorf("after the span: %v", got)
	}
}

// Where there are more origins than a Status takes, the next goes on where it ended.
func TestSumsAreToldInTurns(t *testing.T) {
	n := newNode(t, config("a", "b"), 7)
	for o := logical.Origin(100); o < 140; o++ {
		n.cycle(batch(begins(o)))
	}
	var told [][]logical.Origin
	n.cycle(replica.PeerUp{Peer: "b"})
	for range 2 {
		n.now = n.now.Add(time.Hour)
		var origins []logical.Origin
		for _, sum := range statuses(n.cycle(replica.Tick{}).Sends)[0].Sums {
			origins = append(origins, sum.Through.Origin)
		}
		told = append(told, origins)
	}
	// 100 to 131 went as the peer came up.
	if len(told[0]) != 32 || !slices.Contains(told[0], 132) || slices.Contains(told[0], 124) || len(told[1]) != 32 || !slices.Contains(told[1], 124) || slices.Contains(told[1], 123) {
		t.Errorf("told are %v", told)
	}
}

// Of what the log has no sum of nothing is compared.
func TestWhatHasNoSumIsNotCompared(t *testing.T) {
	n := newNode(t, config("a", "b"), 7)
	n.cycle(batch(begins(20)))
	clear(n.store.Log)
	for _, d := range []logical.Dot{{Origin: 20, Seq: 1}, {Origin: 20, Seq: 2}, {Origin: 21, Seq: 1}} {
		if out := n.cycle(says("b", replica.Status{Origin: 8, Number: 1, Sums: []replica.Sum{{Through: d, Sum: 5}}})); len(out.Events) > 0 {
			t.Errorf("%s: %+v", d, out.Events)
		}
	}
}
