package node

import (
	"context"
	"strings"
	"testing"

	"kvd/replica"
	"kvd/replica/replicatest"
	"kvd/resolve"
)

// TestALeaderThatRefusesWritesSaysSo: at every door.
func TestALeaderThatRefusesWritesSaysSo(t *testing.T) {
	n := cluster(t, 1, everybody(resolve.Causal), nil)[0]
	n.ask("SET", "x", "a")
	n.loop.RefuseWrites(replica.Refusal{Cause: "trial", Detail: "it is tried out; wait"})
	replicatest.Eventually(t, "writes are refused", func() bool { return len(n.refusals()) == 1 })

	err := n.client.Set(context.Background(), "x", "b", 0).Err()
	if err == nil || !strings.HasPrefix(err.Error(), "READONLY ") || !strings.Contains(err.Error(), "it is tried out; wait") {
		t.Errorf("a write is answered %v", err)
	}
	if got := n.ask("GET", "x"); got != "a" {
		t.Errorf("a read is answered %v", got)
	}
	s := source{n.Leader}
	if why := s.Ready(); len(why) != 1 || why[0].Cause != "trial" || !strings.Contains(why[0].Detail, "it is tried out; wait") {
		t.Errorf("not ready because of %v", why)
	}
	if why := s.Status().RefusesWrites; len(why) != 1 || why[0].Cause != "trial" {
		t.Errorf("status says %v", why)
	}
	if info := n.ask("INFO", "kvd").(string); !strings.Contains(info, "refuses_writes:trial\r\n") {
		t.Errorf("INFO says %q", info)
	}
	n.loop.AllowWrites("trial")
	replicatest.Eventually(t, "writes are taken", func() bool { return n.client.Set(context.Background(), "x", "b", 0).Err() == nil })
	if why := s.Ready(); len(why) > 0 {
		t.Errorf("still not ready because of %v", why)
	}
}

// TestAnOriginThatIsNobodyElsesStays: a new one takes a place in every frontier, for
// ever, so no client may ask for one without need.
func TestAnOriginThatIsNobodyElsesStays(t *testing.T) {
	n := cluster(t, 1, everybody(resolve.Causal), func(_ int, c *Config) { c.Renewable = true })[0]
	n.ask("SET", "x", "a")
	if err := n.client.Do(context.Background(), "KVD.NEWORIGIN").Err(); err == nil || !strings.Contains(err.Error(), "nobody else is known to have origin") {
		t.Errorf("KVD.NEWORIGIN is answered %v", err)
	}
	if got := n.ask("GET", "x"); got != "a" {
		t.Errorf("a read is answered %v", got)
	}
}
