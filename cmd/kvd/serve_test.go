package main

import (
	"context"
	"io"
	"net/http"
	"strings"
	"syscall"
	"testing"

	"kvd/replica/replicatest"
)

const nobodyHas = "kvd: stopped; acknowledged writes that no other leader is known to have: "

func TestOneLeaderServesAndDrains(t *testing.T) {
	t.Parallel()
	n := serves(t, "n1", t.TempDir(), "127.0.0.1:0")
	n.try("SET", "x", "41")
	if got := n.try("INCR", "x"); got != int64(42) {
		t.Errorf("INCR answers %v", got)
	}
	if got := n.try("SCAN", "0").([]any)[1].([]any); len(got) != 1 || got[0] != "x" {
		t.Errorf("SCAN answers %v", got)
	}
	if _, err := n.Do(context.Background(), "KVD.FAULT", "CLEAR").Result(); err == nil || !strings.Contains(err.Error(), "unknown command") {
		t.Errorf("faults can be planted without being allowed: %v", err)
	}
	for path, want := range map[string]string{"/health/ready": `"ready": true`, "/status": `"name": "n1"`, "/metrics": `kvd_ops_total{from="client"} 2`} {
		if body := n.page(path); !strings.Contains(body, want) {
			t.Errorf("%s does not say %s: %.300s", path, want, body)
		}
	}
	n.signal(syscall.SIGTERM)
	if code := n.end(); code != 0 {
		t.Errorf("exit code %d", code)
	}
	if got := n.last(); got != nobodyHas+"2" {
		t.Errorf("the last line is %q", got)
	}
}

// everywhere does a command and waits until so many others durably have it.
func (n *served) everywhere(others int, args ...any) {
	n.t.Helper()
	conn := n.Conn()
	defer conn.Close()
	if err := conn.Do(context.Background(), args...).Err(); err != nil {
		n.t.Fatalf("%s: %v: %v", n.name, args, err)
	}
	if got, err := conn.Do(context.Background(), "WAIT", others, replicatest.Timeout.Milliseconds()).Int(); got != others || err != nil {
		n.t.Fatalf("%s: %v is at %d others, %v", n.name, args, got, err)
	}
}

