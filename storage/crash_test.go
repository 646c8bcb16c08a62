package storage_test

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/cockroachdb/pebble/v2/vfs"
	"github.com/cockroachdb/pebble/v2/vfs/errorfs"

	"kvd/logical"
	"kvd/resolve"
	"kvd/storage"
	"kvd/storage/losses"
	"kvd/wallclock"
)

const ownOrigin = logical.Origin(0xa11ce)

// step is the n-th write of a leader: a log entry, the object folded from it, a
// request, a loss and the state, as one step of the core would store them.
func step(b *storage.Batch, n logical.Seq) {
	d := logical.Dot{Origin: ownOrigin, Seq: n}
	k := "key" + strconv.Itoa(int(n%7))
	wall := wallclock.Around(wallclock.Instant(n)*1000, 2000)
	op := &resolve.Op{Dot: d, Key: k, Kind: resolve.Put, Value: []byte(strings.Repeat("v", 400+int(n%700))),
		Deps: logical.FrontierOf(logical.Dot{Origin: ownOrigin, Seq: n - 1}), Wall: wall, Lamport: logical.Lamport(n), Client: 5, Request: uint64(n)}
	b.PutOp(op)
	b.PutObject(&resolve.Object{Key: k, Versions: []resolve.Version{{Dot: d, Mask: 1, Kind: op.Kind, Value: op.Value, Wall: wall, Lamport: op.Lamport}}})
	b.PutRequest(5, uint64(n), d)
	row := losses.Row{Key: k, Loser: d, Position: uint64(n)}
	row.Insert(resolve.Loss{Resolver: resolve.LWW, Relation: resolve.Concurrent, At: wall})
	b.PutRow(&row)
	b.PutPosition(row.ID(), row.Position)
	b.PutState(storage.State{Origin: ownOrigin, Frontier: logical.FrontierOf(d), Lamport: logical.Lamport(n)})
}

// agree checks that the store holds exactly the first n steps, where n is what
// its frontier says, and returns n.
func agree(t testing.TB, s *storage.Store) logical.Seq {
	t.Helper()
	st, _, err := s.State()
	must(t, err)
	n := st.Frontier.At(ownOrigin)
	ops, err := s.Ops(ownOrigin, 1, 1<<20, 1<<30)
	must(t, err)
	if len(ops) != int(n) {
		t.Fatalf("the frontier says %d, the log has %d", n, len(ops))
	}
	losses := 0
	must(t, s.Losses(func(resolve.Loss) bool { losses++; return true }))
	_, next, err := s.Request(5, uint64(n)+1)
	must(t, err)
	if losses != int(n) || next {
		t.Fatalf("the frontier says %d, the ledger has %d rows; a later request is known: %v", n, losses, next)
	}
	newest := logical.Seq(0)
	must(t, s.Objects(func(o *resolve.Object) bool {
		newest = max(newest, o.Versions[0].Dot.Seq)
		return true
	}))
	if newest != n {
		t.Fatalf("the frontier says %d, the newest object is of %d", n, newest)
	}
	return n
}

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// TestCrash cuts the power after commits, with a random part of the unsynced
// blocks and directory entries kept. What was synced is there; of what was not,
// a whole number of batches; and log, objects, ledger and state agree.
func TestCrash(t *testing.T) {
	for _, percent := range []int{0, 50, 100} {
		for seed := range uint64(6) {
			t.Run(fmt.Sprintf("%d%%/seed%d", percent, seed), func(t *testing.T) { crash(t, percent, seed) })
		}
	}
}

func crash(t *testing.T, percent int, seed uint64) {
	rng := rand.New(rand.NewPCG(seed, uint64(percent)))
	fs := vfs.NewCrashableMem()
	done, synced := logical.Seq(0), logical.Seq(0)
	for round := range 6 {
		o := small(fs)
		o.MemTable = 16 << 10 // flushes happen too
		o.WriteBehind = []int64{0, 1 << 10, 1 << 20}[rng.IntN(3)]
		s := open(t, o)
		if n := agree(t, s); n < synced || n > done {
			t.Fatalf("round %d: %d steps found; %d were synced, %d committed", round, n, synced, done)
		} else {
			done, synced = n, n
		}
		b := s.NewBatch()
		for range 1 + rng.IntN(20) {
			commit := b.Commit
			unsynced := rng.IntN(3) == 0
			if unsynced {
				commit = b.CommitUnsynced
			}
			done++
			step(b, done)
			must(t, commit())
			if !unsynced {
				synced = done
			}
		}
		must(t, b.Close())
		fs = powerCut(t, s, fs, percent, rng)
	}
}

