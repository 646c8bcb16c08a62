package replica_test

import (
	"errors"
	"math"
	"strings"
	"testing"

	"kvd/logical"
	"kvd/replica"
	"kvd/resolve"
)

// The greatest Lamport stamp that can have been counted is absorbed, and the next
// above it is not, whether an op or a client's token bears it.
func TestTheBoundOnLamportStampsIsExact(t *testing.T) {
	const lead = 1 << 32
	for above := range logical.Lamport(2) {
		all := line(t, 2)
		all[1].Lamport = 2 + lead + above // one op is applied, and it is the second
		b := newNode(t, config("b", "a"), 8)
		refused := of[replica.LamportAhead](b.cycle(batch(all...)).Events)
		if len(refused) != int(above) || above > 0 && (refused[0].Bound != 2+lead || refused[0].Dot != all[1].Dot) {
			t.Errorf("%d above the bound: %+v", above, refused)
		}
		want := logical.Lamport(1)
		if above == 0 {
			want = 2 + lead
		}
		if got := b.core.State().Lamport; got != want {
			t.Errorf("%d above the bound the counter is %d, want %d", above, got, want)
		}

		n := newNode(t, config("n1"), 7)
		n.ask(set("x", "1"))
		q := set("x", "2")
		q.Token.Lamport = 2 + lead + above
		out := n.cycle(q)
		if refused := of[replica.LamportAhead](out.Events); len(refused) != int(above) {
			t.Errorf("a token %d above the bound: %+v", above, refused)
		}
		if got := out.Replies[0].Token.Lamport; got != want.Next() {
			t.Errorf("after a token %d above the bound an op is stamped %d", above, got)
		}
	}
}

// A store that an older version let count too far goes on from the bound, and one
// that has not is not touched.
func TestTheCounterFoundIsKeptUpToTheBound(t *testing.T) {
	for found, want := range map[logical.Lamport]logical.Lamport{
		5: 5, 1<<32 + 2: 1<<32 + 2, 1<<32 + 3: 1<<32 + 2, math.MaxUint64: 1<<32 + 2,
	} {
		n := newNode(t, config("n1"), 7)
		n.ask(set("x", "1"))
		st := n.core.State()
		st.Lamport = found
		n.begin(config("n1"), st)
		if got := n.core.State().Lamport; got != want {
			t.Errorf("a counter found at %d goes on from %d, want %d", found, got, want)
		}
	}
}

// A hybrid stamp ahead of the wall clock by the drift that is allowed is followed,
// and one nanosecond more is not.
func TestTheDriftThatIsAllowedIsExact(t *testing.T) {
	for more := range int64(2) {
		cfg := config("n1")
		n := newNode(t, cfg, 7)
		q := set("x", "1")
		wall := int64(n.moment().Wall.Midpoint())
		q.Token.HLC = logical.HLC{Wall: wall + int64(cfg.MaxDrift) + more}
		out := n.cycle(q)
		want := q.Token.HLC.Next(wall)
		if more > 0 {
			want = logical.HLC{Wall: wall}
		}
		if got := out.Replies[0].Token.HLC; got != want {
			t.Errorf("%d ns too far ahead: the op is stamped %s, want %s", more, got, want)
		}
		ahead := of[replica.ClockAhead](out.Events)
		if len(ahead) != int(more) || more > 0 && (ahead[0].Ahead != cfg.MaxDrift+1 || !ahead[0].Dot.IsZero()) {
			t.Errorf("%d ns too far ahead: %+v", more, ahead)
		}
	}
}

// A dot without an origin or without a place names no write: both parts are looked
// at, wherever in the list it is.
func TestDotsThatNameNoWriteAreRefused(t *testing.T) {
	n := newNode(t, config("n1"), 7)
	wrote := n.ask(set("x", "1"))
	for _, bad := range []logical.Dot{{}, {Origin: 7}, {Seq: 1}} {
		for _, shown := range [][]logical.Dot{{bad}, {wrote.Dot, bad}, {bad, wrote.Dot}} {
			for _, verb := range []replica.Verb{replica.Set, replica.Remove} {
				r := n.ask(&replica.Request{Verb: verb, Key: "x", Exact: true, Shown: shown})
				if !errors.Is(r.Err, replica.ErrBadRequest) || !strings.Contains(r.Err.Error(), "names no write") {
					t.Errorf("%s over %v is answered %v", verb, shown, r.Err)
				}
			}
		}
	}
}

