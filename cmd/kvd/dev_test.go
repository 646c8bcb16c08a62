package main

import (
	"context"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/redis/go-redis/v9"

	"kvd/cmd/internal/contexts"
	"kvd/replica/replicatest"
)

// develops starts a cluster in one process and connects to every leader.
func develops(t *testing.T, leaders int, args ...string) (*process, []*served) {
	t.Helper()
	p := launch(t, append([]string{"dev", "--resp-port", "0"}, args...)...)
	p.says("^Try, in another shell:$")
	all := make([]*served, leaders)
	for i := range all {
		name := "n" + string(rune('1'+i))
		at := p.says(`^  ` + name + ` +redis (\S+)   http://(\S+)$`)
		c := redis.NewClient(&redis.Options{Addr: at[0], MaxRetries: -1, DisableIdentity: true, ReadTimeout: replicatest.Timeout})
		t.Cleanup(func() { c.Close() })
		all[i] = &served{process: p, Client: c, name: name, http: at[1]}
	}
	return p, all
}

// The later of two increments, taken by a leader whose clock is behind, vanishes
// under the wall clock, and under nothing that looks at what it was based on.
func TestSkewLosesALaterIncrementUnderTheWallClockAlone(t *testing.T) {
	t.Parallel()
	p, n := develops(t, 2, "--leaders", "2", "--resolver", "lww", "--skew", "n2=-10m",
		"--policy", "s:=siblings", "--policy", "c:=counter", "--latency", "1ms")
	for _, key := range []string{"w:x", "s:x", "c:x"} {
		n[0].try("INCR", key)
		n[1].shows(key, "1")
		if got := n[1].try("INCR", key); got != int64(2) {
			t.Errorf("INCR %s answers %v", key, got)
		}
	}
	for _, leader := range n {
		leader.shows("s:x", "2")
		leader.shows("c:x", "2")
		leader.shows("w:x", "1")
	}
	rows := n[0].try("KVD.LOSSES", "PREFIX", "w:", "RESOLVER", "all").(map[any]any)["rows"].([]any)
	lost := map[any]any{}
	for _, row := range rows {
		if r := row.(map[any]any); r["resolver"] == "lww" {
			lost = r
		}
	}
	if lost["relation"] != "inverted" || lost["key"] != "w:x" || lost["value"] != "2" {
		t.Errorf("the ledger says %v", rows)
	}
	for _, row := range n[0].try("KVD.LOSSES", "PREFIX", "c:", "RESOLVER", "all").(map[any]any)["rows"].([]any) {
		if row.(map[any]any)["resolver"] == "counter" {
			t.Errorf("the counter lost %v", row)
		}
	}
	p.signal(syscall.SIGINT)
	if code := p.end(); code != 0 || p.last() != nobodyHas+"0" {
		t.Errorf("exit code %d, last line %q", code, p.last())
	}
}

// Clocks that run slower run alike: the gap between two leaders is the skew that
// was asked for, however long the hands between them take.
func TestSlowClocksStayAsFarApartAsTheySay(t *testing.T) {
	t.Parallel()
	_, n := develops(t, 2, "--leaders", "2", "--resolver", "lww", "--slow", "100000", "--skew", "n1=+4ms")
	n[0].try("INCR", "x")
	n[1].shows("x", "1")
	if got := n[1].try("INCR", "x"); got != int64(2) {
		t.Errorf("INCR answers %v", got)
	}
	past := n[1].try("KVD.HISTORY", "x").([]any)
	if len(past) != 2 {
		t.Fatalf("history is %v", past)
	}
	first, second := past[1].(map[any]any)["wall"].(int64), past[0].(map[any]any)["wall"].(int64)
	if ahead := first - second; ahead < 3_000_000 || ahead > 4_000_000 {
		t.Errorf("the first leader is ahead by %d ns", ahead)
	}
	n[0].shows("x", "1")
}

// What a clock is made to do later counts from the next write on.
func TestFaultsCanBePlantedAndCleared(t *testing.T) {
	t.Parallel()
	_, n := develops(t, 2, "--leaders", "2", "--resolver", "lww")
	ahead := func(key string) int64 {
		n[0].try("SET", key, "1")
		n[1].shows(key, "1")
		n[1].try("SET", key, "2")
		past := n[1].try("KVD.HISTORY", key).([]any)
		if len(past) != 2 {
			return past[0].(map[any]any)["wall"].(int64) // the second write is lost already
		}
		return past[0].(map[any]any)["wall"].(int64) - past[1].(map[any]any)["wall"].(int64)
	}
	n[1].try("KVD.FAULT", "CLOCK", "offset=30s", "error=1s")
	if by := ahead("a"); by < 25e9 {
		t.Errorf("a clock 30 s ahead is ahead by %d ns", by)
	}
	n[1].try("KVD.FAULT", "CLEAR")
	if by := ahead("b"); by > 15e9 {
		t.Errorf("a clock made good is still ahead by %d ns", by)
	}
	for _, args := range [][]any{
		{"CLOCK", "offset"}, {"CLOCK", "ofset=1s"}, {"CLOCK", "freeze=-1s"}, {"LINK", "n9", "cut=on"}, {"LINK", "n1", "loss=2"}, {"LINK", "n1", "cut=maybe"}, {"CLEAR", "all"},
	} {
		if _, err := n[1].Do(context.Background(), append([]any{"KVD.FAULT"}, args...)...).Result(); err == nil {
			t.Errorf("KVD.FAULT %v is taken", args)
		}
	}
	conn := n[0].Conn()
	defer conn.Close()
	conn.Do(context.Background(), "KVD.FAULT", "LINK", "n2", "cut=on")
	conn.Set(context.Background(), "d", "1", 0)
	if got, err := conn.Do(context.Background(), "WAIT", 1, 100).Int(); got != 0 || err != nil {
		t.Errorf("a write came over a cut link: %d, %v", got, err)
	}
	n[0].try("KVD.FAULT", "CLEAR")
	n[1].shows("d", "1")
}

func TestDevWritesAContextAndTakesItBack(t *testing.T) {
	t.Parallel()
	p, n := develops(t, 3, "--data-dir", t.TempDir())
	var home string
	for _, v := range p.cmd.Env {
		if dir, ok := strings.CutPrefix(v, "XDG_CONFIG_HOME="); ok {
			home = dir
		}
	}
	path := filepath.Join(home, "kvd", "contexts.json")
	b, err := contexts.Load(path)
	if err != nil {
		t.Fatal(err)
	}
	c, err := b.Get("dev")
	if err != nil || b.Current != "dev" || len(c.Leaders) != 3 || c.Leaders[2].Addr != n[2].Options().Addr {
		t.Errorf("the contexts are %+v, %v", b, err)
	}
	p.says("^  kv set greeting hello$")
	p.says("^  redis-cli -p ")
	p.signal(syscall.SIGTERM)
	p.end()
	if b, err = contexts.Load(path); err != nil || b.Current != "" || len(b.Contexts) != 0 {
		t.Errorf("afterwards they are %+v, %v", b, err)
	}
	if _, err := os.Stat(path); err != nil {
		t.Error(err)
	}
}
