package node

import (
	"context"
	"slices"
	"testing"

	"kvd/replica/replicatest"
)

// names is the members that a leader lists, and whom it has forgotten.
func (n *node) names() (members, forgotten []string) {
	n.t.Helper()
	for _, m := range n.ask("KVD.MEMBERS").([]any) {
		members = append(members, m.(map[any]any)["name"].(string))
	}
	for _, m := range n.ask("KVD.FORGOTTEN").([]any) {
		forgotten = append(forgotten, m.(map[any]any)["name"].(string))
	}
	return members, forgotten
}

func (n *node) lists(members, forgotten []string) {
	n.t.Helper()
	replicatest.Eventually(n.t, n.Name()+" lists the members", func() bool {
		m, f := n.names()
		return slices.Equal(m, members) && slices.Equal(f, forgotten)
	})
}

// A dead leader is forgotten by all leaders: by those that are there at once, by one
// that was away when it comes back, and over a restart. When it returns it is known
// again. Where no majority of those that stay is there, nobody is forgotten.
func TestADeadLeaderIsForgottenUntilItReturns(t *testing.T) {
	ctx := context.Background()
	all, configs := onDisk(t, 3)
	n1 := all[0]
	n1.refused("ALIVE n3 is alive", "stop it first", "KVD.FORGET", "n3")
	n1.refused("UNKNOWN", "nobody", "KVD.FORGET", "nobody")
	n1.refused("UNKNOWN", "not forgotten", "KVD.FORGET", "n3", "LIFT")
	n1.refused("ERR", "this leader itself", "KVD.FORGET", "n1")
	for _, n := range all[1:] {
		if err := n.Stop(ctx); err != nil {
			t.Fatal(err)
		}
	}
	n1.set("x", "1")
	three := []string{"n1", "n2", "n3"}
	replicatest.Eventually(t, "n1 sees that the others are gone", func() bool { return n1.Met() == 0 })
	n1.lists(three, nil)
	if n1.unshared() == 0 {
		t.Error("nobody else has the write, and it is not counted")
	}
	n1.refused("NOQUORUM", "n2 must be there", "KVD.FORGET", "n3")
	n1.lists(three, nil)
	n1.ask("KVD.FORGET", "n3", "WITH", "n2")
	n1.ask("KVD.FORGET", "n3") // once more is the same
	n1.lists([]string{"n1"}, []string{"n2", "n3"})

	for i := range configs {
		configs[i].Join = []string{n1.Addrs().Gossip}
	}
	n2 := newNode(t, start(t, configs[1]))
	n2.lists([]string{"n1", "n2"}, []string{"n3"})
	replicatest.Eventually(t, "n2 will not ask n3 at its next start", func() bool {
		n2.mu.Lock()
		defer n2.mu.Unlock()
		_, known := n2.known["n3"]
		return !known
	})
	if err := n2.Stop(ctx); err != nil {
		t.Fatal(err)
	}
	before, _ := n2.Origin()
	n2 = newNode(t, start(t, configs[1]))
	if after, resumed := n2.Origin(); after != before || !resumed {
		t.Error("a leader that is forgotten keeps another from going on with its origin")
	}
	n2.lists([]string{"n1", "n2"}, []string{"n3"})

	n3 := newNode(t, start(t, configs[2])) // without data: there is nothing to put aside
	for _, n := range []*node{n1, n2, n3} {
		n.lists(three, nil)
	}
	settle(t, []*node{n1, n2, n3})
	if err := n3.Stop(ctx); err != nil {
		t.Fatal(err)
	}
	replicatest.Eventually(t, "n2 sees that n3 is gone", func() bool { return n2.Met() == 1 })
	n2.ask("KVD.FORGET", "n3")
	n1.lists([]string{"n1", "n2"}, []string{"n3"})
	n1.ask("KVD.FORGET", "n3", "LIFT")
	replicatest.Eventually(t, "n2 hears that it is expected again", func() bool { _, f := n2.names(); return len(f) == 0 })
}
