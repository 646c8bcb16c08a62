package ledger_test

import (
	"bytes"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"strconv"
	"testing"

	"github.com/cockroachdb/pebble/v2/vfs"

	"kvd/logical"
	"kvd/resolve"
	"kvd/resolve/rejoin"
	"kvd/storage"
	"kvd/storage/codec"
	"kvd/storage/log"
)

// collect removes from each leader's log what all have, as much as chance says.
func (c *cluster) collect(r *rand.Rand) (removed int) {
	c.t.Helper()
	for _, n := range c.names {
		s := c.leaders[n].store
		if _, err := s.Collect(log.Kept{Stable: c.applied(n), Bytes: int64(r.IntN(16 << 10))}); err != nil {
			c.t.Fatal(err)
		}
		removed += s.Log().Removed().Len()
	}
	return removed
}

// shows is what a leader shows of each key: values, and the versions behind them.
func (c *cluster) shows(at string) map[string]resolve.Reading {
	c.t.Helper()
	all := map[string]resolve.Reading{}
	l := c.leaders[at]
	err := l.store.Objects(func(o *resolve.Object) bool {
		all[o.Key] = l.cfg.Policy.Panel(o.Key).Read(o, l.pump.Reader())
		return true
	})
	if err != nil {
		c.t.Fatal(err)
	}
	return all
}

// pin sets every counter to its number, as a leader does before they become registers.
func (c *cluster) pin(at string) {
	for key, r := range c.shows(at) {
		if c.leaders[at].cfg.Policy.Panel(key).Serving == resolve.Counter && len(r.Values) > 0 {
			c.set(at, 0, key, string(r.Values[0]))
		}
	}
	c.quiet()
}

// exchange lets every leader join what the others hold to what it holds, until nothing
// changes any more.
func (c *cluster) exchange() {
	c.t.Helper()
	for round := 0; ; round++ {
		changed := 0
		for _, at := range c.names {
			for _, from := range c.names {
				if from != at {
					changed += c.join(at, from)
				}
			}
		}
		if changed == 0 {
			break
		}
		if round == 5 {
			c.t.Fatal("leaders go on to change each other")
		}
	}
	for _, n := range c.names {
		c.reopen(n, c.policy)
	}
	c.quiet()
}

func (c *cluster) join(at, from string) (changed int) {
	mine, theirs := c.leaders[at], c.leaders[from]
	keys := map[string]bool{}
	for _, l := range []*leader{mine, theirs} {
		if err := l.store.Objects(func(o *resolve.Object) bool { keys[o.Key] = true; return true }); err != nil {
			c.t.Fatal(err)
		}
	}
	for key := range keys {
		a, err := mine.store.Object(key)
		b, failed := theirs.store.Object(key)
		if err := errors.Join(err, failed); err != nil {
			c.t.Fatal(err)
		}
		told := map[logical.Dot]*resolve.Op{}
		for _, op := range rejoin.Evidence(b, logOf(theirs), 1000) {
			told[op.Dot] = op
		}
		want, err := rejoin.Join(c.policy.Panel(key), a, b, func(d logical.Dot) (*resolve.Op, bool) {
			if op, ok := logOf(mine)(d); ok {
				return op, true
			}
			op, ok := told[d]
			return op, ok
		})
		if err != nil {
			c.t.Fatalf("%s of %s and %s: %v\n%+v\n%+v", key, at, from, err, a, b)
		}
		if bytes.Equal(codec.AppendObjectAs(nil, "", a), codec.AppendObjectAs(nil, "", want)) {
			continue
		}
		changed++
		batch := mine.store.NewBatch()
		batch.PutObject(want)
		if err := errors.Join(batch.CommitUnsynced(), batch.Close()); err != nil {
			c.t.Fatal(err)
		}
	}
	return changed
}

func logOf(l *leader) rejoin.Log {
	return func(d logical.Dot) (*resolve.Op, bool) {
		op, ok, err := l.store.Op(d)
		return op, ok && err == nil
	}
}

