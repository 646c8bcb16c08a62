package node

import (
	"testing"
	"time"

	"kvd/replica"
	"kvd/replica/replicatest"
	"kvd/resolve"
	"kvd/wallclock"
)

// A leader that starts with a wrong clock, before the others whom it knows can be
// reached, deletes nothing that its clock alone says has ended.
func TestAWrongClockAtTheStartEndsNothing(t *testing.T) {
	first := cluster(t, 1, everybody(resolve.LWW), nil)[0]
	cfg := first.cfg
	cfg.Name, cfg.FS, cfg.Dir, cfg.Join = "n2", nil, t.TempDir(), []string{first.Addrs().Gossip}
	n := newNode(t, start(t, cfg))
	replicatest.Eventually(t, "n2 serves", n.Serving)
	n.ask("SET", "y", "v", "EX", "3600")
	settle(t, []*node{first, n})
	for _, l := range []*node{n, first} {
		if err := l.Stop(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	cfg.Clock = wallclock.Faults{Offset: 24 * time.Hour}
	n = newNode(t, start(t, cfg))
	n.loop.Notify(replica.Sweep{Keys: []string{"y"}})
	n.set("z", "1")
	if own := n.loop.Frontier().At(n.origin); own != 1 {
		t.Errorf("it has accepted %d ops, one of them a client's", own)
	}
}
