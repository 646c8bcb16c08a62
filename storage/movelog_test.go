package storage_test

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"strings"
	"sync"
	"testing"

	"github.com/cockroachdb/pebble/v2"
	"github.com/cockroachdb/pebble/v2/vfs"
	"github.com/cockroachdb/pebble/v2/vfs/errorfs"

	"kvd/logical"
	"kvd/resolve"
	"kvd/storage"
	"kvd/storage/codec"
	"kvd/storage/codec/codectest"
	"kvd/storage/log"
)

// formerOps is ops of three origins, each of which had seen random ones of the others, in
// an order in which they may have been applied. The least origin comes last: no order by
// key is one of cause and effect.
func formerOps(rng *rand.Rand, n, bytes int) (ops []*resolve.Op, applied logical.Frontier) {
	seen := map[logical.Origin]logical.Frontier{}
	for range n {
		op := codectest.TypicalOp()
		o := ownOrigin + 2 - logical.Origin(rng.IntN(min(3, 1+len(ops)/4)))
		seen[o] = seen[o].Clone()
		if other := ownOrigin + logical.Origin(rng.IntN(3)); rng.IntN(3) == 0 {
			seen[o] = seen[o].Join(seen[other])
		}
		op.Dot = logical.Dot{Origin: o, Seq: applied.At(o) + 1}
		op.Deps, op.Parents, op.Hidden, op.Lamport = seen[o].Clone(), nil, nil, logical.Lamport(len(ops)+1)
		op.Key, op.Value = fmt.Sprint("key", rng.IntN(9)), noise(byte(len(ops)), bytes)
		f := seen[o]
		f.Advance(op.Dot)
		seen[o] = f
		applied.Advance(op.Dot)
		ops = append(ops, op)
	}
	return ops, applied
}

// formerStore is a store of format 3 with these ops: each is a row of the database.
func formerStore(t testing.TB, fs vfs.FS, ops []*resolve.Op, applied logical.Frontier) {
	t.Helper()
	db, err := pebble.Open(small(fs).Dir, &pebble.Options{FS: fs, Logger: silent{}})
	must(t, err)
	for _, op := range ops {
		must(t, db.Set(rowKey('L', op.Dot), codec.AppendOp(nil, op), pebble.NoSync))
	}
	o := codectest.TypicalObject()
	must(t, db.Set([]byte("K"+o.Key), codec.AppendObjectAs(nil, "", o), pebble.NoSync))
	if len(ops) > 0 {
		st := storage.State{Origin: ownOrigin, Frontier: applied, Lamport: logical.Lamport(len(ops))}
		must(t, db.Set([]byte("Mstate"), storage.AppendState(nil, st), pebble.NoSync))
	}
	must(t, db.Set([]byte("Mformat"), []byte{3}, pebble.NoSync))
	must(t, db.Close())
}

// hasOp checks that an op is found as it was put.
func hasOp(t *testing.T, s interface {
	Op(logical.Dot) (*resolve.Op, bool, error)
}, want *resolve.Op) {
	t.Helper()
	got, found, err := s.Op(want.Dot)
	if err != nil || !found || !bytes.Equal(codec.AppendOp(nil, got), codec.AppendOp(nil, want)) {
		t.Fatalf("op %s: found %v, error %v, or not as it was", want.Dot, found, err)
	}
}

// holdsOps checks that a store has these ops and is otherwise as formerStore made it.
func holdsOps(t *testing.T, s *storage.Store, ops []*resolve.Op, applied logical.Frontier) {
	t.Helper()
	for _, op := range ops {
		hasOp(t, s, op)
	}
	for d := range applied.All() {
		next := logical.Seq(1)
		must(t, s.LogEntries(d.Origin, 1, func(seq logical.Seq, _ []byte) (bool, error) {
			if seq != next {
				t.Fatalf("op %d of %s comes where %d should", seq, d.Origin, next)
			}
			next++
			return true, nil
		}))
		if next != d.Seq+1 {
			t.Fatalf("origin %s ends with %d, not %d", d.Origin, next-1, d.Seq)
		}
	}
	st, found, err := s.State()
	must(t, err)
	if found != (len(ops) > 0) || st.Frontier.Compare(applied) != logical.Equal {
		t.Fatalf("the state is of %s, not %s", st.Frontier, applied)
	}
	o, err := s.Object(codectest.TypicalObject().Key)
	same(t, "object", o, codectest.TypicalObject(), true, err)
}

