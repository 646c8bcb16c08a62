package log

import (
	"errors"
	"fmt"
	"os"
	"slices"

	"github.com/cockroachdb/pebble/v2/vfs"
)

// Segments is the paths of the segments in dir, in their order; none: there is no log.
func Segments(fs vfs.FS, dir string) ([]string, error) {
	names, err := fs.List(dir)
	if err != nil {
		return nil, fmt.Errorf("list log %s: %w", dir, err)
	}
	var paths []string
	for _, n := range segmentNumbers(names) {
		paths = append(paths, fs.PathJoin(dir, segmentName(n)))
	}
	return paths, nil
}

// Verify reads a segment from its file, header, groups and footer, and tells of every place
// that is not as it was written. Behind such a place it goes on with the next intact frame.
// It needs no open log, and may run beside one that writes to the segment: what is behind
// the last group that was synced is not damage. Its error is that of opening or reading the
// file, or of damaged; a segment that was removed has none. It reads little at a time, but
// what is behind damage in the last segment at once.
func Verify(fs vfs.FS, path string, damaged func(*DamageError) error) error {
	number, ok := segmentNumber(fs.PathBase(path))
	if !ok {
		return fmt.Errorf("verify %s: that is no name of a log segment", path)
	}
	f, err := openFile(path, number, func(path string) (vfs.File, error) { return fs.Open(path) })
	if err != nil {
		return ignoreAbsent(err)
	}
	defer f.Close()
	v := verifier{file: f, damaged: damaged}
	if v.end, v.left, err = endOf(fs, path, number); err != nil {
		return err
	}
	return v.all()
}

func ignoreAbsent(err error) error {
	if errors.Is(err, os.ErrNotExist) {
		return nil
	}
	return err
}

// endOf is where the groups of a segment end, which the header of the one that follows it
// says: 0: it does not say. Left reports whether one follows.
func endOf(fs vfs.FS, path string, number uint32) (end int64, left bool, err error) {
	next := fs.PathJoin(fs.PathDir(path), segmentName(number+1))
	f, err := openFile(next, number+1, func(path string) (vfs.File, error) { return fs.Open(path) })
	if err != nil {
		return 0, false, ignoreAbsent(err)
	}
	defer f.Close()
	follows, err := readHeader(f, f.size)
	if errors.Is(err, errBad) { // what is wrong with it is told when it is verified itself
		return 0, false, nil
	}
	if err != nil || follows.segment() != number {
		return 0, false, err
	}
	return follows.offset(), true, nil
}

// verifier goes through one segment.
type verifier struct {
	file    *file
	end     int64 // of the groups; 0: not known
	left    bool  // another segment follows, so that all of this one is durable
	again   int64 // the group that was read again, since a frame of it was not valid
	damaged func(*DamageError) error
}

// bad tells of a place.
func (v *verifier) bad(offset int64, expected string) error {
	return v.damaged(&DamageError{v.file.path, offset, expected})
}

func (v *verifier) all() error {
	_, err := readHeader(v.file, v.file.size)
	if errors.Is(err, errBad) && (v.left || v.file.size > headerBytes) {
		err = v.bad(0, "a header")
	}
	if err != nil {
		return ignoreBad(err)
	}
	x, at := newIndex(), int64(headerBytes)
	for whole := true; ; whole = false {
		at, err = v.groups(x, at)
		if err != nil || at == 0 {
			return err
		}
		if at < 0 {
			return v.footer(x, -at, whole)
		}
		x = newIndex() // its operations do not follow those before the damage
	}
}

// ignoreBad is what is left of an error when a segment that was made and has no header yet
// is none.
func ignoreBad(err error) error {
	if errors.Is(err, errBad) {
		return nil
	}
	return err
}

// groups reads the groups from an offset on. Next is where to go on behind damage; below
// zero: the groups end there, and a footer should follow; 0: nothing follows.
func (v *verifier) groups(x *index, from int64) (next int64, err error) {
	limit := v.file.size
	if v.end > 0 {
		limit = min(limit, v.end)
	}
	s := newScanner(v.file, v.file.number, from, limit, chunkForward)
	defer s.done()
	err = s.index(x, nil)
	footer := errors.Is(err, errFooter)
	switch {
	case err == nil && s.at < v.end:
		return 0, v.bad(s.at, fmt.Sprintf("groups up to byte %d, where the segment after it says that they end", v.end))
	case err == nil && v.end > 0, footer && v.end == 0:
		return -s.at, nil
	case err == nil, !footer && !errors.Is(err, errBad):
		return 0, err
	}
	return v.behind(s.at, s.bad, limit)
}

// behind tells of a place where no valid frame is, and finds the next that begins a group.
// In a segment that may be written to, the place is damaged only if a frame behind it says
// that it was synced. It may have been written since it was read, so it is read again.
func (v *verifier) behind(group, bad, limit int64) (next int64, err error) {
	rest := make([]byte, max(0, limit-bad))
	if n, err := v.file.ReadAt(rest, bad); n < len(rest) && err != nil {
		return 0, fmt.Errorf("read log segment %s: %w", v.file.path, err)
	}
	at, work, durable := newPosition(v.file.number, bad), searchFactor*int64(len(rest)+frameBytes), v.left
	for i := 0; ; {
		n, h, err := searchFrame(rest, i, at, &work)
		switch {
		case (err != nil || n == len(rest)) && durable:
			return v.end, v.bad(bad, "a valid frame, and none follows")
		case err != nil || n == len(rest):
			return 0, nil
		case n == 0 && v.again != group:
			v.again = group
			return group, nil
		case n > 0:
			durable = durable || h.synced > group
			if durable && (h.kind&flagFirst != 0 || h.kind == kindRanges) {
				return bad + int64(n), v.bad(bad, "a valid frame")
			}
		}
		i = n + int(h.size)
	}
}

// footer verifies what follows the groups: it says what they are. Whole: all of them were
// read.
func (v *verifier) footer(x *index, end int64, whole bool) error {
	ranges, _, err := readFooter(v.file, end, v.file.size, nil)
	if err == nil && whole && !slices.Equal(ranges, x.ranges()) {
		err = errBad
	}
	if errors.Is(err, errBad) && v.left {
		return v.bad(end, "a footer that says what the segment has")
	}
	return ignoreBad(err)
}
