package storage_test

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/cockroachdb/pebble/v2/vfs"
	"github.com/cockroachdb/pebble/v2/vfs/errorfs"

	"kvd/logical"
	"kvd/replica"
	"kvd/storage"
)

// cuts is what a leader's disk was at moments at which the power might have been cut.
type cuts struct {
	*vfs.MemFS
	mu    sync.Mutex
	rng   *rand.Rand // nil: none is taken yet
	calls int
	least int // the batch that is known to be durable
	taken []cut
}

type cut struct {
	fs    *vfs.MemFS
	least int
	when  string
}

func (c *cuts) String() string { return "cuts" }

// MaybeError cuts the power now and then before a call that changes something, which may be
// one of a flush.
func (c *cuts) MaybeError(op errorfs.Op) error {
	if !writes(op) {
		return nil
	}
	c.mu.Lock()
	c.calls++
	due := c.rng != nil && c.calls%41 == 0
	c.mu.Unlock()
	if due {
		c.take(fmt.Sprintf("before %v of %s", op.Kind, op.Path))
	}
	return nil
}

// take cuts the power.
func (c *cuts) take(when string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	percent := len(c.taken) % 3 * 50
	fs := c.CrashClone(vfs.CrashCloneCfg{UnsyncedDataPercent: percent, RNG: c.rng})
	c.taken = append(c.taken, cut{fs, c.least, fmt.Sprintf("%s, with %d%% of what was not synced", when, percent)})
}

// begin lets cuts be taken.
func (c *cuts) begin(seed uint64) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.rng = rand.New(rand.NewPCG(seed, 8))
}

// synced says that a batch is durable.
func (c *cuts) synced(batch int) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.least = batch
}

// TestReplay: whatever a leader did, and whenever the power is cut, its store is opened
// again with the very rows that it would have had without, up to a batch that is no
// older than what was durable: objects, request ids, duplicates, sums, ledger, conflicts
// and state. One that is only read shows the same.
func TestReplay(t *testing.T) {
	for seed, behind := range []int64{0, 4 << 10, 1 << 30} { // objects go into the database at once, now and then, or never
		t.Run(fmt.Sprint("behind ", behind), func(t *testing.T) {
			c := &cuts{MemFS: vfs.NewCrashableMem()}
			w := newWorld(t, uint64(seed), errorfs.Wrap(c.MemFS, c), c.MemFS, behind)
			c.begin(uint64(seed))
			w.run(c, 220)
			w.shows(t)
			missed := map[int]bool{}
			for _, cut := range c.taken {
				missed[w.holds(t, cut)-cut.least] = true
			}
			if t.Logf("%d cuts among %d batches", len(c.taken), len(w.batches)); len(missed) < 2 {
				t.Error("no crash came between a batch and its sync")
			}
		})
	}
}

// run is random steps of everybody, and cuts between them.
func (w *world) run(c *cuts, cycles int) {
	for i := range cycles {
		w.now += time.Duration(w.IntN(30)) * time.Millisecond
		if i%50 == 0 {
			w.quiet()
		}
		for range 1 + w.IntN(3) {
			w.stepSomebody()
		}
		if i%9 == 0 {
			c.take("before Write")
		}
		w.write()
		if i%7 == 0 {
			c.take("after Write")
		}
		if w.IntN(3) == 0 { // the next batch is written over this one
			continue
		}
		w.sync()
		c.synced(len(w.batches) - 1)
		if i%11 == 0 {
			c.take("after the sync")
		}
		w.publish()
	}
}

// quiet lets everything arrive, and everybody compare logs.
func (w *world) quiet() {
	for range 6 {
		for n := 0; n < 100 && len(w.flying) > 0; n++ {
			f := w.flying[0]
			w.flying = w.flying[1:]
			w.deliver(f)
		}
		w.now += 600 * time.Millisecond
		w.tick()
		w.write()
		w.sync()
		w.publish()
	}
}

func (w *world) tick() {
	for _, p := range w.peers {
		w.feed(p, replica.Tick{})
	}
	w.stepOne(func() replica.Input { return replica.Tick{} })
}