// A deletion by what its author had been shown takes that away and nothing else, as a
// set does; an addition is to whatever is there.
func TestWhatIsWrittenOverIsWhatWasShown(t *testing.T) {
	for _, c := range []struct {
		verb replica.Verb
		left string
	}{{replica.Set, "[2 new]"}, {replica.Remove, "[2]"}} {
		cfg := config("n1")
		cfg.Policy.Default = resolve.Siblings
		n := newNode(t, cfg, 7)
		first := n.ask(overExactly(set("x", "1"), nil))
		n.ask(overExactly(set("x", "2"), nil))
		r := n.ask(&replica.Request{Verb: c.verb, Key: "x", Value: []byte("new"), Exact: true, Shown: []logical.Dot{first.Dot}})
		if r.Err != nil || values(n.ask(get("x"))) != c.left {
			t.Errorf("%s over the first leaves %s, %v; want %s", c.verb, values(n.ask(get("x"))), r.Err, c.left)
		}
	}
	n := newNode(t, config("n1"), 7)
	n.ask(set("x", "40"))
	q := incr("x", 2)
	q.Exact = true
	if r := n.ask(q); r.Err != nil || values(r) != "[42]" {
		t.Errorf("an addition that was shown nothing: %s, %v", values(r), r.Err)
	}
}

// A retry is told what the first try wrote where the leader computed that, and only
// there; a client without a number is nobody's retry.
func TestARetryIsToldWhatWasWritten(t *testing.T) {
	for _, c := range []struct {
		q     *replica.Request
		wrote string
	}{{set("x", "5"), ""}, {incr("x", 5), "5"}, {&replica.Request{Verb: replica.Remove, Key: "x"}, ""}} {
		n := newNode(t, config("n1"), 7)
		c.q.Client, c.q.Number = 3, 1
		first := n.ask(c.q)
		again := n.ask(c.q)
		if first.Retry || !again.Retry || again.Dot != first.Dot || string(again.Wrote) != c.wrote || string(first.Wrote) != c.wrote {
			t.Errorf("%s: first %+v, again %+v", c.q.Verb, first, again)
		}
	}
	n := newNode(t, config("n1"), 7)
	one, two := n.ask(incr("x", 1)), n.ask(incr("x", 1))
	if two.Retry || two.Dot == one.Dot || values(two) != "[2]" {
		t.Errorf("a second addition without a client's name: %+v", two)
	}
	if op, _ := n.store.Op(two.Dot); op.HasRequest() {
		t.Errorf("it is recorded as request %d of %d", op.Request, op.Client)
	}
}

// Advice fits the mistake.
func TestAdviceFitsTheMistake(t *testing.T) {
	n := newNode(t, config("n1"), 7)
	n.ask(set("n", "9223372036854775807"))
	n.ask(set("w", "word"))
	for key, want := range map[string]string{"n": "smaller step", "w": "write an integer"} {
		if r := n.ask(incr(key, 1)); r.Err == nil || !strings.Contains(r.Err.Error(), want) {
			t.Errorf("%s: %v; want advice to choose a %s", key, r.Err, want)
		}
	}
}

// One value alone may be as large as a value can be, and so may the one that takes its
// place: what can be shown at once bounds what stands side by side.
func TestOneValueAloneIsNotCrowded(t *testing.T) {
	cfg := config("n1")
	cfg.Policy, cfg.ShownBytes = resolve.Policy{Default: resolve.Siblings, Shadows: resolve.All}, 100
	n := newNode(t, cfg, 7)
	for _, size := range []int{200, 300, 300, 100, 250} {
		if r := n.ask(set("x", strings.Repeat("v", size))); r.Err != nil || len(r.Shown.Values) != 1 {
			t.Fatalf("a value of %d bytes is answered %v, %d values", size, r.Err, len(r.Shown.Values))
		}
	}
	if r := n.ask(overExactly(set("x", "small"), nil)); !errors.Is(r.Err, replica.ErrSiblings) {
		t.Errorf("a small one beside it is answered %v", r.Err)
	}
	if r := n.ask(overExactly(&replica.Request{Verb: replica.Remove, Key: "x"}, nil)); r.Err != nil {
		t.Errorf("a deletion of nothing beside it is answered %v", r.Err)
	}
}

