package storage_test

import (
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/cockroachdb/pebble/v2/vfs"

	"kvd/logical"
	"kvd/storage"
	"kvd/storage/disk"
)

// steps commits the steps of a leader up to n.
func steps(t testing.TB, s *storage.Store, n logical.Seq, commit func(*storage.Batch) error) {
	t.Helper()
	b := s.NewBatch()
	for next := agree(t, s) + 1; next <= n; next++ {
		step(b, next)
		must(t, commit(b))
	}
	must(t, b.Close())
}

// overwrite puts files into a directory that has none.
func overwrite(t *testing.T, fs vfs.FS, dir string, files map[string]string) {
	t.Helper()
	must(t, fs.RemoveAll(dir))
	must(t, fs.MkdirAll(dir, 0o755))
	for name, text := range files {
		f, err := fs.Create(fs.PathJoin(dir, name), "")
		must(t, err)
		_, err = f.Write([]byte(text))
		must(t, errors.Join(err, f.Close()))
	}
}

// TestADatabaseAheadOfItsLogIsDamaged: what it was folded from is lost, wherever the log
// ends. No step of the leader is shown, and the next one does not get a dot again.
func TestADatabaseAheadOfItsLogIsDamaged(t *testing.T) {
	fs := vfs.NewMem()
	const log = "leader/log"
	logs := map[string]map[string]string{"empty": nil}
	for _, n := range []logical.Seq{1, 5, 6} {
		s := open(t, small(fs))
		steps(t, s, n, (*storage.Batch).Commit)
		must(t, s.Close())
		logs[fmt.Sprint("of ", n)] = contents(t, fs, log)
	}
	for name, files := range logs {
		overwrite(t, fs, log, files)
		for _, readOnly := range []bool{true, false} {
			o := small(fs)
			o.ReadOnly = readOnly
			s, err := storage.Open(o)
			if whole := name == "of 6"; whole {
				must(t, err)
				if n := agree(t, s); n != 6 {
					t.Errorf("%d steps of 6", n)
				}
				must(t, s.Close())
			} else if !errors.Is(err, disk.ErrDamaged) || disk.CauseOf(err) != disk.Damaged {
				t.Errorf("a log %s, read only %t: %v", name, readOnly, err)
			}
		}
	}
	for _, readOnly := range []bool{true, false} {
		must(t, fs.RemoveAll(log))
		o := small(fs)
		o.ReadOnly = readOnly
		if _, err := storage.Open(o); disk.CauseOf(err) != disk.Damaged {
			t.Errorf("no log, read only %t: %v", readOnly, err)
		}
	}
}

// TestTheDatabaseIsNeverDurableBeforeItsLog: whoever promises no sync may lose what was
// committed last, and never has rows of it that the log has lost: pebble flushes whenever
// it likes.
func TestTheDatabaseIsNeverDurableBeforeItsLog(t *testing.T) {
	const n = 300
	for name, c := range map[string]struct {
		sync   storage.Sync
		commit func(*storage.Batch) error
		behind int64
	}{
		"interval":        {storage.SyncInterval, (*storage.Batch).Commit, 0},
		"never":           {storage.SyncNever, (*storage.Batch).Commit, 0},
		"never, behind":   {storage.SyncNever, (*storage.Batch).Commit, 5 << 10},
		"commit unsynced": {storage.SyncAlways, (*storage.Batch).CommitUnsynced, 0},
	} {
		fs := vfs.NewCrashableMem()
		o := small(fs)
		o.Sync, o.Interval, o.MemTable, o.WriteBehind = c.sync, time.Hour, 16<<10, c.behind
		s := open(t, o)
		b := s.NewBatch()
		var cuts []*vfs.MemFS
		for i := range logical.Seq(n) {
			step(b, i+1)
			must(t, c.commit(b))
			if i%3 == 0 {
				cuts = append(cuts, fs.CrashClone(vfs.CrashCloneCfg{}))
			}
		}
		must(t, b.Close())
		var last logical.Seq
		for i, fs := range cuts {
			s, err := storage.Open(small(fs))
			if err != nil {
				t.Fatalf("%s: a crash after %d commits: %v", name, 3*i+1, err)
			}
			if last = agree(t, s); last > logical.Seq(3*i+1) {
				t.Errorf("%s: %d steps after %d commits", name, last, 3*i+1)
			}
			must(t, s.Close())
		}
		if last == 0 || last == n {
			t.Errorf("%s: a crash left %d of %d steps; it shows nothing", name, last, n)
		}
	}
}
