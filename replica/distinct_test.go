package replica_test

import (
	"strconv"
	"testing"

	"kvd/replica"
	"kvd/replica/replicatest"
	"kvd/resolve"
	"kvd/wallclock"
)

// A pipeline is one cycle with one moment: of its writes to one key the last
// stays, and none is lost, under every resolver.
func TestPipelinedWritesDoNotTie(t *testing.T) {
	for _, id := range resolve.IDs() {
		cfg := replica.Defaults()
		cfg.Name, cfg.Policy = "n1", resolve.Policy{Default: id}
		core, err := replica.New(cfg, replica.State{Origin: 7})
		if err != nil {
			t.Fatal(err)
		}
		var out replica.Output
		store := replicatest.New(&out)
		m := wallclock.Moment{Mono: 1, Wall: wallclock.Around(1e18, 5e6)}
		for i := range 50 {
			if err := core.Step(m, &replica.Request{ID: uint64(i + 1), Verb: replica.Set, Key: "x", Value: strconv.AppendInt(nil, int64(i), 10)}, store, &out); err != nil {
				t.Fatal(err)
			}
		}
		for _, e := range out.Events {
			if j, ok := e.(*replica.Judged); ok && j.Verdict.Relation.Lost() {
				t.Errorf("%s: a pipelined write lost to another: %+v", id, j.Verdict)
			}
		}
		last := out.Replies[len(out.Replies)-1].Shown.Values
		if len(last) != 1 || string(last[0]) != "49" {
			t.Errorf("%s: shows %q after fifty writes in turn, want 49", id, last)
		}
	}
}
