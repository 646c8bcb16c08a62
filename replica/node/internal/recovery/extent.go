package recovery

import (
	"fmt"
	"time"

	"github.com/cockroachdb/pebble/v2/vfs"

	"kvd/logical"
	"kvd/replica/node/internal/sidefile"
	"kvd/storage"
	"kvd/storage/salvage"
)

// extent is how far the store had come, kept beside it: what a damaged store does
// not say of itself. It is written after a clean stop, and now and then while each
// commit is synced; so a store that holds less has lost something.
type extent struct {
	Manifest salvage.Manifest `json:"manifest"`
	Frontier []position       `json:"frontier"`
	Damage   string           `json:"damage,omitempty"` // found while it ran: the next start makes the store anew
}

type position struct {
	Origin logical.Origin `json:"origin"`
	Seq    logical.Seq    `json:"seq"`
}

const extentFile = "extent.json"

// How often a running leader checks for damage, and writes how far it has come.
const (
	damageEvery = time.Second
	extentEvery = 5 // of those
)

func (e *extent) frontier() (f logical.Frontier) {
	for _, p := range e.Frontier {
		if d := (logical.Dot{Origin: p.Origin, Seq: p.Seq}); p.Origin != 0 && !f.Covers(d) {
			f.Advance(d)
		}
	}
	return f
}

// Keep writes how far the store has come. What was claimed before and is
// still missing stays claimed.
func (d *Disk) Keep(f logical.Frontier) error {
	if !d.onDisk() {
		return nil
	}
	m, err := salvage.ManifestOf(vfs.Default, d.StoreDir())
	if err != nil {
		return fmt.Errorf("look at the store's manifest: %w", err)
	}
	e := extent{Manifest: m}
	if err := d.store.Damage(); err != nil {
		e.Damage = err.Error()
	}
	for last := range f.Join(d.claimed).All() {
		e.Frontier = append(e.Frontier, position{last.Origin, last.Seq})
	}
	return sidefile.Write(d.cfg.Dir, extentFile, "how far the store has come", e)
}

// ExpectReplaced says that another store is about to take the place of the one in dir, with
// all that this one had: what is known of its files does not hold for that one.
func ExpectReplaced(dir string) error {
	var e extent
	if found, err := sidefile.Read(dir, extentFile, &e); err != nil || !found {
		return err
	}
	e.Manifest, e.Damage = salvage.Manifest{}, ""
	return sidefile.Write(dir, extentFile, "how far the store has come", e)
}

// Watch tells of damage that is found while the leader runs, once, and keeps
// the extent up to date where a commit that was acknowledged is on disk.
func (d *Disk) Watch() {
	tick := time.NewTicker(damageEvery)
	defer tick.Stop()
	told, last, always := false, d.loop.Frontier(), d.cfg.Options.Sync == storage.SyncAlways
	for n := 1; ; n++ {
		select {
		case <-d.loop.Done():
			return
		case <-tick.C:
		}
		f := d.loop.Frontier()
		found := d.store.Damage() != nil && !told
		if found {
			told = true
			d.cfg.Logger.Error(d.Trouble(), "leader", d.cfg.Name)
		}
		if !always {
			f = last // nobody knows how much of what came later is on disk
		}
		if !found && (n%extentEvery != 0 || f.Compare(last) == logical.Equal) || d.loop.Err() != nil {
			continue
		}
		if err := d.Keep(f); err != nil {
			d.cfg.Logger.Warn("damage to the store may go unnoticed", "leader", d.cfg.Name, "why", err.Error())
		}
		last = f
	}
}

// CheckWhole looks through the whole log after a stop that was not clean.
func (d *Disk) CheckWhole() {
	err := d.store.CheckWhole(func() bool {
		select {
		case <-d.loop.Done():
			return false
		default:
			return true
		}
	})
	if err != nil {
		d.store.NoteDamage(err)
	}
}
