package storage_test

import (
	"errors"
	"slices"
	"strings"
	"testing"

	"github.com/cockroachdb/pebble/v2/vfs"

	"kvd/logical"
	"kvd/storage"
	"kvd/storage/codec/codectest"
	"kvd/storage/disk"
	"kvd/storage/salvage"
)

// damagedStore is a store with tables and a log, closed, and how many ops it has.
func damagedStore(t *testing.T) (fs *vfs.MemFS, ops int) {
	t.Helper()
	fs = vfs.NewMem()
	if o, err := live(t, fs); err != nil || o.acked != diskBatches {
		t.Fatalf("%+v, %v", o, err)
	}
	return fs, diskBatches * diskOps
}

func named(t *testing.T, fs vfs.FS, dir, suffix string) []string {
	t.Helper()
	all, err := fs.List(dir)
	must(t, err)
	var found []string
	for _, name := range all {
		if strings.HasSuffix(name, suffix) || strings.HasPrefix(name, suffix) {
			found = append(found, fs.PathJoin(dir, name))
		}
	}
	return found
}

// TestSalvage: every op that any file holds is found, whether the store can be
// opened or not; the damaged store stays as it is, and one that is open is refused.
func TestSalvage(t *testing.T) {
	fs, ops := damagedStore(t)
	for _, marker := range named(t, fs, "leader", "marker.manifest.") {
		must(t, fs.Remove(marker))
	}
	before := contents(t, fs, "leader")
	o := tiny(fs)
	o.Dir = "fresh"
	to := open(t, o)
	found, err := storage.Salvage(fs, "leader", to)
	must(t, err)
	if found.Claimed.At(ownOrigin) != logical.Seq(ops) || len(found.Unread) > 0 || found.Examined < 3 {
		t.Errorf("salvaged %+v of %d ops", found, ops)
	}
	got, err := to.WaitingOps(ownOrigin, 1, ops+1, 1<<30)
	must(t, err)
	if waiting, err := to.Waiting(); err != nil || waiting.At(ownOrigin) != logical.Seq(ops) || len(got) != ops {
		t.Errorf("%d of %d ops wait, up to %s, %v", len(got), ops, waiting, err)
	}
	after := contents(t, fs, "leader")
	for name, text := range before {
		if after[name] != text && name != "LOCK" {
			t.Errorf("%s changed", name)
		}
	}
	commit(t, to, func(b *storage.Batch) { b.DropWaiting(logical.FrontierOf(logical.Dot{Origin: ownOrigin, Seq: 5})) })
	if got, err := to.WaitingOps(ownOrigin, 1, 1, 1<<30); err != nil || len(got) != 1 || got[0].Dot.Seq != 6 {
		t.Errorf("after the first five comes %v, %v", got, err)
	}
	if _, err := storage.Salvage(fs, "fresh", to); !errors.Is(err, disk.ErrInUse) {
		t.Errorf("a store that is open: %v", err)
	}
}

// harm changes a byte of a file, so many tenths into it and a little further: one byte is
// of one block or frame, more might be of two.
func harm(t *testing.T, fs vfs.FS, path string, tenths int64) {
	t.Helper()
	f, err := fs.OpenReadWrite(path, "")
	must(t, err)
	info, err := f.Stat()
	must(t, err)
	at := info.Size()*tenths/10 + 100 // behind the header
	var one [1]byte
	_, err = f.ReadAt(one[:], at)
	must(t, err)
	one[0] ^= 0xff
	_, err = f.WriteAt(one[:], at)
	must(t, err)
	must(t, f.Close())
}

// TestSalvagePassesOverWhatCannotBeRead: a frame of the log that is damaged costs its own
// ops, and none before or after it, wherever in a segment it is, and so does a segment
// that is gone. Which part of the log is lost is told. Damage to the database's tables
// costs no op.
func TestSalvagePassesOverWhatCannotBeRead(t *testing.T) {
	for _, part := range []int64{0, 1, 3, 5, 7} {
		fs, ops := damagedStore(t)
		segments := named(t, fs, "leader/log", ".log")
		for _, path := range append(segments, named(t, fs, "leader", ".sst")...) {
			harm(t, fs, path, part)
		}
		o := tiny(fs)
		o.Dir = "fresh"
		to := open(t, o)
		found, err := storage.Salvage(fs, "leader", to)
		must(t, err)
		got, err := to.WaitingOps(ownOrigin, 1, ops+1, 1<<30)
		must(t, err)
		told := slices.DeleteFunc(slices.Clone(found.Unread), func(s string) bool { return !strings.HasPrefix(s, "log from ") })
		if len(segments) != 1 || len(told) != 1 || len(got) != ops-diskOps || got[len(got)-1].Dot.Seq != logical.Seq(ops) {
			t.Errorf("%d tenths: %d of %d ops were salvaged; unread: %v", part, len(got), ops, found.Unread)
		}
		if found.Claimed.At(ownOrigin) != logical.Seq(ops) {
			t.Errorf("%d tenths: the store claims %s", part, found.Claimed)
		}
	}
}

