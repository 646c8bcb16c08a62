package disk

import (
	"errors"
	"testing"
	"time"
)

// A commit that waits for a flush is let go by a failure, and by the flush.
func TestAFaultLetsACommitGoThatWaitsForAFlush(t *testing.T) {
	t.Parallel()
	for what, end := range map[string]func(f *fault){
		"failure": func(f *fault) { f.set(errors.New("the disk is gone")) },
		"flush":   func(f *fault) { f.backlog.flushed() },
	} {
		f := &New(nil, 2).fault
		f.backlog.took(1)
		f.hold()
		f.backlog.took(1)
		f.backlog.flushing()
		held := make(chan struct{})
		go func() {
			defer close(held)
			f.hold()
		}()
		select {
		case <-held:
			t.Fatal("the commit does not wait")
		case <-time.After(time.Millisecond):
		}
		end(f)
		select {
		case <-held:
		case <-time.After(time.Minute):
			t.Fatalf("the commit still waits after a %s", what)
		}
	}
}
