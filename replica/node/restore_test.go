package node

import (
	"context"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"kvd/logical"
	"kvd/replica"
	"kvd/replica/replicatest"
	"kvd/replica/resp/token"
	"kvd/resolve"
)

// What was lost because one clock was behind comes back at a leader whose clock is
// not, over exactly what is shown, once however often it is asked for; then it is no
// longer lost.
func TestRestore(t *testing.T) {
	all := cluster(t, 3, everybody(resolve.LWW), ahead(0, time.Hour))
	first, lost := figure83(t, all, "x")
	n1, n2, n3 := all[0], all[1], all[2]

	_, err := n3.client.Do(context.Background(), "KVD.RESTORE", lost).Result()
	words := strings.Fields(errorOf(err))
	if len(words) < 2 || words[0] != "BEATEN" || !strings.Contains(err.Error(), "restore "+lost) || !strings.Contains(err.Error(), "FORCE") {
		t.Fatalf("where the clock is behind: %v", err)
	}
	if ns, err := strconv.ParseInt(words[1], 10, 64); err != nil || time.Duration(ns) < 59*time.Minute || time.Duration(ns) > time.Hour {
		t.Errorf("it would win in %s", words[1])
	}

	n1.ask("KVD.FAULT", "LINK", "n2", "cut=on")
	n1.ask("KVD.FAULT", "LINK", "n3", "cut=on")
	r := n1.tell("KVD.RESTORE", lost, "REQUEST", 9, 1)
	if n := n1.ask("WAIT", 1, 20); n != int64(0) {
		t.Errorf("cut off, WAIT answers %v", n)
	}
	n1.ask("KVD.FAULT", "LINK", "n2", "cut=off")
	n1.ask("KVD.FAULT", "LINK", "n3", "cut=off")
	dot := r["dot"].(string)
	over := r["over"].([]any)
	if r["leader"] != "n1" || r["key"] != "x" || r["value"] != "2" || r["restored"] != lost || !slices.Equal(over, sortedDots(first, lost)) || r["retry"] != int64(0) {
		t.Errorf("RESTORE answers %v", r)
	}
	if n := n1.ask("WAIT", 2, replicatest.Timeout.Milliseconds()); n != int64(2) {
		t.Errorf("WAIT answers %v", n)
	}
	for _, n := range all {
		got := n.tell("KVD.GET", "x", "TOKEN", r["token"])
		if v := got["values"].([]any); len(v) != 1 || v[0] != "2" {
			t.Errorf("%s shows %v to who has seen the restoration", n.Name(), v)
		}
	}
	settle(t, all)
	for _, n := range all {
		if v := n.tell("KVD.FATE", lost).rows("verdicts")[0]; v["state"] != "superseded" || v["by"] != dot {
			t.Errorf("restored, the lost write is %v at %s", v, n.Name())
		}
		n.refused("NOTLOST", "set the key", "KVD.RESTORE", lost)
	}
	for _, n := range []*node{n1, n2} {
		if again := n.tell("KVD.RESTORE", lost, "REQUEST", 9, 1); again["dot"] != dot || again["retry"] != int64(1) || again["value"] != "2" {
			t.Errorf("asked again, %s answers %v", n.Name(), again)
		}
	}
	if len(n1.ask("KVD.HISTORY", "x").([]any)) != 3 {
		t.Error("a retry wrote once more")
	}
	n1.refused("ERR", "number every request once", "KVD.SET", "y", "1", "REQUEST", 9, 1)
}

// sortedDots is dots in the order in which ops name them.
func sortedDots(dots ...string) []any {
	slices.SortFunc(dots, func(a, b string) int {
		x, _ := logical.ParseDot(a)
		y, _ := logical.ParseDot(b)
		return x.Compare(y)
	})
	var out []any
	for _, d := range dots {
		out = append(out, d)
	}
	return out
}

func errorOf(err error) string {
	if err == nil {
		return ""
	}
	return err.Error()
}

