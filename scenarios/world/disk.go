package world

import (
	"fmt"
	"math/rand/v2"
	"sync/atomic"

	"github.com/cockroachdb/pebble/v2/vfs"

	"kvd/scenarios/script"
	"kvd/scenarios/world/internal/medium"
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
		o.FS = d.faults.Over(medium.Lazy{FS: d.fs, On: &d.lazy})
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
		if err := medium.Tear(lost, kept, "/", d.chance); err != nil {
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
		case script.Crash, script.Restart, script.Wipe, script.Backup, script.Restore, script.Clone, script.DiskFault, script.Rot, script.Forget:
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
