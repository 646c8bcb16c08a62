package replay

import (
	"slices"
	"strings"
	"testing"

	"kvd/logical"
	"kvd/resolve"
	"kvd/resolve/number"
	"kvd/storage/codec"
	"kvd/wallclock"
)

func put(origin logical.Origin, seq logical.Seq, wall wallclock.Instant, value string, parents ...logical.Dot) *resolve.Op {
	op := &resolve.Op{Dot: logical.Dot{Origin: origin, Seq: seq}, Key: "x", Kind: resolve.Put, Value: []byte(value),
		Parents: parents, Deps: logical.FrontierOf(parents...), Lamport: logical.Lamport(seq), HLC: logical.HLC{Wall: int64(wall)},
		Wall: wallclock.Around(wall, 0)}
	for _, p := range parents {
		op.Lamport = max(op.Lamport, logical.Lamport(p.Seq+1))
		op.HLC.Wall = max(op.HLC.Wall, int64(wall)+1000)
	}
	return op
}

func everything(serving resolve.ID) Config {
	return Config{Policy: resolve.Policy{Default: serving}, Resolvers: resolve.All, Differences: 1}
}

// TestFigure83 replays the story on a store that never had shadows: the second
// write is found to be inverted under lww and kept by everybody else.
func TestFigure83(t *testing.T) {
	first := put(1, 1, 42_004, "1")
	second := put(3, 1, 42_003, "2", first.Dot)
	res, err := Replay(everything(resolve.Siblings), slices.Values([]*resolve.Op{first, second}))
	if err != nil {
		t.Fatal(err)
	}
	for _, o := range res.Outcomes {
		inverted := 0
		if o.Resolver == resolve.LWW || o.Resolver == resolve.Interval {
			inverted = 1 // the clocks claim to be exact
		}
		if o.Resolver != resolve.Counter && (o.Inverted != inverted || o.Concurrent != 0 || o.Differ != inverted) {
			t.Errorf("%s: %+v, want %d inverted", o.Resolver, o, inverted)
		}
	}
	lww := res.Outcomes[0]
	want := Difference{Key: "x", Serving: resolve.Siblings, Shows: [][]byte{[]byte("2")}, Would: [][]byte{[]byte("1")}}
	if len(lww.Differences) != 1 || lww.Differences[0].Key != want.Key || !same(lww.Differences[0].Shows, want.Shows) || !same(lww.Differences[0].Would, want.Would) {
		t.Errorf("differences are %q, want %q", lww.Differences, want)
	}
}

func TestDifferencesAreCountedBeyondTheList(t *testing.T) {
	var ops []*resolve.Op
	for i := range 5 {
		a, b := put(1, logical.Seq(i+1), 100, "old"), put(2, logical.Seq(i+1), 200, "new")
		a.Key, b.Key = string(rune('a'+i)), string(rune('a'+i))
		ops = append(ops, a, b)
	}
	res, err := Replay(everything(resolve.LWW), slices.Values(ops))
	if err != nil {
		t.Fatal(err)
	}
	for _, o := range res.Outcomes {
		if o.Resolver == resolve.Siblings && (o.Differ != 5 || len(o.Differences) != 1 || o.Differences[0].Key != "a" || o.Conflicted != 5 || o.Siblings != 2) {
			t.Errorf("%+v", o)
		}
	}
}

// TestAnotherOrderIsRefused: what comes before what it follows in its own log
// cannot be a causal order.
func TestAnotherOrderIsRefused(t *testing.T) {
	ops := []*resolve.Op{put(1, 2, 1, "b"), put(1, 1, 1, "a")}
	if _, err := Replay(everything(resolve.LWW), slices.Values(ops)); err == nil || !strings.Contains(err.Error(), "causal order") {
		t.Errorf("error %v", err)
	}
	if _, err := Skew(Curve{Draws: 1}, slices.Values(ops)); err == nil {
		t.Error("the curve takes it")
	}
	if _, err := Replay(Config{Differences: -1}, slices.Values(ops)); err == nil {
		t.Error("a negative list is accepted")
	}
}

