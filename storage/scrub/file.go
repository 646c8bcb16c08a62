package scrub

import (
	"cmp"
	"errors"
	"fmt"
	"os"
	"slices"
	"strings"

	"github.com/cockroachdb/pebble/v2/vfs"

	"kvd/storage/disk"
	"kvd/storage/log"
	"kvd/storage/salvage"
)

// Finding is a place that is not as it was written, or cannot be read.
type Finding struct {
	Path   string
	Offset int64 // in bytes: where the frame or block begins
	Why    error
}

// Error names file and offset.
func (f Finding) Error() string {
	if _, told := errors.AsType[*log.DamageError](f.Why); told {
		return f.Why.Error()
	}
	return fmt.Sprintf("%s is damaged at byte %d: %v", f.Path, f.Offset, f.Why)
}

// Unwrap is why.
func (f Finding) Unwrap() error { return f.Why }

// Files is the paths of all files of the store in dir that [File] verifies: the segments of
// its log in their order, then tables and separated values in theirs. A log that is not
// there has no segments.
func Files(fs vfs.FS, dir string) ([]string, error) {
	paths, err := log.Segments(fs, fs.PathJoin(dir, disk.LogDir))
	if err != nil && !errors.Is(err, os.ErrNotExist) {
		return nil, err
	}
	names, err := fs.List(dir)
	if err != nil {
		return nil, fmt.Errorf("list %s: %w", dir, err)
	}
	names = slices.DeleteFunc(names, func(n string) bool { return !salvage.IsData(n) })
	slices.SortFunc(names, byNumber)
	for _, n := range names {
		paths = append(paths, fs.PathJoin(dir, n))
	}
	return paths, nil
}

// byNumber is the order of names that begin with a number.
func byNumber(a, b string) int { return cmp.Or(cmp.Compare(len(a), len(b)), strings.Compare(a, b)) }

// File verifies a file and tells of what it finds. In a segment of the log it goes on behind
// a damaged place; of any other file the first is told. A file that is not there any more is
// well. Its error is that of found.
func File(fs vfs.FS, path string, found func(Finding) error) error {
	return file(reading{FS: fs, last: new(int64)}, path, found)
}

// file is File over a filesystem that notes where was read last.
func file(fs reading, path string, found func(Finding) error) (err error) {
	var told error // of found
	switch {
	case salvage.IsData(path):
		err = salvage.Check(fs, path)
	default:
		err = log.Verify(fs, path, func(d *log.DamageError) error {
			told = found(Finding{d.Segment, d.Offset, d})
			return told
		})
	}
	switch {
	case err == nil, told != nil:
		return told
	case errors.Is(err, os.ErrNotExist):
		return nil
	case fs.stopped():
		return errStopped
	}
	return found(Finding{path, *fs.last, err})
}
