package salvage

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/cockroachdb/pebble/v2/sstable/blob"
	"github.com/cockroachdb/pebble/v2/sstable/block"
	"github.com/cockroachdb/pebble/v2/vfs"

	"kvd/storage/disk"
)

// IsData reports whether a file of that name is a table, or has values that are separated
// from tables: what [Check] knows.
func IsData(name string) bool {
	return strings.HasSuffix(name, ".sst") || strings.HasSuffix(name, ".blob")
}

// Check reads every block of a file of a store, a table or separated values, and verifies
// its checksum. The store may be open: such a file never changes. What is not as it was
// written is [disk.ErrDamaged].
func Check(fs vfs.FS, path string) error {
	check := checkTable
	if strings.HasSuffix(path, ".blob") {
		check = checkValues
	}
	if err := check(fs, path); err != nil {
		if c := disk.CauseOf(err); c == disk.Unknown || c == disk.Damaged && !errors.Is(err, disk.ErrDamaged) {
			err = fmt.Errorf("%w: %w", disk.ErrDamaged, err)
		}
		return fmt.Errorf("%s: %w", path, err)
	}
	return nil
}

func checkTable(fs vfs.FS, path string) (err error) {
	defer recovered(&err)
	t, err := openTable(fs, path)
	if err != nil {
		return err
	}
	return errors.Join(t.ValidateBlockChecksums(), t.Close())
}

func checkValues(fs vfs.FS, path string) (err error) {
	defer recovered(&err)
	file, err := openValues(fs, path)
	if err != nil {
		return err
	}
	blocks, err := blocksOf(file)
	for _, at := range blocks {
		if err == nil {
			err = checkBlock(file, at)
		}
	}
	return errors.Join(err, file.Close())
}

func checkBlock(file *blob.FileReader, at block.Handle) error {
	h, err := file.ReadValueBlock(context.Background(), block.NoReadEnv, nil, at)
	if err == nil {
		h.Release()
	}
	return err
}
