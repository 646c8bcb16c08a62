package node

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/cockroachdb/pebble/v2/vfs"

	"kvd/logical"
	"kvd/storage/verify"
)

// Verified is what was found of a directory that no leader runs on.
type Verified struct {
	Files, Objects int
	Bytes          int64
	Writes         uint64  // that the log has
	Origins        int     // that accepted them
	Damages        []error // what is not as it was written; none: all is
}

// Verify reads all of a data directory, or of the store in one. Tell hears how many files
// were read. The error says that it could not be done.
func Verify(ctx context.Context, dir string, tell func(files int, bytes int64)) (*Verified, error) {
	store, err := storeIn(dir)
	if err != nil {
		return nil, err
	}
	r, err := verify.Store(ctx, vfs.Default, store, func(r *verify.Report) { tell(r.Files, r.Bytes) })
	if err != nil {
		return nil, err
	}
	return &Verified{Files: r.Files, Bytes: r.Bytes, Objects: r.Objects, Writes: lacking(r.Frontier, logical.Frontier{}), Origins: r.Frontier.Len(), Damages: r.Damages}, nil
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
	for _, pattern := range []string{"marker.manifest.*", "MANIFEST-*", "log"} {
		if found, err := filepath.Glob(filepath.Join(dir, pattern)); err != nil || len(found) > 0 {
			return dir, err
		}
	}
	if _, err := os.ReadDir(dir); err != nil {
		return "", err
	}
	return "", fmt.Errorf("%s holds no store", dir)
}
