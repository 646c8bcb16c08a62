package recovery

import (
	"cmp"

	"github.com/cockroachdb/pebble/v2/vfs"

	"kvd/storage/disk"
)

func (d *Disk) fs() vfs.FS { return cmp.Or[vfs.FS](d.cfg.Options.FS, vfs.Default) }

// Files is how many bytes the files of the log have, and all files of the store. Files
// that come and go meanwhile may be missed.
func (d *Disk) Files() (log, store uint64) {
	dir := d.StoreDir()
	log = sizeOf(d.fs(), d.fs().PathJoin(dir, disk.LogDir))
	return log, log + sizeOf(d.fs(), dir)
}

// sizeOf is the size of the files right below a directory.
func sizeOf(fs vfs.FS, dir string) (n uint64) {
	names, _ := fs.List(dir) // what cannot be listed has no files for us
	for _, name := range names {
		if info, err := fs.Stat(fs.PathJoin(dir, name)); err == nil && !info.IsDir() {
			n += uint64(info.Size())
		}
	}
	return n
}

// Space is how many bytes the file system of the store has left for us, and in all.
func (d *Disk) Space() (free, size uint64, ok bool) {
	u, err := d.fs().GetDiskUsage(d.StoreDir())
	return u.AvailBytes, u.TotalBytes, err == nil
}