// TestAnotherResolverFromWhatIsKept: from every resolver to every other when the logs have
// lost their beginnings, each leader's another part, while leaders go on writing: whatever
// was shown is shown or gave way to something shown, ledgers and audits add up, and once
// leaders have exchanged what they hold they hold the same.
func TestAnotherResolverFromWhatIsKept(t *testing.T) {
	segmentBytes = 4 << 10
	defer func() { segmentBytes = 0 }()
	kept := uint64(1) // seeds of each pair
	if os.Getenv("KVD_SEEDS") != "" {
		kept = 3
	}
	partial := 0
	for _, from := range resolve.IDs() {
		for _, to := range resolve.IDs() {
			t.Run(fmt.Sprintf("%s to %s", from, to), func(t *testing.T) {
				for i := range kept {
					seed := (uint64(from+to) + i) % 3
					r := rand.New(rand.NewPCG(seed, uint64(from)*16+uint64(to)))
					old, next := drawPolicy(r, from), drawPolicy(r, to)
					c := newCluster(t, old, "n1", "n2", "n3")
					c.mixed = seed > 0
					c.chaos(r, 150)
					c.quiet()
					c.pin("n1")
					partial += c.collect(r)
					before := c.shows("n1")
					c.change(r, next, 0)
					c.quiet()
					c.keeps(before)
					c.chaos(r, 20)
					c.quiet()
					c.collect(r)
					c.exchange()
					c.same("after")
					c.pin("n2")
					c.change(r, old, 20)
					c.quiet()
					c.exchange()
					c.same("back, under load")
					c.chaos(r, 20)
					c.quiet()
					c.same("later")
				}
			})
		}
	}
	if partial == 0 {
		t.Error("no log lost anything")
	}
}

// keeps holds what every leader shows against what was shown before.
func (c *cluster) keeps(before map[string]resolve.Reading) {
	c.t.Helper()
	for _, n := range c.names {
		after := c.shows(n)
		for _, b := range c.audit(n, 1<<20).Balances {
			if !b.Holds() {
				c.t.Errorf("%s: %s: %+v", n, b.Resolver, b)
			}
		}
		for key, was := range before {
			is := after[key]
			if len(was.Values) > 0 && len(is.Dots) == 0 {
				c.t.Errorf("%s: %s showed %q and shows nothing", n, key, was.Values)
			}
			if c.policy.Panel(key).Serving == resolve.Counter && len(was.Values) == 1 {
				if _, err := strconv.ParseInt(string(was.Values[0]), 10, 64); err == nil && len(is.Values) == 0 {
					c.t.Errorf("%s: counter %s was %q and is nothing", n, key, was.Values)
				}
			}
		}
	}
}

func (c *cluster) same(what string) {
	c.t.Helper()
	want := c.objects(c.names[0])
	for _, n := range c.names {
		if got := c.objects(n); got != want {
			c.t.Errorf("%s: %s and %s hold different objects\n%s\n%s", what, n, c.names[0], c.show(n), c.show(c.names[0]))
		}
		if err := c.leaders[n].store.CheckLedger(); err != nil {
			c.t.Errorf("%s: %s: %v", what, n, err)
		}
	}
}

// TestAStoppedFoldingGoesOnFromWhatIsKept: wherever it ends, whatever of it had reached the
// disk, the next start comes to what an undisturbed one comes to, though what it began with
// is nowhere any more.
func TestAStoppedFoldingGoesOnFromWhatIsKept(t *testing.T) {
	segmentBytes = 4 << 10
	defer func() { segmentBytes = 0 }()
	for _, p := range [][2]resolve.Policy{
		{{Default: resolve.Siblings}, {Default: resolve.LWW, Shadows: resolve.Causal.Mask()}},
		{{Default: resolve.HLC, Shadows: resolve.Interval.Mask()}, {Default: resolve.Counter, Shadows: resolve.Siblings.Mask()}},
	} {
		disk := vfs.NewCrashableMem()
		open := func(fs vfs.FS) *storage.Store {
			s, err := storage.Open(storage.Options{FS: fs, Dir: "n1", Cache: 1 << 20, MemTable: 256 << 10, SegmentBytes: segmentBytes})
			if err != nil {
				t.Fatal(err)
			}
			return s
		}
		written(t, disk, p[0])
		s := open(disk)
		st, _, err := s.State()
		if _, failed := s.Collect(log.Kept{Stable: st.Frontier, Bytes: 6 << 10}); errors.Join(err, failed) != nil {
			t.Fatal(err, failed)
		}
		if s.Log().Removed().Len() == 0 {
			t.Fatal("nothing is gone")
		}
		if err := s.Close(); err != nil {
			t.Fatal(err)
		}
		want := foldedUnder(t, open(disk.CrashClone(vfs.CrashCloneCfg{})), p[1])
		rng := rand.New(rand.NewPCG(5, 6))
		for stop, ended := 0, false; !ended; stop++ {
			var disks [2]*vfs.MemFS
			disks, ended = stoppedAfter(t, stop, disk, open, p[1], rng)
			for _, after := range disks {
				if got := foldedUnder(t, open(after), p[1]); got != want {
					t.Errorf("from %s stopped after %d stretches:\n%s\nwant\n%s", p[0].String(), stop, got, want)
				}
			}
		}
	}
}
