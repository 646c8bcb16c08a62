package node

import (
	"context"
	"fmt"
	"strings"
	"testing"

	"kvd/replica/replicatest"
	"kvd/resolve"
	"kvd/resolve/limits"
)

// Where the way between two leaders is cut, the third brings one's large values to
// the other, whose gate is full of what depends on them: what waits there takes
// credit, and never so much that what it waits for could not be sent.
func TestLargeValuesFindTheirWayRoundACut(t *testing.T) {
	all := cluster(t, 3, resolve.Policy{Default: resolve.Causal}, nil)
	n1, n2, n3 := all[0], all[1], all[2]
	n2.ask("KVD.FAULT", "LINK", "n3", "cut=on")
	n3.ask("KVD.FAULT", "LINK", "n2", "cut=on")
	value := strings.Repeat("v", limits.Gate*3/5) // two find room at a gate
	for i := range 2 {
		n2.set(fmt.Sprint("far", i), value)
	}
	replicatest.Eventually(t, "n1 has what n2 wrote", func() bool { return n1.ask("STRLEN", "far1") == int64(len(value)) })
	for i := range 4 {
		n1.set(fmt.Sprint("near", i), value)
	}
	n1.set("last", "1")
	for _, n := range all {
		replicatest.Eventually(t, n.Name()+" has all of it", func() bool {
			got, err := n.client.Exists(context.Background(), "far0", "far1", "near0", "near1", "near2", "near3", "last").Result()
			return err == nil && got == 7
		})
	}
	replicatest.Eventually(t, "nothing is held any more", func() bool { return n3.loop.Status().Load.GateBytes == 0 })
}
