package node

import (
	"context"
	"fmt"
	"strings"
	"testing"

	"kvd/replica/node/internal/answers"

	"github.com/redis/go-redis/v9"

	"kvd/logical"
	"kvd/replica/acl"
	"kvd/replica/replicatest"
	"kvd/resolve"
)

// usersOf is a users file of people whose password is "p", by name and what follows
// the hash.
func usersOf(t *testing.T, people ...[2]string) *acl.Users {
	t.Helper()
	hash, err := acl.HashPassword("p")
	if err != nil {
		t.Fatal(err)
	}
	file := ""
	for _, p := range people {
		file += p[0] + ":" + hash + p[1] + "\n"
	}
	users, err := acl.ReadUsers(strings.NewReader(file))
	if err != nil {
		t.Fatal(err)
	}
	return users
}

// as is the node, asked by a user.
func (n *node) as(user string) *node {
	c := redis.NewClient(&redis.Options{Addr: n.Addrs().RESP, Username: user, Password: "p", MaxRetries: -1, DisableIdentity: true, ReadTimeout: replicatest.Timeout, PoolSize: 1})
	n.t.Cleanup(func() { c.Close() })
	return &node{n.t, n.Leader, c}
}

// Every command that only a leader answers says which roles it takes, and refuses
// whoever has not all of them.
func TestExtraCommandsHaveRoles(t *testing.T) {
	for _, noLedger := range []bool{false, true} {
		l := &Leader{answers: answers.New(answers.Config{NoLedger: noLedger}), cfg: Config{UnsafeFaults: true, Storage: StorageConfig{NoLedger: noLedger}}}
		for name, e := range l.extra() {
			t.Logf("%-16s %s", name, e.Needs)
			switch {
			case e.Needs == 0 || e.Needs&acl.Anyone != 0 && e.Needs != acl.Anyone:
				t.Errorf("%s needs %s; give it the roles that it takes, or acl.Anyone alone", name, e.Needs)
			case e.Write != nil && e.Needs&acl.Write == 0, e.Key > 0 && e.Needs&acl.Read == 0:
				t.Errorf("%s needs %s, and changes or shows a key", name, e.Needs)
			}
		}
		for _, name := range []string{"kvd.fault", "kvd.log", "kvd.audit", "kvd.neworigin", "kvd.accept"} {
			if l.extra()[name].Needs&acl.Admin == 0 {
				t.Errorf("%s is not for administrators alone", name)
			}
		}
	}
}

// What a user may not read is not shown, however it is asked for: lost writes, what
// became of them, the log, an audit, the feed.
func TestWhatMayNotBeReadIsNotShown(t *testing.T) {
	users := usersOf(t, [2]string{"root", ""}, [2]string{"ann", ":read,write,admin:a:"}, [2]string{"bob", ":read"})
	all := cluster(t, 2, everybody(resolve.LWW), func(_ int, c *Config) { c.Users = users })
	n1, n2, ann := all[0].as("root"), all[1].as("root"), all[0].as("ann")
	feed := ann.client.Subscribe(context.Background(), "kvd:losses")
	defer feed.Close()
	if _, err := feed.Receive(context.Background()); err != nil {
		t.Fatal(err)
	}
	ann = all[0].as("ann")
	n1.ask("KVD.FAULT", "LINK", "n2", "cut=on")
	n2.ask("KVD.FAULT", "LINK", "n1", "cut=on")
	dots := map[string]string{}
	for _, key := range []string{"b:x", "a:x"} {
		dots[key] = n1.set(key, "1"+key)
		n2.set(key, "2"+key)
	}
	n1.ask("KVD.FAULT", "CLEAR")
	n2.ask("KVD.FAULT", "CLEAR")
	settle(t, all)
	replicatest.Eventually(t, "both losses are in the ledger", func() bool { return len(n1.tell("KVD.LOSSES").rows("rows")) == 2 })

	for _, r := range ann.tell("KVD.LOSSES").rows("rows") {
		if r["key"] != "a:x" {
			t.Errorf("ann is told that a write to %v was lost", r["key"])
		}
	}
	if n := len(ann.tell("KVD.LOSSES").rows("rows")); n != 1 {
		t.Errorf("ann is told of %d lost writes", n)
	}
	denied := "NOPERM No permissions to access a key"
	for _, words := range [][]any{
		{"KVD.FATE", dots["b:x"]}, {"KVD.WHY", "b:x"}, {"KVD.HISTORY", "b:x"}, {"KVD.RESTORE", dots["b:x"]},
		{"KVD.RESTORE", dots["b:x"], "FORCE"}, {"KVD.ADVISE", "PREFIX", ""}, {"KVD.ADVISE", "PREFIX", "b:"}, {"GET", "b:x"},
	} {
		ann.refused(denied, "", words...)
	}
	if f := ann.tell("KVD.FATE", dots["a:x"]); f["key"] != "a:x" {
		t.Errorf("ann's own write is %v", f)
	}
	if a := ann.tell("KVD.AUDIT"); a["keys"] != int64(1) {
		t.Errorf("ann's audit is over %v keys", a["keys"])
	}
	ann.tell("KVD.ADVISE")
	origin := logicalOrigin(t, dots["a:x"])
	if n := len(ann.tell("KVD.LOG", origin, 1)["entries"].([]any)); n != 1 {
		t.Errorf("ann is shown %d entries of the log", n)
	}
	if n := len(n1.tell("KVD.LOG", origin, 1)["entries"].([]any)); n != 2 {
		t.Errorf("who may read all is shown %d entries of the log", n)
	}
	bob := all[0].as("bob")
	for _, words := range [][]any{{"KVD.AUDIT"}, {"KVD.LOG", origin, 1}, {"KVD.RESTORE", dots["a:x"]}, {"KVD.FAULT", "CLEAR"}, {"KVD.NEWORIGIN"}, {"KVD.ACCEPT", dots["a:x"], "HERE"}} {
		bob.refused("NOPERM User bob has no permissions to run the '"+strings.ToLower(words[0].(string))+"' command", "", words...)
	}
	if v := ann.tell("KVD.RESTORE", dots["a:x"], "FORCE"); v["key"] != "a:x" {
		t.Errorf("ann's own write is restored as %v", v)
	}

	m, err := feed.ReceiveMessage(context.Background())
	if err != nil || !strings.Contains(m.Payload, "a:x") || strings.Contains(m.Payload, "b:x") {
		t.Errorf("the feed tells ann %v: %v", m, err)
	}
}

func logicalOrigin(t *testing.T, dot string) string {
	t.Helper()
	d, err := logical.ParseDot(dot)
	if err != nil {
		t.Fatal(err)
	}
	return fmt.Sprint(d.Origin)
}
