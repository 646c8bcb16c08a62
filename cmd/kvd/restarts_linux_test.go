package main

import (
	"context"
	"fmt"
	"os"
	"slices"
	"strconv"
	"testing"
	"time"

	"kvd/replica/replicatest"
)

// restarts is how often a leader is started again: a few times, or as the environment
// says.
func restarts(t *testing.T) int {
	t.Helper()
	n, err := strconv.Atoi(os.Getenv("KVD_RESTARTS"))
	if err != nil {
		return 4
	}
	return n
}

// cost is what one incarnation costs.
type cost struct {
	op, status, origins int // bytes of its last op in the log, and of its status page; origins in the frontier
	start               time.Duration
	sets                float64 // a second
}

// measured writes some keys, and looks at what that takes.
func (n *served) measured(start time.Duration) cost {
	n.t.Helper()
	const writes = 500
	ctx, p, began := context.Background(), n.Pipeline(), time.Now()
	for i := range writes {
		p.Do(ctx, "SET", fmt.Sprintf("k%03d", i), "a value of the usual size")
	}
	if _, err := p.Exec(ctx); err != nil {
		n.t.Fatal(err)
	}
	c := cost{start: start, sets: writes / time.Since(began).Seconds()}
	front := n.try("KVD.FRONTIER").(map[any]any)
	c.origins = len(front)
	entries := n.try("KVD.LOG", n.origin, front[n.origin], "COUNT", "1").(map[any]any)["entries"].([]any)
	c.op = len(entries[0].(string))
	c.status = len(n.page("/status"))
	return c
}

// A leader is started again and again, after a kill -9 and after a clean stop in turn, while
// one of the others stays unreachable. Neither what it writes nor what it says grows, and
// it has one origin.
func TestRestartsCostNothing(t *testing.T) {
	t.Parallel()
	dir, gossip, rounds := t.TempDir(), free(t), restarts(t)
	n2, gone := serves(t, "n2", t.TempDir(), "127.0.0.1:0"), serves(t, "n3", t.TempDir(), "127.0.0.1:0")
	n := serves(t, "n1", dir, gossip, "--join", n2.gossip, "--join", gone.gossip)
	n.measured(0) // from here on its writes have parents
	n.everywhere(2, "SET", "x", "1")
	gone.killed()
	var all []cost
	for i := range rounds {
		if i%2 == 0 {
			n.killed()
		} else {
			n.signal(15)
			n.end()
		}
		_ = n.Close()
		began := time.Now()
		n = serves(t, "n1", dir, gossip, "--drain-timeout", "10ms")
		took := time.Since(began)
		replicatest.Eventually(t, "it has met n2", func() bool {
			_, m := n.Do(t.Context(), "SET", "y", i).Result()
			return m == nil && n2.Get(t.Context(), "y").Val() == fmt.Sprint(i)
		})
		all = append(all, n.measured(took))
	}
	first, last := all[0], all[len(all)-1]
	if last.origins != 1 || last.op > first.op+first.op/10 || last.status > first.status+first.status/10 {
		t.Errorf("after %d restarts %+v, after the first %+v", rounds, last, first)
	}
	if rounds >= 40 {
		t.Logf("the first ten %+v\nthe last ten %+v", median(all[:10]), median(all[len(all)-10:]))
	}
}

func median(all []cost) cost {
	of := func(less func(a, b cost) int) cost { return slices.SortedFunc(slices.Values(all), less)[len(all)/2] }
	m := all[len(all)-1]
	m.start = of(func(a, b cost) int { return int(a.start - b.start) }).start
	m.sets = of(func(a, b cost) int { return int(a.sets - b.sets) }).sets
	return m
}
