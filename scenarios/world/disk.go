package world

import (
	"fmt"
	"io"
	"math/rand/v2"
	"slices"
	"strings"
	"sync/atomic"

	"github.com/cockroachdb/pebble/v2/vfs"

	"kvd/scenarios/script"
	"kvd/storage"
	"kvd/storage/faulty"
)

type disk struct {
	fs      *vfs.MemFS
	lazy    atomic.Bool // nothing is synced any more: the machine is about to go
	fragile bool        // it can lose what was not synced
	faults  faulty.Disk // what is wrong with it
	chance  *rand.Rand
}

// newDisk is an empty disk. Only a fragile one can crash or be copied; others
// need not sync, which is faster.
func newDisk(fragile bool, chance *rand.Rand) *disk {
	if fragile {
		return &disk{fs: vfs.NewCrashableMem(), fragile: true, chance: chance}
	}
	return &disk{fs: vfs.NewMem(), chance: chance}
}

// behinds is what the stores of a run have for WriteBehind, by chance: objects that go
// into the database with their batch, a batch later at most, or with nothing but the
// process, as those of real leaders that live no longer than a run do.
var behinds = []int64{0, 1, 8 << 20}

// options is how a store on the disk is opened. One that can crash flushes as late as it
// can, so that what a crash finds on the disk depends on the script alone; others keep as
// little in memory as serves.
func (d *disk) options() storage.Options {
	o := storage.Options{FS: d.fs, Dir: dataDir, Cache: 1 << 20, MemTable: 32 << 20}
	if d.fragile {
		o.FS = d.faults.Over(lazyFS{d.fs, &d.lazy})
	} else {
		o.Sync, o.MemTable = storage.SyncNever, 4<<20
	}
	return o
}

// copy is what the disk would hold after a power cut now, with the unsynced
// bytes kept, lost or torn.
func (d *disk) copy(u script.Unsynced) (*disk, error) {
	lost := d.fs.CrashClone(vfs.CrashCloneCfg{})
	// All of it: what is drawn decides nothing.
	kept := d.fs.CrashClone(vfs.CrashCloneCfg{UnsyncedDataPercent: 100, RNG: rand.New(rand.NewPCG(0, 0))})
	out := &disk{fs: lost, fragile: true, chance: d.chance}
	out.faults.Set(d.faults.Fault())
	switch u {
	case script.UnsyncedKeep:
		out.fs = kept
	case script.UnsyncedTorn:
		if err := tearDir(lost, kept, "/", d.chance); err != nil {
			return nil, fmt.Errorf("tear a disk: %w", err)
		}
	}
	return out, nil
}

// fate is what a crash does to unsynced bytes; chance decides where the script
// does not.
func (d *disk) fate(u script.Unsynced) script.Unsynced {
	if u != script.UnsyncedUnstated {
		return u
	}
	return []script.Unsynced{script.UnsyncedLose, script.UnsyncedTorn, script.UnsyncedKeep}[d.chance.IntN(3)]
}

// fragile reports whether the script needs disks that can crash or be copied.
func fragile(s *script.Scenario) bool {
	for _, e := range s.Events {
		switch e.Action.(type) {
		case script.Crash, script.Restart, script.Wipe, script.Backup, script.Restore, script.Clone, script.DiskFault, script.Rot:
			return true
		}
	}
	return false
}

// restore puts a copy in the place of the leader's disk; the leader must be
// started again.
func (w *World) restore(r script.Restore) error {
	b := w.backups[r.Name]
	if b == nil {
		return fmt.Errorf("restore %s from %s: that backup has not been taken yet", r.Leader, r.Name)
	}
	return w.replace(r.Leader, b)
}

// replace puts a copy of a disk in the place of the leader's; the leader must be started
// again.
func (w *World) replace(leader string, by *disk) error {
	l := w.leaders[leader]
	l.kill()
	w.History.DiskLost(w.now, leader)
	kept, err := by.copy(script.UnsyncedKeep)
	if err != nil {
		return err
	}
	l.disk = kept
	l.disk.chance = w.chance("disk " + leader)
	return nil
}

// tornBlock is how much of a file reaches the disk at once, in bytes.
const tornBlock = 4096

// tearDir makes lost a disk on which an arbitrary part of what was not synced survived:
// lost is all that was synced, kept everything that was written.
// Only logs are torn: whatever else the store relies on it had synced before. The
// two are not of quite the same instant, since the store's own goroutines go on;
// what only one of them has stays as it is in lost. Files and blocks are gone
// through in order, so that equal chance tears equally; the filesystem's own
// tearing follows the order of a map.
func tearDir(lost, kept *vfs.MemFS, dir string, chance *rand.Rand) error {
	names, err := lost.List(dir)
	if err != nil {
		return err
	}
	slices.Sort(names)
	for _, name := range names {
		if err := tearEntry(lost, kept, lost.PathJoin(dir, name), chance); err != nil {
			return err
		}
	}
	return syncDir(lost, dir)
}

