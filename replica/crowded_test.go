package replica_test

import (
	"errors"
	"testing"

	"kvd/logical"
	"kvd/replica"
	"kvd/resolve"
)

// A write over what was overwritten long ago adds a version and takes none away:
// it may not grow a key without bound, any more than a blind write may.
func TestStaleContextsDoNotGrowAKeyForEver(t *testing.T) {
	cfg := config("n1")
	cfg.Policy = resolve.Policy{Default: resolve.Siblings}
	n := newNode(t, cfg, 7)
	first := n.ask(set("x", "1"))
	n.ask(set("x", "2"))
	full := n.store.Object("x")
	for i := len(full.Versions); i < replica.MaxDots; i++ {
		v := full.Versions[0]
		v.Dot = logical.Dot{Origin: 8, Seq: logical.Seq(i)}
		full.Versions = append(full.Versions, v)
	}
	n.out.Puts = append(n.out.Puts, replica.PutObject{Object: full})
	stale := func() replica.Reply {
		return n.ask(&replica.Request{Verb: replica.Set, Key: "x", Value: []byte("y"), Exact: true, Shown: []logical.Dot{first.Dot}})
	}
	if r := stale(); !errors.Is(r.Err, replica.ErrBadRequest) {
		t.Errorf("%d versions, and one more was answered %v", len(n.store.Object("x").Versions), r.Err)
	}
}
