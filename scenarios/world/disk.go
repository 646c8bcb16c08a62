package world

import (
	"fmt"
	"math/rand/v2"

	"github.com/cockroachdb/pebble/v2/vfs"

	"kvd/scenarios/script"
	"kvd/storage"
)

// disk is one leader's filesystem in memory.
type disk struct {
	fs      *vfs.MemFS
	fragile bool // it can lose what was not synced
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

// open starts a store on the disk.
func (d *disk) open() (*storage.Store, error) {
	o := storage.Options{FS: d.fs, Dir: "data", Cache: 1 << 20, MemTable: 32 << 20}
	if !d.fragile {
		o.Sync = storage.SyncNever
	}
	return storage.Open(o)
}

// copy is what the disk would hold after a power cut now, where of the bytes
// not synced the given percentage survives.
func (d *disk) copy(percent int) *disk {
	fs := d.fs.CrashClone(vfs.CrashCloneCfg{UnsyncedDataPercent: percent, RNG: d.chance})
	return &disk{fs: fs, fragile: true, chance: d.chance}
}

// survives is the percentage of unsynced bytes that a crash leaves.
func (d *disk) survives(u script.Unsynced) int {
	switch u {
	case script.UnsyncedKeep:
		return 100
	case script.UnsyncedLose:
		return 0
	case script.UnsyncedTorn:
		return 50
	}
	return []int{0, 50, 100}[d.chance.IntN(3)]
}

// fragile reports whether the script needs disks that can crash or be copied.
func fragile(s *script.Scenario) bool {
	for _, e := range s.Events {
		switch e.Action.(type) {
		case script.Crash, script.Restart, script.Wipe, script.Backup, script.Restore:
			return true
		}
	}
	return false
}

// backup keeps a copy of the leader's disk.
func (w *World) backup(b script.Backup) {
	w.backups[b.Name] = w.leaders[b.Leader].disk.copy(100)
}

// restore puts a copy in the place of the leader's disk; the leader must be
// started again.
func (w *World) restore(r script.Restore) error {
	b := w.backups[r.Name]
	if b == nil {
		return fmt.Errorf("restore %s from %s: that backup has not been taken yet", r.Leader, r.Name)
	}
	l := w.leaders[r.Leader]
	l.kill()
	l.disk = b.copy(100)
	l.disk.chance = w.chance("disk " + r.Leader)
	return nil
}

// wipe empties the leader's disk; the leader must be started again.
func (w *World) wipe(name string) {
	l := w.leaders[name]
	l.kill()
	l.disk = newDisk(true, w.chance("disk "+name))
}
