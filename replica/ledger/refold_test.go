package ledger_test

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"github.com/cockroachdb/pebble/v2/vfs"

	"kvd/replica"
	"kvd/replica/host"
	"kvd/replica/host/refold"
	"kvd/resolve"
	"kvd/resolve/replay"
	"kvd/storage"
	"kvd/storage/losses"
	"kvd/wallclock"
)

// reopen starts the leader again, under another policy perhaps. What flies to and
// fro is gone.
func (c *cluster) reopen(at string, p resolve.Policy) {
	c.t.Helper()
	l := c.leaders[at]
	if err := l.pump.Close(); err != nil {
		c.t.Fatal(err)
	}
	c.flying = slices.DeleteFunc(c.flying, func(f flight) bool { return f.from == at || f.to == at })
	l.cfg.Policy, l.cfg.Statuses = p, l.cfg.Statuses+1000
	var err error
	if st, _, _ := l.store.State(); st.Frontier.Len() == 0 {
		l.pump, err = host.Open(l.cfg, l.store, l.life, nil)
	} else if st.Frontier.At(l.life) == 0 {
		l.pump, err = host.Open(l.cfg, l.store, l.life, nil)
	} else {
		l.pump, err = host.Resume(l.cfg, l.store, nil)
	}
	if err != nil {
		c.t.Fatal(err)
	}
	for _, peer := range l.cfg.Peers {
		if c.mixed || c.leaders[string(peer)].cfg.Policy.Same(&p) { // others refuse it
			c.feed(at, replica.PeerUp{Peer: peer})
			c.feed(string(peer), replica.PeerUp{Peer: replica.Leader(at)})
		} else {
			c.feed(string(peer), replica.PeerDown{Peer: replica.Leader(at)})
		}
	}
}

// change starts all leaders under another policy, one after the other, while they
// go on writing.
func (c *cluster) change(r *rand.Rand, p resolve.Policy, writes int) {
	for _, n := range c.names {
		c.reopen(n, p)
		c.chaos(r, writes)
	}
	c.policy = p
}

// objects is the digest of a leader's objects.
func (c *cluster) objects(at string) uint64 {
	c.t.Helper()
	d, err := c.leaders[at].store.Digest()
	if err != nil {
		c.t.Fatal(err)
	}
	return d
}

// lostNow is who lost what, by a leader's ledger.
func (c *cluster) lostNow(at string) string {
	c.t.Helper()
	var rows []string
	err := c.leaders[at].store.Rows(losses.ID{}, func(r *losses.Row) bool {
		rows = append(rows, fmt.Sprintf("%s %s %v", r.Key, r.Loser, r.Resolvers().Names()))
		return true
	})
	if err != nil {
		c.t.Fatal(err)
	}
	return strings.Join(rows, "\n")
}

// fresh is a leader that began under the policy of now and was sent all ops later.
func (c *cluster) fresh(of string) (objects uint64, lost string) {
	c.t.Helper()
	alone := newCluster(c.t, c.policy, "n9")
	alone.leaders["n9"].life = 99
	alone.reopen("n9", c.policy)
	for op := range replay.Merge(c.leaders[of].store, c.applied(of), "").All() {
		alone.feed("n9", replica.Received{From: replica.Leader(of), Message: &replica.Batch{Ops: []*resolve.Op{op}}})
	}
	return alone.objects("n9"), alone.lostNow("n9")
}

// agree holds all leaders against each other, against one that was sent everything
// under this policy, and against their audits.
func (c *cluster) agree(t *testing.T, what string) {
	t.Helper()
	want, lost := c.fresh(c.names[0])
	for _, n := range c.names {
		if got := c.objects(n); got != want {
			t.Errorf("%s: %s has the objects %x, a leader that began under this policy %x\n%s", what, n, got, want, c.show(n))
		}
		if got := c.lostNow(n); got != lost {
			t.Errorf("%s: %s lost\n%s\na leader that began under this policy\n%s", what, n, got, lost)
		}
		if err := c.leaders[n].store.CheckLedger(); err != nil {
			t.Errorf("%s: %s: %v", what, n, err)
		}
		for _, b := range c.audit(n, 1<<20).Balances {
			if !b.Holds() {
				t.Errorf("%s: %s: %s: %+v", what, n, b.Resolver, b)
			}
		}
		j, err := c.leaders[n].store.Judged()
		if err != nil || !j.Settled() || !j.Policy.Same(&c.policy) {
			t.Errorf("%s: %s is under %+v, %v", what, n, j, err)
		}
	}
}

