package log

import (
	"cmp"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"slices"

	"github.com/cockroachdb/pebble/v2/vfs"

	"kvd/logical"
)

// layout begins the body of every header; its last byte is the version of the layout. The
// number of the segment follows, and the position that its first group follows.
const (
	layout      = "KVDLOG1"
	headerBody  = 7 + 4 + 8
	headerBytes = headBytes + headerBody
)

// appendHeader adds the header of a segment.
func appendHeader(dst []byte, number uint32, follows Position) []byte {
	begin := len(dst)
	dst = append(dst, make([]byte, headBytes)...)
	dst = append(dst, layout...)
	dst = binary.LittleEndian.AppendUint32(dst, number)
	dst = binary.LittleEndian.AppendUint64(dst, uint64(follows))
	finishFrame(dst[begin:], newPosition(number, 0), kindHeader, 0)
	return dst
}

// readHeader is what a segment follows, of which so many bytes can be read. errBad: it
// has no valid header.
func readHeader(f *file, limit int64) (follows Position, err error) {
	s := newScanner(f, f.number, 0, limit, headerBytes)
	defer s.done()
	h, body, err := s.frame()
	switch {
	case errors.Is(err, io.EOF):
		return 0, errBad
	case err != nil:
		return 0, err
	case h.kind != kindHeader || len(body) < len(layout) || string(body[:len(layout)-1]) != layout[:len(layout)-1]:
		return 0, errBad
	case string(body[:len(layout)]) != layout:
		return 0, fmt.Errorf("log segment %s has layout %q, and this program reads %q", f.path, body[:len(layout)], layout)
	case len(body) != headerBody || binary.LittleEndian.Uint32(body[len(layout):]) != f.number:
		return 0, errBad
	}
	return Position(binary.LittleEndian.Uint64(body[len(layout)+4:])), nil
}

// Open finds the end of the log. What is behind the last whole group of the last segment is
// cut off: a torn tail. Anything else that is not as it was written is a [*DamageError]: in
// a segment that another follows, or before a place that was synced.
func Open(o Options) (*Log, error) {
	if err := o.Validate(); err != nil {
		return nil, err
	}
	o.SegmentBytes = cmp.Or(o.SegmentBytes, defaultSegment)
	l := &Log{o: o, files: newFiles(o.FS, o.Dir), spans: map[logical.Origin][]span{}}
	l.group.tails = map[logical.Origin]*tail{}
	if err := l.recover(); err != nil {
		return nil, errors.Join(fmt.Errorf("open log %s: %w", o.Dir, err), l.shut())
	}
	return l, nil
}

// recover reads headers first, because each says where the groups of the segment before
// end, then the footers, then the groups of the last segment.
func (l *Log) recover() error {
	if !l.o.ReadOnly {
		if err := makeDir(l.o.FS, l.o.Dir); err != nil {
			return err
		}
	}
	numbers, err := l.list()
	if err != nil {
		return err
	}
	follows, dropped, err := l.headers(numbers)
	if err != nil {
		return err
	}
	if len(follows) > 0 {
		l.start.follows = follows[0]
	} else if l.start.number > 1 {
		return l.damaged(l.start.number, 0, "a header, since segments before it were removed")
	}
	l.frontier = l.start.removed.Clone()
	for i := range follows {
		number := numbers[i]
		if i == len(follows)-1 {
			err = l.recoverLast(number, dropped)
		} else {
			err = l.recoverLeft(number, follows[i+1])
		}
		if err != nil {
			return err
		}
	}
	for d := range l.frontier.All() {
		l.group.tails[d.Origin] = &tail{d.Origin, d.Seq, d.Seq}
	}
	l.synced.Store(l.end.Load())
	return nil
}

