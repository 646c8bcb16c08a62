package host_test

import (
	"fmt"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/cockroachdb/pebble/v2/vfs"
	"github.com/cockroachdb/pebble/v2/vfs/errorfs"

	"kvd/logical"
	"kvd/replica"
	"kvd/replica/host"
	"kvd/resolve"
	"kvd/storage"
)

// Salvaged ops of several origins are applied again in causal order, as far as
// nothing is missing; what waits goes on when the missing op has come from a peer.
func TestRecoveryWaitsForWhatIsMissing(t *testing.T) {
	source, from, fs := fresh(t, nil)
	for i := range 400 {
		step(t, source, set(fmt.Sprint("k", i%50), fmt.Sprint(i)))
	}
	commit(t, source)
	second := open(t, from, 8, nil) // a later incarnation of the same leader: its ops follow the others
	for i := range 300 {
		step(t, second, set(fmt.Sprint("k", i%50), fmt.Sprint("again", i)))
	}
	commit(t, second)
	want := second.State().Frontier
	digest := digestOf(t, from)
	missing, found, err := from.Op(logical.Dot{Origin: 7, Seq: 123})
	if err != nil || !found {
		t.Fatal(err)
	}

	lost := fs.CrashClone(vfs.CrashCloneCfg{})
	to := openStore(t, vfs.NewMem())
	defer to.Close()
	if _, err := storage.Salvage(lost, "n1", to); err != nil {
		t.Fatal(err)
	}
	b := to.NewBatch()
	b.DropSalvaged(missing.Dot) // it was in no file
	if err := b.Commit(); err != nil {
		t.Fatal(err)
	}
	p := open(t, to, 9, nil)
	r, err := host.NewRecovery(to)
	if err != nil || r == nil || r.Waiting().Compare(want) != logical.Equal {
		t.Fatalf("%v waits, want %s, %v", r, want, err)
	}
	if err := p.Recover(r, fixed(at(0)), nil); err != nil {
		t.Fatal(err)
	}
	if f := p.State().Frontier; f.At(7) != 122 || f.At(8) != 0 {
		t.Errorf("recovered up to %s", f)
	}
	if more, err := r.Drop(p.State().Frontier); !more || err != nil {
		t.Errorf("nothing waits, %v", err)
	}
	step(t, p, replica.Received{From: "n2", Message: &replica.Batch{Ops: []*resolve.Op{missing}}})
	commit(t, p)
	if err := p.Recover(r, fixed(at(0)), nil); err != nil {
		t.Fatal(err)
	}
	if f := p.State().Frontier; f.Compare(want) != logical.Equal {
		t.Errorf("recovered up to %s, not %s", f, want)
	}
	if more, err := r.Drop(p.State().Frontier); more || err != nil {
		t.Errorf("more waits, %v", err)
	}
	if got := digestOf(t, to); got != digest {
		t.Error("what was recovered is not what was")
	}
}

// What is handed over at once is bounded in bytes, however large the values are.
func TestRecoveryHandsOverFewLargeOps(t *testing.T) {
	source, _, fs := fresh(t, nil)
	large := strings.Repeat("v", 1<<20)
	for i := range 12 {
		step(t, source, set(fmt.Sprint("k", i), large))
		commit(t, source)
	}
	to := openStore(t, vfs.NewMem())
	defer to.Close()
	if _, err := storage.Salvage(fs.CrashClone(vfs.CrashCloneCfg{}), "n1", to); err != nil {
		t.Fatal(err)
	}
	r, err := host.NewRecovery(to)
	if err != nil {
		t.Fatal(err)
	}
	total := 0
	for applied := (logical.Frontier{}); ; {
		ops, err := r.Next(applied)
		if err != nil {
			t.Fatal(err)
		}
		if len(ops) == 0 {
			break
		}
		if total += len(ops); len(ops) > 4 {
			t.Errorf("%d ops of a megabyte at once", len(ops))
		}
		applied.Advance(ops[len(ops)-1].Dot)
	}
	if total != 12 {
		t.Errorf("%d of 12 ops came", total)
	}
}

// A leader may wait for long for what it lacks, and tries again and again: nothing is
// written for that.
func TestWaitingForWhatIsMissingWritesNothing(t *testing.T) {
	source, _, fs := fresh(t, nil)
	for i := range 3 {
		step(t, source, set("k", fmt.Sprint(i)))
	}
	commit(t, source)
	lost := fs.CrashClone(vfs.CrashCloneCfg{})
	var written atomic.Int64
	to := openStore(t, errorfs.Wrap(vfs.NewMem(), errorfs.InjectorFunc(func(op errorfs.Op) error {
		if op.Kind == errorfs.OpFileWrite {
			written.Add(1)
		}
		return nil
	})))
	defer to.Close()
	if _, err := storage.Salvage(lost, "n1", to); err != nil {
		t.Fatal(err)
	}
	r, err := host.NewRecovery(to)
	if err != nil {
		t.Fatal(err)
	}
	applied := logical.FrontierOf(logical.Dot{Origin: 7, Seq: 1})
	for round := range 3 {
		before := written.Load()
		if more, err := r.Drop(applied); !more || err != nil {
			t.Errorf("more waits: %t, %v", more, err)
		}
		applied.Advance(logical.Dot{Origin: 99, Seq: logical.Seq(round + 1)}) // what peers write meanwhile
		if wrote := written.Load() - before; (wrote > 0) != (round == 0) {
			t.Errorf("round %d wrote %d times", round, wrote)
		}
	}
	if more, err := r.Drop(r.Waiting()); more || err != nil {
		t.Errorf("at the end more waits: %t, %v", more, err)
	}
}

func digestOf(t *testing.T, s *storage.Store) uint64 {
	t.Helper()
	d, err := s.Digest()
	if err != nil {
		t.Fatal(err)
	}
	return d
}
