// Package medium is what can become of files in memory that stand for a disk: some of what was
// not synced is on it after a crash and some is not, a log is no longer synced, a bit flips.
//
// What it is not: it decides nothing. Who crashes, and when, is the script's.
package medium

import (
	"errors"
	"io"
	"math/rand/v2"
	"slices"
	"strings"
	"sync/atomic"

	"github.com/cockroachdb/pebble/v2/vfs"
)

// Block is how much of a file reaches the disk at once, in bytes.
const Block = 4096

// Tear makes lost a disk on which an arbitrary part of what was not synced survived:
// lost is all that was synced, kept everything that was written.
// Only logs are torn: whatever else the store relies on it had synced before. The
// two are not of quite the same instant, since the store's own goroutines go on;
// what only one of them has stays as it is in lost. Files and blocks are gone
// through in order, so that equal chance tears equally; the filesystem's own
// tearing follows the order of a map.
func Tear(lost, kept *vfs.MemFS, dir string, chance *rand.Rand) error {
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
		return Tear(lost, kept, path, chance)
	}
	whole, err := content(kept, path)
	if err != nil || !isLog(path) {
		return nil // the store had done with it meanwhile
	}
	synced, err := content(lost, path)
	if err != nil {
		return err
	}
	return put(lost, path, Mixed(synced, whole, chance))
}

// Mixed is synced with some blocks of whole: what is not there for certain may
// be there, or not, or be zeros in the middle of a file that grew.
func Mixed(synced, whole []byte, chance *rand.Rand) []byte {
	out := slices.Clone(synced)
	for i := 0; i < len(whole); i += Block {
		block := whole[i:min(i+Block, len(whole))]
		if i < len(synced) && slices.Equal(block, synced[i:min(i+Block, len(synced))]) || chance.IntN(2) == 0 {
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

// Lazy is a filesystem that can stop syncing the store's log: what is written
// there then is handed to the operating system, as far as the writer can tell,
// and is not on disk. A store that merely does not ask for a sync would keep its
// last bytes in its own memory, where no crash of a machine could leave them.
//
// All other files are synced as they are asked to be: the store flushes and
// compacts on goroutines of its own, and may at any time drop a log for a table
// that it believes to be on disk.
type Lazy struct {
	vfs.FS
	On *atomic.Bool // nothing is synced; shared with its files; the store's own goroutines read it
}

func (f Lazy) wrap(name string, file vfs.File, err error) (vfs.File, error) {
	if err != nil || !isLog(name) {
		return file, err
	}
	return lazyFile{file, f.On}, nil
}

// Create implements vfs.FS.
func (f Lazy) Create(name string, c vfs.DiskWriteCategory) (vfs.File, error) {
	file, err := f.FS.Create(name, c)
	return f.wrap(name, file, err)
}

// OpenReadWrite implements vfs.FS.
func (f Lazy) OpenReadWrite(name string, c vfs.DiskWriteCategory, o ...vfs.OpenOption) (vfs.File, error) {
	file, err := f.FS.OpenReadWrite(name, c, o...)
	return f.wrap(name, file, err)
}

// ReuseForWrite implements vfs.FS.
func (f Lazy) ReuseForWrite(old, name string, c vfs.DiskWriteCategory) (vfs.File, error) {
	file, err := f.FS.ReuseForWrite(old, name, c)
	return f.wrap(name, file, err)
}

// Unwrap implements vfs.FS.
func (f Lazy) Unwrap() vfs.FS { return f.FS }

func isLog(name string) bool { return strings.HasSuffix(name, ".log") }

type lazyFile struct {
	vfs.File
	lazy *atomic.Bool
}

// Sync implements vfs.File.
func (f lazyFile) Sync() error {
	if f.lazy.Load() {
		return nil
	}
	return f.File.Sync()
}

// SyncData implements vfs.File.
func (f lazyFile) SyncData() error {
	if f.lazy.Load() {
		return nil
	}
	return f.File.SyncData()
}

// SyncTo implements vfs.File.
func (f lazyFile) SyncTo(length int64) (fullSync bool, err error) {
	if f.lazy.Load() {
		return false, nil
	}
	return f.File.SyncTo(length)
}

// Rot flips a bit in the middle of what the logs in a directory hold.
func Rot(fs *vfs.MemFS, dir string) error {
	names, err := fs.List(dir)
	if err != nil {
		return err
	}
	slices.Sort(names)
	files, total := map[string][]byte{}, 0
	for _, name := range names {
		if !isLog(name) {
			continue
		}
		data, err := content(fs, fs.PathJoin(dir, name))
		if err != nil {
			return err
		}
		files[name], total = data, total+written(data)
	}
	middle := total / 2
	for _, name := range names {
		data := files[name]
		n := written(data)
		if middle < n {
			data[middle] ^= 1
			return overwrite(fs, fs.PathJoin(dir, name), data)
		}
		middle -= n
	}
	return errors.New("the log is empty")
}

// written is how much of a file was: what was only reserved is zero.
func written(data []byte) int {
	for len(data) > 0 && data[len(data)-1] == 0 {
		data = data[:len(data)-1]
	}
	return len(data)
}

// overwrite puts data in the place of what a file holds, which stays the same file.
func overwrite(fs *vfs.MemFS, path string, data []byte) error {
	f, err := fs.OpenReadWrite(path, vfs.WriteCategoryUnspecified)
	if err != nil {
		return err
	}
	if _, err := f.WriteAt(data, 0); err != nil {
		return err
	}
	return errors.Join(f.Sync(), f.Close())
}
