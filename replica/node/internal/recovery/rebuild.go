package recovery

import (
	"cmp"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/cockroachdb/pebble/v2/vfs"

	"kvd/replica/host"
	"kvd/storage"
	"kvd/storage/file"
)

// rebuild makes a store of what can be read of a damaged one. Whenever it is
// stopped, the next start goes on: until the new store is whole and has the name
// that says so, the damaged one is where it was.
//
//	store, store.rebuilding ─▶ store, store.rebuilt ─▶ store.damaged-n, store.rebuilt ─▶ store.damaged-n, store
func (d *Disk) rebuild(cause error) error {
	d.cause = cause.Error()
	d.cfg.Logger.Error("the store is damaged; it is made anew from what can be read of it", "leader", d.cfg.Name, "why", cause.Error())
	fresh := filepath.Join(d.cfg.Dir, "store.rebuilding")
	if err := errors.Join(os.RemoveAll(fresh), os.RemoveAll(d.rebuiltDir())); err != nil {
		return fmt.Errorf("rebuild the store: %w", err)
	}
	to, err := storage.Open(storage.Options{Dir: fresh, Sync: storage.SyncNever, Cache: 8 << 20})
	if err != nil {
		return fmt.Errorf("rebuild the store: %w", err)
	}
	found, err := storage.Salvage(vfs.Default, d.StoreDir(), to)
	if err = errors.Join(err, to.Close()); err != nil {
		return fmt.Errorf("rebuild the store: %w", err)
	}
	aside := d.aside()
	for _, step := range [][2]string{{fresh, d.rebuiltDir()}, {d.StoreDir(), aside}} {
		if err := cmp.Or(os.Rename(step[0], step[1]), file.SyncDir(d.cfg.Dir)); err != nil {
			return fmt.Errorf("rebuild the store: %w; the damaged one is %s or %s", err, d.StoreDir(), aside)
		}
	}
	if _, err := d.placeRebuilt(); err != nil {
		return fmt.Errorf("rebuild the store: %w; the damaged one is %s", err, aside)
	}
	d.claimed = d.claimed.Join(found.Claimed)
	d.cfg.Logger.Warn("what could be read of the damaged store was salvaged", "leader", d.cfg.Name, "files", found.Examined, "ops", found.Ops,
		"unread", strings.Join(found.Unread, "; "), "kept", aside, "next", "remove it when everything has come back")
	return d.openWhole()
}

// rebuiltDir is where a store that was made anew waits, whole, until the damaged one
// is out of its way.
func (d *Disk) rebuiltDir() string { return d.StoreDir() + ".rebuilt" }

// placeRebuilt puts a store that was made anew where the damaged one was, once
// that is out of it.
func (d *Disk) placeRebuilt() (placed bool, err error) {
	if _, err := os.Lstat(d.StoreDir()); !errors.Is(err, fs.ErrNotExist) {
		return false, err
	}
	if err := os.Rename(d.rebuiltDir(), d.StoreDir()); err != nil {
		if errors.Is(err, fs.ErrNotExist) {
			err = nil
		}
		return false, err
	}
	if d.cause == "" {
		d.cause = "the leader stopped while it made the store anew"
	}
	return true, file.SyncDir(d.cfg.Dir)
}

// aside is a name for a damaged store that nothing has.
func (d *Disk) aside() string {
	for n := 1; ; n++ {
		name := fmt.Sprintf("%s.damaged-%d", d.StoreDir(), n)
		if _, err := os.Lstat(name); err != nil {
			return name
		}
	}
}

// Reapply applies what was salvaged, and finds what is missing. Nobody is served
// before.
func (d *Disk) Reapply(pump *host.Pump, clock host.Clock) error {
	r, err := host.NewRecovery(d.store)
	if err != nil {
		return err
	}
	d.salvaged = r
	if r != nil {
		d.claimed = d.claimed.Join(r.Waiting())
		last := time.Now()
		err := pump.Recover(r, clock, func(ops int) {
			if time.Since(last) > time.Second {
				last = time.Now()
				d.cfg.Logger.Info("applies again what was salvaged", "leader", d.cfg.Name, "ops", ops)
			}
		})
		if err != nil {
			return fmt.Errorf("apply again what was salvaged: %w", err)
		}
		more, err := r.Drop(pump.State().Frontier)
		if err != nil {
			return err
		}
		if !more {
			d.salvaged = nil
		}
	}
	return d.Keep(pump.State().Frontier)
}
