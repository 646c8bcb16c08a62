package storage_test

import (
	"errors"
	"fmt"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/cockroachdb/pebble/v2/vfs"
	"github.com/cockroachdb/pebble/v2/vfs/errorfs"

	"kvd/logical"
	"kvd/storage"
	"kvd/storage/codec/codectest"
	"kvd/storage/disk"
)

// failing lets the calls of a filesystem fail that its pick names, from the
// at-th of them on, or only that one.
type failing struct {
	pick  func(errorfs.Op) bool
	at    int64
	once  bool
	err   error
	calls atomic.Int64
	hit   atomic.Pointer[errorfs.Op]
}

func (f *failing) String() string { return "failing" }

func (f *failing) MaybeError(op errorfs.Op) error {
	if !f.pick(op) {
		return nil
	}
	n := f.calls.Add(1) - 1
	if n == f.at || !f.once && n > f.at {
		f.hit.CompareAndSwap(nil, &op)
		return f.err
	}
	return nil
}

func writes(op errorfs.Op) bool { return op.Kind.ReadOrWrite() == errorfs.OpIsWrite }
func reads(op errorfs.Op) bool {
	return op.Kind.ReadOrWrite() == errorfs.OpIsRead && op.Kind != errorfs.OpGetDiskUsage
}

// small enough that logs are rotated, memtables flushed and tables compacted.
func tiny(fs vfs.FS) storage.Options {
	return storage.Options{FS: fs, Dir: "leader", Cache: 1 << 20, MemTable: 64 << 10, Logger: silent{}}
}

// outcome is what became of a store over a disk that fails.
type outcome struct {
	opened bool
	acked  int // batches
	commit error
	closed error
}

const (
	diskBatches = 60
	diskOps     = 10
)

// live opens a store, commits batches until one fails, reads all of them back,
// and closes it.
func live(t *testing.T, fs vfs.FS) (o outcome, err error) {
	s, err := storage.Open(tiny(fs))
	if err != nil {
		return o, err
	}
	o.opened = true
	b := s.NewBatch()
	for n := range diskBatches {
		fillBatch(b, n)
		if o.commit = b.Commit(); o.commit != nil {
			break
		}
		o.acked++
	}
	if o.commit != nil {
		fillBatch(b, diskBatches)
		if again := b.Commit(); !errors.Is(again, disk.ErrStopped) {
			t.Errorf("a commit after %v: %v", o.commit, again)
		}
	}
	_ = b.Close()
	if n := opsThere(s); n < o.acked*diskOps {
		err = fmt.Errorf("%d of %d ops are readable after %v", n, o.acked*diskOps, o.commit)
	}
	o.closed = s.Close()
	return o, err
}

func fillBatch(b *storage.Batch, n int) {
	for i := range diskOps {
		op := codectest.TypicalOp()
		op.Dot = logical.Dot{Origin: ownOrigin, Seq: logical.Seq(n*diskOps + i + 1)}
		op.Deps = logical.FrontierOf(logical.Dot{Origin: ownOrigin, Seq: op.Dot.Seq - 1})
		op.Parents, op.Value = nil, make([]byte, 300)
		b.PutOp(op)
	}
}

// opsThere is how many ops can be read from the first on.
func opsThere(s *storage.Store) int {
	for n := 0; ; n++ {
		if _, ok, err := s.Op(logical.Dot{Origin: ownOrigin, Seq: logical.Seq(n + 1)}); !ok || err != nil {
			return n
		}
	}
}

// TestEveryCallMayFail: whichever call of the filesystem fails, when the store is
// opened or while it is written to, for good or once: nothing panics or hangs, no
// commit is acknowledged that is not on disk, none follows one that failed, what
// was acknowledged is still read, and after the disk is mended all of it is there.
func TestEveryCallMayFail(t *testing.T) {
	count := &failing{pick: writes, at: 1 << 60}
	if o, err := live(t, errorfs.Wrap(vfs.NewMem(), count)); err != nil || o.acked != diskBatches {
		t.Fatalf("a disk that works: %+v, %v", o, err)
	}
	calls := count.calls.Load()
	kinds := map[string]bool{}
	for at := range calls {
		errno := []syscall.Errno{syscall.ENOSPC, syscall.EIO, syscall.EROFS}[at%3]
		for _, once := range []bool{false, true} {
			f := &failing{pick: writes, at: at, once: once, err: errno}
			within(t, fmt.Sprintf("call %d, once %v, %v", at, once, errno), func() { oneFault(t, f) })
			if op := f.hit.Load(); op != nil {
				kinds[fmt.Sprint(op.Kind)] = true
			}
		}
	}
	t.Logf("%d calls that change something, %d kinds", calls, len(kinds))
}

