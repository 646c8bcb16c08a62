package node

import (
	"fmt"
	"testing"

	"kvd/replica/replicatest"
	"kvd/resolve"
)

// The empty key is one like others, everywhere: it is written, replicated, found by
// scans of any step, conflicts, expires and goes.
func TestEmptyKey(t *testing.T) {
	all := cluster(t, 2, everybody(resolve.Siblings), nil)
	n1, n2 := all[0], all[1]
	n1.ask("SET", "", "v")
	n1.ask("MSET", "a", "1", "b", "2")
	settle(t, all)
	for _, n := range all {
		if got := n.ask("GET", ""); got != "v" {
			t.Errorf("%s shows %v", n.Name(), got)
		}
		if got := n.ask("KEYS", "*"); fmt.Sprint(got) != "[ a b]" {
			t.Errorf("%s lists %q", n.Name(), got)
		}
	}
	for step := 1; step < 5; step++ {
		var found []any
		cursor := any("0")
		for pages := 0; ; pages++ {
			page := n2.ask("SCAN", cursor, "COUNT", step).([]any)
			found = append(found, page[1].([]any)...)
			if cursor = page[0]; cursor == "0" || pages > 9 {
				break
			}
		}
		if fmt.Sprint(found) != "[ a b]" {
			t.Errorf("in steps of %d a scan finds %q", step, found)
		}
	}
	token := n1.tell("KVD.GET", "")["token"]
	n1.set("", "one", "TOKEN", token)
	n1.set("", "two", "TOKEN", token)
	n1.refused("CONFLICT", "2 siblings", "GET", "")
	settle(t, all)
	n2.refused("CONFLICT", "2 siblings", "GET", "")
	n2.tell("KVD.RESOLVE", "", "both", "TOKEN", n2.tell("KVD.GET", "")["token"])
	n2.ask("RENAME", "", "c")
	n2.ask("COPY", "c", "")
	if got := n2.ask("MGET", "", "c"); fmt.Sprint(got) != "[both both]" {
		t.Errorf("after a move there are %v", got)
	}
	n2.ask("PEXPIRE", "", 1)
	replicatest.Eventually(t, "the empty key expires", func() bool { return n2.ask("EXISTS", "") == int64(0) })
	n2.ask("SET", "", "again")
	n2.ask("FLUSHALL")
	settle(t, all)
	for _, n := range all {
		if got := n.ask("DBSIZE"); got != int64(0) {
			t.Errorf("%s has %v keys after all were deleted", n.Name(), got)
		}
	}
}
