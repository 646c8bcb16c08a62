package node

import (
	"encoding/json"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/cockroachdb/pebble/v2/vfs"

	"kvd/logical"
	"kvd/replica"
	"kvd/replica/console"
	"kvd/replica/host"
	"kvd/replica/link"
	"kvd/replica/member"
	"kvd/replica/node/internal/fit"
	"kvd/replica/replicatest"
	"kvd/replica/resp/server"
	"kvd/resolve"
	"kvd/resolve/limits"
	"kvd/storage"
	"kvd/wallclock"
)

// holdsTooMuch is a store whose log holds an op that no frame takes, as another
// version may have left it.
func holdsTooMuch(t *testing.T, dir string, policy resolve.Policy) (vfs.FS, logical.Dot) {
	t.Helper()
	must := func(err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	fs, origin := vfs.NewMem(), logical.Origin(0xabc)
	store, err := storage.Open(storage.Options{FS: fs, Dir: dir + "/store", Sync: storage.SyncAlways})
	must(err)
	cfg := replica.Defaults()
	cfg.Name, cfg.Policy = "n1", policy
	pump, err := host.Open(cfg, store, origin+1, nil)
	must(err)
	now := wallclock.Instant(time.Now().UnixNano())
	var ops []*resolve.Op
	for seq, value := range []int{10, limits.Op + 1, 10} {
		ops = append(ops, &resolve.Op{
			Dot: logical.Dot{Origin: origin, Seq: logical.Seq(seq + 1)}, Key: "large", Kind: resolve.Put, Value: make([]byte, value),
			Deps: logical.FrontierOf(logical.Dot{Origin: origin, Seq: logical.Seq(seq)}), Lamport: logical.Lamport(seq + 1),
			Wall: wallclock.Around(now, time.Millisecond), HLC: logical.HLC{Wall: int64(now), Count: uint32(seq)},
		})
	}
	must(pump.Step(wallclock.Moment{Wall: wallclock.Around(now, time.Millisecond)}, replica.Received{From: "n2", Message: &replica.Batch{Ops: ops}}))
	must(pump.Commit())
	pump.Release()
	must(pump.Close())
	must(store.Close())
	return fs, ops[1].Dot
}

// A write that cannot be sent is named: by health, by the status page, by INFO, by
// the metrics and in the log, with the peer that does not get it.
func TestAWriteThatCannotBeSentIsNamed(t *testing.T) {
	policy := everybody(resolve.Causal)
	fs, dot := holdsTooMuch(t, "n1", policy)
	n1 := newNode(t, start(t, inMemory("n1", fs, policy)))
	n2 := start(t, inMemory("n2", vfs.NewMem(), policy, n1.Addrs().Gossip))
	var status struct {
		Peers   []console.Peer
		Reasons []console.Reason
	}
	replicatest.Eventually(t, "the status of n1 names the write", func() bool {
		if err := json.Unmarshal([]byte(n1.page("/status")), &status); err != nil {
			t.Fatal(err)
		}
		return len(status.Peers) == 1 && status.Peers[0].Unsendable != nil
	})
	u := status.Peers[0].Unsendable
	if u.Dot != dot.String() || u.Key != "large" || u.Bytes <= limits.Op || u.Limit != limits.Op {
		t.Errorf("it is said to be %+v", u)
	}
	for what, text := range map[string]string{
		"/health/ready": n1.page("/health/ready"), "/metrics": n1.page("/metrics"), "INFO": n1.ask("INFO", "kvd").(string),
	} {
		want := map[string]string{"/health/ready": u.Dot, "/metrics": `kvd_unsendable_peers 1`, "INFO": "unsendable=" + u.Dot}[what]
		if !strings.Contains(text, want) {
			t.Errorf("%s does not say %q: %.600s", what, want, text)
		}
	}
	replicatest.Eventually(t, "what was accepted before it arrives", func() bool { return n2.loop.Frontier().At(dot.Origin) == dot.Seq-1 })
}

// inMemory is a leader whose disk is fs.
func inMemory(name string, fs vfs.FS, policy resolve.Policy, join ...string) Config {
	cfg := Defaults()
	cfg.Name, cfg.Dir, cfg.FS, cfg.Profile = name, name, fs, member.Local
	cfg.Addrs = Addrs{"127.0.0.1:0", "127.0.0.1:0", "127.0.0.1:0", "127.0.0.1:0"}
	cfg.Policy, cfg.Join = policy, join
	return cfg
}

// page is what the console answers.
func (n *node) page(path string) string {
	n.t.Helper()
	res, err := http.Get("http://" + n.Addrs().HTTP + path)
	if err != nil {
		n.t.Fatal(err)
	}
	defer res.Body.Close()
	body, err := io.ReadAll(res.Body)
	if err != nil {
		n.t.Fatal(err)
	}
	return string(body)
}

// An edge that admits what the next cannot take is found before anybody is served.
func TestWhatDoesNotFitIsRefusedAtTheStart(t *testing.T) {
	core, door, links := replica.Defaults(), server.Defaults(), link.Defaults()
	if err := fit.Check(core, door, links); err != nil {
		t.Fatal(err)
	}
	for want, change := range map[string]func(*replica.Config, *server.Config, *link.Config){
		"a client's value":    func(_ *replica.Config, d *server.Config, _ *link.Config) { d.Limits.Bulk++ },
		"a client's key":      func(_ *replica.Config, d *server.Config, _ *link.Config) { d.Limits.Key++ },
		"a value and its key": func(_ *replica.Config, d *server.Config, _ *link.Config) { d.Limits.Command = d.Limits.Bulk },
		"the largest op":      func(c *replica.Config, _ *server.Config, _ *link.Config) { c.OpBytes-- },
		"a shipped op":        func(_ *replica.Config, _ *server.Config, l *link.Config) { l.MaxFrame-- },
	} {
		c, d, l := core, door, links
		change(&c, &d, &l)
		if err := fit.Check(c, d, l); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v", want, err)
		}
	}
}
