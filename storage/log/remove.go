package log

import (
	"cmp"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"slices"
	"time"

	"github.com/cockroachdb/pebble/v2/vfs"

	"kvd/logical"
	"kvd/storage/disk"
)

// ErrRemoved says that operations were asked for which the log does not keep any more.
var ErrRemoved = errors.New("the log does not keep it any more")

func (l *Log) removedErr(d logical.Dot) error {
	return fmt.Errorf("operation %s of the log, which begins with operation %d of that origin: %w", d, l.First(d.Origin), ErrRemoved)
}

// beginName is the file that says where the log begins. Without it the log begins with its
// first segment.
const beginName = "begin"

// beginning is where a log begins.
type beginning struct {
	number  uint32           // of the first segment
	removed logical.Frontier // what was before it
	follows Position         // where that ended, as the header of the first segment says
}

// Kept says what of a log must stay.
type Kept struct {
	Stable logical.Frontier // operations that it does not cover stay
	From   Position         // what was written from there on stays
	Bytes  int64            // so many of the newest stay, unless they are older than Since
	Since  time.Time        // when the last write to a segment counts as old; zero: never
}

// Begin is where the first group that is kept begins.
func (l *Log) Begin() Position {
	l.mu.RLock()
	defer l.mu.RUnlock()
	return l.start.follows
}

// firstNumber is the first segment that is kept.
func (l *Log) firstNumber() uint32 {
	l.mu.RLock()
	defer l.mu.RUnlock()
	return l.start.number
}

// next is the number of the segment that is made next.
func (l *Log) next() uint32 {
	l.mu.RLock()
	defer l.mu.RUnlock()
	return l.start.number + uint32(len(l.segments))
}

// Excess is how many bytes the segments have together that need not be kept.
func (l *Log) Excess(keep Kept) (bytes int64) {
	number := l.outside(keep)
	l.mu.RLock()
	defer l.mu.RUnlock()
	if number <= l.start.number { // they were removed meanwhile
		return 0
	}
	for _, s := range l.segments[:number-l.start.number] {
		bytes += s.size
	}
	return bytes
}

// stays is the first segment that has an operation which the frontier does not cover, or
// something that was written from a position on. The segment with the last group stays:
// where it ends is the end of the log. mu is held.
func (l *Log) stays(stable logical.Frontier, from Position) uint32 {
	first := max(l.start.number, min(from.segment(), l.End().segment()))
	for o, spans := range l.spans {
		i, _ := slices.BinarySearchFunc(spans, stable.At(o)+1, func(s span, q logical.Seq) int { return cmp.Compare(s.last, q) })
		if i < len(spans) {
			first = min(first, spans[i].number)
		}
	}
	return first
}

// Remove removes the segments before a position that [Log.Outside] named, and returns how
// many bytes they had. What need not be kept since then stays: who acts on what is about to
// go has not seen it. The error of a position where no segment ends is [ErrPosition]. It may
// be called beside everything but itself, Read and Close. While somebody holds the log, nothing
// is removed.
//
// The file that says where the log begins is replaced first. So the log opens whatever a
// crash leaves: segments before the beginning are removed by the next Open.
func (l *Log) Remove(until Position) (bytes int64, err error) {
	if l.o.ReadOnly {
		return 0, errReadOnly
	}
	if !l.removing.TryLock() {
		return 0, nil
	}
	defer l.removing.Unlock()
	if until <= l.Begin() {
		return 0, nil
	}
	number := until.segment() + 1
	if number > l.End().segment() || l.beginningAt(number).follows != until {
		return 0, fmt.Errorf("remove the log before %s: %w", until, ErrPosition)
	}
	if _, err := l.Sync(); err != nil { // the first segment must be there after a crash
		return 0, err
	}
	start := l.beginningAt(number)
	if err := writeBeginning(l.o.FS, l.o.Dir, start); err != nil {
		return 0, fmt.Errorf("write where the log %s begins: %w", l.o.Dir, err)
	}
	var gone []uint32
	for n := l.firstNumber(); n < number; n++ {
		gone = append(gone, n)
	}
	bytes = l.begins(start)
	if err := l.removeFiles(gone); err != nil {
		return bytes, err
	}
	return bytes, nil
}

// Hold lets nothing be removed until release is called. Several may hold the log.
func (l *Log) Hold() (release func()) {
	l.removing.RLock()
	return l.removing.RUnlock
}

// Held reports whether somebody holds the log, or removes from it.
func (l *Log) Held() bool {
	if !l.removing.TryLock() {
		return true
	}
	l.removing.Unlock()
	return false
}

// Outside is where the log would begin if what need not be kept were removed ([Log.Remove]).
func (l *Log) Outside(keep Kept) Position {
	if number := l.outside(keep); number != l.firstNumber() {
		return l.beginningAt(number).follows
	}
	return l.Begin()
}

// outside is the first segment that must be kept.
func (l *Log) outside(keep Kept) uint32 {
	l.mu.RLock()
	first, stays := l.start.number, l.stays(keep.Stable, keep.From)
	segments := slices.Clone(l.segments)
	l.mu.RUnlock()
	left := int64(0)
	for _, s := range segments {
		left += s.size
	}
	for number := first; number < stays; number++ {
		if left -= segments[number-first].size; left < keep.Bytes && !l.older(number, keep.Since) {
			return number
		}
	}
	return stays
}