// list is the numbers of the segments, which ascend without gaps from where the log begins.
// It removes those before that are still there.
func (l *Log) list() ([]uint32, error) {
	names, err := l.o.FS.List(l.o.Dir)
	if err != nil {
		return nil, fmt.Errorf("list: %w", err)
	}
	if l.start, err = readBeginning(l.o.FS, l.o.Dir); err != nil {
		return nil, err
	}
	numbers := segmentNumbers(names)
	first, _ := slices.BinarySearch(numbers, l.start.number)
	if !l.o.ReadOnly {
		if err := l.removeFiles(numbers[:first]); err != nil {
			return nil, err
		}
	}
	numbers = numbers[first:]
	for i, n := range numbers {
		if want := l.start.number + uint32(i); n != want {
			return nil, l.damaged(want, 0, "the file, since later segments are there")
		}
	}
	return numbers, nil
}

// segmentNumbers is the segments among the names of files, ascending.
func segmentNumbers(names []string) []uint32 {
	var numbers []uint32
	for _, name := range names {
		if n, ok := segmentNumber(name); ok {
			numbers = append(numbers, n)
		}
	}
	slices.Sort(numbers)
	return numbers
}

// headers is what each segment follows. A last segment that was made and of which not even
// the header was synced is dropped: it says nothing, and the one before was synced before
// it was made.
func (l *Log) headers(numbers []uint32) (follows []Position, dropped bool, err error) {
	for i, number := range numbers {
		f, err := l.files.acquire(number)
		if err != nil {
			return nil, false, err
		}
		p, err := readHeader(f, f.size)
		torn := errors.Is(err, errBad) && i == len(numbers)-1
		if torn {
			err = l.torn(f, 0, 0)
		}
		l.files.release(f)
		switch {
		case torn && err == nil:
			return follows, true, nil // its file is replaced when the next segment is made
		case err == nil && (number == 1) != (p == 0), err == nil && p.segment() != number-1:
			err = errBad
		}
		if errors.Is(err, errBad) {
			err = l.damaged(number, 0, "a header")
		}
		if err != nil {
			return nil, false, err
		}
		follows = append(follows, p)
	}
	return follows, false, nil
}

// torn decides about a place in the last segment where no valid frame is, or a group is not
// whole that begins at the offset group: nil if nothing says that it was ever durable.
func (l *Log) torn(f *file, group, bad int64) error {
	rest := make([]byte, max(0, f.size-bad))
	if n, err := f.ReadAt(rest, bad); n < len(rest) && err != nil {
		return fmt.Errorf("read log segment %s: %w", f.path, err)
	}
	work := searchFactor * int64(len(rest)+frameBytes)
	for i := 0; ; {
		n, h, err := searchFrame(rest, i, newPosition(f.number, bad), &work)
		switch {
		case err != nil:
			return l.damaged(f.number, bad, "a valid frame; so much looks like frames behind it that none was looked for to the end")
		case n == len(rest):
			return nil
		case h.synced > group:
			return l.damaged(f.number, bad, fmt.Sprintf("a valid frame, since the one at byte %d says that all before byte %d was synced", bad+int64(n), h.synced))
		}
		i = n + int(h.size)
	}
}

// searchFactor bounds the work of a search: so many times the bytes that are searched.
const searchFactor = 64

// recoverLeft takes in a segment that another follows: its footer says what it has.
func (l *Log) recoverLeft(number uint32, end Position) error {
	f, err := l.files.acquire(number)
	if err != nil {
		return err
	}
	defer l.files.release(f)
	ranges, size, err := readFooter(f, end.offset(), f.size, nil)
	if errors.Is(err, errBad) {
		var x *index
		if x, err = l.rebuild(f, end.offset()); err == nil {
			ranges, size = x.ranges(), f.size-end.offset()
			l.files.loaded(f, x)
		}
	}
	if err != nil {
		return err
	}
	l.segments = append(l.segments, segment{end.offset(), end.offset() + size})
	l.left(number, ranges)
	return l.cover(number, ranges)
}

