package world

import (
	"fmt"
	"io"
	"math/rand/v2"
	"slices"

	"github.com/cockroachdb/pebble/v2/vfs"
)

// tornBlock is how much of a file reaches the disk at once, in bytes.
const tornBlock = 4096

// tear is a disk on which an arbitrary part of what was not synced survived:
// lost is all that was synced, kept everything that was written. It changes lost.
// Only logs are torn: whatever else the store relies on it had synced before. The
// two are not of quite the same instant, since the store's own goroutines go on;
// what only one of them has stays as it is in lost. Files and blocks are gone
// through in order, so that equal chance tears equally; the filesystem's own
// tearing follows the order of a map.
func tear(lost, kept *vfs.MemFS, chance *rand.Rand) (*vfs.MemFS, error) {
	if err := tearDir(lost, kept, "/", chance); err != nil {
		return nil, fmt.Errorf("tear a disk: %w", err)
	}
	return lost, nil
}

func tearDir(lost, kept *vfs.MemFS, dir string, chance *rand.Rand) error {
	names, err := lost.List(dir)
	if err != nil {
		return err
	}
	slices.Sort(names)
	for _, name := range names {
		if err := tearEntry(lost, kept, lost.PathJoin(dir, name), chance); err != nil {
			return err
		}
	}
	return syncDir(lost, dir)
}

func tearEntry(lost, kept *vfs.MemFS, path string, chance *rand.Rand) error {
	info, err := lost.Stat(path)
	if err != nil {
		return err
	}
	if info.IsDir() {
		return tearDir(lost, kept, path, chance)
	}
	whole, err := content(kept, path)
	if err != nil || !isLog(path) {
		return nil // the store had done with it meanwhile
	}
	synced, err := content(lost, path)
	if err != nil {
		return err
	}
	return put(lost, path, mixed(synced, whole, chance))
}

// mixed is synced with some blocks of whole: what is not there for certain may
// be there, or not, or be zeros in the middle of a file that grew.
func mixed(synced, whole []byte, chance *rand.Rand) []byte {
	out := slices.Clone(synced)
	for i := 0; i < len(whole); i += tornBlock {
		block := whole[i:min(i+tornBlock, len(whole))]
		if i < len(synced) && slices.Equal(block, synced[i:min(i+tornBlock, len(synced))]) || chance.IntN(2) == 0 {
			continue
		}
		if grow := i + len(block) - len(out); grow > 0 {
			out = append(out, make([]byte, grow)...)
		}
		copy(out[i:], block)
	}
	return out
}

func content(fs *vfs.MemFS, path string) ([]byte, error) {
	f, err := fs.Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	return io.ReadAll(f)
}

func put(fs *vfs.MemFS, path string, data []byte) error {
	f, err := fs.Create(path, vfs.WriteCategoryUnspecified)
	if err != nil {
		return err
	}
	if _, err := f.Write(data); err != nil {
		return err
	}
	if err := f.Sync(); err != nil {
		return err
	}
	return f.Close()
}

func syncDir(fs *vfs.MemFS, dir string) error {
	f, err := fs.OpenDir(dir)
	if err != nil {
		return err
	}
	if err := f.Sync(); err != nil {
		return err
	}
	return f.Close()
}
