package node

import (
	"context"
	"encoding/json"
	"testing"

	"kvd/replica/replicatest"
)

// status is what KVD.STATUS answers, as far as tests look at it.
type status struct {
	State  string
	Alarms []struct{ Cause, Detail string }
	Peers  []struct {
		Name, Member, RESP string
	}
	Usage struct {
		LogBytes  uint64  `json:"log_bytes"`
		Memory    uint64  `json:"memory_bytes"`
		DiskFree  *uint64 `json:"disk_free"`
		DiskBytes *uint64 `json:"disk_bytes"`
	}
	UnsharedOps int `json:"unshared_ops"`
}

func (n *node) status() (s status) {
	n.t.Helper()
	if err := json.Unmarshal([]byte(n.ask("KVD.STATUS").(string)), &s); err != nil {
		n.t.Fatal(err)
	}
	return s
}

// A leader that is gone when another starts again is a member until it is forgotten: it is
// listed, with the address at which it is asked, and is an alarm.
func TestADeadMemberIsListedAfterARestart(t *testing.T) {
	ctx := context.Background()
	all, configs := onDisk(t, 2)
	all[0].set("x", "1")
	at := all[1].Addrs().RESP
	all[0].lists([]string{"n1", "n2"}, nil)
	for _, n := range []*node{all[1], all[0]} {
		if err := n.Stop(ctx); err != nil {
			t.Fatal(err)
		}
	}
	n1 := newNode(t, start(t, configs[0]))
	n1.lists([]string{"n1", "n2"}, nil)
	s := n1.status()
	if len(s.Peers) != 1 || s.Peers[0].Name != "n2" || s.Peers[0].Member != "absent" || s.Peers[0].RESP != at {
		t.Errorf("peers %+v, want n2 at %s", s.Peers, at)
	}
	away := false
	for _, a := range s.Alarms {
		away = away || a.Cause == "away"
	}
	if !away || s.Usage.LogBytes == 0 || s.Usage.Memory == 0 || s.Usage.DiskFree == nil || s.Usage.DiskBytes == nil {
		t.Errorf("status %+v", s)
	}
	n1.ask("KVD.FORGET", "n2")
	n1.lists([]string{"n1"}, []string{"n2"})
	if err := n1.Stop(ctx); err != nil {
		t.Fatal(err)
	}
	n1 = newNode(t, start(t, configs[0]))
	n1.lists([]string{"n1"}, []string{"n2"})
	replicatest.Eventually(t, "nothing is said of n2 any more", func() bool { return len(n1.status().Peers) == 0 })
}
