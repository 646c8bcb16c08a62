package soak

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"strconv"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"

	"kvd/replica/replicatest"
)

// kills is how many rounds of them: a few, or as the environment says.
func kills(t *testing.T) int {
	t.Helper()
	long := os.Getenv("KVD_KILLS")
	if long == "" {
		return 3
	}
	n, err := strconv.Atoi(long)
	if err != nil || n < 1 {
		t.Fatalf("KVD_KILLS=%s: say how many rounds", long)
	}
	return n
}

// victims draws whom one round kills: one leader, two, or, in a quarter of the rounds, all.
func victims(dice *rand.Rand, all []*leader) []*leader {
	n := 1 + dice.IntN(2)
	if dice.IntN(4) == 0 {
		n = len(all)
	}
	dice.Shuffle(len(all), func(i, j int) { all[i], all[j] = all[j], all[i] })
	return all[:n]
}

// fates is the moments of one round, drawn before it begins.
type fates struct {
	load    time.Duration   // clients write so long after everybody serves
	victims []*leader       // killed at once
	early   []time.Duration // by victim: its next process is killed after so long; negative: it may live
}

func draw(dice *rand.Rand, all []*leader) fates {
	f := fates{load: time.Duration(dice.IntN(400)) * time.Millisecond, victims: victims(dice, all)}
	for range f.victims {
		after := time.Duration(-1)
		if dice.IntN(5) == 0 {
			after = time.Duration(dice.IntN(120)) * time.Millisecond
		}
		f.early = append(f.early, after)
	}
	return f
}

// strike plays one round: kills, and starts again until all serve.
func (c *cluster) strike(f fates) error {
	for _, l := range f.victims {
		if err := l.cmd.Process.Kill(); err != nil {
			return fmt.Errorf("kill %s: %w", l.name, err)
		}
	}
	errs := make([]error, len(f.victims))
	var starting sync.WaitGroup
	for i, l := range f.victims {
		starting.Go(func() { errs[i] = c.rise(l, f.early[i]) })
	}
	starting.Wait()
	return errors.Join(errs...)
}

// rise starts a leader that was killed; where after is not negative, its first process is
// killed while it starts.
func (c *cluster) rise(l *leader, after time.Duration) error {
	<-l.ended
	if after >= 0 {
		if _, err := c.launch(l); err != nil {
			return err
		}
		select {
		case <-l.ended:
			return fmt.Errorf("%s ended by itself while it started:\n%s", l.name, l.said)
		case <-time.After(after):
		}
		if err := c.stop(l, syscall.SIGKILL); err != nil {
			return err
		}
	}
	return c.start(l)
}

// origins is how many of them a leader has applied ops of.
func origins(t *testing.T, l *leader) int {
	t.Helper()
	reply, err := l.client.Do(t.Context(), "KVD.FRONTIER").Result()
	if err != nil {
		t.Fatal(err)
	}
	return len(reply.([]any)) / 2
}

// TestKills kills leaders in many rounds while clients write. Nothing that was acknowledged
// is lost, the leaders become equal, and nobody has begun more than two origins.
func TestKills(t *testing.T) {
	rounds, seed := kills(t), uint64(time.Now().UnixNano())
	t.Logf("seed %d; KVD_KILLS=300 go test ./cmd/internal/soak -run TestKills -v -timeout 60m", seed)
	c, b := newCluster(t, before...), newBook()
	for _, name := range []string{"n1", "n2", "n3"} {
		c.add(name)
	}
	ctx, cancel := context.WithCancel(t.Context())
	var all sync.WaitGroup
	defer all.Wait()
	defer cancel()
	failed := make(chan error, clients)
	for i := range clients {
		w := &client{Rand: rand.New(rand.NewPCG(seed, uint64(i))), id: i, cluster: c, book: b, stale: map[string]string{}}
		all.Go(func() {
			if err := w.run(ctx); err != nil && !errors.Is(err, redis.ErrClosed) {
				failed <- err
			}
		})
	}
	replicatest.Eventually(t, "clients write", func() bool { return b.acknowledged() >= 100 })
	dice, down, killed := rand.New(rand.NewPCG(seed, clients)), 0, 0
	for round := range rounds {
		if round%25 == 24 {
			t.Logf("round %d: %d writes acknowledged", round+1, b.acknowledged())
		}
		f := draw(dice, c.all())
		select {
		case err := <-failed:
			t.Fatal(err)
		case <-time.After(f.load):
		}
		if err := c.strike(f); err != nil {
			t.Fatal(err)
		}
		c.weigh()
		killed += len(f.victims)
		if len(f.victims) == len(c.all()) {
			down++
		}
	}
	cancel()
	all.Wait()
	t.Logf("%d rounds: %d kills, all leaders at once in %d rounds", rounds, killed, down)
	settle(t, c, b)
	for _, l := range c.all() {
		if n := origins(t, l); n > 2*len(c.all()) {
			t.Errorf("%s has applied ops of %d origins after %d rounds; two a leader are expected at most", l.name, n, rounds)
		} else {
			t.Logf("%s: ops of %d origins", l.name, n)
		}
	}
}
