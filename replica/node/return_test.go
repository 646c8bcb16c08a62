package node

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"kvd/replica/replicatest"
	"kvd/storage/exported"
)

// begins waits until the leader ends to begin anew, as whoever runs it does, and starts it.
func (n *node) begins(cfg Config) *node {
	n.t.Helper()
	before, _ := n.Origin()
	select {
	case err := <-n.Broken():
		if !errors.Is(err, ErrRenew) {
			n.t.Fatalf("%s cannot go on because of %v", n.Name(), err)
		}
	case <-time.After(replicatest.Timeout):
		n.t.Fatalf("%s does not end; it refuses writes: %v", n.Name(), n.refusals())
	}
	if err := n.Stop(context.Background()); err != nil {
		n.t.Fatal(err)
	}
	n = newNode(n.t, start(n.t, cfg))
	if after, _ := n.Origin(); after == before {
		n.t.Errorf("%s begins with the origin that it had", n.Name())
	}
	return n
}

// refusesFor waits until writes are refused for a reason that says so.
func (n *node) refusesFor(cause, says string) {
	n.t.Helper()
	replicatest.Eventually(n.t, n.Name()+" refuses writes: "+says, func() bool {
		return slices.ContainsFunc(n.refusals(), func(r struct{ Cause, Detail string }) bool {
			return r.Cause == cause && strings.Contains(r.Detail, says)
		})
	})
}

func (n *node) refusals() (all []struct{ Cause, Detail string }) {
	for _, r := range n.loop.Status().Refusals {
		all = append(all, struct{ Cause, Detail string }{string(r.Cause), r.Detail})
	}
	return all
}

// forgetful is a cluster of three, of which n3 wrote something that nobody else has, ended,
// and was forgotten.
func forgetful(t *testing.T) (all []*node, configs []Config) {
	ctx := context.Background()
	all, configs = onDisk(t, 3)
	n1, n2, n3 := all[0], all[1], all[2]
	n1.set("shared", "1")
	settle(t, all)
	for _, n := range all[:2] {
		if err := n.Stop(ctx); err != nil {
			t.Fatal(err)
		}
	}
	replicatest.Eventually(t, "n3 is alone", func() bool { return n3.Met() == 0 })
	n3.set("alone", "a")
	n3.ask("SET", "alone", "b")
	n3.ask("INCR", "shared")
	n3.ask("DEL", "alone")
	if err := n3.Stop(ctx); err != nil {
		t.Fatal(err)
	}
	for i := range configs {
		configs[i].Renewable = true
	}
	n1 = newNode(t, start(t, configs[0]))
	for i := range configs {
		configs[i].Join = []string{n1.Addrs().Gossip}
	}
	n2 = newNode(t, start(t, configs[1]))
	replicatest.Eventually(t, "n1 and n2 hear each other", func() bool { return n1.Met() == 1 && n2.Met() == 1 && n1.silent([]string{"n3"}) == nil })
	n1.ask("KVD.FORGET", "n3")
	n2.lists([]string{"n1", "n2"}, []string{"n3"})
	return []*node{n1, n2}, configs
}

// TestAForgottenLeaderReturns: what it alone had acknowledged is exported and not merged, it
// takes no writes meanwhile, over a restart too, and begins anew on the operator's word.
func TestAForgottenLeaderReturns(t *testing.T) {
	all, configs := forgetful(t)
	n1 := all[0]
	n1.refused("NOTFORGOTTEN", "is not forgotten", "KVD.RETURN")
	n3 := newNode(t, start(t, configs[2]))
	n3.refusesFor("forgotten", "4 writes that nobody else has are in")
	n3.refused("READONLY", "kv admin return n3", "SET", "x", "1")
	n1.lists([]string{"n1", "n2"}, []string{"n3"})
	replicatest.Eventually(t, "n1 says that n3 is there", func() bool {
		return slices.ContainsFunc(n1.status().Alarms, func(r struct{ Cause, Detail string }) bool { return r.Cause == "returned" })
	})
	if err := n3.Stop(context.Background()); err != nil {
		t.Fatal(err)
	}
	n3 = newNode(t, start(t, configs[2]))
	n3.refused("READONLY", "was forgotten on", "SET", "x", "1") // from its start on
	n3.refusesFor("forgotten", "4 writes that nobody else has are in")
	if v := n3.ask("GET", "shared"); v != "2" {
		t.Errorf("it reads %v", v)
	}
	told := n3.tell("KVD.RETURN")
	f, err := exported.Open(told["file"].(string))
	if err != nil || f.Writes != 4 || told["writes"] != int64(4) || !slices.Equal(f.Asked, []string{"n1", "n2"}) || len(f.Unasked) != 0 {
		t.Fatalf("exported is %+v, %v", f, err)
	}
	var kinds []string
	for w := range f.All() {
		kinds = append(kinds, w.Kind+" "+w.KeyText()+" "+w.ValueText())
	}
	if want := []string{"put alone a", "put alone b", "add shared 2", "delete alone "}; !slices.Equal(kinds, want) {
		t.Errorf("exported is %q", kinds)
	}
	n3 = n3.begins(configs[2])
	for _, n := range append(all, n3) {
		n.lists([]string{"n1", "n2", "n3"}, nil)
	}
	settle(t, append(all, n3))
	replicatest.Eventually(t, "n3 takes writes", func() bool { return n3.client.Set(context.Background(), "x", "1", 0).Err() == nil })
	if v := n3.ask("GET", "shared"); v != "1" {
		t.Errorf("what was exported is merged: %v", v)
	}
	if _, err := os.Stat(filepath.Join(configs[2].Dir, "store.forgotten-1")); err != nil {
		t.Errorf("the former store is gone: %v", err)
	}
}

// Where an operator takes back that a leader is forgotten, it takes part with all it has.
func TestALeaderThatIsForgottenNoMoreIsMerged(t *testing.T) {
	all, configs := forgetful(t)
	n1 := all[0]
	n3 := newNode(t, start(t, configs[2]))
	n3.refusesFor("forgotten", "4 writes that nobody else has are in")
	n1.ask("KVD.FORGET", "n3") // which it is
	n1.ask("KVD.FORGET", "n3", "LIFT")
	for _, n := range append(all, n3) {
		n.lists([]string{"n1", "n2", "n3"}, nil)
	}
	replicatest.Eventually(t, "n3 takes writes", func() bool { return n3.client.Set(context.Background(), "x", "1", 0).Err() == nil })
	settle(t, append(all, n3))
	if v := n1.ask("GET", "shared"); v != "2" {
		t.Errorf("n1 reads %v", v)
	}
	n3.refused("NOTFORGOTTEN", "n3 is not forgotten", "KVD.RETURN")
}
