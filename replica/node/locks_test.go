package node

import (
	"strings"
	"testing"

	"kvd/resolve"
)

// A lock is one client's at all leaders; what is written under it is refused once it is over.
func TestALockFencesWritesAtEveryLeader(t *testing.T) {
	all := cluster(t, 3, everybody(resolve.LWW), nil)
	n1, n2, n3 := all[0], all[1], all[2]
	n1.refused("NOQUORUM", "kv admin quorum set", "KVD.LOCK", "l", "60000")
	n1.ask("KVD.QUORUM", "SET", "n1", "n2", "n3")
	first := lockToken(t, n1.ask("KVD.LOCK", "l", "60000", "ID", "ann"))
	if again := lockToken(t, n2.ask("KVD.LOCK", "l", "60000", "ID", "ann")); again != first {
		t.Errorf("the same again got %s after %s", again, first)
	}
	n3.refused("LOCKED", "ann holds the lock", "KVD.LOCK", "l", "60000", "ID", "bob", "WAIT", "1")
	n2.ask("KVD.FENCED", "l", first, "SET", "x", "1")
	n2.ask("KVD.RENEW", "l", first, "60000")
	n3.ask("KVD.UNLOCK", "l", first)
	next := lockToken(t, n2.ask("KVD.LOCK", "l", "60000", "ID", "bob"))
	for _, n := range all {
		n.refused("FENCED", "bob holds it under "+next, "KVD.FENCED", "l", first, "SET", "x", "2")
		n.refused("FENCED", "bob holds it", "KVD.RENEW", "l", first, "60000")
	}
	if got := n1.ask("KVD.FENCED", "l", next, "INCR", "n", "5"); got != "5" {
		t.Errorf("an increment under the lock answers %v", got)
	}
	n1.refused("ERR", "lasts 100 to", "KVD.LOCK", "l", "1")
	n1.refused("ERR", "no token of a lock", "KVD.UNLOCK", "l", "what")
}

func lockToken(t *testing.T, reply any) string {
	t.Helper()
	m, ok := reply.(map[any]any)
	text, _ := m["token"].(string)
	if !ok || !strings.HasPrefix(text, "1.") {
		t.Fatalf("no token in %v", reply)
	}
	return text
}
