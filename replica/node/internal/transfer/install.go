package transfer

import (
	"cmp"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"

	"kvd/replica/node/internal/recovery"
	"kvd/storage"
	"kvd/storage/carryover"
	"kvd/storage/file"
)

// Where a state is, beside the store.
const (
	storeDir    = "store"
	fetchingDir = "store.fetching" // is being fetched
	fetchedDir  = "store.fetched"  // is whole
	replacedDir = "store.replaced" // the old store, which everything was carried over from
	rebuiltDir  = "store.rebuilt"  // of package recovery: the store is not where it belongs
)

// Install puts a state that was fetched in the place of the store in the data directory, once
// it has what only the store had. It reports whether it did. A state that cannot be installed
// is removed, and why is logged: the store is as it was. The error says that a leader cannot
// be started now.
func Install(dir, leader string, logger *slog.Logger) (installed bool, err error) {
	in := installing{dir: dir, leader: leader, logger: logger}
	return in.run()
}

type installing struct {
	dir, leader string
	logger      *slog.Logger
	carried     int // ops

	step func(name string) // is told before each step, for tests; nil: nobody is
}

func (in *installing) run() (installed bool, err error) {
	switch {
	case !in.has(fetchedDir):
		if in.has(replacedDir) && in.has(storeDir) {
			err = in.remove(replacedDir)
		}
		return false, err
	case in.has(replacedDir) && !in.has(storeDir): // it ended between the two
		return true, in.place()
	case in.has(rebuiltDir) && !in.has(storeDir):
		return false, nil // the next start finds a store
	}
	if err := in.remove(replacedDir); err != nil {
		return false, err
	}
	if err := in.carryOver(); err != nil {
		in.logger.Error("the state that was fetched is not installed, and the store stays as it was", "leader", in.leader, "why", err.Error())
		return false, errors.Join(noteFailure(in.dir, err), in.remove(fetchedDir))
	}
	in.logger.Info("installs the state that was fetched", "leader", in.leader, "carried", in.carried)
	if err := recovery.ExpectReplaced(in.dir); err != nil {
		return false, err
	}
	if in.has(storeDir) {
		if err := in.rename(storeDir, replacedDir); err != nil {
			return false, err
		}
	}
	return true, in.place()
}

func (in *installing) path(name string) string { return filepath.Join(in.dir, name) }

func (in *installing) has(name string) bool {
	_, err := os.Lstat(in.path(name))
	return !errors.Is(err, fs.ErrNotExist)
}

func (in *installing) at(step string) {
	if in.step != nil {
		in.step(step)
	}
}

func (in *installing) rename(from, to string) error {
	in.at("rename " + from)
	if err := cmp.Or(os.Rename(in.path(from), in.path(to)), file.SyncDir(in.dir)); err != nil {
		return fmt.Errorf("install the state that was fetched: %w; start again", err)
	}
	return nil
}

func (in *installing) remove(name string) error {
	in.at("remove " + name)
	if err := os.RemoveAll(in.path(name)); err != nil {
		return fmt.Errorf("remove what is left of a state that was fetched: %w", err)
	}
	return nil
}

// place is the second half, once the old store is out of the way.
func (in *installing) place() error {
	err := in.rename(fetchedDir, storeDir)
	if err == nil {
		err = in.remove(replacedDir)
	}
	if err == nil {
		err = forgetFailures(in.dir)
	}
	return err
}

// carryOver puts into the state what only the old store has.
func (in *installing) carryOver() (err error) {
	in.at("carry over")
	to, err := storage.Open(storage.Options{Dir: in.path(fetchedDir), Sync: storage.SyncNever, Cache: 8 << 20})
	if err != nil {
		return err
	}
	if in.has(storeDir) {
		var from *storage.Store
		if from, err = storage.Open(storage.Options{Dir: in.path(storeDir), ReadOnly: true, Cache: 8 << 20}); err == nil {
			in.carried, err = carryover.Into(to, from, in.step)
			err = errors.Join(err, from.Close())
		}
	} else {
		_, err = carryover.Into(to, nil, in.step)
	}
	return errors.Join(err, to.Close())
}