// powerCut takes the disk as a crash at this moment leaves it. No commit may be
// running: that could reuse a log file, which deadlocks with cloning in pebble
// v2.1.7. Flushes may be.
func powerCut(t *testing.T, s *storage.Store, fs *vfs.MemFS, percent int, rng *rand.Rand) *vfs.MemFS {
	clone := fs.CrashClone(vfs.CrashCloneCfg{UnsyncedDataPercent: percent, RNG: rng})
	must(t, s.Close())
	return clone
}

// TestSyncedOnClose: whatever the promise was, a closed store has everything.
func TestSyncedOnClose(t *testing.T) {
	for _, sync := range []storage.Sync{storage.SyncAlways, storage.SyncInterval, storage.SyncNever} {
		fs := vfs.NewCrashableMem()
		o := small(fs)
		o.Sync = sync
		s := open(t, o)
		b := s.NewBatch()
		for n := range logical.Seq(20) {
			step(b, n+1)
			must(t, b.Commit())
		}
		must(t, b.Close())
		must(t, s.Close())
		again := open(t, small(fs.CrashClone(vfs.CrashCloneCfg{})))
		if n := agree(t, again); n != 20 {
			t.Errorf("%s: %d of 20 steps after a clean close and a crash", sync, n)
		}
	}
}

// TestSyncInterval: the background sync makes commits durable without Close.
func TestSyncInterval(t *testing.T) {
	fs := vfs.NewCrashableMem()
	started := make(chan struct{}, 1)
	o := small(errorfs.Wrap(fs, errorfs.InjectorFunc(func(op errorfs.Op) error {
		if (op.Kind == errorfs.OpFileSync || op.Kind == errorfs.OpFileSyncData) && strings.HasSuffix(op.Path, ".log") {
			select {
			case started <- struct{}{}:
			default:
			}
		}
		return nil
	})))
	o.Sync, o.Interval = storage.SyncInterval, time.Millisecond
	s := open(t, o)
	b := s.NewBatch()
	// The log's syncs follow each other, so when one begins that a later commit
	// asked for, those of earlier commits have ended.
	for n := range logical.Seq(3) {
		step(b, n+1)
		must(t, b.Commit())
		<-started
	}
	must(t, b.Close())
	if n := agree(t, open(t, small(fs.CrashClone(vfs.CrashCloneCfg{})))); n < 1 {
		t.Error("nothing was synced")
	}
}

// breaks fails calls of one kind once it is on.
func breaks(kind errorfs.OpKind) *errorfs.Toggle {
	return &errorfs.Toggle{Injector: errorfs.InjectorFunc(func(op errorfs.Op) error {
		if op.Kind == kind {
			return errorfs.ErrInjected
		}
		return nil
	})}
}

// TestDiskFails: once the log cannot be written or synced, that commit and every later
// one fails, nothing panics or ends the process, and what was synced before is
// there when the disk is mended.
func TestDiskFails(t *testing.T) {
	for _, kind := range []errorfs.OpKind{errorfs.OpFileWriteAt, errorfs.OpFileSyncData} {
		mem := vfs.NewCrashableMem()
		broken := breaks(kind)
		o := small(errorfs.Wrap(mem, broken))
		o.Logger = silent{}
		s, err := storage.Open(o)
		must(t, err)
		b := s.NewBatch()
		step(b, 1)
		must(t, b.Commit())
		broken.On()
		step(b, 2)
		if err := b.Commit(); !errors.Is(err, errorfs.ErrInjected) {
			t.Errorf("kind %d: the failing commit said %v", kind, err)
		}
		broken.Off()
		step(b, 2)
		if err := b.Commit(); err == nil {
			t.Errorf("kind %d: a commit after the fault was accepted", kind)
		}
		_ = b.Close()
		clone := mem.CrashClone(vfs.CrashCloneCfg{})
		if err := s.Close(); err == nil {
			t.Errorf("kind %d: Close hides the fault", kind)
		}
		if n := agree(t, open(t, small(clone))); n < 1 {
			t.Errorf("kind %d: the step before the fault is gone", kind)
		}
	}
}