func (c *cluster) show(at string) string {
	var b strings.Builder
	_ = c.leaders[at].store.Objects(func(o *resolve.Object) bool {
		fmt.Fprintf(&b, "%s %+v\n", o.Key, o.Versions)
		return true
	})
	return b.String()
}

// TestAnotherResolverKeepsEverything: from every resolver to every other, with
// shadows and without, while leaders are restarted one after the other: all come to
// what a leader shows that was under the new policy when the ops arrived, the audit
// adds up, and going back brings back what was. That leaders under different policies
// exchange ops meanwhile, or do not, makes no difference.
func TestAnotherResolverKeepsEverything(t *testing.T) {
	for _, from := range resolve.IDs() {
		for _, to := range resolve.IDs() {
			t.Run(fmt.Sprintf("%s to %s", from, to), func(t *testing.T) {
				seeds := []uint64{0, 1, 2}
				if from == resolve.HLC && to == resolve.Lamport || from == resolve.Counter && to == resolve.HLC {
					seeds = append(seeds, 52, 32) // a deletion that names derived and recorded totals of one origin
				}
				for _, seed := range seeds {
					r := rand.New(rand.NewPCG(seed, uint64(from)*16+uint64(to)))
					old, next := drawPolicy(r, from), drawPolicy(r, to)
					c := newCluster(t, old, []string{"n1", "n2", "n3"}[:1+seed%3]...)
					c.mixed = from < to
					c.chaos(r, 60)
					c.quiet()
					before := c.objects("n1")
					c.change(r, next, 0)
					c.agree(t, "after")
					c.change(r, old, 0)
					c.agree(t, "back")
					if now := c.objects("n1"); now != before {
						t.Errorf("going back gives the objects %x, before were %x", now, before)
					}
					c.chaos(r, 30)
					c.change(r, next, 20)
					c.quiet()
					c.agree(t, "after, under load")
					c.change(r, old, 20)
					c.quiet()
					c.agree(t, "back, under load")
				}
			})
		}
	}
}

func drawPolicy(r *rand.Rand, serving resolve.ID) resolve.Policy {
	p := resolve.Policy{Default: serving}
	switch r.IntN(3) {
	case 0:
		p.Shadows = resolve.All
	case 1:
		p.Shadows = resolve.Mask(r.IntN(int(resolve.All) + 1))
	}
	if r.IntN(3) == 0 {
		p.Rules = []resolve.Rule{{Prefix: "key/1", Resolver: resolve.IDs()[r.IntN(len(resolve.IDs()))]}}
	}
	return p
}

// TestAStoppedFoldingBeginsAgain: wherever folding again ends, whatever of it had
// reached the disk, the next start under the same policy, the one before or a third
// comes to what an undisturbed one comes to; and nobody serves what is half done.
func TestAStoppedFoldingBeginsAgain(t *testing.T) {
	policies := []resolve.Policy{
		{Default: resolve.LWW},
		{Default: resolve.Counter, Shadows: resolve.All},
		{Default: resolve.LWW, Rules: []resolve.Rule{{Prefix: "key/1", Resolver: resolve.Siblings}}},
	}
	disk := vfs.NewCrashableMem()
	open := func(fs vfs.FS) *storage.Store {
		s, err := storage.Open(storage.Options{FS: fs, Dir: "n1", Cache: 1 << 20, MemTable: 256 << 10})
		if err != nil {
			t.Fatal(err)
		}
		return s
	}
	written(t, disk, policies[0])
	want := make([]string, len(policies))
	for i, p := range policies {
		s := open(disk.CrashClone(vfs.CrashCloneCfg{}))
		want[i] = foldedUnder(t, s, p)
	}
	rng := rand.New(rand.NewPCG(3, 4))
	for stop, ended := 0, false; !ended; stop++ {
		for i, p := range policies {
			var disks [2]*vfs.MemFS
			disks, ended = stoppedAfter(t, stop, disk, open, policies[1], rng)
			for _, after := range disks {
				if got := foldedUnder(t, open(after), p); got != want[i] {
					t.Errorf("stopped after %d stretches, then under %s:\n%s\nwant\n%s", stop, p.String(), got, want[i])
				}
			}
		}
	}
}

var errStop = errors.New("stop")

