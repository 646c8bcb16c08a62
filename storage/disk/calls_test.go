package disk

import (
	"errors"
	"testing"
	"time"

	"github.com/cockroachdb/pebble/v2/vfs"
)

// slow is a file whose calls take as long as a test says.
type slow struct {
	vfs.File
	call func() error
}

func (f slow) Sync() error                            { return f.call() }
func (f slow) SyncData() error                        { return f.call() }
func (f slow) SyncTo(int64) (bool, error)             { return true, f.call() }
func (f slow) Write(p []byte) (int, error)            { return len(p), f.call() }
func (f slow) WriteAt(p []byte, _ int64) (int, error) { return len(p), f.call() }

// TestCalls: a call under way has an age; one that has returned is remembered for CallWindow
// and forgotten after half as much more; its error is passed on.
func TestCalls(t *testing.T) {
	at := time.Unix(100, 0)
	m := &meter{now: func() time.Time { return at }, since: at}
	failed := errors.New("failed")
	f := &measuredFile{slow{call: func() error {
		at = at.Add(2 * time.Second)
		if c := m.calls(); c.Age != 2*time.Second || c.Slowest != 2*time.Second {
			t.Errorf("under way: %+v", c)
		}
		at = at.Add(time.Second)
		return failed
	}}, m}
	for what, call := range map[string]func() error{
		"sync": f.Sync, "syncdata": f.SyncData,
		"syncto":  func() error { _, err := f.SyncTo(1); return err },
		"write":   func() error { _, err := f.Write(nil); return err },
		"writeat": func() error { _, err := f.WriteAt(nil, 1); return err },
	} {
		if err := call(); !errors.Is(err, failed) {
			t.Errorf("%s: %v", what, err)
		}
		if c := m.calls(); c != (Calls{Slowest: 3 * time.Second}) {
			t.Errorf("after %s: %+v", what, c)
		}
		at = at.Add(CallWindow)
		if c := m.calls(); c != (Calls{Slowest: 3 * time.Second}) {
			t.Errorf("%s is forgotten within %s: %+v", what, CallWindow, c)
		}
		at = at.Add(CallWindow/2 + time.Second)
		if c := m.calls(); c != (Calls{}) {
			t.Errorf("%s later: %+v", 3*CallWindow/2, c)
		}
	}
}

// TestWriting: a file counts as being written from its creation until it is closed, whatever
// became of it.
func TestWriting(t *testing.T) {
	d := New(vfs.NewMem(), 0)
	f, err := d.Create("a.sst", vfs.WriteCategoryUnspecified)
	if err != nil || !d.Writing("a.sst") || d.Writing("b.sst") {
		t.Errorf("%v, a is being written: %v", err, d.Writing("a.sst"))
	}
	if err := f.Close(); err != nil || d.Writing("a.sst") {
		t.Errorf("%v, a is still being written", err)
	}
	if _, err := d.Create("no/such/directory", vfs.WriteCategoryUnspecified); err != nil || d.First() == nil {
		t.Errorf("%v, %v", err, d.First())
	}
}
