package storage_test

import (
	"fmt"
	"syscall"
	"testing"

	"github.com/cockroachdb/pebble/v2"
	"github.com/cockroachdb/pebble/v2/vfs"
	"github.com/cockroachdb/pebble/v2/vfs/errorfs"

	"kvd/storage"
)

// TestFailedOpeningBesideACompaction: a store of an older format whose write-ahead log is
// flushed while it is opened begins to compact then; whatever fails afterwards, the database
// is not closed under the compaction. Pebble lists the directory again at the end.
func TestFailedOpeningBesideACompaction(t *testing.T) {
	mem := vfs.NewCrashableMem()
	db, err := pebble.Open("leader", &pebble.Options{FS: freshLogs{mem}, Logger: silent{}, DisableAutomaticCompactions: true, L0StopWritesThreshold: 1000})
	must(t, err)
	for n := range 12 {
		for i := range 100 {
			must(t, db.Set(fmt.Appendf(nil, "Kkey%06d", i), fmt.Appendf(nil, "%d", n), pebble.NoSync))
		}
		must(t, db.Flush())
	}
	for i := range 100 { // as much as is flushed while it is opened
		must(t, db.Set(fmt.Appendf(nil, "Kkey%06d", i), make([]byte, 2<<10), pebble.Sync))
	}
	lists := func(op errorfs.Op) bool { return op.Kind == errorfs.OpList }
	for at := int64(0); ; at++ {
		f := &failing{pick: lists, at: at, once: true, err: syscall.EIO}
		if s, err := storage.Open(tiny(errorfs.Wrap(mem.CrashClone(vfs.CrashCloneCfg{}), f))); err == nil {
			must(t, s.Close())
		}
		if f.hit.Load() == nil {
			break
		}
	}
}
