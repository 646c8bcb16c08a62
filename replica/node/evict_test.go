package node

import (
	"strings"
	"testing"

	"kvd/resolve"
	"kvd/storage/losses"
)

// A ledger without room gives up rows and says how many; its audit adds up with
// what was given up, and that of a leader with room has the rows themselves.
func TestAuditsAddUpWhenTheLedgerHasNoRoom(t *testing.T) {
	const clients, each = 5, 60
	all := cluster(t, 3, everybody(resolve.LWW), func(i int, c *Config) {
		if i == 1 {
			c.Storage.Ledger = losses.Retention{Bytes: 4 << 10, Batch: 8, Value: 16}
		}
	})
	addElements(t, all, clients, each)
	settle(t, all)
	lost := clients*each - all[0].elements()
	lww := func(n *node) answer {
		t.Helper()
		a := n.tell("KVD.AUDIT")
		for _, b := range a.rows("balances") {
			if b["holds"] != int64(1) {
				t.Errorf("%s says\n%s", n.Name(), a["text"])
			}
		}
		return a.rows("balances")[0]
	}
	roomy, tight := lww(all[0]), lww(all[1])
	if roomy["concurrent"] != int64(lost) || roomy["evicted"] != int64(0) {
		t.Errorf("with room, of %d that are lost: %v", lost, roomy)
	}
	if evicted := tight["evicted"].(int64); evicted == 0 || tight["concurrent"].(int64)+evicted != int64(lost) {
		t.Errorf("without room, of %d that are lost: %v", lost, tight)
	}
	if a := all[1].tell("KVD.LOSSES"); a["evicted"].(int64) == 0 || len(a.rows("rows")) >= lost {
		t.Errorf("%v rows were evicted, %d are left of %d", a["evicted"], len(a.rows("rows")), lost)
	}
	rows := all[0].tell("KVD.LOSSES").rows("rows")
	alone := 0
	for _, r := range rows {
		verdict := func(n *node) answer { return n.tell("KVD.FATE", r["loser"]).rows("verdicts")[0] }
		want, got := verdict(all[0]), verdict(all[1])
		if strings.HasSuffix(got["text"].(string), "; its row is no longer in the ledger") {
			alone++
		}
		if got["state"] != "lost" || got["relation"] != want["relation"] || got["by"] != want["by"] {
			t.Errorf("%s: without room %v, with room %v", r["loser"], got, want)
		}
	}
	if alone == 0 {
		t.Errorf("of %d lost writes the ledger without room has all rows", len(rows))
	}
	if text := all[1].tell("KVD.WHY", rows[0]["key"])["text"].(string); !strings.Contains(text, "rows of this leader's ledger were given up") {
		t.Error(text)
	}
}