// TestTruncatedBeginningsAreCounted: parents that the history no longer holds.
func TestTruncatedBeginningsAreCounted(t *testing.T) {
	res, err := Replay(everything(resolve.LWW), slices.Values([]*resolve.Op{put(2, 7, 9, "b", logical.Dot{Origin: 1, Seq: 6})}))
	if err != nil || res.Beyond != 1 || res.Outcomes[0].Live != 1 {
		t.Errorf("%+v, %v", res, err)
	}
}

// TestThreeLeadersAcceptOneRequest: whichever dot survives, the other two are
// superseded with it, in every order.
func TestThreeLeadersAcceptOneRequest(t *testing.T) {
	for _, order := range [][]logical.Origin{{1, 2, 3}, {1, 3, 2}, {2, 1, 3}, {2, 3, 1}, {3, 1, 2}, {3, 2, 1}} {
		var ops []*resolve.Op
		for _, o := range order {
			op := put(o, 1, wallclock.Instant(100*o), "once")
			op.Client, op.Request = 4, 2
			ops = append(ops, op)
		}
		res, err := Replay(everything(resolve.LWW), slices.Values(ops))
		if err != nil {
			t.Fatal(err)
		}
		for _, o := range res.Outcomes {
			if o.Resolver.Loses() && (o.Live+o.Superseded != 3 || o.Lost() != 0) || o.Siblings > 1 {
				t.Errorf("%v: %+v", order, o)
			}
		}
	}
}

// TestMissingEvidenceIsSaid: without a live set or a counter on the panel ops
// name nothing hidden and carry no totals.
func TestMissingEvidenceIsSaid(t *testing.T) {
	op := put(1, 1, 5, "1")
	op.Delta = number.Of(1)
	res, err := Replay(everything(resolve.LWW), slices.Values([]*resolve.Op{op}))
	if err != nil {
		t.Fatal(err)
	}
	for _, o := range res.Outcomes {
		want := 1
		if !(liveSets | resolve.Counter.Mask()).Has(o.Resolver) {
			want = 0
		}
		if o.Unrecorded != want {
			t.Errorf("%s: %d ops without evidence, want %d", o.Resolver, o.Unrecorded, want)
		}
	}
}

// TestOneClockFarAheadCostsNoMore: every op of a long chain is inverted by its
// first, and none looks for it all the way back: this would take minutes.
func TestOneClockFarAheadCostsNoMore(t *testing.T) {
	var ops []*resolve.Op
	for i := range 200_000 {
		op := put(1, logical.Seq(i+1), wallclock.Instant(i+1), "v")
		if op.Lamport, op.HLC.Wall = logical.Lamport(i+1), int64(1<<41+i); i == 0 {
			op.Wall = wallclock.Around(1<<40, 0)
		} else {
			op.Parents, op.Deps = []logical.Dot{ops[i-1].Dot}, logical.FrontierOf(ops[i-1].Dot)
		}
		ops = append(ops, op)
	}
	res, err := Replay(everything(resolve.Causal), slices.Values(ops))
	if err != nil || res.Outcomes[0].Inverted != len(ops)-1 {
		t.Errorf("%+v, %v", res, err)
	}
}

// TestMetadataIsWhatStoresMeasure: by the size of an object that one resolver
// alone has kept.
func TestMetadataIsWhatStoresMeasure(t *testing.T) {
	size := func(o *resolve.Object) int { return len(codec.AppendObject(nil, o)) }
	for _, id := range resolve.IDs() {
		c := Config{Policy: resolve.Policy{Default: id, Shadows: resolve.All}, Resolvers: resolve.All, Size: size}
		all, err := Replay(c, generate(5, 900, 60))
		if err != nil {
			t.Fatal(err)
		}
		c.Policy.Shadows, c.Resolvers = 0, 0
		alone, err := Replay(c, generate(5, 900, 60))
		if err != nil {
			t.Fatal(err)
		}
		for _, o := range all.Outcomes {
			if o.Resolver == id && (o.Metadata != alone.Outcomes[0].Metadata || o.Holding != alone.Outcomes[0].Holding || o.Metadata == 0) {
				t.Errorf("%s: %d bytes in %d objects beside the others, %d in %d alone", id, o.Metadata, o.Holding, alone.Outcomes[0].Metadata, alone.Outcomes[0].Holding)
			}
		}
	}
}

