package node

import (
	"errors"
	"os"
	"path/filepath"
	"testing"

	"kvd/replica/node/internal/stability"
	"kvd/replica/replicatest"
	"kvd/resolve"
)

// installed waits until a leader has fetched a state, and starts it again as whoever runs it
// does.
func installed(t *testing.T, n *node) *node {
	t.Helper()
	var err error
	replicatest.Eventually(t, n.Name()+" has fetched a state", func() bool {
		select {
		case err = <-n.Broken():
		default:
		}
		return err != nil
	})
	if !errors.Is(err, ErrInstall) {
		t.Fatal(err)
	}
	cfg := n.Again()
	if err := n.Stop(t.Context()); err != nil {
		t.Fatal(err)
	}
	again := newNode(t, start(t, cfg))
	replicatest.Eventually(t, n.Name()+" serves", again.Serving)
	for _, left := range []string{"store.fetching", "store.fetched", "store.replaced", "transfer.json"} {
		if _, err := os.Lstat(filepath.Join(cfg.Dir, left)); !os.IsNotExist(err) {
			t.Errorf("%s is left: %v", left, err)
		}
	}
	return again
}

// A newcomer that needs what is in no log any more gets the state of the other, and then what
// that accepted meanwhile.
func TestANewcomerGetsTheStateWhereTheLogIsGone(t *testing.T) {
	all := cluster(t, 1, everybody(resolve.Causal), short)
	all[0].ask("INCRBY", "total", 41)
	all[0].overwrite(4)
	replicatest.Eventually(t, "the log is short", func() bool { return all[0].log().Size() < 2*mib })
	cfg := all[0].cfg
	cfg.Name, cfg.FS, cfg.Dir, cfg.StateDir, cfg.Join = "n2", nil, t.TempDir(), t.TempDir(), []string{all[0].Addrs().Gossip}
	n := newNode(t, start(t, cfg))
	if n.Serving() {
		t.Error("n2 serves, and lacks what n1 has")
	}
	all[0].ask("SET", "meanwhile", "1")
	n = installed(t, n)
	all = append(all, n)
	all[0].ask("SET", "later", "2")
	n.ask("INCR", "total")
	settle(t, all)
	for key, want := range map[string]any{"meanwhile": "1", "later": "2", "total": "42"} {
		for _, n := range all {
			if r := n.ask("GET", key); r != want {
				t.Errorf("%s: %s is %v, want %v", n.Name(), key, r, want)
			}
		}
	}
	if o, _ := n.Origin(); o == all[0].origin {
		t.Error("n2 goes on under the origin of n1")
	}
}

// A leader that is away until the others keep no op of that time, because what they keep for
// it has a bound, comes back with all that it alone had acknowledged; what was deleted stays so, counters are
// right, and what is asked again under one request stays one write.
func TestALeaderThatWasAwayForTooLong(t *testing.T) {
	n1, n2, cfg := pair(t)
	for _, key := range []string{"deleted here", "deleted there"} {
		n1.ask("SET", key, "1")
	}
	n1.ask("INCRBY", "c:total", 5)
	settle(t, []*node{n1, n2})

	cut(n1, n2)
	n2.ask("SET", "alone", "n2")
	n2.ask("DEL", "deleted here")
	n2.ask("INCRBY", "c:total", 10)
	alone := n2.set("asked", "n2", "REQUEST", 8, 1)
	if err := n2.Stop(t.Context()); err != nil {
		t.Fatal(err)
	}
	n1.ask("DEL", "deleted there")
	n1.ask("INCRBY", "c:total", 100)
	outpace(t, n1)
	kept := n1.set("asked", "n1", "REQUEST", 7, 1)

	n2 = installed(t, newNode(t, start(t, cfg)))
	both := []*node{n1, n2}
	settle(t, both)
	for _, n := range both {
		for key, want := range map[string]any{"alone": "n2", "deleted here": nil, "deleted there": nil, "c:total": "115"} {
			if r := n.ask("GET", key); r != want {
				t.Errorf("%s: %q is %v, want %v", n.Name(), key, r, want)
			}
		}
		if a, b := n.set("asked", "n1", "REQUEST", 7, 1), n.set("asked", "n2", "REQUEST", 8, 1); a != kept || b != alone {
			t.Errorf("%s: the requests were %s and %s, and are %s and %s", n.Name(), kept, alone, a, b)
		}
	}
	settle(t, both)
	a, err := n1.store.Digest()
	b, failed := n2.store.Digest()
	if err != nil || failed != nil || a != b {
		t.Errorf("they hold different objects, %v, %v", err, failed)
	}
}

// pair is two leaders on disk that keep little of the log, and how the second is started
// again.
func pair(t *testing.T) (n1, n2 *node, second Config) {
	t.Helper()
	p := everybody(resolve.Causal)
	p.Rules = []resolve.Rule{{Prefix: "c:", Resolver: resolve.Counter}}
	both := cluster(t, 2, p, func(i int, c *Config) {
		c.FS, c.Dir, c.StateDir, c.Storage.History = nil, t.TempDir(), t.TempDir(), stability.History{Bytes: 1, Pinned: 2 * mib}
		second = *c
	})
	return both[0], both[1], second
}

// cut cuts the links of two leaders.
func cut(n1, n2 *node) {
	n1.ask("KVD.FAULT", "LINK", n2.Name(), "cut=on")
	n2.ask("KVD.FAULT", "LINK", n1.Name(), "cut=on")
}

// outpace makes a leader go on until its log does not keep what the other one lacks, which has
// stopped.
func outpace(t *testing.T, n1 *node) {
	t.Helper()
	replicatest.Eventually(t, "n2 is gone", func() bool { return n1.Met() == 0 })
	n1.overwrite(6)
	replicatest.Eventually(t, "the log is short", func() bool { return n1.log().Size() < 4*mib })
	replicatest.Eventually(t, "n1 says that n2 is outpaced", func() bool {
		p := source{n1.Leader}.Status().Peers
		return len(p) == 1 && p[0].Outpaced
	})
	n1.ask("KVD.FAULT", "CLEAR")
}
