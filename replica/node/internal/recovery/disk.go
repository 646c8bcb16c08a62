package recovery

import (
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"time"

	"github.com/cockroachdb/pebble/v2/vfs"

	"kvd/logical"
	"kvd/replica/host"
	"kvd/replica/node/internal/sidefile"
	"kvd/storage"
	"kvd/storage/disk"
	"kvd/storage/salvage"
)

// Config is what a disk is told once.
type Config struct {
	Name    string          // the leader's
	Dir     string          // data is kept below it; not used where Options have an FS
	Options storage.Options // of the store; Dir is filled in
	Over    vfs.FS          // this machine's files, as the store is to see them; nil: as they are
	Logger  *slog.Logger
	// Alone reports whether there never was anybody to fetch anything from. Such a
	// leader serves what it can of a damaged store, since a store made anew would end
	// at the first op that cannot be read.
	Alone func() bool
	// Members are the names of the others that were ever known. It may be asked from
	// any goroutine.
	Members func() []string
	// Serve says that clients are served although something is missing.
	Serve bool
}

// Disk is one leader's store, what a start found wrong with it, and what has to come
// back.
type Disk struct {
	cfg   Config
	store *storage.Store
	loop  *host.Loop // nil before Follow

	cause   string           // why the store was made anew; empty: it was whole. It does not change after the start
	claimed logical.Frontier // how far the log had come. It does not change after the start

	// salvaged is what was read of the damaged store and waits for what is missing;
	// nil: nothing.
	salvaged *host.Recovery
	fed      logical.Dot // the last op of it that the loop was handed, and when
	fedAt    time.Time
}

// probes is how many ops of the log a start looks for.
const probes = 1024

// Open opens the store. A damaged one is made anew from whatever can be read of it,
// and is kept beside it. Whoever opened it closes its store.
func Open(cfg Config) (*Disk, error) {
	d := &Disk{cfg: cfg}
	return d, d.open()
}

// Store is the store; nil: it could not be opened.
func (d *Disk) Store() *storage.Store { return d.store }

// Rebuilt reports whether the store was made anew.
func (d *Disk) Rebuilt() bool { return d.cause != "" }

func (d *Disk) onDisk() bool { return d.cfg.Options.FS == nil }

// StoreDir is where the store is.
func (d *Disk) StoreDir() string { return filepath.Join(d.cfg.Dir, "store") }

func (d *Disk) open() (err error) {
	if !d.onDisk() {
		return d.openWhole()
	}
	if err := os.MkdirAll(d.cfg.Dir, 0o700); err != nil {
		return fmt.Errorf("the data directory: %w", err)
	}
	placed, err := d.placeRebuilt()
	if err != nil {
		return fmt.Errorf("rebuild the store: %w", err)
	}
	var e extent
	if _, err := sidefile.Read(d.cfg.Dir, extentFile, &e); err != nil {
		d.cfg.Logger.Warn("how far the store had come is not known", "leader", d.cfg.Name, "why", err.Error())
		e = extent{}
	}
	d.claimed = e.frontier()
	if placed { // what is known of the manifest is of the one before
		return d.openWhole()
	}
	if e.Damage != "" && !d.cfg.Alone() {
		return d.rebuild(errors.New(e.Damage))
	}
	if err = salvage.Examine(vfs.Default, d.StoreDir(), e.Manifest); err == nil {
		err = d.openWhole()
	}
	if disk.CauseOf(err) == disk.Damaged {
		return d.rebuild(err)
	}
	if err == nil && e.Damage != "" {
		d.store.NoteDamage(errors.New(e.Damage))
	}
	return err
}

// openWhole opens a store whose log reaches as far as its state says.
func (d *Disk) openWhole() (err error) {
	options := d.cfg.Options
	options.Dir = d.StoreDir()
	if d.cfg.Over != nil {
		options.FS = d.cfg.Over
	}
	d.store, err = storage.Open(options)
	if err != nil {
		return err
	}
	err = d.store.CheckLog(probes)
	if disk.CauseOf(err) == disk.Damaged && d.onDisk() && d.cfg.Alone() {
		d.store.NoteDamage(err)
		return nil
	}
	if err != nil {
		err = errors.Join(err, d.store.Close())
		d.store = nil
	}
	return err
}
