package main

import (
	"context"
	"fmt"
	"net/http"
	"os"
	"strings"
	"sync"
	"syscall"
	"testing"

	"kvd/replica/replicatest"

	"github.com/redis/go-redis/v9"
)

// ready is what /health/ready answers.
func (n *served) ready() (code int, body string) {
	n.t.Helper()
	res, err := http.Get("http://" + n.http + "/health/ready")
	if err != nil {
		n.t.Fatal(err)
	}
	res.Body.Close()
	return res.StatusCode, n.page("/health/ready")
}

// loads asks, and reports whether the answer was LOADING.
func (n *served) loads(args ...any) (answer any, loading bool) {
	n.t.Helper()
	r, err := n.Do(context.Background(), args...).Result()
	switch {
	case err == nil, err == redis.Nil:
		return r, false
	case strings.HasPrefix(err.Error(), "LOADING "+n.name+" does not serve yet: it began without data"):
		return err, true
	}
	n.t.Fatalf("%s: %v: %v", n.name, args, err)
	return nil, false
}

// neverLies asks a newcomer until it serves: before, it answers nothing else than
// LOADING; from then on, what everybody else would. It gives how often it was refused.
func (n *served) neverLies(hits int64) (refused int) {
	n.t.Helper()
	replicatest.Eventually(n.t, n.name+" serves", func() bool {
		code, body := n.ready()
		got, loading := n.loads("INCR", "hits:a")
		if loading {
			if refused++; code == http.StatusOK {
				n.t.Errorf("answered LOADING after it said that it is ready")
			}
			if code == http.StatusServiceUnavailable && !strings.Contains(body, `"catching-up"`) {
				n.t.Errorf("not ready because of %s", body)
			}
			n.try("PING")
			n.try("INFO")
			return false
		}
		if v := got.(int64); v <= hits {
			n.t.Fatalf("INCR of a counter that is above %d answers %d", hits, v)
		}
		return true
	})
	if got, _ := n.loads("SET", "lock", n.name, "NX"); got != nil {
		n.t.Errorf("SET NX of a key that is there answers %v", got)
	}
	if got, _ := n.loads("DBSIZE"); got.(int64) < 2000 {
		n.t.Errorf("it serves with %v keys", got)
	}
	replicatest.Eventually(n.t, n.name+" is ready", func() bool { code, _ := n.ready(); return code == http.StatusOK })
	return refused
}

// filled is a leader and one that joined it, with data and faults allowed.
func filled(t *testing.T) (n1, n2 *served) {
	t.Helper()
	policy := []string{"--policy", "hits:=counter", "--unsafe-faults"}
	n1 = serves(t, "n1", t.TempDir(), "127.0.0.1:0", policy...)
	n1.try("SET", "lock", "n1", "NX") // the first leader serves at once
	n2 = serves(t, "n2", t.TempDir(), "127.0.0.1:0", append(policy, "--join", n1.gossip)...)
	p := n1.Pipeline()
	for i := range 2000 {
		p.Set(context.Background(), fmt.Sprintf("k%04d", i), i, 0)
	}
	p.IncrBy(context.Background(), "hits:a", 100)
	if _, err := p.Exec(context.Background()); err != nil {
		t.Fatal(err)
	}
	replicatest.Eventually(t, "n2 has it", func() bool { _, loading := n2.loads("GET", "hits:a"); return !loading })
	n2.shows("hits:a", "100")
	return n1, n2
}

// A leader that joins a cluster under load with an empty directory, or comes back
// with one, answers from nothing at no time.
func TestANewcomerNeverAnswersFromNothing(t *testing.T) {
	n1, n2 := filled(t)
	stop := make(chan struct{})
	var load sync.WaitGroup
	defer load.Wait()
	defer sync.OnceFunc(func() { close(stop) })()
	for _, n := range []*served{n1, n2} {
		load.Go(func() {
			for i := 0; ; i++ {
				select {
				case <-stop:
					return
				default:
					n.try("SET", fmt.Sprintf("more%d", i%500), i)
				}
			}
		})
	}
	dir, gossip := t.TempDir(), free(t)
	more := []string{"--policy", "hits:=counter", "--join", n1.gossip}
	n3 := begins(t, "n3", dir, gossip, more...)
	n3.neverLies(100)
	n3.signal(syscall.SIGKILL)
	n3.end()
	if err := os.RemoveAll(dir); err != nil {
		t.Fatal(err)
	}
	for _, n := range []*served{n1, n2} {
		n.try("KVD.FAULT", "LINK", "n3", "delay=300ms")
	}
	n3 = begins(t, "n3", dir, gossip, more...)
	if n3.neverLies(101) == 0 {
		t.Error("it was never seen to wait, though everything takes 300 ms to reach it")
	}
	for _, n := range []*served{n1, n2, n3} {
		n.shows("lock", "n1")
		n.shows("hits:a", "102")
	}
	n3.signal(syscall.SIGTERM)
	n3.end()
	// With its data it serves at once, whoever else is there.
	n3 = serves(t, "n3", dir, gossip, "--policy", "hits:=counter", "--join", free(t))
	n3.shows("hits:a", "102")
}

// Who reaches nobody does not serve from nothing, unless it is told to; and says so
// where people and programs look.
func TestANewcomerThatReachesNobody(t *testing.T) {
	dir, nobody := t.TempDir(), free(t)
	n := begins(t, "n1", dir, "127.0.0.1:0", "--join", nobody)
	if got, loading := n.loads("SET", "k", "v"); !loading || !strings.Contains(fmt.Sprint(got), "--serve-while-joining") {
		t.Errorf("answers %v", got)
	}
	if code, body := n.ready(); code != http.StatusServiceUnavailable || !strings.Contains(body, `"catching-up"`) {
		t.Errorf("health: %d %s", code, body)
	}
	n.says(`does not serve yet.*has met no other leader yet`)
	n.signal(syscall.SIGTERM)
	n.end()
	n = serves(t, "n1", dir, "127.0.0.1:0", "--join", nobody, "--serve-while-joining")
	n.try("SET", "k", "v")
	n.shows("k", "v")
	n.says(`serves though it has not what others have`)
}

// Two that both begin without data and know of each other do not wait for ever.
func TestNewcomersDoNotWaitForEachOther(t *testing.T) {
	a, b := free(t), free(t)
	n1 := begins(t, "n1", t.TempDir(), a, "--join", b)
	n2 := begins(t, "n2", t.TempDir(), b, "--join", a)
	for _, n := range []*served{n1, n2} {
		replicatest.Eventually(t, n.name+" serves", func() bool { _, loading := n.loads("GET", "k"); return !loading })
	}
	n1.everywhere(1, "SET", "k", "v")
	n2.shows("k", "v")
}
