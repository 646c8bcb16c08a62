package node

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"kvd/replica/console"
	"kvd/replica/replicatest"
	"kvd/resolve"
)

// peer is what a leader's pages say of another.
func (n *node) peer(name string) console.Peer {
	for _, p := range n.Leader.peers() {
		if p.Name == name {
			return p
		}
	}
	return console.Peer{}
}

// Each leader knows how far the others' clocks are from its own, and sees both
// its own steps and theirs.
func TestPeersClocksAreTold(t *testing.T) {
	all := cluster(t, 2, everybody(resolve.LWW), ahead(1, time.Hour))
	sees := func(n *node, of string, want time.Duration) {
		t.Helper()
		replicatest.Eventually(t, fmt.Sprintf("%s sees %s %s ahead", n.Name(), of, want), func() bool {
			c := n.peer(of).Clock
			return c != nil && c.Earliest <= want.Seconds() && want.Seconds() <= c.Latest && c.Latest-c.Earliest < 10
		})
	}
	sees(all[0], "n2", time.Hour)
	sees(all[1], "n1", -time.Hour)
	if info := all[0].ask("INFO", "kvd").(string); !strings.Contains(info, ",clock_earliest_seconds=3") {
		t.Errorf("INFO says %s", info)
	}
	all[0].ask("KVD.FAULT", "CLOCK", "step=1h")
	sees(all[0], "n2", 0)
	all[1].ask("KVD.FAULT", "CLOCK", "step=-2h")
	sees(all[0], "n2", -2*time.Hour)
	sees(all[1], "n1", 2*time.Hour)
}
