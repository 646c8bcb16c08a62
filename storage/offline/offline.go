package offline

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/cockroachdb/pebble/v2/vfs"

	"kvd/logical"
	"kvd/storage/backup"
	"kvd/storage/disk"
	"kvd/storage/verify"
)

// Verified is what was found of a directory that no leader runs on.
type Verified struct {
	Backup         *backup.About // what it is a backup of; nil: it is a data directory
	Unfinished     bool          // a later backup into it was begun and has not ended
	Unpacked       bool          // of a backup: its store was looked at, too
	Files, Objects int
	Bytes          int64
	Writes         uint64  // that the log has
	Origins        int     // that accepted them
	Damages        []error // what is not as it was written; none: all is
}

// Verify reads all of a data directory, of the store in one, or of a backup. Of a backup it
// holds the files to their checksums, and unless sumsOnly is set it unpacks them into the
// system's directory for such and verifies the store as well. Tell hears how many files were
// read. The error says that it could not be done.
func Verify(ctx context.Context, dir string, sumsOnly bool, tell func(files int, bytes int64)) (*Verified, error) {
	m, err := backup.Read(dir)
	switch {
	case err == nil:
		return verifyBackup(ctx, dir, m, sumsOnly, tell)
	case disk.CauseOf(err) == disk.Damaged && !errors.Is(err, backup.ErrNone):
		return &Verified{Damages: []error{err}, Backup: &backup.About{}}, nil
	case !errors.Is(err, backup.ErrNone) || backup.Unfinished(dir):
		return nil, err
	}
	if backup.Restoring(dir) {
		return nil, ErrRestoring(dir)
	}
	store, err := storeIn(dir)
	if err != nil {
		return nil, err
	}
	v := &Verified{}
	return v, v.store(ctx, store, tell)
}

// store verifies a store.
func (v *Verified) store(ctx context.Context, dir string, tell func(files int, bytes int64)) error {
	r, err := verify.Store(ctx, vfs.Default, dir, func(r *verify.Report) { tell(r.Files, r.Bytes) })
	if err == nil {
		v.Files, v.Bytes, v.Objects, v.Writes, v.Origins = r.Files, r.Bytes, r.Objects, r.Frontier.Beyond(logical.Frontier{}), r.Frontier.Len()
		v.Damages = r.Damages
	}
	return err
}

func verifyBackup(ctx context.Context, dir string, m *backup.Manifest, sumsOnly bool, tell func(files int, bytes int64)) (v *Verified, err error) {
	v = &Verified{Backup: &m.About, Unfinished: backup.Unfinished(dir), Files: len(m.Files), Bytes: m.Bytes(), Writes: m.Writes(), Origins: len(m.Ops)}
	if v.Damages, err = backup.Check(ctx, dir, m, tell); err != nil || len(v.Damages) > 0 || sumsOnly {
		return v, err
	}
	temp, err := os.MkdirTemp("", "kvd-verify-*")
	if err != nil {
		return nil, err
	}
	defer os.RemoveAll(temp) // the system clears its directory as well
	v.Unpacked = true
	err = backup.Restore(ctx, dir, temp, m, tell, func(store string) error {
		return v.store(ctx, store, tell)
	})
	v.Files, v.Bytes = len(m.Files), m.Bytes()
	return v, err
}

// Restore makes a data directory, which is absent or empty, of the backup in from. The
// store is verified before the restore counts as done. The leader that is started there
// begins a new origin: nothing of what attests an origin is in a backup.
func Restore(ctx context.Context, from, dir string, tell func(files int, bytes int64)) (*Verified, error) {
	m, err := backup.Read(from)
	if err != nil {
		return nil, err
	}
	v := &Verified{Backup: &m.About, Unpacked: true}
	return v, backup.Restore(ctx, from, dir, m, tell, func(store string) error {
		if err := v.store(ctx, store, func(int, int64) {}); err != nil {
			return err
		}
		return errors.Join(v.Damages...)
	})
}

// ErrRestoring says that a leader cannot be started in a directory, nor can it be verified.
func ErrRestoring(dir string) error {
	return fmt.Errorf("a restore into %s was begun and has not ended, so it has a part of a store only: kvd restore begins it again", dir)
}

// storeIn is where the store of a data directory is: below it, or the directory itself.
func storeIn(dir string) (string, error) {
	below := filepath.Join(dir, "store")
	_, err := os.Stat(below)
	if err == nil {
		return below, nil
	}
	if !errors.Is(err, fs.ErrNotExist) {
		return "", err
	}
	for _, pattern := range []string{"marker.manifest.*", "MANIFEST-*", disk.LogDir} {
		if found, err := filepath.Glob(filepath.Join(dir, pattern)); err != nil || len(found) > 0 {
			return dir, err
		}
	}
	if _, err := os.ReadDir(dir); err != nil {
		return "", err
	}
	return "", fmt.Errorf("%s holds no store", dir)
}
