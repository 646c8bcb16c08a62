package node

import (
	"testing"

	"kvd/replica/replicatest"
	"kvd/resolve"
)

// again starts every leader once more, at the same addresses and under that policy.
func again(t *testing.T, all []*node, p resolve.Policy) (next []*node) {
	t.Helper()
	for _, n := range all {
		if err := n.Stop(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	for _, n := range all {
		cfg := n.Again()
		cfg.Policy = p
		next = append(next, newNode(t, start(t, cfg)))
	}
	replicatest.Eventually(t, "all leaders meet and serve", func() bool {
		for _, n := range next {
			if n.Met() != len(all)-1 || !n.Serving() {
				return false
			}
		}
		return true
	})
	return next
}

// same waits until all leaders hold the same objects.
func same(t *testing.T, all []*node) {
	t.Helper()
	settle(t, all)
	replicatest.Eventually(t, "all leaders hold the same", func() bool {
		want, err := all[0].store.Digest()
		for _, n := range all[1:] {
			got, failed := n.store.Digest()
			if err != nil || failed != nil || got != want {
				return false
			}
		}
		return true
	})
}

// TestAnotherPolicyWithoutTheWholeLog: leaders start under another policy, two of which keep
// next to nothing of their logs. What was shown is shown, numbers in both directions, they come to
// hold the same, and it goes on from there.
func TestAnotherPolicyWithoutTheWholeLog(t *testing.T) {
	rules := func(id resolve.ID, c, n, s resolve.ID) resolve.Policy {
		return resolve.Policy{Default: id, Rules: []resolve.Rule{{Prefix: "c:", Resolver: c}, {Prefix: "n:", Resolver: n}, {Prefix: "s:", Resolver: s}}}
	}
	before := rules(resolve.LWW, resolve.Counter, resolve.HLC, resolve.Siblings)
	all := cluster(t, 3, before, func(i int, c *Config) {
		if i < 2 { // n3 keeps all of its log
			short(i, c)
		}
		c.FS, c.Dir, c.StateDir = nil, t.TempDir(), t.TempDir()
	})
	all[0].ask("SET", "n:1", "41")
	all[1].ask("SET", "s:1", "seen")
	all[2].ask("SET", "old", "1")
	blind := all[0].tell("KVD.GET", "d")["token"]
	all[0].set("d", "a", "TOKEN", blind)
	all[0].set("d", "b", "TOKEN", blind)
	for i, n := range all {
		n.ask("INCRBY", "c:1", i+1)
	}
	settle(t, all)
	all[0].overwrite(4)
	settle(t, all)
	for _, n := range all[:2] {
		replicatest.Eventually(t, "a part of the log is gone", func() bool { return n.log().Removed().Len() > 0 })
	}
	for i, n := range all {
		n.ask("INCRBY", "c:1", 10*(i+1))
	}
	settle(t, all)

	shows := func(what string, keys map[string]string) {
		t.Helper()
		for _, n := range all {
			for key, want := range keys {
				if got := n.ask("GET", key); got != want {
					t.Errorf("%s: %s shows %s as %v, want %s", what, n.Name(), key, got, want)
				}
			}
		}
	}
	shows("before", map[string]string{"c:1": "66", "n:1": "41", "s:1": "seen", "old": "1"})
	all = again(t, all, rules(resolve.Siblings, resolve.LWW, resolve.Counter, resolve.Causal))
	same(t, all)
	for _, n := range all { // of which n3 alone had both
		replicatest.Eventually(t, n.Name()+" shows both siblings", func() bool { return len(n.tell("KVD.GET", "d")["values"].([]any)) == 2 })
	}
	shows("after", map[string]string{"c:1": "66", "n:1": "41", "s:1": "seen", "old": "1"})
	for _, n := range all {
		n.ask("INCRBY", "n:1", 1)
	}
	settle(t, all)
	shows("counted on", map[string]string{"n:1": "44"})
	all = again(t, all, rules(resolve.Interval, resolve.Siblings, resolve.Siblings, resolve.LWW))
	same(t, all)
	shows("once more", map[string]string{"c:1": "66", "n:1": "44", "s:1": "seen", "old": "1"})
}
