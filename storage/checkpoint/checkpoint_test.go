package checkpoint_test

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io"
	"maps"
	"strings"
	"sync"
	"syscall"
	"testing"

	"github.com/cockroachdb/pebble/v2/vfs"
	"github.com/cockroachdb/pebble/v2/vfs/errorfs"

	"kvd/logical"
	"kvd/storage"
	"kvd/storage/checkpoint"
	"kvd/storage/disk"
	"kvd/storage/storagetest"
	"kvd/storage/verify"
)

// copied makes a store of the files, as far as they count.
func copied(t *testing.T, c *checkpoint.Checkpoint, to vfs.FS, dir string) {
	t.Helper()
	for _, f := range c.Files {
		path := dir + "/" + f.Name
		if err := to.MkdirAll(to.PathDir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		out, err := to.Create(path, vfs.WriteCategoryUnspecified)
		if err != nil {
			t.Fatal(err)
		}
		h, p := sha256.New(), make([]byte, 1000)
		for at := int64(0); at < f.Bytes; {
			n, err := c.Read(f, at, p)
			if err != nil || n == 0 {
				t.Fatal(n, err)
			}
			if _, err := io.MultiWriter(h, out).Write(p[:n]); err != nil {
				t.Fatal(err)
			}
			at += int64(n)
		}
		if sum, err := c.Sum(context.Background(), f); err != nil || sum != hex.EncodeToString(h.Sum(nil)) {
			t.Errorf("the checksum of %s is %s, %v", f.Name, sum, err)
		}
		if err := out.Close(); err != nil {
			t.Fatal(err)
		}
	}
}

func whole(t *testing.T, fs vfs.FS, dir string) *verify.Report {
	t.Helper()
	r, err := verify.Store(context.Background(), fs, dir, nil)
	if err != nil || len(r.Damages) > 0 {
		t.Fatalf("%v, %v", err, r)
	}
	return r
}

// While the leader goes on, a checkpoint is opened as a store that has all that was
// written before it was taken, and nothing else than its frontier says.
func TestACheckpointIsAMoment(t *testing.T) {
	fs := vfs.NewMem()
	l := storagetest.Open(t, storagetest.Options(fs, "store"), 7)
	written, end := make(chan int), make(chan struct{})
	var writing sync.WaitGroup
	writing.Go(func() {
		for i := 1; ; i++ {
			l.Set(fmt.Sprint("k", i%300), fmt.Sprintf("%0*d", 40+i%3*2000, i))
			select {
			case <-end:
				return
			case written <- i:
			default:
			}
		}
	})
	waitFor := func(writes int) (now int) {
		for now < writes {
			now = <-written
		}
		return now
	}
	for round := range 3 {
		before := waitFor(300 * (round + 1))
		c, err := l.Store.Checkpoint()
		if err != nil {
			t.Fatal(err)
		}
		waitFor(int(c.Frontier.At(7)) + 20) // what comes later is not in it
		dir := fmt.Sprint("copy", round)
		copied(t, c, fs, dir)
		if err := c.Remove(); err != nil {
			t.Error(err)
		}
		r := whole(t, fs, dir)
		if got := r.Frontier.At(7); r.Frontier.Compare(c.Frontier) != logical.Equal || int(got) < before {
			t.Errorf("it has %d ops, of %d before, and says %v", got, before, c.Frontier)
		}
	}
	close(end)
	writing.Wait()
	if _, err := fs.Stat("store/" + disk.CheckpointDir); err == nil {
		t.Error("a checkpoint is left")
	}
	c, err := l.Store.Checkpoint()
	if err != nil {
		t.Fatal(err)
	}
	copied(t, c, fs, "last")
	l.Close() // a checkpoint that nobody removed
	l = storagetest.Open(t, storagetest.Options(fs, "store"), 8)
	if _, err := fs.Stat("store/" + disk.CheckpointDir); err == nil {
		t.Error("the next opening does not remove it")
	}
	l.Close()
	if got, want := storagetest.Contents(t, fs, "last"), storagetest.Contents(t, fs, "store"); !maps.Equal(got, want) || len(want) != 300 {
		t.Errorf("of %d keys there are %d, or others", len(want), len(got))
	}
}

// A checkpoint that finds no room is refused, and the leader goes on.
func TestNoRoomForACheckpoint(t *testing.T) {
	for _, at := range []errorfs.OpKind{errorfs.OpCreate, errorfs.OpFileWrite, errorfs.OpLink, errorfs.OpMkdirAll, errorfs.OpFileSync} {
		t.Run(fmt.Sprint(at), func(t *testing.T) {
			full, hits := false, 0
			fs := errorfs.Wrap(vfs.NewMem(), errorfs.InjectorFunc(func(op errorfs.Op) error {
				if full && op.Kind == at && (at == errorfs.OpLink || strings.Contains(op.Path, disk.CheckpointDir)) {
					hits++
					return syscall.ENOSPC
				}
				return nil
			}))
			l := storagetest.Open(t, storagetest.Options(fs, "store"), 7)
			l.SetMany("k", 50, 3000)
			full = true
			c, err := l.Store.Checkpoint()
			full = false
			if hits > 0 && at != errorfs.OpLink && (err == nil || disk.CauseOf(err) != disk.Full) { // where there are no links, copies are made
				t.Errorf("the checkpoint is %v, and says %v", c, err)
			}
			if hits == 0 && at != errorfs.OpFileSync { // it need not outlast a crash
				t.Errorf("nothing was asked for")
			}
			l.Set("after", "1")
			if err := l.Store.Disk().Err(); err != nil {
				t.Errorf("the store stopped: %v", err)
			}
			if c, err := l.Store.Checkpoint(); err != nil || len(c.Files) < 5 {
				t.Errorf("with room again: %v", err)
			}
		})
	}
}

// What is in a checkpoint is never taken back by a crash of its leader, though nothing is
// synced and more is written while the checkpoint is made.
func TestACheckpointOutlivesACrash(t *testing.T) {
	mem := vfs.NewCrashableMem()
	var l *storagetest.Leader
	more := false
	o := storagetest.Options(errorfs.Wrap(mem, errorfs.InjectorFunc(func(op errorfs.Op) error {
		if more && op.Kind == errorfs.OpLink {
			more = false
			l.Set("later", "1")
		}
		return nil
	})), "store")
	o.Sync = storage.SyncNever
	l = storagetest.Open(t, o, 7)
	l.SetMany("k", 50, 3000)
	more = true
	c, err := l.Store.Checkpoint()
	if err != nil {
		t.Fatal(err)
	}
	crashed := mem.CrashClone(vfs.CrashCloneCfg{})
	if at := c.Frontier.At(7); at != 51 {
		t.Fatalf("the checkpoint has %d ops, want one that was written while it was made", at)
	}
	if r := whole(t, crashed, "store"); !r.Frontier.Includes(c.Frontier) {
		t.Errorf("after a crash the leader has %v, its checkpoint %v", r.Frontier, c.Frontier)
	}
}
