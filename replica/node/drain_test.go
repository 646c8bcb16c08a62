package node

import (
	"context"
	"errors"
	"strings"
	"testing"

	"kvd/replica/replicatest"
	"kvd/resolve"
)

func (n *node) drains() answer { n.t.Helper(); return n.tell("KVD.DRAIN") }

// A leader that drains refuses writes and reads on, and is safe to stop when another has
// all that it acknowledged. It takes writes again when it is told so.
func TestADrainedLeaderIsSafeToStop(t *testing.T) {
	all := cluster(t, 2, everybody(resolve.Causal), nil)
	n1, n2 := all[0], all[1]
	n2.refused("NOTDRAINED", "KVD.DRAIN first", "KVD.LEAVE")
	for _, n := range all {
		n.ask("KVD.FAULT", "LINK", map[string]string{"n1": "n2", "n2": "n1"}[n.Name()], "cut=on")
	}
	n2.set("x", "1")
	if d := n2.drains(); d["safe"] != int64(0) {
		t.Errorf("nobody else has the write, and it says %v", d)
	}
	replicatest.Eventually(t, "n2 refuses writes", func() bool { return n2.drains()["drained"] == int64(1) })
	n2.refused("READONLY", "told to drain", "SET", "x", "2")
	n2.refused("NOTDRAINED", "1 of the writes", "KVD.LEAVE")
	if v := n2.ask("GET", "x"); v != "1" {
		t.Errorf("it reads %v", v)
	}
	if s := n2.status(); s.State != "read-only" || s.UnsharedOps != 1 {
		t.Errorf("its status is %+v", s)
	}
	for _, n := range all {
		n.ask("KVD.FAULT", "LINK", map[string]string{"n1": "n2", "n2": "n1"}[n.Name()], "cut=off")
	}
	replicatest.Eventually(t, "n2 is safe to stop", func() bool { d := n2.drains(); return d["safe"] == int64(1) && d["unshared_ops"] == int64(0) })
	n2.ask("KVD.DRAIN", "LIFT")
	replicatest.Eventually(t, "n2 takes writes again", func() bool { return n2.client.Set(context.Background(), "x", "3", 0).Err() == nil })
	settle(t, all)
	n1.refused("ERR", "without a configuration", "KVD.RELOAD")
}

// A leader that leaves is listed by nobody, whoever starts again, and its data is not taken
// again. The last leader does not leave.
func TestALeaderLeavesForGood(t *testing.T) {
	ctx := context.Background()
	all, configs := onDisk(t, 3)
	n1, n2, n3 := all[0], all[1], all[2]
	n3.set("x", "1")
	replicatest.Eventually(t, "n3 is safe to stop", func() bool { return n3.drains()["safe"] == int64(1) })
	n3.ask("KVD.LEAVE")
	if err := <-n3.Broken(); !errors.Is(err, ErrLeave) {
		t.Fatalf("it cannot go on because of %v", err)
	}
	if err := n3.Stop(ctx); err != nil {
		t.Fatal(err)
	}
	for _, n := range []*node{n1, n2} {
		n.lists([]string{"n1", "n2"}, []string{"n3"})
	}
	if _, err := Start(ctx, configs[2]); err == nil || !strings.Contains(err.Error(), "left cluster") {
		t.Errorf("its data is taken again: %v", err)
	}
	if err := n2.Stop(ctx); err != nil {
		t.Fatal(err)
	}
	configs[1].Join = []string{n1.Addrs().Gossip}
	n2 = newNode(t, start(t, configs[1]))
	n2.lists([]string{"n1", "n2"}, []string{"n3"})
	if err := n2.Stop(ctx); err != nil {
		t.Fatal(err)
	}
	replicatest.Eventually(t, "n1 sees that n2 is gone", func() bool { return n1.Met() == 0 })
	n1.ask("KVD.FORGET", "n2")
	replicatest.Eventually(t, "n1 drains", func() bool { return n1.drains()["drained"] == int64(1) })
	n1.refused("ALONE", "the only leader", "KVD.LEAVE")
}