// stepSomebody lets a client ask, a message arrive, or time pass.
func (w *world) stepSomebody() {
	m := w.peers[w.IntN(2)]
	switch n := w.IntN(15); {
	case n < 4 && len(w.flying) > 0:
		i := 0
		if n == 0 {
			i = w.IntN(min(3, len(w.flying)))
		}
		f := w.flying[i]
		w.flying = slices.Delete(w.flying, i, i+1)
		w.deliver(f)
	case n < 6:
		q := w.request(m.pump.State().Frontier)
		w.feed(m, &q)
	case n == 6:
		w.now += 700 * time.Millisecond
		w.tick()
	case n == 7:
		m.skew = time.Duration(w.IntN(400)-200) * time.Millisecond
	case n == 8:
		if q := w.settlement(); q != nil {
			w.stepOne(func() replica.Input { again := *q; return &again })
		}
	default:
		for range 1 + w.IntN(6) {
			q := w.request(w.one.pump.State().Frontier)
			w.stepOne(func() replica.Input {
				again := q
				again.Value, again.Shown = slices.Clone(q.Value), slices.Clone(q.Shown)
				return &again
			})
		}
	}
}

// deliver hands over a message. The peers are on two sides of a cut network.
func (w *world) deliver(f message) {
	in := replica.Received{From: f.from, Message: f.message}
	if f.to == w.one.name {
		w.stepOne(func() replica.Input { return in })
		return
	}
	for _, p := range w.peers {
		if p.name == f.to {
			w.feed(p, in)
		}
	}
}

// shows fails unless there were rows of every kind.
func (w *world) shows(t *testing.T) {
	t.Helper()
	kinds := map[byte]int{}
	for _, row := range w.batches[len(w.batches)-1] {
		kinds[row[1]]++
	}
	for _, letter := range []byte("KPRQTACDM") {
		if kinds[letter] == 0 {
			t.Errorf("no row of kind %c was ever written", letter)
		}
	}
	if ledger, err := w.twin.store.LedgerStats(); err != nil || ledger.Evicted.Rows == 0 || ledger.Retracted.Sum() == 0 {
		t.Errorf("%+v, %v: nothing was evicted or retracted", ledger, err)
	}
	if n := w.twin.pump.State().Frontier.At(1); n < storage.SumSpan || kinds['A'] <= w.twin.pump.State().Frontier.Len() {
		t.Errorf("%d ops of one origin, and %d sums", n, kinds['A'])
	}
}

// holds opens what a cut left, and gives the batch that it ends with.
func (w *world) holds(t *testing.T, c cut) (batch int) {
	t.Helper()
	for _, readOnly := range []bool{true, false} {
		o := small(c.fs)
		o.MemTable, o.ReadOnly, o.WriteBehind = 16<<10, readOnly, w.behind
		s := open(t, o)
		rows, position, err := s.Dump()
		must(t, err)
		at, known := w.positions[position]
		switch {
		case !known:
			t.Fatalf("%s: no batch ended at %s", c.when, position)
		case at < c.least:
			t.Fatalf("%s: batch %d is the last one, and %d was durable", c.when, at, c.least)
		case !slices.Equal(rows, unflushed(w.batches[at], rows)) && readOnly, !readOnly && !slices.Equal(rows, w.batches[at]):
			t.Fatalf("%s, read only %t: %s", c.when, readOnly, difference(rows, w.batches[at]))
		}
		batch = at
		must(t, errors.Join(s.CheckLedger(), s.CheckLog(1<<20), s.CheckWhole(func() bool { return true })))
		for d := range w.twin.pump.State().Frontier.All() {
			w.sameSums(t, s.Sum, d)
		}
		must(t, s.Close())
	}
	return batch
}

// unflushed is what a store that is only read can know if nothing was flushed: not that it
// is of this format.
func unflushed(want, got []string) []string {
	format := func(row string) bool { return strings.HasPrefix(row, `"Mformat"`) }
	if slices.ContainsFunc(got, format) {
		return want
	}
	return slices.DeleteFunc(slices.Clone(want), format)
}

// sameSums compares what a log adds up to where that is known of both.
func (w *world) sameSums(t *testing.T, sum func(logical.Dot) (uint64, bool, error), end logical.Dot) {
	t.Helper()
	for ; end.Seq > 0; end.Seq-- {
		got, ok, err := sum(end)
		want, too, err2 := w.twin.store.Sum(end)
		if must(t, errors.Join(err, err2)); ok && too && got != want {
			t.Fatalf("the log up to %s adds up to %x, not %x", end, got, want)
		}
	}
}

// difference names the first rows that only one side has.
func difference(got, want []string) string {
	for _, row := range got {
		if !slices.Contains(want, row) {
			return fmt.Sprintf("%.300s should not be there", row)
		}
	}
	for _, row := range want {
		if !slices.Contains(got, row) {
			return fmt.Sprintf("%.300s is missing", row)
		}
	}
	return "the order differs"
}