// cover notes what a segment has, which begins where those before it ended.
func (l *Log) cover(number uint32, ranges []originRange) error {
	for _, r := range ranges {
		if want := l.frontier.At(r.origin) + 1; r.first != want {
			return l.damaged(number, headerBytes, fmt.Sprintf("operation %d of origin %s as its first; it is %d", want, r.origin, r.first))
		}
		l.frontier.Advance(logical.Dot{Origin: r.origin, Seq: r.last})
	}
	return nil
}

// recoverLast takes in the last segment. whole: a later one had been made, so that nothing
// of it can be torn.
func (l *Log) recoverLast(number uint32, whole bool) error {
	f, err := l.openLast(number)
	if err != nil {
		return err
	}
	l.active = f // until it is known to be left
	x := newIndex()
	s := newScanner(f, number, headerBytes, f.size, chunkForward)
	defer s.done()
	err = s.index(x, nil)
	seg := segment{s.at, s.at}
	left := errors.Is(err, errFooter)
	if left {
		var size int64
		_, size, err = readFooter(f, s.at, f.size, nil)
		seg.size += size
		left, s.bad = err == nil, s.at
	}
	if err == nil && whole && !left {
		err = errBad
	}
	if errors.Is(err, errBad) {
		if whole {
			err = l.damaged(number, s.bad, "a valid frame, since a later segment had been made")
		} else if err = l.torn(f, s.at, s.bad); err == nil {
			err = l.cut(f, s.at)
		}
	}
	if err != nil {
		return err
	}
	if err := l.cover(number, x.ranges()); err != nil {
		return err
	}
	l.segments = append(l.segments, seg)
	l.end.Store(uint64(newPosition(number, seg.end)))
	if l.o.ReadOnly {
		left = true
	} else if err := l.settle(f); err != nil {
		return err
	}
	if left {
		l.left(number, x.ranges())
		l.files.loaded(f, x)
		l.files.release(f)
		l.active = nil
		return nil
	}
	l.open, l.reserved = x, f.size
	return nil
}

// openLast opens the segment that is written to further.
func (l *Log) openLast(number uint32) (*file, error) {
	if l.o.ReadOnly {
		return l.files.acquire(number)
	}
	return l.files.write(number, false)
}

// settle makes durable what was found, which the system may not have written yet: it is
// about to be built upon.
func (l *Log) settle(f *file) error {
	if err := f.SyncData(); err != nil {
		return fmt.Errorf("sync log segment %s: %w", f.path, err)
	}
	return syncDir(l.o.FS, l.o.Dir)
}

// cut overwrites a torn tail with zeros, so that what is written later is never followed by
// an old frame that fits.
func (l *Log) cut(f *file, from int64) error {
	if l.o.ReadOnly {
		return nil
	}
	zeros := make([]byte, min(maxBuffer, f.size-from))
	for at := from; at < f.size; at += int64(len(zeros)) {
		if _, err := f.WriteAt(zeros[:min(int64(len(zeros)), f.size-at)], at); err != nil {
			return fmt.Errorf("cut log segment %s: %w", f.path, err)
		}
	}
	return nil
}

// makeDir makes a directory, and syncs the parent of each that was absent.
func makeDir(fs vfs.FS, dir string) error {
	var parents []string
	for d := dir; ; d = fs.PathDir(d) {
		if _, err := fs.Stat(d); err == nil || d == fs.PathDir(d) {
			break
		}
		parents = append(parents, fs.PathDir(d))
	}
	if len(parents) == 0 {
		return nil
	}
	if err := fs.MkdirAll(dir, 0o755); err != nil {
		return fmt.Errorf("make the directory: %w", err)
	}
	for _, d := range parents {
		if err := syncDir(fs, d); err != nil {
			return err
		}
	}
	return nil
}

// syncDir makes the entries of a directory durable.
func syncDir(fs vfs.FS, dir string) error {
	d, err := fs.OpenDir(dir)
	if err != nil {
		return fmt.Errorf("open directory %s: %w", dir, err)
	}
	if err := errors.Join(d.Sync(), d.Close()); err != nil {
		return fmt.Errorf("sync directory %s: %w", dir, err)
	}
	return nil
}
