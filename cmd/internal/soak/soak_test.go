package soak

import (
	"context"
	"errors"
	"math/rand/v2"
	"os"
	"strings"
	"sync"
	"testing"
	"time"
)

// What the soak is made of.
const (
	clients    = 8
	slow       = 12 // connections that do not read
	bigKeys    = 4
	largest    = 8 << 20 // bytes of a value
	lasting    = 6 * time.Hour
	cacheBytes = 64 << 20
	// maxResident is what a process may take: what the collector keeps to, 528 MiB of the
	// heap, and the cache and three memtables, 256 MiB, of which a C library keeps up to
	// as much again in pieces when blocks of megabytes come and go. Without one it is less.
	maxResident = 1100 << 20
)

// The two policies: half-way one prefix is served otherwise.
var (
	before = []string{"--resolver", "causal", "--shadow", "all", "--policy", "reg:=lww", "--policy", "sib:=siblings", "--policy", "cnt:=counter", "--policy", "chg:=lww"}
	after  = []string{"--resolver", "causal", "--shadow", "all", "--policy", "reg:=lww", "--policy", "sib:=siblings", "--policy", "cnt:=counter", "--policy", "chg:=causal"}
)

// soak is how long, and whether the whole mixture fits into it.
func soakTime(t *testing.T) time.Duration {
	long := os.Getenv("KVD_SOAK")
	if long == "" {
		return 6 * time.Second
	}
	d, err := time.ParseDuration(long)
	if err != nil || d < 10*time.Second {
		t.Fatalf("KVD_SOAK=%s: say at least 10s", long)
	}
	return d
}

// TestSoak mixes everything that has ever cost data. It is replayed by the
// seed that it prints, as far as real processes can be.
func TestSoak(t *testing.T) {
	seed := uint64(time.Now().UnixNano())
	t.Logf("seed %d; KVD_SOAK=10m go test ./cmd/internal/soak -run TestSoak -v -timeout 30m", seed)
	whole := soakTime(t)
	c := newCluster(t, before...)
	for _, name := range []string{"n1", "n2", "n3"} {
		c.add(name)
	}
	b := newBook()
	half := whole / 2
	phase(t, c, b, seed, half)
	if err := c.restart(after...); err != nil {
		t.Fatal(err)
	}
	t.Log("all leaders serve again, under another policy")
	phase(t, c, b, seed+1, half)
	settle(t, c, b)
}

// phase loads the cluster for so long. In the first a leader joins in the middle.
func phase(t *testing.T, c *cluster, b *book, seed uint64, long time.Duration) {
	ctx, cancel := context.WithTimeout(context.Background(), long)
	defer cancel()
	var (
		all  sync.WaitGroup
		mu   sync.Mutex
		errs []error
	)
	run := func(f func() error) {
		all.Go(func() {
			if err := f(); err != nil {
				mu.Lock()
				defer mu.Unlock()
				errs = append(errs, err)
				cancel()
			}
		})
	}
	for i := range clients {
		w := &client{Rand: rand.New(rand.NewPCG(seed, uint64(i))), id: int(seed%1000)*100 + i, cluster: c, book: b, stale: map[string]string{}}
		run(func() error { return w.run(ctx) })
	}
	dice := rand.New(rand.NewPCG(seed, clients))
	for range slow {
		run(func() error { return again(ctx, 0, func() error { readSlowly(ctx, c.any().resp); return nil }) })
	}
	run(func() error { return again(ctx, time.Second, func() error { c.weigh(); return nil }) })
	run(func() error { return again(ctx, long/8, func() error { jump(ctx, c.leader("n3")); return nil }) })
	run(func() error {
		return again(ctx, max(long/6, 4*time.Second), func() error { return c.kill([]string{"n1", "n2"}[dice.IntN(2)]) })
	})
	if c.leader("n4") == nil {
		run(func() error {
			select {
			case <-ctx.Done():
			case <-time.After(long / 2):
				c.add("n4")
			}
			return nil
		})
	}
	all.Wait()
	if err := errors.Join(errs...); err != nil {
		t.Fatal(err)
	}
}

// any is a leader by the runtime's dice: who it is changes nothing.
func (c *cluster) any() *leader {
	all := c.all()
	return all[rand.IntN(len(all))]
}

// again does f, waits, and does it again until the context ends.
func again(ctx context.Context, wait time.Duration, f func() error) error {
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-time.After(wait):
		}
		if ctx.Err() != nil {
			return nil
		}
		if err := f(); err != nil {
			return err
		}
	}
}

// settle waits until the leaders agree, and holds them to the book.
func settle(t *testing.T, c *cluster, b *book) {
	ctx, cancel := context.WithTimeout(context.Background(), settleWithin)
	defer cancel()
	if out, err := c.kv(ctx, "wait", "--converged"); err != nil {
		t.Errorf("kv wait --converged: %v\n%s", err, out)
	}
	var wrong []string
	_ = again(ctx, 500*time.Millisecond, func() error { // keys end a little after their deadline
		wrong = nil
		for _, l := range c.all() {
			wrong = append(wrong, b.holds(ctx, l)...)
		}
		if len(wrong) == 0 {
			cancel()
		}
		return nil
	})
	if len(wrong) > 0 {
		t.Errorf("%d things are not as clients were told:\n%s", len(wrong), strings.Join(wrong[:min(len(wrong), 40)], "\n"))
	}
	agree(t, c)
	t.Logf("%d writes acknowledged, %d without a reply, refused %v", b.acked, b.unknown, b.refused)
	if b.acked < 100 {
		t.Errorf("only %d writes were acknowledged; this showed nothing", b.acked)
	}
	for _, l := range c.all() {
		t.Logf("%s: at most %d MiB resident", l.name, l.peak>>20)
		if l.peak > maxResident {
			t.Errorf("%s took %d MiB; it may take %d", l.name, l.peak>>20, maxResident>>20)
		}
	}
}

// agree asks our own tools.
func agree(t *testing.T, c *cluster) {
	ctx, cancel := context.WithTimeout(context.Background(), settleWithin)
	defer cancel()
	for _, args := range [][]string{{"compare", "--prefix", ""}, {"audit"}} {
		if out, err := c.kv(ctx, args...); err != nil {
			t.Errorf("kv %s: %v\n%s", strings.Join(args, " "), err, out[:min(len(out), 4000)])
		} else {
			lines := strings.Split(strings.TrimSpace(out), "\n")
			t.Logf("kv %s: … %s", args[0], lines[len(lines)-1])
		}
	}
}
