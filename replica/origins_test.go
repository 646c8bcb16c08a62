package replica_test

import (
	"errors"
	"testing"

	"kvd/logical"
	"kvd/replica"
	"kvd/resolve"
)

// begins is the first op of an origin.
func begins(o logical.Origin) *resolve.Op {
	return &resolve.Op{Key: "k", Kind: resolve.Put, Value: []byte{}, Dot: logical.Dot{Origin: o, Seq: 1}, Lamport: 1}
}

// A leader whose frontier is full serves on: it goes on with the origins it has,
// turns others away and says which, and a peer that hears so does not ship them.
func TestAFullFrontierServesOn(t *testing.T) {
	cfg := config("n1", "b")
	cfg.MaxOrigins = 3
	n := newNode(t, cfg, 7)
	n.ask(set("x", "1"))
	n.cycle(batch(begins(20)), batch(begins(21)))
	out := n.cycle(batch(begins(22)), batch(begins(20)))
	if got := of[replica.Dropped](out.Events); len(got) != 2 || got[0].Reason != replica.TooManyOrigins || got[0].Dot.Origin != 22 {
		t.Errorf("events %+v", out.Events)
	}
	second := begins(20)
	second.Dot.Seq, second.Deps = 2, logical.FrontierOf(logical.Dot{Origin: 20, Seq: 1})
	follows := begins(21)
	follows.Dot.Seq, follows.Deps = 2, logical.FrontierOf(logical.Dot{Origin: 21, Seq: 1}, logical.Dot{Origin: 22, Seq: 1})
	n.cycle(batch(second), batch(follows))
	if f := n.core.State().Frontier; f.At(20) != 2 || f.At(21) != 1 || f.At(22) != 0 || f.Len() != 3 {
		t.Errorf("applied %s", f)
	}
	if rep := n.ask(set("x", "2")); rep.Err != nil {
		t.Errorf("a write under an origin that has its place: %v", rep.Err)
	}
	if r := n.core.Origins(); r.Count != 3 || r.Max != 3 || r.RefusedOps != 2 || len(r.Refused) != 2 || r.Refused[1] != 22 {
		t.Errorf("origins %+v", r)
	}
	n.now += 1 << 40
	for _, s := range n.cycle(replica.PeerUp{Peer: "b"}).Sends {
		if st, ok := s.Message.(*replica.Status); ok && (len(st.Refused) != 2 || st.Refused[1] != 22) {
			t.Errorf("peers are told %v", st.Refused)
		}
	}
}

// A newcomer that finds no place refuses writes when it starts, or when the last
// place is taken, and goes on with all else.
func TestANewcomerWithoutAPlaceTakesNoWrites(t *testing.T) {
	cfg := config("n1", "b")
	cfg.MaxOrigins = 2
	n := newNode(t, cfg, 7)
	n.cycle(batch(begins(20)), batch(begins(21)))
	if rep := n.ask(set("x", "1")); !errors.Is(rep.Err, replica.ErrReadOnly) {
		t.Errorf("a write is answered %v", rep.Err)
	}
	if rep := n.ask(get("k")); rep.Err != nil {
		t.Errorf("a read is answered %v", rep.Err)
	}
	st := n.core.State()
	st.Origin = 8
	n.begin(cfg, st)
	if got := n.core.Refusals(nil); len(got) != 1 || got[0].Cause != replica.OriginsFull {
		t.Errorf("at the next start: %v", got)
	}
}

// A peer that has no room for an origin is not shipped it, and the others' ops reach
// it as ever: what is never acknowledged would keep all else in the window.
func TestWhatFindsNoRoomHoldsNothingUp(t *testing.T) {
	n := pair(t, func(c *replica.Config) { c.WindowOps, c.BatchOps = 4, 4 })
	n.cycle(batch(begins(20)))
	for range 8 {
		n.ask(set("x", "1"))
	}
	told := &replica.Status{Origin: 8, Number: 1, Refused: []logical.Origin{7}}
	n.cycle(replica.Received{From: "b", Message: told})
	for range 20 {
		n.now += 200_000_000
		told = &replica.Status{Origin: 8, Number: told.Number + 1, Refused: told.Refused}
		for _, op := range ops(n.cycle(replica.Received{From: "b", Message: told}).Sends) {
			if op.Dot.Origin == 7 {
				t.Fatalf("%s is shipped to a peer that has no room for it", op.Dot)
			}
			if op.Dot.Origin == 20 {
				return
			}
		}
	}
	t.Error("the other origin's op is never relayed")
}

// What waits at the gate when the last place is taken is turned away as well: it
// would wait for ever, and its peer could send that much less from then on.
func TestWhatWaitsWhenTheFrontierFillsIsTurnedAway(t *testing.T) {
	cfg := config("n1", "a")
	cfg.MaxOrigins = 2
	n := newNode(t, cfg, 7)
	n.ask(set("x", "1"))
	second := begins(21)
	second.Dot.Seq, second.Deps = 2, logical.FrontierOf(logical.Dot{Origin: 21, Seq: 1})
	n.cycle(batch(second))
	out := n.cycle(batch(begins(20)))
	if got := of[replica.Dropped](out.Events); len(got) != 1 || got[0].Dot != second.Dot || got[0].Reason != replica.TooManyOrigins {
		t.Errorf("events %+v", out.Events)
	}
	if l := n.core.Load(); l.GateOps != 0 || l.GateBytes != 0 || n.given != n.taken {
		t.Errorf("%d ops of %d bytes wait, and of %d bytes %d were given back", l.GateOps, l.GateBytes, n.taken, n.given)
	}
}
