package salvage

import (
	"fmt"
	"strconv"
	"strings"

	"kvd/storage/disk"

	"github.com/cockroachdb/pebble/v2/vfs"
)

// Manifest is the file that says which tables make the store, and how long it is.
// It only ever grows, and is only ever replaced by one with a greater number.
type Manifest struct {
	Name  string `json:"name"` // empty: not known
	Bytes int64  `json:"bytes"`
}

// number is the manifest's; zero: it is none.
func (m Manifest) number() uint64 {
	n, _ := strconv.ParseUint(strings.TrimPrefix(m.Name, "MANIFEST-"), 10, 64)
	return n
}

// Examine looks at the files of a store before it is opened, because pebble takes
// a store without its marker for a new one, and tables that its manifest does not
// name for garbage, which it removes. Last is what the manifest was known to be; a
// shorter or an older one has lost what came later. A directory without a store is
// well; what is not is ErrDamaged.
func Examine(fs vfs.FS, dir string, last Manifest) error {
	now, data, err := manifestIn(fs, dir, last.Name != "")
	switch {
	case err != nil:
		return err
	case now.Name == "" && data > 0:
		return fmt.Errorf("%w: %s has %d files of data, and no marker says which manifest names them", disk.ErrDamaged, dir, data)
	case now.Name == "":
		return nil
	case now.number() < last.number():
		return fmt.Errorf("%w: the marker in %s names %s, and a later one, %s, was in use", disk.ErrDamaged, dir, now.Name, last.Name)
	case now.Name == last.Name && now.Bytes < last.Bytes:
		return fmt.Errorf("%w: %s in %s has %d bytes, and had %d", disk.ErrDamaged, now.Name, dir, now.Bytes, last.Bytes)
	}
	return nil
}

// ManifestOf is the manifest of the store in dir as it is now.
func ManifestOf(fs vfs.FS, dir string) (Manifest, error) {
	m, _, err := manifestIn(fs, dir, true)
	return m, err
}

// manifestIn is the manifest that the marker names, and how many files of data
// there are. A manifest is one where the store was ever open: without tables and logs
// it is otherwise what a first start left that found the disk full.
func manifestIn(fs vfs.FS, dir string, opened bool) (m Manifest, data int, err error) {
	names, err := fs.List(dir)
	if err != nil {
		if _, absent := fs.Stat(dir); absent != nil {
			return m, 0, nil
		}
		return m, 0, err
	}
	for _, name := range names {
		const marker = "marker.manifest."
		switch {
		case strings.HasSuffix(name, ".sst"), strings.HasSuffix(name, ".blob"), strings.HasSuffix(name, ".log"), opened && strings.HasPrefix(name, "MANIFEST-"):
			data++
		case strings.HasPrefix(name, marker):
			_, value, _ := strings.Cut(name[len(marker):], ".")
			if found := (Manifest{Name: value}); found.number() > m.number() {
				m = found
			}
		}
	}
	if m.Name == "" {
		return m, data, nil
	}
	info, err := fs.Stat(fs.PathJoin(dir, m.Name))
	if err != nil {
		return m, data, fmt.Errorf("%w: the marker in %s names %s: %w", disk.ErrDamaged, dir, m.Name, err)
	}
	m.Bytes = info.Size()
	return m, data, nil
}
