package node

import (
	"context"
	"fmt"
	"testing"

	"kvd/resolve"
)

// FLUSHALL deletes page by page what a leader shows, siblings as a whole, by one op
// for each key; every leader shows nothing afterwards.
func TestFlushAllIsManyDeletions(t *testing.T) {
	all := cluster(t, 2, everybody(resolve.Siblings), nil)
	n1, n2 := all[0], all[1]
	const keys = 2_050 // two pages and a bit
	pipe := n1.client.Pipeline()
	for i := range keys - 1 {
		pipe.Set(context.Background(), fmt.Sprintf("k%d", i), "v", 0)
	}
	if _, err := pipe.Exec(context.Background()); err != nil {
		t.Fatal(err)
	}
	n1.set("s", "one")
	token := n1.tell("KVD.GET", "s")["token"]
	n1.set("s", "two", "TOKEN", token)
	n1.set("s", "three", "TOKEN", token) // its author was shown one, not two
	if v := n1.tell("KVD.GET", "s")["values"].([]any); len(v) != 2 {
		t.Fatalf("the key shows %v", v)
	}
	before := settle(t, all)
	if got := n1.ask("FLUSHALL"); got != "OK" {
		t.Fatalf("answered %v", got)
	}
	after := settle(t, all)
	ops := 0
	for d := range after.All() {
		ops += int(d.Seq - before.At(d.Origin))
	}
	if ops != keys {
		t.Errorf("%d keys were deleted by %d ops", keys, ops)
	}
	for _, n := range all {
		if left := n.ask("DBSIZE"); left != int64(0) {
			t.Errorf("%s has %v keys left", n.Name(), left)
		}
		if key := n.ask("RANDOMKEY"); key != nil {
			t.Errorf("%s draws %v", n.Name(), key)
		}
	}
	n2.ask("SET", "fresh", "1")
	if got := n2.ask("RANDOMKEY"); got != "fresh" {
		t.Errorf("n2 draws %v", got)
	}
}

// What reads, decides and writes on several keys does so on a real leader too.
func TestMovesOnARealLeader(t *testing.T) {
	n := cluster(t, 1, resolve.Policy{Default: resolve.Siblings, Rules: []resolve.Rule{{Prefix: "c:", Resolver: resolve.Counter}}}, nil)[0]
	n.ask("SET", "a", "word", "PX", 100_000)
	n.refused("ERR value is not an integer", "", "RENAME", "a", "c:a")
	if got := n.ask("MGET", "a", "c:a"); fmt.Sprint(got) != "[word <nil>]" {
		t.Errorf("after a refused RENAME the keys show %v", got)
	}
	n.ask("RENAME", "a", "b")
	if ttl := n.ask("PTTL", "b").(int64); ttl < 1 || ttl > 100_000 || n.ask("EXISTS", "a") != int64(0) {
		t.Errorf("it was moved and lasts %d ms", ttl)
	}
	n.ask("INCRBY", "c:n", 41)
	n.ask("RENAME", "c:n", "c:m")
	if got := n.ask("INCR", "c:m"); got != int64(42) {
		t.Errorf("a counter was moved and comes to %v", got)
	}
	if got := n.ask("MSETNX", "x", "1", "c:m", "2"); got != int64(0) || n.ask("EXISTS", "x") != int64(0) {
		t.Errorf("MSETNX over a key that is there: %v", got)
	}
	n.refused("ERR value is not an integer", "", "MSETNX", "x", "1", "c:y", "word")
	if n.ask("EXISTS", "x", "c:y") != int64(0) {
		t.Error("a refused MSETNX left a key")
	}
	if idle, bytes := n.ask("OBJECT", "IDLETIME", "b"), n.ask("MEMORY", "USAGE", "b").(int64); idle == nil || bytes < 100 {
		t.Errorf("idle for %v s, of %d bytes", idle, bytes)
	}
}