// stoppedAfter folds a copy of the disk under the policy and stops after so many stretches,
// if it has not come to its end before. It gives what reached the disk, some of what was not
// synced with it, and what a process that ends in order leaves.
func stoppedAfter(t *testing.T, stretches int, disk *vfs.MemFS, open func(vfs.FS) *storage.Store, p resolve.Policy, rng *rand.Rand) (after [2]*vfs.MemFS, ended bool) {
	t.Helper()
	fs := disk.CrashClone(vfs.CrashCloneCfg{})
	s := open(fs)
	ctx, cancel := context.WithCancelCause(context.Background())
	err := refold.Run(ctx, s, p, refold.Options{Pace: 7, Progress: func(refold.Progress) {
		if stretches--; stretches < 0 {
			cancel(errStop)
		}
	}})
	cancel(nil)
	crashed := fs.CrashClone(vfs.CrashCloneCfg{UnsyncedDataPercent: 50, RNG: rng})
	if err != nil && !errors.Is(err, context.Canceled) {
		t.Fatal(err)
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	return [2]*vfs.MemFS{crashed, fs}, err == nil
}

// written puts a history on a disk.
func written(t *testing.T, disk *vfs.MemFS, p resolve.Policy) {
	c := newCluster(t, p, "n1", "n2")
	for i := range 20 { // of which the log may keep nothing
		c.set("n1", 0, fmt.Sprintf("old/%d", i), fmt.Sprint(i))
	}
	c.chaos(rand.New(rand.NewPCG(1, 2)), 150)
	c.quiet()
	s, err := storage.Open(storage.Options{FS: disk, Dir: "n1", Cache: 1 << 20, MemTable: 256 << 10, SegmentBytes: segmentBytes})
	if err != nil {
		t.Fatal(err)
	}
	cfg := c.leaders["n1"].cfg
	pump, err := host.Open(cfg, s, 77, nil)
	if err != nil {
		t.Fatal(err)
	}
	for op := range replay.Merge(c.leaders["n1"].store, c.applied("n1"), "").All() {
		in := replica.Received{From: "n2", Message: &replica.Batch{Ops: []*resolve.Op{op}}}
		if err := errors.Join(pump.Step(wallclock.Moment{Mono: 1, Wall: op.Wall}, in), pump.Commit()); err != nil {
			t.Fatal(err)
		}
		pump.Release()
	}
	if err := errors.Join(pump.Close(), s.Close()); err != nil {
		t.Fatal(err)
	}
}

// foldedUnder is what a store comes to that a leader opens under a policy, and
// closes: objects and who lost what.
func foldedUnder(t *testing.T, s *storage.Store, p resolve.Policy) string {
	t.Helper()
	cfg := replica.Defaults()
	cfg.Name, cfg.Policy = "n1", p
	pump, err := host.Open(cfg, s, 78, nil)
	if err != nil {
		t.Fatal(err)
	}
	var rows []string
	if err := s.Rows(losses.ID{}, func(r *losses.Row) bool {
		rows = append(rows, fmt.Sprintf("%s %s %v", r.Key, r.Loser, r.Resolvers().Names()))
		return true
	}); err != nil {
		t.Fatal(err)
	}
	digest, err := s.Digest()
	if err := errors.Join(err, s.CheckLedger(), pump.Close(), s.Close()); err != nil {
		t.Fatal(err)
	}
	return fmt.Sprintf("%x\n%s", digest, strings.Join(rows, "\n"))
}

// TestWhatCannotBeFoldedIsRefused: with the reason, and nothing is changed.
func TestWhatCannotBeFoldedIsRefused(t *testing.T) {
	c := newCluster(t, resolve.Policy{Default: resolve.LWW}, "n1")
	c.set("n1", 0, "views:1", "5")
	word := c.set("n1", 0, "views:2", "many")
	counted := resolve.Policy{Default: resolve.LWW, Rules: []resolve.Rule{{Prefix: "views:", Resolver: resolve.Counter}}}
	c.refuses("n1", counted, "no integers", `"views:2"`, "*=lww", "nothing was changed")
	c.set("n1", 0, "views:2", "6")
	c.forget("n1", word)
	c.refuses("n1", counted, "lacks 1 of", "*=lww", "empty directory", "nothing was changed")
	if j, err := c.leaders["n1"].store.Judged(); err != nil || !j.Settled() || j.Policy.Default != resolve.LWW {
		t.Errorf("%+v, %v", j, err)
	}
}

func (c *cluster) refuses(at string, p resolve.Policy, parts ...string) {
	c.t.Helper()
	before := c.objects(at)
	err := refold.Run(context.Background(), c.leaders[at].store, p, refold.Options{})
	if _, ok := errors.AsType[*refold.Refused](err); !ok {
		c.t.Fatalf("error %v", err)
	}
	for _, part := range parts {
		if !strings.Contains(err.Error(), part) {
			c.t.Errorf("%q does not say %q", err, part)
		}
	}
	if now := c.objects(at); now != before {
		c.t.Errorf("objects changed")
	}
}
