package node

import (
	"net"
	"os"
	"path/filepath"
	"testing"

	"kvd/replica/replicatest"
	"kvd/resolve"
)

// A leader that was taken for the first of its cluster, and meets one that has
// data, was not.
func TestAFirstLeaderThatWasNotTheFirstWaits(t *testing.T) {
	all := cluster(t, 1, everybody(resolve.LWW), nil)
	old := all[0]
	old.set("k", "old")
	cfg := old.cfg
	n := cluster(t, 1, everybody(resolve.LWW), func(_ int, c *Config) { c.Name = "n2" })[0]
	if n.waits() {
		t.Fatal("it waits for somebody")
	}
	cfg.Name, cfg.FS, cfg.Join, cfg.Dir = "n3", nil, []string{n.Addrs().Gossip, old.Addrs().Gossip}, t.TempDir()
	third := newNode(t, start(t, cfg)) // brings the two together
	for _, l := range []*node{n, third} {
		replicatest.Eventually(t, l.Name()+" has what the first had", func() bool { return l.Serving() && l.newcomer.Load() == nil })
		if got := l.ask("GET", "k"); got != "old" {
			t.Errorf("%s serves with %v", l.Name(), got)
		}
	}
}

func (n *node) waits() bool { return n.newcomer.Load().Waits() }

// A newcomer that ends amid catching up is still one when it begins again,
// although it has data by then; one that has arrived is none.
func TestANewcomerThatWasInterruptedWaitsAgain(t *testing.T) {
	first := cluster(t, 1, everybody(resolve.LWW), nil)[0]
	first.set("k", "v")
	cfg := first.cfg
	cfg.Name, cfg.FS, cfg.Dir, cfg.Join = "n2", nil, t.TempDir(), []string{first.Addrs().Gossip}
	file := filepath.Join(cfg.Dir, "joining")
	n := start(t, cfg)
	replicatest.Eventually(t, "n2 has arrived", func() bool { return n.newcomer.Load() == nil })
	if _, err := os.Stat(file); !os.IsNotExist(err) {
		t.Errorf("it has arrived, and a file says that it has not: %v", err)
	}
	if err := n.Stop(t.Context()); err != nil {
		t.Fatal(err)
	}
	cfg.Join = []string{closedPort(t)}
	if err := os.Remove(filepath.Join(cfg.Dir, "gossip")); err != nil && !os.IsNotExist(err) {
		t.Fatal(err)
	}
	for _, interrupted := range []bool{false, true} {
		if interrupted {
			if err := os.WriteFile(file, nil, 0o600); err != nil {
				t.Fatal(err)
			}
		}
		n := start(t, cfg)
		if n.Serving() == interrupted {
			t.Errorf("interrupted is %t, and so is serving", interrupted)
		}
		if err := n.Stop(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
}

// closedPort is an address at which nobody listens.
func closedPort(t *testing.T) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	return l.Addr().String()
}
