package host_test

import (
	"errors"
	"fmt"
	"runtime"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"

	"github.com/cockroachdb/pebble/v2/vfs"
	"github.com/cockroachdb/pebble/v2/vfs/errorfs"

	"kvd/logical"
	"kvd/replica"
	"kvd/replica/host"
	"kvd/storage"
)

// gated holds each sync of the log until it is told how it ends.
type gated struct {
	on      atomic.Bool
	waiting chan struct{} // a sync has begun
	ends    chan error
}

func (g *gated) String() string { return "gated" }

func (g *gated) MaybeError(op errorfs.Op) error {
	if !g.on.Load() || op.Kind != errorfs.OpFileSyncData || !strings.Contains(op.Path, "/log/") {
		return nil
	}
	g.waiting <- struct{}{}
	return <-g.ends
}

// overlapping is a loop in which one batch is being synced and another is stepped.
type overlapping struct {
	*running
	*gated
	store   *storage.Store
	old     logical.Frontier
	replies chan string
}

func newOverlapping(t *testing.T, cache int64) *overlapping {
	g := &gated{waiting: make(chan struct{}), ends: make(chan error)}
	s := openStore(t, errorfs.Wrap(vfs.NewMem(), g))
	t.Cleanup(func() { s.Close() }) // after the loop has ended
	cfg := host.LoopConfig{SweepEvery: -1}
	o := &overlapping{gated: g, store: s, replies: make(chan string, 9)}
	o.running = start(t, openWith(t, s, 7, host.Options{CacheBytes: cache}), cfg)
	o.must(set("x", "old"), set("y", "old"))
	if err := o.Snapshot(func(*storage.Snapshot, logical.Frontier) error { return nil }); err != nil { // from now on there is one of each commit
		t.Fatal(err)
	}
	o.must(set("x", "old"))
	o.old = o.Frontier()
	g.on.Store(true)
	o.ask("first", set("x", "new"))
	<-g.waiting
	before := o.Stats().Inputs
	o.ask("second", set("x", "newer"), set("z", "new"))
	for o.Stats().Inputs < before+2 {
		runtime.Gosched()
	}
	return o
}

// ask hands over requests, and says when they are answered.
func (o *overlapping) ask(name string, reqs ...*replica.Request) {
	o.t.Helper()
	err := o.Do(reqs, func(r []replica.Reply) {
		if r[0].Err != nil {
			name += " refused"
		}
		o.replies <- name
	})
	if err != nil {
		o.t.Fatal(err)
	}
}

// shows checks what readers are shown of x and y, and that nothing but what they are shown
// is called applied or durable.
func (o *overlapping) shows(t *testing.T, x, z string, writes logical.Seq) {
	t.Helper()
	rep := o.must(get("x"), get("y"), get("z"))
	if got := fmt.Sprint(shown(rep[0]), shown(rep[1]), shown(rep[2])); got != fmt.Sprintf("[%s][old][%s]", x, z) {
		t.Errorf("a reader is shown %s, not x %q and z %q", got, x, z)
	}
	want := o.old.Clone()
	want.Advance(logical.Dot{Origin: 7, Seq: o.old.At(7) + writes})
	for what, f := range map[string]logical.Frontier{"token": rep[0].Token.Frontier, "status": o.Status().State.Frontier, "frontier": o.Frontier(), "synced": o.Synced()} {
		if f.Compare(want) != logical.Equal {
			t.Errorf("the %s is of %s, not %s", what, f, want)
		}
	}
	err := o.Snapshot(func(c *storage.Snapshot, applied logical.Frontier) error {
		if object, err := c.Object("x"); err != nil || applied.Compare(want) != logical.Equal || string(object.Versions[0].Value) != x {
			t.Errorf("a snapshot of %s shows %+v, %v", applied, object.Versions, err)
		}
		if _, found, err := c.Op(logical.Dot{Origin: 7, Seq: want.At(7) + 1}); found || err != nil {
			t.Errorf("a snapshot of %s has the next op: %v, %v", applied, found, err)
		}
		return nil
	})
	if err != nil {
		t.Error(err)
	}
	select {
	case name := <-o.replies:
		t.Errorf("%s is answered too early", name)
	default:
	}
}

// While a batch is being synced the next one is stepped. Neither is answered
// or shown before its own sync, and then they are, in order.
func TestABatchIsSteppedWhileAnotherIsSynced(t *testing.T) {
	for _, cache := range []int64{0, 1 << 20} {
		o := newOverlapping(t, cache)
		o.shows(t, "old", "", 0)
		o.ends <- nil
		if name := <-o.replies; name != "first" {
			t.Errorf("%s is answered first", name)
		}
		select {
		case <-o.waiting: // the second one's
		case name := <-o.replies:
			o.on.Store(false)
			t.Fatalf("%s is answered without a sync of its own", name)
		}
		o.shows(t, "new", "", 1)
		o.on.Store(false)
		o.ends <- nil
		if name := <-o.replies; name != "second" {
			t.Errorf("%s is answered second", name)
		}
		o.shows(t, "newer", "new", 3)
		o.running.end()
	}
}

// A sync that fails answers nobody as done and shows nothing, of the batch that was stepped
// over it either. The loop is halted and reads go on.
func TestAFailedSyncReleasesNothing(t *testing.T) {
	for _, cache := range []int64{0, 1 << 20} {
		o := newOverlapping(t, cache)
		o.on.Store(false)
		o.ends <- syscall.EIO
		for range 2 {
			if name := <-o.replies; name != "first refused" && name != "second refused" {
				t.Errorf("after the sync failed: %s", name)
			}
		}
		o.shows(t, "old", "", 0)
		if err := o.Err(); !errors.Is(err, replica.ErrReadOnly) || !errors.Is(err, syscall.EIO) {
			t.Errorf("the loop says %v", err)
		}
		if err := o.Do([]*replica.Request{set("x", "later")}, func([]replica.Reply) {}); !errors.Is(err, replica.ErrReadOnly) {
			t.Errorf("a write afterwards: %v", err)
		}
		o.running.end()
	}
}