// page is what the console answers.
func (n *served) page(path string) string {
	n.t.Helper()
	res, err := http.Get("http://" + n.http + path)
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

func TestThreeLeadersReplicateAndAccountForLosses(t *testing.T) {
	t.Parallel()
	first := serves(t, "n1", t.TempDir(), "127.0.0.1:0", "--shadow", "all")
	all := []*served{first}
	for _, name := range []string{"n2", "n3"} {
		all = append(all, serves(t, name, t.TempDir(), "127.0.0.1:0", "--shadow", "all", "--join", first.gossip))
	}
	for _, n := range all {
		replicatest.Eventually(t, n.name+" has met the others", func() bool { return strings.Count(n.page("/status"), `"alive": true`) == 2 })
	}
	for _, n := range all {
		n.try("SET", "from:"+n.name, n.name)
	}
	for _, n := range all {
		for _, other := range all {
			n.shows("from:"+other.name, other.name)
		}
	}
	first.everywhere(2, "SET", "x", "1")
	members := all[2].try("KVD.MEMBERS").([]any)
	if len(members) != 3 || members[0].(map[any]any)["name"] != "n1" || members[0].(map[any]any)["origin"] != first.origin {
		t.Errorf("KVD.MEMBERS answers %v", members)
	}
	all[1].everywhere(2, "INCR", "x")
	past := all[1].try("KVD.HISTORY", "x", "COUNT", "5").([]any)
	if len(past) != 2 || past[0].(map[any]any)["value"] != "2" || past[1].(map[any]any)["dot"] != past[0].(map[any]any)["parents"].([]any)[0] {
		t.Errorf("KVD.HISTORY answers %v", past)
	}
	for _, n := range all {
		n.signal(syscall.SIGINT)
	}
	for _, n := range all {
		if code := n.end(); code != 0 || n.last() != nobodyHas+"0" {
			t.Errorf("%s: exit code %d, and the last line is %q", n.name, code, n.last())
		}
	}
}

func TestCleanRestartKeepsTheOrigin(t *testing.T) {
	t.Parallel()
	dir, gossip := t.TempDir(), free(t)
	n1 := serves(t, "n1", t.TempDir(), "127.0.0.1:0")
	n2 := serves(t, "n2", dir, gossip, "--join", n1.gossip)
	n2.try("SET", "x", "1")
	n1.shows("x", "1")
	for i := range 150 { // each is acknowledged by a status of n2's, with a number of its own
		n1.try("SET", "many", i)
	}
	n2.shows("many", "149")
	n2.signal(syscall.SIGTERM)
	n2.end()

	again := serves(t, "n2", dir, gossip)
	if again.origin != n2.origin || again.resumed != "true" {
		t.Fatalf("after a clean stop it begins origin %s anew", again.origin)
	}
	again.everywhere(1, "SET", "x", "2")
	n1.everywhere(1, "SET", "y", "1") // its statuses must count as new ones
	again.signal(syscall.SIGTERM)
	again.end()
	n1.signal(syscall.SIGKILL)
	n1.end()
	alone := serves(t, "n2", dir, gossip)
	if alone.origin != n2.origin {
		t.Errorf("nobody could be asked, and it begins origin %s", alone.origin)
	}
	alone.says(`resumes its origin, though not everybody could be asked.*unasked=\[n1\]`)
	alone.signal(syscall.SIGTERM)
	alone.end()
	careful := serves(t, "n2", dir, gossip, "--state-dir", "none") // was attested elsewhere
	if careful.origin == n2.origin {
		t.Error("nothing attests the directory, and it goes on with its origin")
	}
	careful.signal(syscall.SIGTERM)
	careful.end()
	careful.says("stopped")
	if again := serves(t, "n2", dir, gossip, "--state-dir", "none"); again.resumed != "false" {
		t.Error("without a state directory nobody can be asked, and it goes on with its origin")
	}
}

func TestAnotherPolicyIsRefused(t *testing.T) {
	t.Parallel()
	n1 := serves(t, "n1", t.TempDir(), "127.0.0.1:0", "--policy", "views:=counter")
	n2 := serves(t, "n2", t.TempDir(), "127.0.0.1:0", "--policy", "views:=lww", "--join", n1.gossip)
	if code := n2.end(); code != 1 {
		t.Errorf("exit code %d", code)
	}
	n2.says(`why:.*"\*=causal \\"views:\\"=counter" and ours is "\*=causal \\"views:\\"=lww"`)
}

// Two leaders of one name: the one that was there stays, the other says why it
// is not ready.
func TestATakenNameIsNamed(t *testing.T) {
	t.Parallel()
	n1 := serves(t, "n1", t.TempDir(), "127.0.0.1:0")
	copied := begins(t, "n1", t.TempDir(), "127.0.0.1:0", "--join", n1.gossip)
	replicatest.Eventually(t, "the second n1 says so", func() bool {
		return strings.Contains(copied.page("/health/ready"), `two live leaders bear the name`)
	})
	if body := n1.page("/health/ready"); !strings.Contains(body, `"ready": true`) {
		t.Errorf("the first n1 is not ready: %s", body)
	}
}

// What is still on its way when the signal comes is waited for.
func TestDrainSeesWritesArrive(t *testing.T) {
	t.Parallel()
	n1 := serves(t, "n1", t.TempDir(), "127.0.0.1:0", "--unsafe-faults")
	n2 := serves(t, "n2", t.TempDir(), "127.0.0.1:0", "--join", n1.gossip)
	n1.everywhere(1, "SET", "x", "1")
	n1.try("KVD.FAULT", "LINK", "n2", "delay=400ms")
	n1.try("SET", "x", "2")
	n1.signal(syscall.SIGTERM)
	if code := n1.end(); code != 0 || n1.last() != nobodyHas+"0" {
		t.Errorf("exit code %d, last line %q", code, n1.last())
	}
	n2.shows("x", "2")
}

func TestDrainWaitsForTheOthersUntilTold(t *testing.T) {
	t.Parallel()
	faulty := []string{"--unsafe-faults", "--drain-timeout", "60s"}
	n1 := serves(t, "n1", t.TempDir(), "127.0.0.1:0", faulty...)
	n2 := serves(t, "n2", t.TempDir(), "127.0.0.1:0", append(faulty, "--join", n1.gossip, "--drain-timeout", "300ms")...)
	for _, n := range []*served{n1, n2} {
		n.try("SET", n.name, "here")
	}
	n1.shows("n2", "here")
	n2.shows("n1", "here")
	n1.try("KVD.FAULT", "LINK", "n2", "cut=on")
	n2.try("KVD.FAULT", "LINK", "n1", "cut=on")
	n1.try("SET", "x", "only at n1")
	n2.try("SET", "y", "only at n2")

	n2.signal(syscall.SIGTERM)
	if code := n2.end(); code != 0 || n2.last() != nobodyHas+"1" {
		t.Errorf("exit code %d, last line %q", code, n2.last())
	}
	n3 := serves(t, "n3", t.TempDir(), "127.0.0.1:0", append(faulty, "--join", n1.gossip)...)
	replicatest.Eventually(t, "n1 has met n3", func() bool { return len(n1.try("KVD.MEMBERS").([]any)) == 3 })
	n1.try("KVD.FAULT", "LINK", "n3", "cut=on")
	n1.try("SET", "x", "still only at n1")
	n1.signal(syscall.SIGTERM)
	replicatest.Eventually(t, "n1 drains", func() bool { return strings.Contains(n1.page("/health/ready"), `"draining"`) })
	n1.signal(syscall.SIGTERM)
	if code := n1.end(); code != -1 {
		t.Errorf("the second signal ends it with code %d", code)
	}
	n3.signal(syscall.SIGKILL)
}
