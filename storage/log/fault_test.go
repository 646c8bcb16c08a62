package log_test

import (
	"errors"
	"fmt"
	"sync/atomic"
	"syscall"
	"testing"

	"github.com/cockroachdb/pebble/v2/vfs"
	"github.com/cockroachdb/pebble/v2/vfs/errorfs"

	"kvd/logical"
	"kvd/storage/disk"
	"kvd/storage/log"
)

// failing lets the calls of a filesystem fail from the at-th of a kind on, or only that one.
type failing struct {
	kind  errorfs.OpReadWrite
	at    int64
	once  bool
	calls atomic.Int64
	op    atomic.Pointer[errorfs.Op]
}

func (f *failing) String() string { return "failing" }

func (f *failing) MaybeError(op errorfs.Op) error {
	if op.Kind.ReadOrWrite() != f.kind || op.Kind == errorfs.OpGetDiskUsage {
		return nil
	}
	if n := f.calls.Add(1) - 1; n == f.at || !f.once && n > f.at {
		f.op.CompareAndSwap(nil, &op)
		return []syscall.Errno{syscall.ENOSPC, syscall.EIO}[f.at%2]
	}
	return nil
}

// life is what became of a log over a disk that fails.
type life struct {
	opened  bool
	written []log.Group
	synced  int
	failed  error // of the first Write or Sync that failed
	closed  error
}

// live opens a log, writes groups into several segments, syncs some, and closes. Each call
// after a failure must fail as well, and reading goes on.
func live(t *testing.T, where string, fs vfs.FS) (f life) {
	l, err := log.Open(log.Options{FS: fs, Dir: dir, SegmentBytes: 400})
	if err != nil {
		f.failed = err
		return f
	}
	f.opened = true
	if f.written, err = readFrom(l, 0); err != nil {
		_ = l.Close()
		return life{failed: err}
	}
	f.synced = len(f.written)
	for n := range 12 {
		e := entry(1, l.Last(1)+1, 90)
		appendEntry(l, e)
		end, err := l.Write()
		if err == nil {
			f.written = append(f.written, log.Group{Entries: []log.Entry{e}, End: end})
			if n%3 == 1 {
				if _, err = l.Sync(); err == nil {
					f.synced = len(f.written)
				}
			}
		}
		if f.failed != nil && err == nil {
			t.Fatalf("%s: group %d was taken after %v", where, n, f.failed)
		}
		if f.failed == nil {
			f.failed = err
		}
	}
	if got, err := readFrom(l, 0); err == nil && len(got) != len(f.written) {
		t.Errorf("%s: %d of %d groups can be read", where, len(got), len(f.written))
	}
	if f.closed = l.Close(); f.closed == nil {
		f.synced = len(f.written)
	}
	return f
}

// TestEveryCallMayFail: whichever call of the filesystem fails, for good or once: nothing
// panics, nothing is taken after a failed write or sync, Close says it again, and what was
// synced is there afterwards, with or without a crash.
func TestEveryCallMayFail(t *testing.T) {
	_, files := threeSegments(t)
	torn := files[name(2)][:len(files[name(2)])-1]
	for state, before := range map[string]map[string][]byte{
		"new":     nil,
		"torn":    {name(1): files[name(1)], name(2): torn},
		"dropped": {name(1): files[name(1)], name(2): files[name(2)], name(3): make([]byte, 9)},
	} {
		start := func() *vfs.MemFS {
			if before == nil {
				return vfs.NewCrashableMem()
			}
			return restore(t, before)
		}
		for _, kind := range []errorfs.OpReadWrite{errorfs.OpIsRead, errorfs.OpIsWrite} {
			for _, once := range []bool{true, false} {
				for at := int64(0); ; at++ {
					f := &failing{kind: kind, at: at, once: once}
					if oneFault(t, start(), state, f); f.op.Load() == nil {
						t.Logf("%s: %d %s calls", state, at, kind)
						break
					}
				}
			}
		}
	}
}

func oneFault(t *testing.T, mem *vfs.MemFS, state string, f *failing) {
	o := live(t, state, errorfs.Wrap(mem, f))
	where := fmt.Sprintf("%s: call %d, once %v", state, f.at, f.once)
	if op := f.op.Load(); op != nil {
		where = fmt.Sprintf("%s, %v of %s", where, op.Kind, op.Path)
	}
	switch {
	case o.failed != nil && disk.CauseOf(o.failed) == disk.Unknown:
		t.Errorf("%s: the cause of %v is not known", where, o.failed)
	case o.opened && o.failed != nil && f.kind == errorfs.OpIsWrite && o.closed == nil:
		t.Errorf("%s: Close hides %v", where, o.failed)
	}
	for what, fs := range map[string]vfs.FS{"crashed": mem.CrashClone(vfs.CrashCloneCfg{}), "mended": mem} {
		l, err := log.Open(log.Options{FS: fs, Dir: dir, SegmentBytes: 400})
		if err != nil {
			t.Errorf("%s, %s: %v", where, what, err)
			continue
		}
		got, err := readFrom(l, 0)
		if err != nil || len(got) < o.synced || o.opened && len(got) > len(o.written)+1 {
			t.Errorf("%s, %s: %d groups, of %d written and %d synced; %v", where, what, len(got), len(o.written), o.synced, err)
		}
		for i := range min(len(got), len(o.written)) {
			if !same(got[i], o.written[i]) {
				t.Errorf("%s, %s: group %d is another", where, what, i)
			}
		}
		must(t, l.Close())
	}
}

// TestSyncIsNotRepeated: after a failed sync nothing counts as durable that was not, even
// if the disk says otherwise later.
func TestSyncIsNotRepeated(t *testing.T) {
	var broken errorfs.Toggle
	broken.Injector = errorfs.InjectorFunc(func(op errorfs.Op) error {
		if op.Kind == errorfs.OpFileSyncData {
			return syscall.EIO
		}
		return nil
	})
	l := open(t, errorfs.Wrap(vfs.NewMem(), &broken), 0)
	first := write(t, l, entry(1, 1, 10))
	_, err := l.Sync()
	must(t, err)
	write(t, l, entry(1, 2, 10))
	broken.On()
	_, failed := l.Sync()
	broken.Off()
	for range 2 {
		if p, err := l.Sync(); !errors.Is(err, failed) || p != first.End || l.Synced() != p {
			t.Errorf("%s is durable, %v", p, err)
		}
		l.AppendRaw(logical.Dot{Origin: 1, Seq: 3}, nil)
		if _, err := l.Write(); !errors.Is(err, failed) {
			t.Errorf("a write after a failed sync: %v", err)
		}
	}
	if err := l.Close(); !errors.Is(err, syscall.EIO) {
		t.Errorf("closed: %v", err)
	}
}