// inCausalOrder checks that the log of a closed store has each op once, after all that it
// depends on, as it is written now, and that no op is a row any more.
func inCausalOrder(t *testing.T, fs vfs.FS, ops []*resolve.Op) {
	t.Helper()
	want := map[logical.Dot][]byte{}
	for _, op := range ops {
		want[op.Dot] = codec.AppendOp(nil, op)
	}
	l, err := log.Open(log.Options{FS: fs, Dir: "leader/log", ReadOnly: true})
	must(t, err)
	defer l.Close()
	var f logical.Frontier
	must(t, l.Read(0, func(g log.Group) (bool, error) {
		for _, e := range g.Entries {
			if e.Dot.IsZero() {
				continue
			}
			op, err := codec.DecodeOp(e.Bytes)
			if err != nil || !bytes.Equal(e.Bytes, want[e.Dot]) || op.Dot != e.Dot {
				t.Fatalf("%s is not as it was, %v", e.Dot, err)
			}
			if !f.Includes(op.Deps) {
				t.Fatalf("%s depends on %s and comes after %s", op.Dot, op.Deps, f)
			}
			f.Advance(op.Dot)
			delete(want, op.Dot)
		}
		return true, nil
	}))
	if len(want) > 0 {
		t.Fatalf("the log lacks %d ops", len(want))
	}
	if letters := stage(t, fs); strings.Contains(letters, "L") {
		t.Fatalf("ops are rows: %s", letters)
	}
}

// TestLogsAreMoved: the ops of a store that kept them as rows go into the log, whole and
// in an order of cause and effect, and are the same whoever reads them.
func TestLogsAreMoved(t *testing.T) {
	for _, n := range []int{0, 1, 400} {
		ops, applied := formerOps(rand.New(rand.NewPCG(1, uint64(n))), n, 2000)
		fs := vfs.NewMem()
		formerStore(t, fs, ops, applied)
		for range 2 {
			s := open(t, small(fs))
			holdsOps(t, s, ops, applied)
			must(t, s.Close())
			inCausalOrder(t, fs, ops)
		}
		s := open(t, small(fs))
		next := codectest.TypicalOp()
		next.Dot = logical.Dot{Origin: ownOrigin, Seq: applied.At(ownOrigin) + 1}
		commit(t, s, func(b *storage.Batch) { b.PutOp(next) })
		hasOp(t, s, next)
	}
}

// TestOlderStoresAreReadAsTheyAre: one that is only read keeps its ops as rows, and they
// are found there.
func TestOlderStoresAreReadAsTheyAre(t *testing.T) {
	ops, applied := formerOps(rand.New(rand.NewPCG(2, 3)), 50, 100)
	fs := vfs.NewMem()
	formerStore(t, fs, ops, applied)
	before := contents(t, fs, "leader")
	o := small(fs)
	o.ReadOnly = true
	s := open(t, o)
	holdsOps(t, s, ops, applied)
	snap := s.Snapshot()
	hasOp(t, snap, ops[49])
	must(t, snap.Close())
	if _, found, err := s.Op(logical.Dot{Origin: ownOrigin, Seq: 1000}); found || err != nil {
		t.Errorf("an op that is not there is found: %v, %v", found, err)
	}
	must(t, s.Close())
	for name, text := range contents(t, fs, "leader") {
		if before[name] != text {
			t.Errorf("%s is new or changed", name)
		}
	}
}

// TestLogsAreMovedThroughCrashes cuts the power at every call that changes something of the
// log while it is moved, and at some others. Whatever is left is read as it is, and moved to the same end.
func TestLogsAreMovedThroughCrashes(t *testing.T) {
	ops, applied := formerOps(rand.New(rand.NewPCG(4, 5)), 350, 2000)
	mem := vfs.NewCrashableMem()
	formerStore(t, mem, ops, applied)
	var cuts []*vfs.MemFS
	rng := rand.New(rand.NewPCG(1, 2))
	var mu sync.Mutex
	calls := 0
	s := open(t, small(errorfs.Wrap(mem, errorfs.InjectorFunc(func(op errorfs.Op) error {
		mu.Lock()
		defer mu.Unlock()
		if !writes(op) {
			return nil
		}
		if calls++; calls%10 == 0 || strings.Contains(op.Path, "/log") {
			cuts = append(cuts, mem.CrashClone(vfs.CrashCloneCfg{UnsyncedDataPercent: len(cuts) % 3 * 50, RNG: rng}))
		}
		return nil
	}))))
	must(t, s.Close())
	stages := map[string]int{}
	for _, fs := range cuts {
		at := stage(t, fs)
		if _, err := fs.Stat("leader/log/00000001.log"); err == nil {
			at += ", a log"
		}
		stages[at]++
		o := small(fs)
		o.ReadOnly = true
		s := open(t, o)
		holdsOps(t, s, ops, applied)
		must(t, s.Close())
		s = open(t, small(fs))
		holdsOps(t, s, ops, applied)
		must(t, s.Close())
		inCausalOrder(t, fs, ops)
	}
	if t.Logf("the power was cut at %v", stages); len(stages) < 3 {
		t.Errorf("the power was cut at %v only", stages)
	}
}
