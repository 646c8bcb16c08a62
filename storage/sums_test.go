package storage_test

import (
	"testing"

	"github.com/cockroachdb/pebble/v2/vfs"

	"kvd/logical"
)

// What a log adds up to is stored by the batch that lengthens it. Another batch that
// is committed meanwhile, on another goroutine perhaps, neither stores it nor looks
// at it: after a crash between the two the sum would speak of an op that is not there.
func TestABatchLeavesTheSumsOfOthersAlone(t *testing.T) {
	fs := vfs.NewCrashableMem()
	s := open(t, small(fs))
	lengthens, other := s.NewBatch(), s.NewBatch()
	defer lengthens.Close()
	defer other.Close()
	step(lengthens, 1)
	other.DropWaiting(logical.FrontierOf(logical.Dot{Origin: ownOrigin, Seq: 1}))
	must(t, other.Commit())
	after := open(t, small(fs.CrashClone(vfs.CrashCloneCfg{})))
	if sum, ok, err := after.Sum(logical.Dot{Origin: ownOrigin, Seq: 1}); ok || err != nil {
		t.Errorf("an op that was not committed adds up to %x, %v", sum, err)
	}
	must(t, lengthens.Commit())
	after = open(t, small(fs.CrashClone(vfs.CrashCloneCfg{})))
	if _, ok, err := after.Sum(logical.Dot{Origin: ownOrigin, Seq: 1}); !ok || err != nil {
		t.Errorf("after it was committed: %t, %v", ok, err)
	}
}
