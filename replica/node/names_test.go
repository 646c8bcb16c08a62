package node

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"kvd/logical"
	"kvd/replica/node/internal/identity"
	"kvd/replica/replicatest"
	"kvd/resolve"
)

// A write of an earlier origin is told by the name of its leader: by that leader,
// which knows its own origins whatever happened to the file, and by one that has
// been away since.
func TestEarlierOriginsHaveNames(t *testing.T) {
	var cfgs [2]Config
	all := cluster(t, 2, everybody(resolve.LWW), func(i int, c *Config) {
		c.FS, c.Dir, c.Addrs.Gossip = nil, t.TempDir(), freeAddr(t)
		cfgs[i] = *c
	})
	old := all[1].set("x", "1")
	settle(t, all)
	if err := os.Remove(filepath.Join(cfgs[1].Dir, "origins.json")); err != nil {
		t.Fatal(err)
	}
	for _, i := range []int{1, 0} {
		if err := all[i].Stop(context.Background()); err != nil {
			t.Fatal(err)
		}
		if err := os.Remove(filepath.Join(cfgs[i].Dir, identity.MarkFile)); err != nil { // no clean stop: a new origin begins
			t.Fatal(err)
		}
		cfgs[i].Join = []string{cfgs[1-i].Addrs.Gossip}
		all[i] = newNode(t, start(t, cfgs[i]))
		replicatest.Eventually(t, "they meet again", func() bool { return all[0].Met() == 1 && all[1].Met() == 1 })
	}
	if d, _ := logical.ParseDot(old); d.Origin == all[1].origin {
		t.Fatal("the same origin is resumed, which shows nothing")
	}
	for _, n := range all {
		if said := fmt.Sprint(n.tell("KVD.FATE", old)["text"]); !strings.Contains(said, "from a client at n2 ") {
			t.Errorf("%s says %s", n.Name(), said)
		}
	}
}
