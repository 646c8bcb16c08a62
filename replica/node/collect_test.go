package node

import (
	"fmt"
	"strconv"
	"strings"
	"testing"

	"kvd/replica/node/internal/stability"
	"kvd/replica/replicatest"
	"kvd/resolve"
	"kvd/storage/log"
)

const mib = 1 << 20

// short is leaders that keep as little of the log as there can be.
func short(_ int, c *Config) { c.Storage.History = stability.History{Bytes: 1} }

// overwrite writes about n MiB over ten keys.
func (n *node) overwrite(mebibytes int) {
	value := strings.Repeat("v", 64<<10)
	for i := range 16 * mebibytes {
		n.ask("SET", "k"+strconv.Itoa(i%10), value)
	}
}

func (n *node) log() *log.Log { return n.store.Log() }

// TestTheLogIsRemovedWhenEverybodyHasIt: by all leaders, down to little more than a segment.
// One that is stopped pins it, at the leader that goes on, which says so; when it returns it
// gets everything, and nothing that was deleted comes back.
func TestTheLogIsRemovedWhenEverybodyHasIt(t *testing.T) {
	all := cluster(t, 1, everybody(resolve.Causal), short)
	cfg := all[0].cfg
	cfg.Name, cfg.FS, cfg.Dir, cfg.StateDir, cfg.Join = "n2", nil, t.TempDir(), t.TempDir(), []string{all[0].Addrs().Gossip}
	all = append(all, newNode(t, start(t, cfg)))
	replicatest.Eventually(t, "n2 serves", func() bool { return all[1].Serving() && all[0].Met() == 1 })
	all[0].ask("SET", "gone", "1")
	all[1].overwrite(4)
	replicatest.Eventually(t, "both logs are short", func() bool { return all[0].log().Size() < 2*mib && all[1].log().Size() < 2*mib })
	settle(t, all)
	if r := all[1].ask("GET", "gone"); r != "1" {
		t.Errorf("what was written before the log begins is %v", r)
	}
	replicatest.Eventually(t, "the status says that something was removed", func() bool { return source{all[0].Leader}.Status().Log.RemovedOps > 0 })

	if err := all[1].Stop(t.Context()); err != nil {
		t.Fatal(err)
	}
	all[0].ask("DEL", "gone")
	all[0].overwrite(4)
	replicatest.Eventually(t, "n1 says who pins its log", func() bool {
		p := source{all[0].Leader}.Status().Peers
		return len(p) == 1 && p[0].Name == "n2" && !p[0].Alive && p[0].PinnedBytes > 2*mib
	})
	if n := all[0].log().Size(); n < 4*mib {
		t.Errorf("the log has %d bytes, and n2 needs 4 MiB", n)
	}

	all[1] = newNode(t, start(t, cfg))
	replicatest.Eventually(t, "n2 serves again", all[1].Serving)
	settle(t, all)
	all[0].overwrite(2) // what n2 was sent may be one group, and so one segment
	replicatest.Eventually(t, "both logs are short", func() bool { return all[0].log().Size() < 2*mib && all[1].log().Size() < 2*mib })
	settle(t, all)
	for _, n := range all {
		if r := n.ask("GET", "gone"); r != nil {
			t.Errorf("%s: what was deleted is %v", n.Name(), r)
		}
		replicatest.Eventually(t, "nobody pins any more", func() bool {
			p := source{n.Leader}.Status().Peers
			return len(p) == 1 && p[0].PinnedBytes == 0 && !p[0].Outpaced
		})
	}
}

// TestAnswersSayWhereHistoryBegins: as long as the log has everything, nothing is said; when
// it was shortened, history, why and audit say so, and the audit adds up.
func TestAnswersSayWhereHistoryBegins(t *testing.T) {
	n := cluster(t, 1, everybody(resolve.Causal), short)[0]
	n.ask("SET", "old", "1")
	const begins = "log begins behind"
	if why := fmt.Sprint(n.ask("KVD.WHY", "old")); strings.Contains(why, begins) {
		t.Errorf("the log has everything, and why says %s", why)
	}
	n.overwrite(4)
	replicatest.Eventually(t, "the log is short", func() bool { return n.log().Size() < 2*mib })
	h := n.ask("KVD.HISTORY", "old", "HEAD").(map[any]any)
	if removed, _ := h["removed"].(int64); removed == 0 || len(h["writes"].([]any)) != 0 {
		t.Errorf("history of a write that the log does not keep: %v", h)
	}
	if _, plain := n.ask("KVD.HISTORY", "k1", "COUNT", "1").([]any); !plain {
		t.Error("without HEAD the history is not the list that it was")
	}
	if why := fmt.Sprint(n.ask("KVD.WHY", "old")); !strings.Contains(why, begins) {
		t.Errorf("why says %s", why)
	}
	audit := n.ask("KVD.AUDIT").(map[any]any)
	if text := fmt.Sprint(audit["text"]); audit["removed"] == "" || !strings.Contains(text, "does not keep them any more") || strings.Contains(text, "DOES NOT ADD UP") {
		t.Errorf("the audit says %v, removed %v", text, audit["removed"])
	}
}