// Siblings are let in up to the limit, and not one more.
func TestTheLimitOnSiblingsIsExact(t *testing.T) {
	for _, limit := range []int{1, 2, 5} {
		cfg := config("n1")
		cfg.Policy, cfg.MaxSiblings = resolve.Policy{Default: resolve.Siblings}, limit
		n := newNode(t, cfg, 7)
		for i := range limit + 1 {
			r := n.ask(overExactly(set("x", "v"), nil))
			if refused := errors.Is(r.Err, replica.ErrSiblings); refused != (i == limit) || !refused && r.Err != nil {
				t.Errorf("value %d of %d is answered %v", i+1, limit, r.Err)
			}
		}
	}
}

// A value that is nobody's bytes is the empty value, and is there.
func TestTheEmptyValueIsAValue(t *testing.T) {
	for _, id := range resolve.IDs() {
		if id == resolve.Counter {
			continue
		}
		cfg := config("n1")
		cfg.Policy.Default = id
		n := newNode(t, cfg, 7)
		n.ask(&replica.Request{Verb: replica.Set, Key: "x"})
		r := n.ask(get("x"))
		if len(r.Shown.Values) != 1 || r.Shown.Values[0] == nil || len(r.Shown.Values[0]) != 0 {
			t.Errorf("%s shows %q", id, r.Shown.Values)
		}
		if r := n.ask(incr("x", 1)); !errors.Is(r.Err, resolve.ErrNotInteger) {
			t.Errorf("%s: one more than it is answered %v", id, r.Err)
		}
	}
}

// after is an op of an origin, the next after those in deps that are its own.
func after(origin logical.Origin, seq logical.Seq, deps ...logical.Dot) *resolve.Op {
	if seq > 1 {
		deps = append(deps, logical.Dot{Origin: origin, Seq: seq - 1})
	}
	return &resolve.Op{Key: "x", Kind: resolve.Put, Value: []byte("v"), Dot: logical.Dot{Origin: origin, Seq: seq}, Deps: logical.FrontierOf(deps...)}
}

// What no leader can have written stops the one that is sent it, whichever part of it
// is wrong.
func TestImpossibleOpsAreAFault(t *testing.T) {
	for what, wrong := range map[string]func(op *resolve.Op){
		"no origin":               func(op *resolve.Op) { op.Dot, op.Deps = logical.Dot{Seq: 1}, logical.Frontier{} },
		"no place":                func(op *resolve.Op) { op.Dot.Seq, op.Deps = 0, logical.Frontier{} },
		"no dot":                  func(op *resolve.Op) { op.Dot, op.Deps = logical.Dot{}, logical.Frontier{} },
		"less than all before it": func(op *resolve.Op) { op.Deps = logical.FrontierOf(logical.Dot{Origin: 7, Seq: 1}) },
		"more than all before it": func(op *resolve.Op) { op.Deps = logical.FrontierOf(logical.Dot{Origin: 7, Seq: 3}) },
	} {
		b := newNode(t, config("b", "a"), 8)
		op := after(7, 3)
		wrong(op)
		if err := b.core.Step(b.moment(), batch(op), b.store, b.out); err == nil || len(b.out.Puts) > 0 {
			t.Errorf("%s: %v, puts %+v", what, err, b.out.Puts)
		}
	}
}

