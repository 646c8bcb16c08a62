package storage_test

import (
	"testing"
	"time"

	"github.com/cockroachdb/pebble/v2/vfs"

	"kvd/logical"
	"kvd/storage"
)

// What a lazy store calls synced is there after a crash, and what it has not synced
// yet it does not call so.
func TestWhatIsCalledSyncedOutlivesACrash(t *testing.T) {
	fs := vfs.NewCrashableMem()
	o := small(fs)
	o.Sync, o.Interval = storage.SyncInterval, time.Millisecond
	s := open(t, o)
	b := s.NewBatch()
	defer b.Close()
	if !s.Lazy() || s.Synced() != nil {
		t.Errorf("lazy is %t, and %v is synced of nothing", s.Lazy(), s.Synced())
	}
	looks := 0
	for n := logical.Seq(1); looks < 20 && n < 100_000; n++ {
		step(b, n)
		must(t, b.Commit())
		f := s.Synced()
		if f == nil || n%20 != 0 {
			continue
		}
		looks++
		said := f.At(ownOrigin)
		if has := agree(t, open(t, small(fs.CrashClone(vfs.CrashCloneCfg{})))); logical.Seq(has) < said || said > n {
			t.Fatalf("after %d commits %d are called synced, and a crash left %d", n, said, has)
		}
	}
	if looks == 0 {
		t.Error("nothing was ever synced")
	}
}

func TestAStoreThatIsNeverSyncedIsLazyOnlyByInterval(t *testing.T) {
	fs := vfs.NewCrashableMem()
	o := small(fs)
	o.Sync, o.Interval = storage.SyncInterval, time.Hour
	s := open(t, o)
	b := s.NewBatch()
	defer b.Close()
	step(b, 1)
	must(t, b.Commit())
	if f := s.Synced(); f != nil {
		t.Errorf("%s is called synced, and the first sync is an hour away", f)
	}
	for _, y := range []storage.Sync{storage.SyncAlways, storage.SyncNever} {
		o := small(vfs.NewMem())
		if o.Sync = y; open(t, o).Lazy() {
			t.Errorf("%s: lazy", y)
		}
	}
}
