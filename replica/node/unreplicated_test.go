package node

import (
	"context"
	"fmt"
	"slices"
	"testing"

	"kvd/logical"
	"kvd/replica"
	"kvd/replica/node/internal/answers"
	"kvd/replica/replicatest"
	"kvd/resolve"
)

// What others have is unreplicated as far as nobody who can be reached has it too.
func TestStretchesOfUnreplicatedWrites(t *testing.T) {
	at := func(dots ...logical.Dot) logical.Frontier { return logical.FrontierOf(dots...) }
	f := at(dotOf(1, 10), dotOf(2, 5))
	peers := []replica.PeerView{
		{Peer: "b", Known: at(dotOf(1, 12), dotOf(2, 5), dotOf(3, 2))},
		{Peer: "a", Known: at(dotOf(1, 14), dotOf(2, 9))},
		{Peer: "c", Known: at(dotOf(1, 11), dotOf(2, 7))},
	}
	for _, c := range []struct {
		reached []string
		want    string
	}{
		{[]string{"a", "b", "c"}, ""},
		{[]string{"b", "c"}, "1:13-14[a] 2:8-9[a] "},
		{[]string{"c"}, "1:12-14[a b] 2:8-9[a] 3:1-2[b] "},
		{nil, "1:11-14[a b c] 2:6-9[a c] 3:1-2[b] "},
	} {
		got, ops := "", 0
		for _, s := range answers.Stretches(f, peers, func(name string) bool { return slices.Contains(c.reached, name) }) {
			got += fmt.Sprintf("%d:%d-%d%v ", uint64(s.Origin), s.From, s.To, s.Holders)
			ops += s.Ops()
		}
		if got != c.want {
			t.Errorf("with %v in reach: %q, want %q", c.reached, got, c.want)
		}
		if c.reached == nil && ops != 10 {
			t.Errorf("%d ops", ops)
		}
	}
}

// A write that was acknowledged by a leader which then went away, before anybody
// else had it, is unreplicated there and told so.
func TestAnUnreplicatedWriteIsToldOf(t *testing.T) {
	all := cluster(t, 2, everybody(resolve.LWW), nil)
	n1, n2 := all[0], all[1]
	n1.set("x", "1")
	settle(t, all)
	n1.ask("KVD.FAULT", "LINK", "n2", "cut=on")
	dot := n1.set("x", "2")
	if f := n2.tell("KVD.FATE", dot); f["known"] != "ahead" {
		t.Errorf("while n1 can be reached: %v", f)
	}
	if err := n1.Stop(context.Background()); err != nil {
		t.Fatal(err)
	}
	replicatest.Eventually(t, "n1 is gone", func() bool { return n2.tell("KVD.FATE", dot)["known"] == "unreplicated" })
	n2.refused("UNKNOWN", "ask the leader that accepted it", "KVD.RESTORE", dot)
	if f := n2.tell("KVD.FATE", dotOf(77, 1).String()); f["known"] != "unknown-origin" {
		t.Errorf("of an origin nobody has heard of: %v", f)
	}
}
