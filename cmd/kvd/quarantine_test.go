package main

import (
	"context"
	"strings"
	"testing"

	"kvd/replica/replicatest"
)

// One of three leaders whose clock is set wrong refuses what it would stamp, says so
// everywhere, goes on with everything else, and comes back by itself. Of two leaders nobody
// knows who is wrong.
func TestAClockInQuarantine(t *testing.T) {
	t.Parallel()
	more := []string{"--resolver", "lww", "--policy", "hits:=counter", "--unsafe-faults", "--clock", "claim"}
	n1 := serves(t, "n1", t.TempDir(), "127.0.0.1:0", more...)
	more = append(more, "--join", n1.gossip)
	n2 := serves(t, "n2", t.TempDir(), "127.0.0.1:0", more...)
	ctx := context.Background()
	n2.try("KVD.FAULT", "CLOCK", "step=1h")
	replicatest.Eventually(t, "two leaders contradict each other", func() bool {
		return strings.Contains(n1.page("/status"), `"clocks-split"`) && strings.Contains(n1.page("/status"), "two members cannot say which")
	})
	n2.try("SET", "x", "of two")
	n2.try("KVD.FAULT", "CLOCK", "step=-1h")

	n3 := serves(t, "n3", t.TempDir(), "127.0.0.1:0", more...)
	agreed := func(n *served) {
		replicatest.Eventually(t, n.name+" hears all", func() bool {
			s := n.page("/status")
			return strings.Contains(s, `"heard": 3`) && strings.Contains(s, `"state": "agreed"`)
		})
	}
	agreed(n1)
	agreed(n3)
	n3.try("KVD.FAULT", "CLOCK", "step=5s")
	replicatest.Eventually(t, "n3 refuses to stamp", func() bool {
		err := n3.Set(ctx, "stamped", "1", 0).Err()
		return err != nil && strings.HasPrefix(err.Error(), "CLOCKWRONG") && strings.Contains(err.Error(), "write at another leader")
	})
	if body := n3.page("/health/ready"); !strings.Contains(body, `"clock-wrong"`) || !strings.Contains(body, "is in quarantine: it was 4.9") {
		t.Errorf("health says %s", body)
	}
	if m := n3.page("/metrics"); !strings.Contains(m, "kvd_clock_quarantined 1") || !strings.Contains(m, "kvd_writes_refused 0") {
		t.Error("the metrics say nothing of it")
	}
	n3.try("INCR", "hits:a")
	n1.shows("hits:a", "1")
	n1.try("SET", "z", "1")
	n3.shows("z", "1")
	replicatest.Eventually(t, "the others name n3", func() bool {
		return strings.Contains(n1.page("/status"), "the clock of n3, which claims to be right within")
	})

	n3.try("KVD.FAULT", "CLOCK", "step=-5s")
	replicatest.Eventually(t, "n3 comes back", func() bool { return n3.Set(ctx, "y", "2", 0).Err() == nil })
	n1.shows("y", "2")
	if said := n3.text(); strings.Count(said, `msg="the clock is in quarantine"`) != 1 {
		t.Errorf("it said %s", said)
	}
}
