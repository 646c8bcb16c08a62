package host_test

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/cockroachdb/pebble/v2/vfs"
	"github.com/cockroachdb/pebble/v2/vfs/errorfs"

	"kvd/logical"
	"kvd/replica/host"
	"kvd/storage"
)

// A cut shows nothing of a batch that is being synced, goes with the frontier of
// its own moment, and keeps the loop from ending while somebody uses it.
func TestACutIsDurableAndKeepsTheLoop(t *testing.T) {
	l := &latch{waiting: make(chan struct{}, 1)}
	s := openStore(t, errorfs.Wrap(vfs.NewMem(), l))
	t.Cleanup(func() { s.Close() }) // after the loop has ended
	h := start(t, openWith(t, s, 7, host.Options{}), host.LoopConfig{})
	ask := func() (versions int, applied logical.Frontier) {
		t.Helper()
		err := h.Snapshot(func(c *storage.Snapshot, f logical.Frontier) error {
			o, err := c.Object("x")
			versions, applied = len(o.Versions), f
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
		return versions, applied
	}
	if n, f := ask(); n != 0 || f.Len() != 0 {
		t.Errorf("at first %d versions at %s", n, f)
	}
	h.must(set("y", "other"))
	ask()
	open := l.close()
	defer open()
	pending := h.begin(set("x", "new"))
	<-l.waiting
	if n, f := ask(); n != 0 || f.At(7) != 1 {
		t.Errorf("during the commit %d versions at %s", n, f)
	}
	open()
	<-pending
	if n, f := ask(); n != 1 || f.At(7) != 2 {
		t.Errorf("after it %d versions at %s", n, f)
	}

	inside, leave, used := make(chan struct{}), make(chan struct{}), make(chan error, 1)
	fails := errors.New("the use fails")
	go func() {
		used <- h.Snapshot(func(*storage.Snapshot, logical.Frontier) error { close(inside); <-leave; return fails })
	}()
	<-inside
	ctx, cancel := context.WithTimeout(context.Background(), 20*time.Millisecond)
	defer cancel()
	if err := h.Stop(ctx); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("the loop ended under a cut: %v", err)
	}
	close(leave)
	if err := <-used; !errors.Is(err, fails) {
		t.Errorf("the use says %v", err)
	}
	h.end()
	if err := h.Snapshot(func(*storage.Snapshot, logical.Frontier) error { return nil }); !errors.Is(err, host.ErrStopped) {
		t.Errorf("a cut of a loop that has ended: %v", err)
	}
}