// TestFlushFails: a commit needs no more than the log. Where the database cannot be
// flushed, what was committed is durable, and Close says that something failed.
func TestFlushFails(t *testing.T) {
	for _, kind := range []errorfs.OpKind{errorfs.OpFileWrite, errorfs.OpFileSync} {
		mem := vfs.NewCrashableMem()
		broken := breaks(kind)
		o := small(errorfs.Wrap(mem, broken))
		o.Logger = silent{}
		s := open(t, o)
		commit(t, s, func(b *storage.Batch) { step(b, 1) })
		broken.On()
		commit(t, s, func(b *storage.Batch) { step(b, 2) })
		clone := mem.CrashClone(vfs.CrashCloneCfg{})
		if err := s.Close(); !errors.Is(err, errorfs.ErrInjected) {
			t.Errorf("kind %d: Close says %v", kind, err)
		}
		for what, fs := range map[string]*vfs.MemFS{"before": clone, "after": mem.CrashClone(vfs.CrashCloneCfg{})} {
			if n := agree(t, open(t, small(fs))); n != 2 {
				t.Errorf("kind %d: %d of 2 steps after a crash %s Close", kind, n, what)
			}
		}
	}
}

// TestReadFails: a read error is an error, not an absence.
func TestReadFails(t *testing.T) {
	mem := vfs.NewMem()
	o := small(mem)
	o.MemTable = 16 << 10
	s := open(t, o)
	b := s.NewBatch()
	for n := range logical.Seq(200) {
		step(b, n+1)
		must(t, b.Commit())
	}
	must(t, b.Close())
	must(t, s.Close())
	broken := breaks(errorfs.OpFileReadAt)
	o = small(errorfs.Wrap(mem, broken))
	o.ReadOnly = true // else a compaction may have read the tables before
	o.Logger = silent{}
	s = open(t, o)
	broken.On()
	if _, _, err := s.Op(logical.Dot{Origin: ownOrigin, Seq: 1}); !errors.Is(err, errorfs.ErrInjected) {
		t.Errorf("Op: %v", err)
	}
	failed := 0
	for n := range 7 { // the open store may have read some of them beside its own rows
		switch o, err := s.Object("key" + strconv.Itoa(n)); {
		case errors.Is(err, errorfs.ErrInjected):
			failed++
		case err != nil || len(o.Versions) == 0:
			t.Errorf("Object: %+v, %v", o, err)
		}
	}
	if failed == 0 {
		t.Error("no object had to be read")
	}
	if _, err := s.Ops(ownOrigin, 1, 10, 1<<20); !errors.Is(err, errorfs.ErrInjected) {
		t.Errorf("Ops: %v", err)
	}
	if _, err := s.Digest(); !errors.Is(err, errorfs.ErrInjected) {
		t.Errorf("Digest: %v", err)
	}
}

// TestOpenFails: a disk that refuses gives an error with the directory's name.
func TestOpenFails(t *testing.T) {
	inj := errorfs.ErrInjected.If(errorfs.Writes)
	if _, err := storage.Open(small(errorfs.Wrap(vfs.NewMem(), inj))); err == nil || !strings.Contains(err.Error(), "leader") {
		t.Errorf("%v", err)
	}
	if _, err := storage.Open(storage.Options{}); err == nil {
		t.Error("no directory, no error")
	}
}

// silent is a logger for tests that break disks.
type silent struct{}

func (silent) Infof(string, ...any)  {}
func (silent) Errorf(string, ...any) {}
func (silent) Fatalf(string, ...any) { panic("Fatalf must never be called") }
