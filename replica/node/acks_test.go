package node

import (
	"testing"

	"kvd/logical"
	"kvd/resolve"
)

// A write is answered once as many leaders hold it as its prefix, its connection or its
// command asks for; when they cannot be reached, the answer is that nobody knows, and a
// retry at another leader is the same write.
func TestAcks(t *testing.T) {
	p := everybody(resolve.Counter)
	p.Rules = []resolve.Rule{{Prefix: "two:", Resolver: resolve.LWW, Acks: 2}}
	all := cluster(t, 3, p, nil)
	n1, n2 := all[0], all[1]
	for _, c := range []struct {
		acks  int
		words []any
	}{{2, []any{"KVD.SET", "two:x", "1"}}, {3, []any{"KVD.SET", "x", "1", "ACKS", "3", "0"}}} {
		dot, err := logical.ParseDot(n1.tell(c.words...)["dot"].(string))
		if err != nil {
			t.Fatal(err)
		}
		applied := 0
		for _, n := range all {
			if n.loop.Synced().Covers(dot) {
				applied++
			}
		}
		if applied < c.acks {
			t.Errorf("%v is answered, and %d leaders hold it", c.words, applied)
		}
	}
	n1.refused("NOREPLICAS", "the cluster has 3", "KVD.SET", "x", "1", "ACKS", "4", "0")

	n1.ask("KVD.FAULT", "LINK", "n2", "cut=on")
	n1.ask("KVD.FAULT", "LINK", "n3", "cut=on")
	n1.refused("INDOUBT", "1 of 2 leaders", "KVD.INCR", "n", "5", "REQUEST", "99", "1", "ACKS", "2", "20")
	if r := n2.tell("KVD.INCR", "n", "5", "REQUEST", "99", "1", "ACKS", "2", "0"); r["value"] != "5" {
		t.Errorf("the retry at n2 answers %v", r)
	}
	n1.ask("KVD.FAULT", "LINK", "n2", "cut=off")
	n1.ask("KVD.FAULT", "LINK", "n3", "cut=off")
	settle(t, all)
	for _, n := range all {
		if v := n.ask("GET", "n"); v != "5" {
			t.Errorf("after the retry %s shows %s", n.Name(), v)
		}
	}
	if r := n1.tell("KVD.INCR", "n", "5", "REQUEST", "99", "1", "ACKS", "3", "0"); r["value"] != "5" {
		t.Errorf("once more, it answers %v", r)
	}
}
