package replica_test

import (
	"errors"
	"math"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"kvd/logical"
	"kvd/replica"
	"kvd/resolve"
)

// footprints is what ops take together.
func footprints(ops ...*resolve.Op) (n int) {
	for _, op := range ops {
		n += op.Footprint()
	}
	return n
}

// One peer's ops that wait take so many bytes at most; another's are not in their
// way, and what was dropped is applied when it comes again.
func TestGateBoundsBytesOfEachPeer(t *testing.T) {
	mine, theirs := line(t, 6), line(t, 4)
	for _, op := range theirs {
		op.Dot.Origin, op.Deps = 9, logical.FrontierOf(logical.Dot{Origin: 9, Seq: op.Dot.Seq - 1})
	}
	cfg := config("b", "a", "c")
	cfg.GateBytes = footprints(mine[2:4]...)
	b := newNode(t, cfg, 8)
	out := b.cycle(batch(mine[2:6]...))
	if got := of[replica.Dropped](out.Events); len(got) != 2 || got[0] != (replica.Dropped{Dot: mine[4].Dot, Reason: replica.GateFull}) {
		t.Fatalf("dropped %+v, want the last two", got)
	}
	out = b.cycle(replica.Received{From: "c", Message: &replica.Batch{Ops: theirs[1:3]}})
	if got := of[replica.Buffered](out.Events); len(got) != 2 {
		t.Errorf("another peer's ops do not wait: %+v", out.Events)
	}
	if load := b.core.Load(); load.GateOps != 4 || load.GateBytes != footprints(mine[2:4]...)+footprints(theirs[1:3]...) {
		t.Errorf("the gate holds %+v", load)
	}
	b.cycle(batch(mine...))
	if at := b.core.State().Frontier.At(7); at != 6 {
		t.Errorf("applied up to %d, want 6", at)
	}
	if load := b.core.Load(); load.GateBytes != footprints(theirs[1:3]...) {
		t.Errorf("the gate holds %+v", load)
	}
}

// An op larger than the gate waits there all the same, as the one that fills it; what it
// takes beyond is credited at once, so that what it waits for can be sent, and the rest
// when it is applied.
func TestAnOpLargerThanTheGateWaits(t *testing.T) {
	all := line(t, 3)
	all[1].Value = make([]byte, 5000)
	cfg := config("b", "a")
	cfg.GateBytes = 1000
	b := newNode(t, cfg, 8)
	given := func(out replica.Output) (n int) {
		for _, c := range out.Credits {
			n += c.Bytes
		}
		return n
	}
	out := b.cycle(batch(all[1]))
	if held := of[replica.Buffered](out.Events); len(held) != 1 || given(out) != footprints(all[1])-1000 {
		t.Errorf("an op of %d: %+v, credit of %d", footprints(all[1]), out.Events, given(out))
	}
	out = b.cycle(batch(all[2]))
	if dropped := of[replica.Dropped](out.Events); len(dropped) != 1 || given(out) != footprints(all[2]) {
		t.Errorf("beyond it: %+v, credit of %d", out.Events, given(out))
	}
	out = b.cycle(batch(all[0]))
	if at := b.core.State().Frontier.At(7); at != 2 || given(out) != footprints(all[0])+1000 || b.core.Load().GateBytes != 0 {
		t.Errorf("applied up to %d, credit of %d, %+v held", at, given(out), b.core.Load())
	}
}

// A peer gets credit back for what was applied or let go, and not for what waits.
func TestCreditComesWithApplying(t *testing.T) {
	all := line(t, 4)
	b := newNode(t, config("b", "a"), 8)
	given := func(in ...replica.Input) (n int) {
		for _, c := range b.cycle(in...).Credits {
			if c.Peer != "a" {
				t.Errorf("credit for %s", c.Peer)
			}
			n += c.Bytes
		}
		return n
	}
	for what, step := range map[string]struct{ got, want int }{
		"1 waits":             {given(batch(all[1])), 0},
		"2 fill the gap":      {given(batch(all[0], all[2])), footprints(all[:3]...)},
		"3 are there already": {given(batch(all[:3]...)), footprints(all[:3]...)},
		"4 and 4 again":       {given(batch(all[3], all[3])), footprints(all[3:]...) * 2},
	} {
		if step.got != step.want {
			t.Errorf("%s: credit of %d, want %d", what, step.got, step.want)
		}
	}
}

