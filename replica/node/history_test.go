package node

import (
	"strings"
	"testing"

	"kvd/replica/ledger"
	"kvd/resolve"
	"kvd/resolve/limits"
)

// The past of a key is told with whole values, and what is held of it before is
// little of each.
func TestHistoryTellsWholeValuesAndHoldsLittle(t *testing.T) {
	n := cluster(t, 1, everybody(resolve.LWW), nil)[0]
	long := strings.Repeat("v", 100<<10)
	for range 20 {
		n.set("x", long)
	}
	ops, err := ledger.History(n.store, "x", 20)
	if err != nil || len(ops) != 20 {
		t.Fatalf("%d ops, %v", len(ops), err)
	}
	held := 0
	for _, op := range ops {
		held += len(op.Value)
	}
	if held > 20*ledger.HistoryBytes {
		t.Errorf("%d bytes of values are held", held)
	}
	told := n.ask("KVD.HISTORY", "x", "COUNT", "20").([]any)
	if len(told) != 20 {
		t.Fatalf("%d ops are told", len(told))
	}
	for _, op := range told {
		if value := op.(map[any]any)["value"]; value != long {
			t.Fatalf("a value of %d bytes is told", len(value.(string)))
		}
	}
	if used := n.resp.Stats().Memory.Used; used >= limits.Value {
		t.Errorf("%d bytes are still taken from the clients' memory", used)
	}
}

// The past of a key tells who changed its deadline, beside the writes, as long as the
// change holds, and when a later write went on with it.
func TestHistoryTellsOfDeadlines(t *testing.T) {
	for _, id := range []resolve.ID{resolve.LWW, resolve.Siblings, resolve.Counter} {
		t.Run(id.String(), func(t *testing.T) {
			n := cluster(t, 1, everybody(id), nil)[0]
			kinds := func() (kinds []string) {
				for _, op := range n.ask("KVD.HISTORY", "x").([]any) {
					kinds = append(kinds, op.(map[any]any)["kind"].(string))
				}
				return kinds
			}
			n.ask("SET", "x", "1")
			n.ask("EXPIRE", "x", "1000")
			if got := strings.Join(kinds(), " "); got != "touch put" {
				t.Errorf("after EXPIRE: %s", got)
			}
			n.ask("INCR", "x")
			if got := strings.Join(kinds(), " "); got != "add touch put" {
				t.Errorf("after INCR, which goes on with the deadline: %s", got)
			}
			n.ask("PERSIST", "x")
			if got := strings.Join(kinds(), " "); !strings.HasPrefix(got, "touch add") {
				t.Errorf("after PERSIST: %s", got)
			}
		})
	}
}
