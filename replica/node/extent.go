package node

import (
	"encoding/json"
	"fmt"
	"path/filepath"
	"time"

	"github.com/cockroachdb/pebble/v2/vfs"

	"kvd/logical"
	"kvd/storage"
	"kvd/storage/file"
	"kvd/storage/salvage"
)

// extent is how far the store had come, kept beside it: what a damaged store does
// not say of itself. It is written after a clean stop, and now and then while each
// commit is synced; so a store that holds less has lost something.
type extent struct {
	Manifest salvage.Manifest `json:"manifest"`
	Frontier []place          `json:"frontier"`
	Damage   string           `json:"damage,omitempty"` // found while it ran: the next start makes the store anew
}

// place is one origin of a frontier.
type place struct {
	Origin logical.Origin `json:"origin"`
	Seq    logical.Seq    `json:"seq"`
}

const extentFile = "extent.json"

// How often a running leader looks for damage, and writes how far it has come.
const (
	damageEvery = time.Second
	extentEvery = 5 // looks
)

func (e *extent) frontier() (f logical.Frontier) {
	for _, p := range e.Frontier {
		if d := (logical.Dot{Origin: p.Origin, Seq: p.Seq}); p.Origin != 0 && !f.Covers(d) {
			f.Advance(d)
		}
	}
	return f
}

// storeDir is where the store is.
func (l *Leader) storeDir() string { return filepath.Join(l.cfg.Dir, "store") }

// keepExtent writes how far the store has come. What was claimed before and is
// still missing stays claimed.
func (l *Leader) keepExtent(f logical.Frontier) error {
	if !l.onDisk() {
		return nil
	}
	m, err := salvage.ManifestOf(vfs.Default, l.storeDir())
	if err != nil {
		return fmt.Errorf("look at the store's manifest: %w", err)
	}
	e := extent{Manifest: m}
	if err := l.store.Damage(); err != nil {
		e.Damage = err.Error()
	}
	for d := range f.Join(l.damage.claimed).All() {
		e.Frontier = append(e.Frontier, place{d.Origin, d.Seq})
	}
	text, err := json.Marshal(e)
	if err == nil {
		err = file.Replace(filepath.Join(l.cfg.Dir, extentFile), append(text, '\n'), 0o644)
	}
	if err != nil {
		return fmt.Errorf("write how far the store has come: %w", err)
	}
	return nil
}

// watchStore tells of damage that is found while the leader runs, once, and keeps
// the extent up to date where a commit that was acknowledged is on disk.
func (l *Leader) watchStore() {
	tick := time.NewTicker(damageEvery)
	defer tick.Stop()
	told, last, always := false, l.loop.Frontier(), l.cfg.Storage.Sync == storage.SyncAlways
	for n := 1; ; n++ {
		select {
		case <-l.loop.Done():
			return
		case <-tick.C:
		}
		f := l.loop.Frontier()
		found := l.store.Damage() != nil && !told
		if found {
			told = true
			l.cfg.Logger.Error(l.damaged(), "leader", l.cfg.Name)
		}
		if !always {
			f = last // nobody knows how much of what came later is on disk
		}
		if !found && (n%extentEvery != 0 || f.Compare(last) == logical.Equal) || l.loop.Err() != nil {
			continue
		}
		if err := l.keepExtent(f); err != nil {
			l.cfg.Logger.Warn("damage to the store may go unnoticed", "leader", l.cfg.Name, "why", err.Error())
		}
		last = f
	}
}

// checkWhole looks through the whole log after a stop that was not clean.
func (l *Leader) checkWhole() {
	err := l.store.CheckWhole(func() bool {
		select {
		case <-l.loop.Done():
			return false
		default:
			return true
		}
	})
	if err != nil {
		l.store.Hurt(err)
	}
}