// One op may let another origin's go, and that a third's, in whatever order the gate
// looks at them.
func TestTheGateEmptiesAlongAnyChain(t *testing.T) {
	const n = 5
	for _, order := range [][n]logical.Origin{{11, 12, 13, 14, 15}, {15, 14, 13, 12, 11}, {13, 11, 15, 12, 14}, {12, 15, 11, 14, 13}} {
		for _, unmet := range []logical.Origin{10, 16, 20} { // one waits for what never comes, before and behind the others
			b := newNode(t, config("b", "a"), 8)
			chain := []*resolve.Op{after(order[0], 1)}
			for i := 1; i < n; i++ {
				chain = append(chain, after(order[i], 1, chain[i-1].Dot))
			}
			b.cycle(batch(after(unmet, 1, logical.Dot{Origin: 99, Seq: 1})))
			for i := n - 1; i > 0; i-- {
				if out := b.cycle(batch(chain[i], chain[i])); len(of[replica.Buffered](out.Events)) != 1 || len(of[replica.Dropped](out.Events)) != 1 {
					t.Fatalf("%v: %s and again: %+v", order, chain[i].Dot, out.Events)
				}
			}
			out := b.cycle(batch(chain[0]))
			got := of[*replica.Applied](out.Events)
			if len(got) != n {
				t.Fatalf("%v beside %d: %d applied of a chain of %d", order, unmet, len(got), n)
			}
			for i := range got {
				if got[i].Op != chain[i] {
					t.Errorf("%v: step %d applied %s", order, i, got[i].Op.Dot)
				}
			}
			if load := b.core.Load(); load.GateOps != 1 {
				t.Errorf("%v: the gate holds %+v, want the one that waits", order, load)
			}
		}
	}
}

// Ops of many origins wait apart from each other, none twice, and each origin's in its
// own order.
func TestTheGateKeepsOriginsApart(t *testing.T) {
	b := newNode(t, config("b", "a"), 8)
	origins := []logical.Origin{15, 11, 13, 12, 14}
	for _, seq := range []logical.Seq{4, 2, 3} {
		for _, o := range origins {
			if out := b.cycle(batch(after(o, seq), after(o, seq))); len(of[replica.Buffered](out.Events)) != 1 {
				t.Errorf("%d of %d and again: %+v", seq, o, out.Events)
			}
		}
	}
	for i, o := range origins {
		out := b.cycle(batch(after(o, 1)))
		if got := of[*replica.Applied](out.Events); len(got) != 4 || b.core.State().Frontier.At(o) != 4 {
			t.Errorf("of %d %d are applied", o, len(got))
		}
		if load := b.core.Load(); load.GateOps != 3*(len(origins)-1-i) {
			t.Errorf("after %d the gate holds %+v", o, load)
		}
	}
}

// A peer's ops wait as long as those before it leave a byte, and what the last takes
// beyond that is credited at once.
func TestTheGateIsFullAtItsLastByte(t *testing.T) {
	first, second := after(11, 2), after(11, 3)
	for room, held := range map[int]bool{footprints(first) - 1: false, footprints(first): false, footprints(first) + 1: true} {
		cfg := config("b", "a")
		cfg.GateBytes = room
		b := newNode(t, cfg, 8)
		b.cycle(batch(first))
		given := b.given
		if want := max(0, footprints(first)-room); given != want {
			t.Errorf("with %d bytes the first is credited %d, want %d", room, given, want)
		}
		out := b.cycle(batch(second))
		if got := len(of[replica.Buffered](out.Events)) == 1; got != held {
			t.Errorf("with %d bytes beside one of %d: %+v", room, footprints(first), out.Events)
		}
		want := footprints(second)
		if held {
			want--
		}
		if b.given-given != want {
			t.Errorf("with %d bytes: credit of %d for %d", room, b.given-given, footprints(second))
		}
	}
}

// However many ops a frontier claims, the bound on stamps is a number, and leaves the
// counter room to go on.
func TestTheBoundDoesNotWrap(t *testing.T) {
	for _, places := range [][]logical.Seq{{math.MaxUint64}, {math.MaxUint64, 1}, {math.MaxUint64, math.MaxUint64}, {1 << 63, 1 << 63}, {1<<63 + 5}} {
		n := newNode(t, config("n1"), 7)
		st := n.core.State()
		for i, seq := range places {
			st.Frontier = st.Frontier.Join(logical.FrontierOf(logical.Dot{Origin: logical.Origin(20 + i), Seq: seq}))
		}
		st.Lamport = math.MaxUint64
		n.begin(config("n1"), st)
		if got := n.core.State().Lamport; got != math.MaxUint64/2+1+1<<32 {
			t.Errorf("with places %d the counter goes on from %d", places, got)
		}
	}
}
