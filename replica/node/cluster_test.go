package node

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/cockroachdb/pebble/v2/vfs"
	"github.com/redis/go-redis/v9"

	"kvd/logical"
	"kvd/replica"
	"kvd/replica/member"
	"kvd/replica/replicatest"
	"kvd/resolve"
)

// node is a leader of a cluster on loopback, and a client of it.
type node struct {
	t *testing.T
	*Leader
	client *redis.Client
}

// everybody is a policy under which all resolvers watch.
func everybody(serving resolve.ID) resolve.Policy {
	return resolve.Policy{Default: serving, Shadows: resolve.All &^ serving.Mask()}
}

// cluster starts n leaders that have met, with their disks in memory.
func cluster(t *testing.T, n int, p resolve.Policy, change func(i int, c *Config)) []*node {
	t.Helper()
	var all []*node
	for i := range n {
		cfg := Defaults()
		cfg.Name, cfg.Dir, cfg.FS, cfg.Profile = fmt.Sprintf("n%d", i+1), fmt.Sprintf("n%d", i+1), vfs.NewMem(), member.Local
		cfg.Addrs = Addrs{"127.0.0.1:0", "127.0.0.1:0", "127.0.0.1:0", "127.0.0.1:0"}
		cfg.Policy, cfg.UnsafeFaults, cfg.ClockError = p, true, time.Millisecond
		if i > 0 {
			cfg.Join = []string{all[0].Addrs().Gossip}
		}
		if change != nil {
			change(i, &cfg)
		}
		all = append(all, newNode(t, start(t, cfg)))
	}
	replicatest.Eventually(t, "all leaders meet and serve", func() bool {
		for _, l := range all {
			// The first of a cluster that has not heard what another holds yet would
			// hold clients off if that other accepted a write meanwhile.
			unheard := func(p replica.PeerView) bool { return p.Origin == 0 }
			if l.Met() != n-1 || !l.Serving() || slices.ContainsFunc(l.loop.Status().Peers, unheard) {
				return false
			}
		}
		return true
	})
	return all
}

// onDisk starts leaders that have data directories; configs starts each of them again.
func onDisk(t *testing.T, n int) (all []*node, configs []Config) {
	t.Helper()
	configs = make([]Config, n)
	all = cluster(t, n, everybody(resolve.Causal), func(i int, c *Config) {
		c.FS, c.Dir, c.StateDir = nil, t.TempDir(), t.TempDir()
		configs[i] = *c
	})
	return all, configs
}

func newNode(t *testing.T, l *Leader) *node {
	c := redis.NewClient(&redis.Options{Addr: l.Addrs().RESP, MaxRetries: -1, DisableIdentity: true, ReadTimeout: replicatest.Timeout})
	t.Cleanup(func() { c.Close() })
	return &node{t, l, c}
}

// answer is a map of a reply.
type answer map[any]any

// ask sends a command that must be answered.
func (n *node) ask(words ...any) any {
	n.t.Helper()
	r, err := n.client.Do(context.Background(), words...).Result()
	if err != nil && err != redis.Nil {
		n.t.Fatalf("%s: %v: %v", n.Name(), words, err)
	}
	return r
}

func (n *node) tell(words ...any) answer {
	n.t.Helper()
	a, ok := n.ask(words...).(map[any]any)
	if !ok {
		n.t.Fatalf("%s: %v is not answered by a map", n.Name(), words)
	}
	return a
}

// refused sends a command that must be refused, and checks how the refusal
// begins and what it says.
func (n *node) refused(begins, says string, words ...any) {
	n.t.Helper()
	r, err := n.client.Do(context.Background(), words...).Result()
	if err == nil || !strings.HasPrefix(err.Error(), begins) || !strings.Contains(err.Error(), says) {
		n.t.Errorf("%s: %v is answered %v, %v; want %s … %s", n.Name(), words, r, err, begins, says)
	}
}

func (a answer) rows(name string) []answer {
	var all []answer
	for _, r := range a[name].([]any) {
		all = append(all, r.(map[any]any))
	}
	return all
}

// set writes and gives the dot.
func (n *node) set(key, value string, options ...any) string {
	n.t.Helper()
	return n.tell(append([]any{"KVD.SET", key, value}, options...)...)["dot"].(string)
}

// settle waits until all leaders have applied the same, and gives that.
func settle(t *testing.T, all []*node) (applied logical.Frontier) {
	t.Helper()
	replicatest.Eventually(t, "all leaders have applied the same", func() bool {
		applied = all[0].loop.Frontier()
		for _, n := range all[1:] {
			if n.loop.Frontier().Compare(applied) != logical.Equal {
				return false
			}
		}
		return true
	})
	return applied
}

// figure83 plays the story the project begins with: the later of two increments is
// taken by a leader whose clock is behind. It gives both dots.
func figure83(t *testing.T, all []*node, key string) (first, second string) {
	t.Helper()
	early, late := all[0], all[len(all)-1]
	first = early.tell("KVD.INCR", key, 1)["dot"].(string)
	settle(t, all)
	w := late.tell("KVD.INCR", key, 1, "REQUEST", 7, requests.Add(1))
	if w["value"] != "2" {
		t.Fatalf("the second increment makes it %v", w["value"])
	}
	settle(t, all)
	return first, w["dot"].(string)
}

// requests numbers what client 7 asks for.
var requests atomic.Uint64

// ahead plants a clock that is ahead.
func ahead(leader int, by time.Duration) func(int, *Config) {
	return func(i int, c *Config) {
		if i == leader {
			c.Clock.Offset = by
		}
	}
}
