package replica_test

import (
	"errors"
	"testing"
	"time"

	"kvd/logical"
	"kvd/replica"
)

func TestTokenWaitsUntilTheLeaderHasApplied(t *testing.T) {
	a, b := newNode(t, config("a", "b"), 7), newNode(t, config("b", "a"), 8)
	wrote := a.cycle(replica.PeerUp{Peer: "b"}, set("x", "1"))
	q := get("x")
	q.ID, q.Token = 5, wrote.Replies[0].Token

	out := b.cycle(q)
	if len(out.Replies) != 0 {
		t.Fatalf("answered before the write arrived: %+v", out.Replies)
	}
	if want := b.now.Add(time.Second); out.Wake != want {
		t.Errorf("wakes at %d, want the end of the wait %d", out.Wake, want)
	}
	out = b.cycle(replica.Received{From: "a", Message: &replica.Batch{Ops: ops(wrote.Sends)}})
	if len(out.Replies) != 1 || out.Replies[0].ID != 5 || string(out.Replies[0].Shown.Values[0]) != "1" {
		t.Fatalf("answered %+v", out.Replies)
	}
}

func TestShownDotsAreWaitedForToo(t *testing.T) {
	n := newNode(t, config("n1"), 7)
	out := n.cycle(&replica.Request{Verb: replica.Set, Key: "x", Exact: true, Shown: []logical.Dot{{Origin: 3, Seq: 1}}})
	if len(out.Replies) != 0 {
		t.Fatalf("a write over an unknown dot was answered %+v", out.Replies)
	}
}

func TestBehindIsSaidAfterTheWait(t *testing.T) {
	n := newNode(t, config("n1"), 7)
	q := get("x")
	q.Token.Frontier = logical.FrontierOf(logical.Dot{Origin: 3, Seq: 1})
	n.cycle(q)
	n.now = n.now.Add(time.Second - 1)
	if out := n.cycle(replica.Tick{}); len(out.Replies) != 0 {
		t.Fatalf("gave up early: %+v", out.Replies)
	}
	n.now++
	out := n.cycle(replica.Tick{})
	if len(out.Replies) != 1 || !errors.Is(out.Replies[0].Err, replica.ErrBehind) {
		t.Fatalf("after the wait: %+v", out.Replies)
	}
	if got := of[replica.TokenWaited](out.Events); len(got) != 1 || !got[0].GaveUp {
		t.Errorf("events: %+v", got)
	}
	if out.Wake != replica.Never {
		t.Errorf("nothing is due, but it wakes at %d", out.Wake)
	}
}

func TestWaitingIsBounded(t *testing.T) {
	cfg := config("n1")
	cfg.WaitingReqs = 2
	n := newNode(t, cfg, 7)
	var last replica.Output
	for range 3 {
		q := get("x")
		q.Token.Frontier = logical.FrontierOf(logical.Dot{Origin: 3, Seq: 1})
		last = n.cycle(q)
	}
	if len(last.Replies) != 1 || !errors.Is(last.Replies[0].Err, replica.ErrOverloaded) {
		t.Errorf("the third is answered %+v", last.Replies)
	}
}

// A client that reads at A and writes at B, whose clock is behind, must not
// write below what it read.
func TestTokenCarriesClocks(t *testing.T) {
	a, b := newNode(t, config("a", "b"), 7), newNode(t, config("b", "a"), 8)
	b.skew = -200 * time.Millisecond
	for range 5 {
		a.ask(set("y", "1"))
	}
	tok := a.ask(get("y")).Token
	tok.Frontier = logical.Frontier{} // the clocks alone
	q := set("x", "1")
	q.Token = tok
	rep := b.ask(q)
	if rep.Token.Lamport <= tok.Lamport || rep.Token.HLC.Compare(tok.HLC) <= 0 {
		t.Errorf("stamped %d, %s; the client had seen %d, %s", rep.Token.Lamport, rep.Token.HLC, tok.Lamport, tok.HLC)
	}
}

func TestTokenFarAheadIsNotAbsorbed(t *testing.T) {
	n := newNode(t, config("n1"), 7)
	q := set("x", "1")
	q.Token.HLC.Wall = int64(epoch.Add(time.Hour))
	q.Token.Lamport = 100
	out := n.cycle(q)
	got := of[replica.ClockAhead](out.Events)
	if len(got) != 1 || got[0].Ahead != time.Hour || !got[0].Dot.IsZero() {
		t.Fatalf("events: %+v", got)
	}
	if tok := out.Replies[0].Token; tok.HLC.Wall != int64(epoch) || tok.Lamport != 101 {
		t.Errorf("stamped %s, %d; want the own clock and a Lamport stamp above 100", tok.HLC, tok.Lamport)
	}
}

func TestReadsChangeNothing(t *testing.T) {
	n := newNode(t, config("n1"), 7)
	q := get("x")
	q.Token.Lamport = 100
	if out := n.cycle(q); len(out.Puts) != 0 || n.core.State().Lamport != 0 {
		t.Errorf("a read put %v and left stamp %d", out.Puts, n.core.State().Lamport)
	}
}