// TestSalvageWithoutALog: what the database says of how far the log went is told, though
// no op is left, and that the log could not be read.
func TestSalvageWithoutALog(t *testing.T) {
	fs := vfs.NewMem()
	s := open(t, small(fs))
	commit(t, s, func(b *storage.Batch) { step(b, 1) })
	must(t, s.Close())
	must(t, fs.RemoveAll("leader/log"))
	o := small(fs)
	o.Dir = "fresh"
	found, err := storage.Salvage(fs, "leader", open(t, o))
	must(t, err)
	if found.Ops != 0 || found.Claimed.At(ownOrigin) != 1 {
		t.Errorf("%+v", found)
	}
}

// TestExamine: each harm to what names the tables is found before pebble could
// take them for garbage.
func TestExamine(t *testing.T) {
	for name, harm := range map[string]func(vfs.FS, salvage.Manifest) error{
		"marker": func(fs vfs.FS, _ salvage.Manifest) error {
			return fs.Remove(named(t, fs, "leader", "marker.manifest.")[0])
		},
		"older": func(fs vfs.FS, m salvage.Manifest) error {
			marker := named(t, fs, "leader", "marker.manifest.")[0]
			return errors.Join(fs.Rename("leader/"+m.Name, "leader/MANIFEST-000001"), fs.Rename(marker, strings.Replace(marker, m.Name, "MANIFEST-000001", 1)))
		},
		"absent": func(fs vfs.FS, m salvage.Manifest) error { return fs.Remove("leader/" + m.Name) },
		"short": func(fs vfs.FS, m salvage.Manifest) error {
			f, err := fs.Create("leader/"+m.Name, "")
			if err != nil {
				return err
			}
			_, err = f.Write(make([]byte, m.Bytes-1))
			return errors.Join(err, f.Close())
		},
	} {
		fs, _ := damagedStore(t)
		must(t, open(t, tiny(fs)).Close()) // another manifest
		m, err := salvage.ManifestOf(fs, "leader")
		must(t, err)
		if err := salvage.Examine(fs, "leader", m); err != nil {
			t.Errorf("a store that is whole: %v", err)
		}
		must(t, harm(fs, m))
		if err := salvage.Examine(fs, "leader", m); !errors.Is(err, disk.ErrDamaged) || disk.CauseOf(err) != disk.Damaged {
			t.Errorf("%s: %v", name, err)
		}
	}
	if err := salvage.Examine(vfs.NewMem(), "none", salvage.Manifest{}); err != nil {
		t.Errorf("no store: %v", err)
	}
}

// TestExamineAStoreThatWasNeverOpen: a first start on a full disk leaves a manifest
// without anything in it. There is nothing to have lost, unless a store was there.
func TestExamineAStoreThatWasNeverOpen(t *testing.T) {
	fs := vfs.NewMem()
	must(t, fs.MkdirAll("leader", 0o755))
	f, err := fs.Create("leader/MANIFEST-000001", "")
	must(t, err)
	must(t, f.Close())
	if err := salvage.Examine(fs, "leader", salvage.Manifest{}); err != nil {
		t.Errorf("never open: %v", err)
	}
	if err := salvage.Examine(fs, "leader", salvage.Manifest{Name: "MANIFEST-000001"}); !errors.Is(err, disk.ErrDamaged) {
		t.Errorf("it was open: %v", err)
	}
	must(t, open(t, tiny(fs)).Close())
}

// TestCheckLog: an op that the frontier covers and the log lacks is found, at the
// ends and by probes at once, anywhere by reading all of it. A frontier that reaches
// beyond the log is found as well.
func TestCheckLog(t *testing.T) {
	for _, absent := range []logical.Seq{0, 1, 7, 20, 21} {
		s := open(t, small(vfs.NewMem()))
		commit(t, s, func(b *storage.Batch) {
			for seq := logical.Seq(1); seq <= 20; seq++ {
				op := codectest.TypicalOp()
				op.Dot = logical.Dot{Origin: ownOrigin, Seq: seq}
				b.PutOp(op)
			}
			b.PutState(storage.State{Origin: ownOrigin, Frontier: logical.FrontierOf(logical.Dot{Origin: ownOrigin, Seq: max(20, absent)})})
		})
		s.Forget(logical.Dot{Origin: ownOrigin, Seq: absent})
		always := func() bool { return true }
		for what, err := range map[string]error{"probes": s.CheckLog(100), "all": s.CheckWhole(always)} {
			if errors.Is(err, disk.ErrDamaged) != (absent != 0) {
				t.Errorf("without op %d, %s say %v", absent, what, err)
			}
		}
		if err := s.CheckLog(2); errors.Is(err, disk.ErrDamaged) != (absent == 1 || absent >= 20) {
			t.Errorf("without op %d, the ends say %v", absent, err)
		}
	}
}
