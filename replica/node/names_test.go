package node

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"kvd/logical"
	"kvd/replica/member"
	"kvd/resolve"
)

func TestNamesAreKeptAndBounded(t *testing.T) {
	dir := t.TempDir()
	n, err := readNames(dir)
	if err != nil || n.find(1) != "" {
		t.Fatalf("at first %q, %v", n.find(1), err)
	}
	v := member.View{Members: []member.Member{{Name: "n1", Origin: 1 << 63}, {Name: "n2", Origin: 7}, {Name: "n3"}}}
	if !n.meet(v) || n.meet(v) {
		t.Error("a meeting is news once")
	}
	for i := range maxNames - 2 {
		n.learn(logical.Origin(100+i), "many")
	}
	if n.find(1<<63) != "n1" {
		t.Error("one is forgotten too early")
	}
	n.learn(9, "one more")
	if n.find(1<<63) != "" || n.find(7) != "n2" || n.find(9) != "one more" || len(n.of) != maxNames || len(n.order) != maxNames {
		t.Errorf("beyond the bound %d are known", len(n.of))
	}
	if err := n.write(dir); err != nil {
		t.Fatal(err)
	}
	again, err := readNames(dir)
	if err != nil || !slices.Equal(again.order, n.order) || again.find(7) != "n2" {
		t.Errorf("read back %d, %v", len(again.of), err)
	}
	if err := os.WriteFile(filepath.Join(dir, namesFile), []byte("{"), 0o600); err != nil {
		t.Fatal(err)
	}
	if n, err := readNames(dir); err == nil || n.find(7) != "" || !n.learn(7, "n2") {
		t.Error("a damaged file is not told of, or nothing can be learnt afterwards")
	}
}

// A write of an earlier life is told by the name of its leader: by that leader,
// which knows its own lives whatever happened to the file, and by one that has
// been away since.
func TestEarlierLivesHaveNames(t *testing.T) {
	var cfgs [2]Config
	all := cluster(t, 2, everybody(resolve.LWW), func(i int, c *Config) {
		c.FS, c.Dir, c.Addrs.Gossip = nil, t.TempDir(), freeAddr(t)
		cfgs[i] = *c
	})
	old := all[1].set("x", "1")
	settle(t, all)
	if err := os.Remove(filepath.Join(cfgs[1].Dir, namesFile)); err != nil {
		t.Fatal(err)
	}
	for _, i := range []int{1, 0} {
		if err := all[i].Stop(context.Background()); err != nil {
			t.Fatal(err)
		}
		if _, _, err := takeMark(cfgs[i].Dir); err != nil { // no clean stop: a new life begins
			t.Fatal(err)
		}
		cfgs[i].Join = []string{cfgs[1-i].Addrs.Gossip}
		all[i] = newNode(t, start(t, cfgs[i]))
		eventually(t, "they meet again", func() bool { return all[0].Met() == 1 && all[1].Met() == 1 })
	}
	if d, _ := logical.ParseDot(old); d.Origin == all[1].life {
		t.Fatal("the same life goes on, which shows nothing")
	}
	for _, n := range all {
		if said := fmt.Sprint(n.tell("KVD.FATE", old)["text"]); !strings.Contains(said, "from a client at n2 ") {
			t.Errorf("%s says %s", n.Name(), said)
		}
	}
}