// within fails a test that hangs and says where.
func within(t *testing.T, what string, do func()) {
	t.Helper()
	done := make(chan struct{})
	go func() { defer close(done); do() }()
	select {
	case <-done:
	case <-time.After(time.Minute):
		t.Fatalf("%s: it hangs", what)
	}
}

func oneFault(t *testing.T, f *failing) {
	mem := vfs.NewCrashableMem()
	o, err := live(t, errorfs.Wrap(mem, f))
	where := fmt.Sprintf("call %d %+v, once %v", f.at, f.hit.Load(), f.once)
	switch {
	case err != nil && o.opened:
		t.Errorf("%s: %v", where, err)
	case err != nil && disk.CauseOf(err) == disk.Unknown:
		t.Errorf("%s: the cause of %v is not known", where, err)
	case o.commit != nil && disk.CauseOf(o.commit) == disk.Unknown:
		t.Errorf("%s: the cause of %v is not known", where, o.commit)
	}
	fs := mem.CrashClone(vfs.CrashCloneCfg{}) // what was not synced is gone
	s, err := storage.Open(tiny(fs))
	if err != nil {
		if _, absent := fs.Stat("leader"); absent != nil || o.acked == 0 {
			return // the directory itself, or the store in it, was never finished
		}
		t.Errorf("%s: %d batches were acknowledged, and then %v", where, o.acked, err)
		return
	}
	if n := opsThere(s); n < o.acked*diskOps {
		t.Errorf("%s: %d ops were acknowledged, %d are there", where, o.acked*diskOps, n)
	}
	must(t, s.Close())
}

// TestAdvice: each cause has its own advice, and only a directory that is in use
// is said to be.
func TestAdvice(t *testing.T) {
	for errno, want := range map[syscall.Errno]string{
		syscall.ENOSPC: "make room", syscall.EROFS: "mount it for writing", syscall.EACCES: "owner", syscall.EIO: "replace the disk",
	} {
		_, err := storage.Open(tiny(errorfs.Wrap(vfs.NewMem(), &failing{pick: writes, err: errno})))
		if err == nil || !strings.Contains(err.Error(), want) || strings.Contains(err.Error(), "process") {
			t.Errorf("%v: %v", errno, err)
		}
	}
	fs := vfs.NewMem()
	s := open(t, tiny(fs))
	if _, err := storage.Open(tiny(fs)); !errors.Is(err, disk.ErrInUse) || !strings.Contains(err.Error(), "another process") {
		t.Errorf("a store that is open: %v", err)
	}
	must(t, s.Close())
}

// TestEveryReadMayFail: a call that only reads fails its own question and no
// other, or the opening; nothing panics or hangs.
func TestEveryReadMayFail(t *testing.T) {
	mem := vfs.NewMem()
	if o, err := live(t, mem); err != nil || o.acked != diskBatches {
		t.Fatalf("%+v, %v", o, err)
	}
	look := func(f *failing) (failed int, err error) {
		s, err := storage.Open(tiny(errorfs.Wrap(mem, f)))
		if err != nil {
			return 0, err
		}
		for n := range diskBatches * diskOps {
			_, ok, err := s.Op(logical.Dot{Origin: ownOrigin, Seq: logical.Seq(n + 1)})
			if err != nil {
				failed++
			} else if !ok {
				t.Errorf("call %d: op %d is not there, and nothing failed", f.at, n+1)
			}
		}
		_ = s.Close()
		return failed, nil
	}
	count := &failing{pick: reads, at: 1 << 60}
	if failed, err := look(count); err != nil || failed > 0 {
		t.Fatalf("%d reads fail, %v", failed, err)
	}
	calls := count.calls.Load()
	step := max(1, calls/60)
	for at := int64(0); at < calls; at += step {
		f := &failing{pick: reads, at: at, once: true, err: syscall.EIO}
		within(t, fmt.Sprintf("call %d", at), func() {
			if _, err := look(f); err != nil && disk.CauseOf(err) == disk.Unknown {
				t.Errorf("call %d: the cause of %v is not known", at, err)
			}
		})
	}
	t.Logf("%d calls that read", calls)
}
