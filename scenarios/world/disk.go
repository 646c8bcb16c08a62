package world

import (
	"fmt"
	"math/rand/v2"
	"sync/atomic"

	"github.com/cockroachdb/pebble/v2/vfs"

	"kvd/scenarios/script"
	"kvd/storage"
)

// disk is one leader's filesystem in memory.
type disk struct {
	fs      *vfs.MemFS
	lazy    atomic.Bool // nothing is synced any more: the machine is about to go
	fragile bool        // it can lose what was not synced
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

// open starts a store on the disk. One that can crash flushes as late as it can, so
// that what a crash finds on the disk depends on the script alone; others keep as
// little in memory as serves.
func (d *disk) open() (*storage.Store, error) {
	o := storage.Options{FS: d.fs, Dir: "data", Cache: 1 << 20, MemTable: 32 << 20}
	if d.fragile {
		o.FS = lazyFS{d.fs, &d.lazy}
	} else {
		o.Sync, o.MemTable = storage.SyncNever, 4<<20
	}
	return storage.Open(o)
}

// copy is what the disk would hold after a power cut now, with the unsynced
// bytes kept, lost or torn.
func (d *disk) copy(u script.Unsynced) (*disk, error) {
	lost := d.fs.CrashClone(vfs.CrashCloneCfg{})
	// All of it: what is drawn decides nothing.
	kept := d.fs.CrashClone(vfs.CrashCloneCfg{UnsyncedDataPercent: 100, RNG: rand.New(rand.NewPCG(0, 0))})
	out := &disk{fs: lost, fragile: true, chance: d.chance}
	switch u {
	case script.UnsyncedKeep:
		out.fs = kept
	case script.UnsyncedTorn:
		var err error
		if out.fs, err = tear(lost, kept, d.chance); err != nil {
			return nil, err
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
		case script.Crash, script.Restart, script.Wipe, script.Backup, script.Restore:
			return true
		}
	}
	return false
}

// backup keeps a copy of the leader's disk.
func (w *World) backup(b script.Backup) error {
	kept, err := w.leaders[b.Leader].disk.copy(script.UnsyncedKeep)
	w.backups[b.Name] = kept
	return err
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
	w.History.DiskLost(w.now, r.Leader)
	kept, err := b.copy(script.UnsyncedKeep)
	if err != nil {
		return err
	}
	l.disk = kept
	l.disk.chance = w.chance("disk " + r.Leader)
	return nil
}

// wipe empties the leader's disk; the leader must be started again.
func (w *World) wipe(name string) {
	l := w.leaders[name]
	l.kill()
	w.History.DiskLost(w.now, name)
	l.disk = newDisk(true, w.chance("disk "+name))
}
