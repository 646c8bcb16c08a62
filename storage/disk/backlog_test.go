package disk

import (
	"errors"
	"testing"
	"time"
)

// Pebble's answer to whether a memtable waits may never come once the disk has failed:
// a commit that waits for a flush is let go by the failure all the same.
func TestAFaultLetsACommitGoThatWaitsForAFlush(t *testing.T) {
	t.Parallel()
	f := &New(nil, 0).fault
	f.backlog.limit = 1
	asked, never := make(chan struct{}), make(chan struct{})
	defer f.backlog.asks.Wait()
	defer close(never)
	f.backlog.begin(func() bool {
		close(asked)
		<-never
		return false
	})
	f.backlog.took(1)
	f.backlog.rotated()
	held := make(chan struct{})
	go func() {
		defer close(held)
		f.hold()
	}()
	<-asked
	f.set(errors.New("the disk is gone"))
	select {
	case <-held:
	case <-time.After(time.Minute):
		t.Fatal("the commit waits for pebble's answer")
	}
}