// Whatever is lost, doubled and held up: what a leader has taken from its peers it
// has given credit for, except for what waits at its gate; and no stamp is above the
// number of ops it can have been counted up by.
func TestCreditAndStampsInAnyHistory(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		w := newWorld(t, rapid.Uint64().Draw(t, "seed"), rapid.IntRange(2, 4).Draw(t, "leaders"), func(c *replica.Config) {
			c.Policy.Default = resolve.Siblings
			c.WindowOps, c.BatchOps, c.GateOps, c.GateBytes = 8, 3, 3, 1500
		})
		w.loss = rapid.Float64Range(0, 0.3).Draw(t, "loss")
		w.twice = rapid.Float64Range(0, 0.3).Draw(t, "twice")
		w.jitter = 100 * time.Millisecond
		for i := range rapid.IntRange(1, 30).Draw(t, "writes") {
			w.feed(rapid.SampledFrom(w.names).Draw(t, "leader"), randomWrite(t, i))
			w.run(time.Duration(rapid.IntRange(0, 200).Draw(t, "pause"))*time.Millisecond, nil)
		}
		w.mustConverge(10 * time.Minute)
		for name, n := range w.nodes {
			if n.taken != n.given+n.core.Load().GateBytes {
				t.Fatalf("%s was sent %d bytes, gave credit of %d, and holds %d", name, n.taken, n.given, n.core.Load().GateBytes)
			}
			for d, op := range n.store.Log {
				most := uint64(1)
				for dep := range op.Deps.All() {
					most += uint64(dep.Seq)
				}
				if uint64(op.Lamport) > most {
					t.Fatalf("%s: op %s has stamp %d and %d ops before it", name, d, op.Lamport, most-1)
				}
			}
		}
		if got := of[replica.LamportAhead](w.events); len(got) > 0 {
			t.Fatalf("honest stamps were refused: %+v", got)
		}
	})
}

func TestWaitingIsBoundedInBytes(t *testing.T) {
	cfg := config("n1")
	cfg.WaitBytes = 3000
	n := newNode(t, cfg, 7)
	wait := func(bytes int) *replica.Request {
		q := set("x", strings.Repeat("v", bytes))
		q.Token.Frontier = logical.FrontierOf(logical.Dot{Origin: 3, Seq: 1})
		return q
	}
	if out := n.cycle(wait(9000)); len(out.Replies) != 0 {
		t.Errorf("one alone always may wait: %+v", out.Replies)
	}
	out := n.cycle(wait(1))
	if len(out.Replies) != 1 || !errors.Is(out.Replies[0].Err, replica.ErrOverloaded) {
		t.Errorf("beside it: %+v", out.Replies)
	}
	n.now = n.now.Add(time.Minute)
	n.cycle(replica.Tick{})
	if load := n.core.Load(); load.WaitBytes != 0 {
		t.Errorf("nobody waits, and %+v", load)
	}
	out = n.cycle(wait(1000), wait(1000), wait(1000))
	if len(out.Replies) != 1 || !errors.Is(out.Replies[0].Err, replica.ErrOverloaded) || n.core.Load().WaitBytes < 2000 {
		t.Errorf("three of a thousand bytes: %+v, %+v", out.Replies, n.core.Load())
	}
}

// A stamp that nobody can have counted up to is not taken over, from whichever side
// it comes; its op is applied, and leaves no hole.
func TestImpossibleStampWearsNothingOut(t *testing.T) {
	all := line(t, 3)
	all[1].Lamport = math.MaxUint64
	b := newNode(t, config("b", "a", "c"), 8)
	out := b.cycle(batch(all...))
	got := of[replica.LamportAhead](out.Events)
	if len(got) != 1 || got[0].Dot != all[1].Dot || got[0].Stamp != math.MaxUint64 {
		t.Fatalf("events %+v", out.Events)
	}
	if st := b.core.State(); st.Frontier.At(7) != 3 || st.Lamport != 3 {
		t.Errorf("applied up to %s, Lamport %d", st.Frontier, st.Lamport)
	}
	q := set("y", "1")
	q.Token.Lamport = 1 << 61
	out = b.cycle(q)
	if rep := out.Replies[0]; rep.Err != nil || rep.Token.Lamport != 4 {
		t.Errorf("with a forged token: %+v", rep)
	}
	if got := of[replica.LamportAhead](out.Events); len(got) != 1 || !got[0].Dot.IsZero() {
		t.Errorf("events %+v", out.Events)
	}
}

// A counter that an older version let be worn out goes on from where it can be.
func TestWornCounterGoesBackAtTheStart(t *testing.T) {
	n := newNode(t, config("n1"), 7)
	n.ask(set("x", "1"))
	st := n.core.State()
	st.Lamport = math.MaxUint64
	n.begin(config("n1"), st)
	first, second := n.ask(set("x", "2")), n.ask(set("x", "3"))
	if first.Token.Lamport > 1<<33 || second.Token.Lamport != first.Token.Lamport+1 {
		t.Errorf("stamps %d and %d", first.Token.Lamport, second.Token.Lamport)
	}
}