// older reports whether a segment was last written to before that moment.
func (l *Log) older(number uint32, than time.Time) bool {
	if than.IsZero() {
		return false
	}
	info, err := l.o.FS.Stat(l.files.path(number))
	return err == nil && info.ModTime().Before(than)
}

// beginningAt is where the log begins if a segment is its first.
func (l *Log) beginningAt(number uint32) beginning {
	l.mu.RLock()
	defer l.mu.RUnlock()
	start := beginning{number, l.start.removed.Clone(), newPosition(number-1, l.known(number-1).end)}
	for o, spans := range l.spans {
		if i := countBefore(spans, number); i > 0 {
			start.removed.Advance(logical.Dot{Origin: o, Seq: spans[i-1].last})
		}
	}
	return start
}

// countBefore is how many of the spans are in segments before a number.
func countBefore(spans []span, number uint32) int {
	n, _ := slices.BinarySearchFunc(spans, number, func(s span, n uint32) int { return cmp.Compare(s.number, n) })
	return n
}

// begins forgets the segments before a beginning, and returns how many bytes they had.
func (l *Log) begins(start beginning) (bytes int64) {
	l.mu.Lock()
	defer l.mu.Unlock()
	n := start.number - l.start.number
	for _, s := range l.segments[:n] {
		bytes += s.size
	}
	l.segments = slices.Clone(l.segments[n:])
	for o, spans := range l.spans {
		if left := slices.Clone(spans[countBefore(spans, start.number):]); len(left) > 0 {
			l.spans[o] = left
		} else {
			delete(l.spans, o)
		}
	}
	l.start = start
	return bytes
}

// removeFiles removes the files of segments. Who reads one goes on reading it.
func (l *Log) removeFiles(numbers []uint32) error {
	var errs []error
	for _, n := range numbers {
		l.files.drop(n)
		if err := l.o.FS.Remove(l.files.path(n)); err != nil && !errors.Is(err, fs.ErrNotExist) {
			errs = append(errs, fmt.Errorf("remove log segment: %w", err))
		}
		l.files.drop(n) // it may have been opened meanwhile
	}
	return errors.Join(errs...)
}

// Found makes, in a directory that has no log yet, one that begins behind the operations
// of a frontier: who opens it writes the next of each origin.
func Found(fs vfs.FS, dir string, removed logical.Frontier) error {
	if err := makeDir(fs, dir); err != nil {
		return err
	}
	names, err := fs.List(dir)
	if err == nil && len(segmentNumbers(names)) > 0 {
		err = errors.New("segments of a log are there already")
	}
	if err == nil {
		err = writeBeginning(fs, dir, beginning{number: 1, removed: removed})
	}
	if err != nil {
		return fmt.Errorf("found a log in %s: %w", dir, err)
	}
	return nil
}

// writeBeginning replaces the file: after a crash it is the old one or the new one.
func writeBeginning(fs vfs.FS, dir string, b beginning) error {
	path := fs.PathJoin(dir, beginName)
	f, err := fs.Create(path+".new", vfs.WriteCategoryUnspecified)
	if err != nil {
		return err
	}
	_, err = f.Write(appendBeginning(nil, b))
	if err = errors.Join(err, f.Sync(), f.Close()); err == nil {
		err = fs.Rename(path+".new", path)
	}
	if err != nil {
		return err
	}
	return syncDir(fs, dir)
}

// appendBeginning adds the frame of which the file consists.
func appendBeginning(dst []byte, b beginning) []byte {
	begin := len(dst)
	dst = append(dst, make([]byte, headBytes)...)
	dst = binary.LittleEndian.AppendUint32(dst, b.number)
	dst = binary.AppendUvarint(dst, uint64(b.removed.Len()))
	for d := range b.removed.All() {
		dst = binary.LittleEndian.AppendUint64(dst, uint64(d.Origin))
		dst = binary.AppendUvarint(dst, uint64(d.Seq))
	}
	finishFrame(dst[begin:], 0, kindBegin, 0)
	return dst
}

// readBeginning is where the log in a directory begins.
func readBeginning(fsys vfs.FS, dir string) (b beginning, err error) {
	path := fsys.PathJoin(dir, beginName)
	content, err := readFile(fsys, path)
	if errors.Is(err, fs.ErrNotExist) {
		return beginning{number: 1}, nil
	}
	if err != nil {
		return b, fmt.Errorf("read where the log begins: %w", err)
	}
	if b, err = decodeBeginning(content); err != nil {
		return b, fmt.Errorf("%w: %s, which says where the log begins", disk.ErrDamaged, path)
	}
	return b, nil
}

func decodeBeginning(content []byte) (b beginning, err error) {
	if len(content) < headBytes+4 {
		return b, errBad
	}
	h, ok := parseHead(content)
	if !ok || h.kind != kindBegin || h.size != int64(len(content)) || !verified(content, 0) {
		return b, errBad
	}
	b.number = binary.LittleEndian.Uint32(content[headBytes:])
	u := uvarints{rest: content[headBytes+4:]}
	for range u.next() {
		d := logical.Dot{Origin: logical.Origin(u.fixed()), Seq: logical.Seq(u.next())}
		if u.failed || d.Origin == 0 || d.Seq == 0 || b.removed.Covers(d) {
			return b, errBad
		}
		b.removed.Advance(d)
	}
	if b.number == 0 {
		return b, errBad
	}
	return b, u.end()
}

func readFile(fs vfs.FS, path string) ([]byte, error) {
	f, err := fs.Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	return io.ReadAll(f)
}
