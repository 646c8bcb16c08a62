package storage_test

import (
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/cockroachdb/pebble/v2/vfs"
	"github.com/cockroachdb/pebble/v2/vfs/errorfs"

	"kvd/logical"
	"kvd/resolve"
	"kvd/storage"
	"kvd/storage/disk"
	"kvd/wallclock"
)

func overwriteOne(b *storage.Batch, n logical.Seq, key string, size int) {
	d := logical.Dot{Origin: ownOrigin, Seq: n}
	wall := wallclock.Around(wallclock.Instant(n)*1000, 2000)
	op := &resolve.Op{Dot: d, Key: key, Kind: resolve.Put, Value: make([]byte, size),
		Deps: logical.FrontierOf(logical.Dot{Origin: ownOrigin, Seq: n - 1}), Wall: wall, Lamport: logical.Lamport(n)}
	copy(op.Value, strconv.Itoa(int(n)))
	b.PutOp(op)
	b.PutObject(&resolve.Object{Key: key, Versions: []resolve.Version{{Dot: d, Mask: 1, Kind: op.Kind, Value: op.Value, Wall: wall, Lamport: op.Lamport}}})
	b.PutState(storage.State{Origin: ownOrigin, Frontier: logical.FrontierOf(d), Lamport: logical.Lamport(n)})
}

// One key is written again and again: nothing that has to be flushed comes together.
func TestOverwritesDoNotHang(t *testing.T) {
	s, err := storage.Open(storage.Options{FS: vfs.NewMem(), Dir: "leader", Cache: 1 << 20, MemTable: 1 << 20, WriteBehind: 256 << 10})
	must(t, err)
	b := s.NewBatch()
	within(t, "committing 8 KiB again and again", func() {
		for n := range logical.Seq(4000) {
			overwriteOne(b, n+1, "k", 8<<10)
			if err := b.Commit(); err != nil {
				t.Error(err)
			}
		}
	})
	must(t, s.Close())
}

// What was put and never committed is gone when the store is closed.
func TestCloseWritesNoUncommittedOps(t *testing.T) {
	fs := vfs.NewMem()
	s, err := storage.Open(tiny(fs))
	must(t, err)
	b := s.NewBatch()
	step(b, 1)
	must(t, b.Commit())
	step(b, 2) // not committed
	must(t, b.Close())
	must(t, s.Close())
	s, err = storage.Open(tiny(fs))
	must(t, err)
	defer s.Close()
	st, _, err := s.State()
	must(t, err)
	_, found, err := s.Op(logical.Dot{Origin: ownOrigin, Seq: 2})
	must(t, err)
	o, err := s.Object("key2")
	must(t, err)
	if found || len(o.Versions) > 0 {
		t.Errorf("the frontier is at %d; op 2 is in the log: %v, object folded from it: %v", st.Frontier.At(ownOrigin), found, o.Versions)
	}
	b = s.NewBatch()
	step(b, 2)
	if err := b.Commit(); err != nil {
		t.Errorf("the next op of the leader: %v", err)
	}
}

// A batch that is closed leaves nothing to the next one of the same store.
func TestClosedBatchLeavesNothing(t *testing.T) {
	s, err := storage.Open(tiny(vfs.NewMem()))
	must(t, err)
	defer s.Close()
	b := s.NewBatch()
	step(b, 1)
	must(t, b.Close())
	b = s.NewBatch()
	step(b, 1)
	must(t, b.Commit())
	if sum, ok, err := s.Sum(logical.Dot{Origin: ownOrigin, Seq: 1}); !ok || err != nil {
		t.Errorf("sum %d %v %v", sum, ok, err)
	}
}

// After a fault a snapshot shows what was acknowledged and waits behind.
func TestSnapshotAfterAFault(t *testing.T) {
	broken := breaks(errorfs.OpFileWriteAt)
	o := tiny(errorfs.Wrap(vfs.NewMem(), broken))
	o.MemTable, o.WriteBehind = 1<<20, 1<<20
	s, err := storage.Open(o)
	must(t, err)
	b := s.NewBatch()
	overwriteOne(b, 1, "a", 100)
	must(t, b.Commit())
	broken.On()
	overwriteOne(b, 2, "b", 100)
	if err := b.Commit(); err == nil {
		t.Fatal("no error")
	}
	snap := s.Snapshot()
	defer snap.Close()
	got, err := snap.Object("a")
	must(t, err)
	live, err := s.Object("a")
	must(t, err)
	if len(got.Versions) == 0 {
		t.Errorf("a was acknowledged; the snapshot shows %v, the store %v", got.Versions, len(live.Versions))
	}
}

// Under SyncInterval a write that failed is not said to be synced.
func TestFailedWriteIsNotSynced(t *testing.T) {
	broken := breaks(errorfs.OpFileWriteAt)
	o := tiny(errorfs.Wrap(vfs.NewMem(), broken))
	o.Sync, o.Interval = storage.SyncInterval, time.Hour
	s, err := storage.Open(o)
	must(t, err)
	b := s.NewBatch()
	step(b, 1)
	must(t, b.Commit())
	storage.SyncNow(s)
	broken.On()
	step(b, 2)
	if err := b.Commit(); err == nil {
		t.Fatal("no error")
	}
	storage.SyncNow(s)
	if at := s.Synced().At(ownOrigin); at != 1 {
		t.Errorf("op %d is said to be synced, and the log has op 1 only", at)
	}
}

// A manifest that cannot be written keeps nobody from ending a snapshot, and so nobody from
// closing the store.
func TestSnapshotEndsBesideAFailedManifest(t *testing.T) {
	broken := &errorfs.Toggle{Injector: errorfs.InjectorFunc(func(op errorfs.Op) error {
		if op.Kind == errorfs.OpFileWrite && strings.Contains(op.Path, "MANIFEST") {
			return syscall.ENOSPC
		}
		return nil
	})}
	s, err := storage.Open(tiny(errorfs.Wrap(vfs.NewMem(), broken)))
	must(t, err)
	snap := s.Snapshot()
	broken.On()
	b := s.NewBatch()
	for n := logical.Seq(1); err == nil; n++ { // until a memtable is flushed
		overwriteOne(b, n, "k", 8<<10)
		err = b.Commit()
	}
	within(t, "a snapshot's end", func() { must(t, snap.Close()) })
	within(t, "closing", func() { err = s.Close() })
	if disk.CauseOf(err) != disk.Full {
		t.Errorf("closed with %v", err)
	}
}
