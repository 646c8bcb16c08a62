package node

import (
	"testing"

	"kvd/logical"
	"kvd/resolve"
)

// Under commit-wait a write is answered when its leader's clock has surely passed its stamp,
// in a pipeline and in a transaction as well; where the clock knows too little it is refused.
func TestCommitWait(t *testing.T) {
	p := everybody(resolve.LWW)
	p.Rules = []resolve.Rule{{Prefix: "w:", Resolver: resolve.Interval, CommitWait: true}}
	n := cluster(t, 1, p, nil)[0]
	n.ask("KVD.FAULT", "CLOCK", "error=40ms")
	past := func(dot string) {
		t.Helper()
		d, err := logical.ParseDot(dot)
		if err != nil {
			t.Fatal(err)
		}
		op, ok, err := n.store.Op(d)
		if err != nil || !ok {
			t.Fatalf("op %s: %v, %v", dot, ok, err)
		}
		if now := n.clock.Now().Wall; !op.Wall.Before(now) {
			t.Errorf("at %s a write is acknowledged that is stamped %s", now, op.Wall)
		}
	}
	past(n.set("w:a", "1"))
	past(n.tell("KVD.INCR", "w:n", "1")["dot"].(string))
	for key, want := range map[string]any{"w:a": "1", "w:n": "1"} {
		if got := n.ask("GET", key); got != want {
			t.Errorf("%s shows %v", key, got)
		}
	}
	if h := n.scrape()["kvd_commit_wait_seconds"].GetMetric()[0].GetHistogram().GetSampleCount(); h != 2 {
		t.Errorf("%d waits are counted", h)
	}
	n.ask("KVD.FAULT", "CLOCK", "error=10s")
	n.refused("CLOCKWIDE", "nothing was written", "SET", "w:wide", "1")
	if got := n.ask("EXISTS", "w:wide"); got != int64(0) {
		t.Errorf("what is refused is there: %v", got)
	}
	if got := n.ask("SET", "other", "1"); got != "OK" {
		t.Errorf("a key that waits for nothing is answered %v", got)
	}
}