func tearEntry(lost, kept *vfs.MemFS, path string, chance *rand.Rand) error {
	info, err := lost.Stat(path)
	if err != nil {
		return err
	}
	if info.IsDir() {
		return tearDir(lost, kept, path, chance)
	}
	whole, err := content(kept, path)
	if err != nil || !isLog(path) {
		return nil // the store had done with it meanwhile
	}
	synced, err := content(lost, path)
	if err != nil {
		return err
	}
	return put(lost, path, mixed(synced, whole, chance))
}

// mixed is synced with some blocks of whole: what is not there for certain may
// be there, or not, or be zeros in the middle of a file that grew.
func mixed(synced, whole []byte, chance *rand.Rand) []byte {
	out := slices.Clone(synced)
	for i := 0; i < len(whole); i += tornBlock {
		block := whole[i:min(i+tornBlock, len(whole))]
		if i < len(synced) && slices.Equal(block, synced[i:min(i+tornBlock, len(synced))]) || chance.IntN(2) == 0 {
			continue
		}
		if grow := i + len(block) - len(out); grow > 0 {
			out = append(out, make([]byte, grow)...)
		}
		copy(out[i:], block)
	}
	return out
}

func content(fs *vfs.MemFS, path string) ([]byte, error) {
	f, err := fs.Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	return io.ReadAll(f)
}

func put(fs *vfs.MemFS, path string, data []byte) error {
	f, err := fs.Create(path, vfs.WriteCategoryUnspecified)
	if err != nil {
		return err
	}
	if _, err := f.Write(data); err != nil {
		return err
	}
	if err := f.Sync(); err != nil {
		return err
	}
	return f.Close()
}

func syncDir(fs *vfs.MemFS, dir string) error {
	f, err := fs.OpenDir(dir)
	if err != nil {
		return err
	}
	if err := f.Sync(); err != nil {
		return err
	}
	return f.Close()
}

// lazyFS is a filesystem that can stop syncing the store's log: what is written
// there then is handed to the operating system, as far as the writer can tell,
// and is not on disk. A store that merely does not ask for a sync would keep its
// last bytes in its own memory, where no crash of a machine could leave them.
//
// All other files are synced as they are asked to be: the store flushes and
// compacts on goroutines of its own, and may at any time drop a log for a table
// that it believes to be on disk.
type lazyFS struct {
	vfs.FS
	lazy *atomic.Bool // shared with its files; the store's own goroutines read it
}

func (f lazyFS) wrap(name string, file vfs.File, err error) (vfs.File, error) {
	if err != nil || !isLog(name) {
		return file, err
	}
	return lazyFile{file, f.lazy}, nil
}

// Create implements vfs.FS.
func (f lazyFS) Create(name string, c vfs.DiskWriteCategory) (vfs.File, error) {
	file, err := f.FS.Create(name, c)
	return f.wrap(name, file, err)
}

// OpenReadWrite implements vfs.FS.
func (f lazyFS) OpenReadWrite(name string, c vfs.DiskWriteCategory, o ...vfs.OpenOption) (vfs.File, error) {
	file, err := f.FS.OpenReadWrite(name, c, o...)
	return f.wrap(name, file, err)
}

// ReuseForWrite implements vfs.FS.
func (f lazyFS) ReuseForWrite(old, name string, c vfs.DiskWriteCategory) (vfs.File, error) {
	file, err := f.FS.ReuseForWrite(old, name, c)
	return f.wrap(name, file, err)
}

// Unwrap implements vfs.FS.
func (f lazyFS) Unwrap() vfs.FS { return f.FS }

func isLog(name string) bool { return strings.HasSuffix(name, ".log") }

type lazyFile struct {
	vfs.File
	lazy *atomic.Bool
}

// Sync implements vfs.File.
func (f lazyFile) Sync() error {
	if f.lazy.Load() {
		return nil
	}
	return f.File.Sync()
}

// SyncData implements vfs.File.
func (f lazyFile) SyncData() error {
	if f.lazy.Load() {
		return nil
	}
	return f.File.SyncData()
}

// SyncTo implements vfs.File.
func (f lazyFile) SyncTo(length int64) (fullSync bool, err error) {
	if f.lazy.Load() {
		return false, nil
	}
	return f.File.SyncTo(length)
}
