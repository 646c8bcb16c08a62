package main

import (
	"context"
	"fmt"
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

// What becomes of a write whose stamp loses where it is accepted is told apart, counted, and
// explained.
func TestDoomedWritesAreRefusedOrLifted(t *testing.T) {
	t.Parallel()
	n := serves(t, "n1", t.TempDir(), "127.0.0.1:0", "--unsafe-faults", "--shadow", "all",
		"--policy", "a:=lww", "--policy", "r:=lww,doomed=refuse", "--policy", "l:=lww,doomed=lift")
	ctx := context.Background()
	for _, key := range []string{"a:x", "r:x", "l:x"} {
		n.try("SET", key, "old")
	}
	n.try("KVD.FAULT", "CLOCK", "step=-1h")
	n.try("SET", "a:x", "new")
	n.shows("a:x", "old")
	if err := n.Set(ctx, "r:x", "new", 0).Err(); err == nil || !strings.HasPrefix(err.Error(), "DOOMED ") || !strings.Contains(err.Error(), "nothing was stored") {
		t.Errorf("a doomed write is answered %v", err)
	}
	n.shows("r:x", "old")
	n.try("SET", "l:x", "new")
	n.shows("l:x", "new")
	if why := fmt.Sprint(n.try("KVD.WHY", "l:x")); !strings.Contains(why, "its own was raised just above that, as doomed=lift says") {
		t.Errorf("why says %s", why)
	}
	m := n.page("/metrics")
	for _, fate := range []string{"accept", "refuse", "lift"} {
		if !strings.Contains(m, `kvd_doomed_writes_total{fate="`+fate+`"} 1`) {
			t.Errorf("one doomed write that is to %s is not counted", fate)
		}
	}
	if audit := fmt.Sprint(n.try("KVD.AUDIT")); !strings.Contains(audit, "adds up") {
		t.Errorf("the audit says %.1000s", audit)
	}
}
