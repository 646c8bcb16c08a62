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

// everyResolver serves a prefix of its own by each of them, with all others as shadows.
func everyResolver() resolve.Policy {
	p := resolve.Policy{Shadows: resolve.All}
	for _, id := range resolve.IDs() {
		p.Rules = append(p.Rules, resolve.Rule{Prefix: id.String() + ":", Resolver: id})
	}
	return p
}

// createAndDelete leaves n deleted keys under each resolver, which were deleted at two
// leaders that knew nothing of each other. Were they connected, a deletion that arrives
// between the other's write and its deletion may hide the write, which then is not deleted,
// and which siblings keep.
func createAndDelete(all []*node, n int) {
	links := func(cut string) {
		for i, at := range all {
			at.ask("KVD.FAULT", "LINK", all[1-i].Name(), "cut="+cut)
		}
	}
	links("on")
	for _, id := range resolve.IDs() {
		for i := range n {
			for j, at := range all {
				key := fmt.Sprintf("%s:%d", id, i)
				at.ask("SET", key, 7+j)
				at.ask("DEL", key)
			}
		}
	}
	links("off")
}

// dropped reports whether nothing is left of what was deleted, and how much was dropped.
func dropped(n *node) (all bool, keys uint64) {
	d := source{n.Leader}.Status().Deletions
	return d.Keys == 0 && d.Tombstones == 0, d.Dropped
}

// TestNothingIsLeftOfDeletedKeys: under every resolver, once that is outside of history and
// no write can come which would lose to the deletion. The leaders go on showing the same.
func TestNothingIsLeftOfDeletedKeys(t *testing.T) {
	all := cluster(t, 2, everyResolver(), short)
	createAndDelete(all, 4)
	settle(t, all)
	for _, n := range all {
		replicatest.Eventually(t, "what is kept of deleted keys is counted", func() bool {
			d := source{n.Leader}.Status().Deletions // some may have gone already
			return d.Keys+int64(d.Dropped) >= int64(4*len(resolve.IDs()))
		})
	}
	all[0].overwrite(4)
	settle(t, all)
	for _, n := range all {
		replicatest.Eventually(t, "nothing is left", func() bool {
			all[0].overwrite(1) // what n2 was sent before may be one group, and so one segment
			none, keys := dropped(n)
			return none && keys >= uint64(4*len(resolve.IDs()))
		})
		if floor := n.loop.Status().State.Floor; floor == 0 {
			t.Errorf("%s has promised nothing", n.Name())
		}
	}
	for _, id := range resolve.IDs() {
		all[1].ask("SET", id.String()+":0", "9")
	}
	settle(t, all)
	for _, n := range all {
		for _, id := range resolve.IDs() {
			for i, want := range []any{"9", nil} {
				if got := n.ask("GET", fmt.Sprintf("%s:%d", id, i)); got != want {
					t.Errorf("%s: %s:%d is %v, want %v", n.Name(), id, i, got, want)
				}
			}
		}
		if text := fmt.Sprint(n.ask("KVD.AUDIT")); strings.Contains(text, "DOES NOT ADD UP") {
			t.Errorf("%s: the audit says %s", n.Name(), text)
		}
	}
}

// TestASilentMemberKeepsDeletions: it may hold a write that loses to them. It has one indeed,
// stamped before the deletion by a clock that is behind, and when it returns the key stays
// deleted everywhere.
func TestASilentMemberKeepsDeletions(t *testing.T) {
	all := cluster(t, 2, resolve.Policy{}, short) // with a shadow that keeps siblings, the write of n2 would stay
	all[1].ask("KVD.FAULT", "CLOCK", "step=-1m")
	all[0].ask("KVD.FAULT", "LINK", "n2", "cut=on")
	all[1].ask("KVD.FAULT", "LINK", "n1", "cut=on")
	all[1].ask("SET", "lww:late", "1")
	all[0].ask("SET", "lww:late", "2")
	all[0].ask("DEL", "lww:late")
	all[0].overwrite(4)
	replicatest.Eventually(t, "what is kept is counted", func() bool { return source{all[0].Leader}.Status().Deletions.Keys == 1 })
	replicatest.Eventually(t, "n1 says who pins its log", func() bool {
		p := source{all[0].Leader}.Status().Peers
		return len(p) == 1 && p[0].PinnedBytes > 2*mib
	})
	if none, _ := dropped(all[0]); none {
		t.Error("the deletion is gone, and n2 has not said that it has it")
	}
	all[0].ask("KVD.FAULT", "LINK", "n2", "cut=off")
	all[1].ask("KVD.FAULT", "LINK", "n1", "cut=off")
	settle(t, all)
	all[0].overwrite(4)
	settle(t, all)
	all[1].ask("KVD.FAULT", "CLOCK", "step=1m") // until then it promises nothing
	for _, n := range all {
		replicatest.Eventually(t, "nothing is left", func() bool {
			all[0].overwrite(1)
			none, keys := dropped(n)
			return none && keys == 1
		})
		if got := n.ask("GET", "lww:late"); got != nil {
			t.Errorf("%s: what was deleted is %v", n.Name(), got)
		}
	}
}