// With FORCE it is written where it must lose, and lost again.
func TestRestoreByForce(t *testing.T) {
	all := cluster(t, 2, everybody(resolve.LWW), ahead(0, time.Hour))
	_, lost := figure83(t, all, "x")
	r := all[1].tell("KVD.RESTORE", lost, "FORCE")
	if v := all[1].tell("KVD.FATE", r["dot"]).rows("verdicts")[0]; v["state"] != "lost" || v["relation"] != "inverted" {
		t.Errorf("what was forced is %v", v)
	}
	until, _ := r["until"].(int64)
	if r["state"] != "lost" || !strings.Contains(r["text"].(string), "inverted") && !strings.Contains(r["text"].(string), "lost to") || time.Duration(until) < 59*time.Minute {
		t.Errorf("read back, it is %v until %s: %v", r["state"], time.Duration(until), r["text"])
	}
	settle(t, all) // n1 can restore what it has heard of
	back := all[0].tell("KVD.RESTORE", r["dot"])
	if back["state"] != "live" || back["until"] != int64(0) {
		t.Errorf("restored where the clock is further on, it is %v", back)
	}
	settle(t, all)
	for _, n := range all {
		if rows := n.tell("KVD.LOSSES", "PREFIX", "x").rows("rows"); len(rows) != 0 {
			t.Errorf("the restored write and the one that it restored are lost at %s: %v", n.Name(), rows)
		}
	}
}

// What cannot be restored is refused with its code, and with what to do.
func TestRestoreRefuses(t *testing.T) {
	all := cluster(t, 2, everybody(resolve.LWW), ahead(0, time.Hour))
	n1, n2 := all[0], all[1]
	live, lost := figure83(t, all, "x")
	n1.set("gone", "1")
	n1.set("brief", "1")
	settle(t, all)
	deletion := n2.tell("KVD.DEL", "gone")["dot"].(string)
	n2.ask("SET", "brief", "2", "PX", 60_000)
	settle(t, all)
	brief := n1.tell("KVD.LOSSES", "PREFIX", "brief").rows("rows")[0]["loser"].(string)

	n1.refused("NOTLOST", "set the key", "KVD.RESTORE", live)
	n1.refused("UNKNOWN", "ask the leader that accepted it", "KVD.RESTORE", logical.Dot{Origin: 9, Seq: 9}.String())
	n1.refused("UNKNOWN", "ask the leader that accepted it", "KVD.RESTORE", logical.Dot{Origin: n2.origin, Seq: 99}.String())
	n1.refused("DELETION", "delete it", "KVD.RESTORE", deletion)
	n1.refused("EXPIRED", "new deadline", "KVD.RESTORE", brief) // by the clock of who would show it
	n1.refused("ERR", "sixteen hexadecimal digits", "KVD.RESTORE", "x")
	n1.refused("ERR", "REQUEST with 2 values, FORCE with no value", "KVD.RESTORE", lost, "NOW")
	n1.refused("ERR", "REQUEST needs 2 values", "KVD.RESTORE", lost, "REQUEST", 1)
	n1.refused("ERR", "two integers", "KVD.RESTORE", lost, "REQUEST", 0, 1)
	n1.refused("ERR", "not a token", "KVD.RESTORE", lost, "TOKEN", "x")

	// Who has seen what nobody here has applied waits, and is then told so. What has
	// arrived meanwhile is what the restoration goes over.
	next := token.Token{Seen: replica.Token{Frontier: logical.FrontierOf(logical.Dot{Origin: n1.origin, Seq: n2.loop.Frontier().At(n1.origin) + 1})}}
	n2.refused("BEHIND", "try again here later", "KVD.RESTORE", lost, "FORCE", "TOKEN", next.String())
	restored := make(chan answer, 1)
	go func() { restored <- n2.tell("KVD.RESTORE", lost, "FORCE", "TOKEN", next.String()) }()
	replicatest.Eventually(t, "the restoration waits", func() bool { return n2.loop.Status().Load.WaitingReqs > 0 })
	shown := n1.set("x", "new")
	if r := <-restored; r["value"] != "2" || !slices.Equal(r["over"].([]any), sortedDots(shown, lost)) {
		t.Errorf("when %s has arrived: %v", shown, r)
	}

	tx := n1.client.TxPipeline()
	tx.Do(context.Background(), "KVD.RESTORE", lost)
	if _, err := tx.Exec(context.Background()); err == nil || !strings.Contains(err.Error(), "Command not allowed inside a transaction") && !strings.Contains(err.Error(), "EXECABORT") {
		t.Errorf("in a transaction: %v", err)
	}
}
