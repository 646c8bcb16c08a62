package compat

import (
	"context"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/cockroachdb/pebble/v2/vfs"

	"kvd/replica/member"
	"kvd/replica/node"
	"kvd/replica/replicatest"
	"kvd/resolve"
)

// timeout is how long a reply may take; what fails takes this long.
const timeout = replicatest.Timeout

// peer is a server that stories are played at.
type peer struct{ name, network, addr string }

// startLeader starts a leader whose keys are resolved as the word before their
// first colon says.
func startLeader(t *testing.T) *node.Leader {
	t.Helper()
	cfg := node.Defaults()
	cfg.Name, cfg.Dir, cfg.FS, cfg.Profile = "n1", "n1", vfs.NewMem(), member.Local
	cfg.Addrs = node.Addrs{RESP: "127.0.0.1:0", HTTP: "127.0.0.1:0", Peer: "127.0.0.1:0", Gossip: "127.0.0.1:0"}
	for _, id := range resolve.IDs() {
		cfg.Policy.Rules = append(cfg.Policy.Rules, resolve.Rule{Prefix: id.String() + ":", Resolver: id})
	}
	l, err := node.Start(context.Background(), cfg)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := l.Stop(context.Background()); err != nil {
			t.Errorf("the leader does not stop: %v", err)
		}
	})
	replicatest.Eventually(t, "the leader serves", l.Serving)
	return l
}

// startRedis starts the oracle, or skips the test.
func startRedis(t *testing.T) peer {
	t.Helper()
	path := os.Getenv("KVD_REDIS")
	if path == "" {
		var err error
		if path, err = exec.LookPath("redis-server"); err != nil {
			t.Skip("needs redis-server 7.0 in PATH or KVD_REDIS: ", err)
		}
	}
	version, err := exec.Command(path, "--version").Output()
	if err != nil {
		t.Fatalf("%s --version: %v", path, err)
	}
	if !strings.Contains(string(version), "v=7.0.") {
		t.Skipf("needs redis-server 7.0, and %s is %s", path, version)
	}
	dir, err := os.MkdirTemp("", "compat") // t.TempDir may be too long for a socket
	if err != nil {
		t.Fatal(err)
	}
	socket := filepath.Join(dir, "redis")
	cmd := exec.Command(path, "--port", "0", "--unixsocket", socket, "--save", "", "--appendonly", "no", "--dir", dir, "--logfile", filepath.Join(dir, "log"))
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = cmd.Process.Kill()
		_ = cmd.Wait()
		_ = os.RemoveAll(dir)
	})
	p := peer{"redis", "unix", socket}
	replicatest.Eventually(t, "redis-server listens", func() bool {
		nc, err := net.Dial(p.network, p.addr)
		if err == nil {
			_ = nc.Close()
		}
		return err == nil
	})
	return p
}