// TestTheBarIsMeasured: interval keeps the greatest earliest instant even when
// its version has been overwritten, and that takes room.
func TestTheBarIsMeasured(t *testing.T) {
	size := func(o *resolve.Object) int { return len(o.Versions) }
	late := put(1, 1, 9000, "future")
	late.Wall = wallclock.Around(9000, 10)
	next := put(2, 1, 9015, "next", late.Dot)
	next.Wall = wallclock.Around(8995, 10)
	c := Config{Policy: resolve.Policy{Default: resolve.LWW, Shadows: resolve.All}, Resolvers: resolve.All, Size: size}
	res, err := Replay(c, slices.Values([]*resolve.Op{late, next}))
	if err != nil {
		t.Fatal(err)
	}
	for _, o := range res.Outcomes {
		if want := map[resolve.ID]int64{resolve.Interval: 2, resolve.Counter: 2}[o.Resolver]; o.Metadata != max(want, 1) {
			t.Errorf("%s keeps %d versions, want %d", o.Resolver, o.Metadata, max(want, 1))
		}
	}
}

// TestDuplicatesAreOneSibling: the two dots of one request are shown once, also in
// the most that was ever shown.
func TestDuplicatesAreOneSibling(t *testing.T) {
	a, b := put(1, 1, 100, "once"), put(2, 1, 200, "once")
	a.Client, a.Request, b.Client, b.Request = 4, 2, 4, 2
	res, err := Replay(everything(resolve.Siblings), slices.Values([]*resolve.Op{a, b}))
	if err != nil {
		t.Fatal(err)
	}
	for _, o := range res.Outcomes {
		if o.Siblings != 1 || o.Conflicted != 0 {
			t.Errorf("%+v", o)
		}
	}
}

// TestLongHistoriesAddUp: every op of many is live, superseded or lost once, and
// what is worked out of acceptances is what was recorded.
func TestLongHistoriesAddUp(t *testing.T) {
	recorded, err := Replay(Config{Policy: resolve.Policy{Shadows: resolve.All}, Resolvers: resolve.All}, generate(2, 30_000, 900))
	if err != nil {
		t.Fatal(err)
	}
	for _, o := range recorded.Outcomes {
		if o.Accepted != 30_000 || o.Live+o.Superseded+o.Lost() != o.Accepted || o.Resolver.Loses() && o.Lost() == 0 {
			t.Errorf("%+v", o)
		}
	}
}

// One op may name as many versions as a leader lets it: all that it names are seen.
func TestAnOpThatNamesVeryManyVersions(t *testing.T) {
	const n = 1<<16 + 4
	var ops []*resolve.Op
	var all []logical.Dot
	for i := range logical.Seq(n) {
		op := put(1, i+1, 100, "blind")
		ops, all = append(ops, op), append(all, op.Dot)
	}
	last := put(2, 1, 200, "settled", all[:n-2]...)
	last.Hidden = all[n-2:]
	res, err := Replay(Config{Policy: resolve.Policy{Default: resolve.LWW}}, slices.Values(append(ops, last)))
	if err != nil {
		t.Fatal(err)
	}
	if o := res.Outcomes[0]; o.Concurrent+o.Inverted != 2 || o.Superseded != n-2 {
		t.Errorf("%d superseded, %d lost, want all that is named and two", o.Superseded, o.Concurrent+o.Inverted)
	}
}
