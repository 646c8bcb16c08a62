package disk

import (
	"errors"
	"testing"
	"testing/synctest"
)

// A commit that waits for a flush is let go by a failure, and by the flush.
func TestAFaultLetsACommitGoThatWaitsForAFlush(t *testing.T) {
	for what, end := range map[string]func(f *fault){
		"failure": func(f *fault) { f.set(errors.New("the disk is gone")) },
		"flush":   func(f *fault) { f.backlog.flushed() },
	} {
		synctest.Test(t, func(t *testing.T) {
			f := &New(nil, 2).fault
			f.backlog.took(1)
			f.hold()
			f.backlog.took(1)
			f.backlog.flushing()
			held := false
			go func() {
				held = true
				f.hold()
				held = false
			}()
			if synctest.Wait(); !held {
				t.Fatal("the commit does not wait")
			}
			end(f)
			if synctest.Wait(); held {
				t.Fatalf("the commit still waits after a %s", what)
			}
		})
	}
}
