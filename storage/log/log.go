package log

import (
	"cmp"
	"errors"
	"fmt"
	"os"
	"sync"
	"sync/atomic"

	"github.com/cockroachdb/pebble/v2/vfs"

	"kvd/logical"
	"kvd/storage/disk"
)

// Position is a place in the log: the number of a segment in its upper 32 bits and an
// offset in that segment, in bytes, in its lower. Positions ascend in the order in which
// groups were written. Zero is the beginning.
type Position uint64

func newPosition(segment uint32, offset int64) Position {
	return Position(segment)<<32 | Position(offset)
}

func (p Position) segment() uint32 { return uint32(p >> 32) }
func (p Position) offset() int64   { return int64(uint32(p)) }

// String renders segment and offset as they are in file names and messages.
func (p Position) String() string { return fmt.Sprintf("%d:%d", p.segment(), p.offset()) }

// Bounds, in bytes. Offsets have 32 bits, and a segment has at most one group more than
// its size.
const (
	defaultSegment = 64 << 20
	maxSegment     = 2 << 30
	maxGroup       = 1 << 30
)

// Options say where a log is and how it is written.
type Options struct {
	FS           vfs.FS // it reports failures as they happen; a disk.FS does not
	Dir          string // made when absent, and its parent synced
	SegmentBytes int64  // a segment is left when it has as much; zero: 64 MiB
	ReadOnly     bool   // nothing is changed: a torn tail is left where it is
}

// Validate says what is wrong with the options.
func (o Options) Validate() error {
	if o.FS == nil || o.Dir == "" || o.SegmentBytes < 0 || o.SegmentBytes > maxSegment {
		return fmt.Errorf("log: a filesystem, a directory and segments of at most %d bytes are needed; got directory %q, segments of %d bytes", maxSegment, o.Dir, o.SegmentBytes)
	}
	return nil
}

// ErrDamaged is what every [DamageError] matches.
var ErrDamaged = disk.ErrDamaged

// ErrPosition says that no group ends at a position: it is not of this log, or of a part
// that the log has lost.
var ErrPosition = errors.New("no group of the log ends there")

var errReadOnly = errors.New("the log was opened for reading only")

// DamageError says where a log is not as it was written.
type DamageError struct {
	Segment  string // the path of its file
	Offset   int64  // in the file, in bytes
	Expected string // what should be there
}

// Error names file, offset and what was expected.
func (e *DamageError) Error() string {
	return fmt.Sprintf("log segment %s is damaged at byte %d: expected %s", e.Segment, e.Offset, e.Expected)
}

// Unwrap is [ErrDamaged].
func (e *DamageError) Unwrap() error { return ErrDamaged }

// Log is an open log. The methods that append, Write and Abandon are for one goroutine at
// a time; all others may be called beside them. Nothing is called after Close.
type Log struct {
	o     Options
	files *files

	// The appender's own.
	group    group
	reserved int64 // of the active segment: how much is preallocated
	dirty    bool  // something was written since the log was opened

	first  atomic.Pointer[error] // the first failure: after it nothing is written or synced
	end    atomic.Uint64
	synced atomic.Uint64

	// syncing is held while the log syncs and while active changes; it comes before mu.
	syncing sync.Mutex
	active  *file // the segment that is written to; nil: the next Write makes one
	unnamed bool  // the directory has not been synced since active was made

	removing sync.RWMutex // held by Remove, and shared by Hold

	mu       sync.RWMutex
	start    beginning
	segments []segment // from number start.number on
	frontier logical.Frontier
	spans    map[logical.Origin][]span // of the segments that were left, ascending
	open     *index                    // of the active segment; nil: there is none
}

// segment is what is known of one.
type segment struct {
	end  int64 // of the groups
	size int64 // with the footer
}

// span says that a segment has operations of an origin.
type span struct {
	number      uint32 // of the segment
	first, last logical.Seq
}

// Close writes what was appended, syncs, and closes. Its error is the first failure of
// the log, whenever that was.
func (l *Log) Close() error {
	err := l.failure()
	if errors.Is(err, os.ErrClosed) {
		return nil
	}
	if err == nil && !l.o.ReadOnly {
		_, err = l.Write() // a group may be refused, and what was written is synced all the same
		_, failed := l.Sync()
		if failed == nil && l.dirty {
			failed = l.mark()
		}
		err = cmp.Or(failed, err)
	}
	l.fail(fmt.Errorf("log: %w", os.ErrClosed))
	return errors.Join(err, l.shut())
}

// shut closes the files.
func (l *Log) shut() error {
	l.syncing.Lock()
	defer l.syncing.Unlock()
	if l.active != nil {
		l.files.release(l.active)
		l.active = nil
	}
	return l.files.close()
}

// mark writes down that all was durable when the log was closed: without it the last
// group that was synced and one that was not could not be told apart.
func (l *Log) mark() error {
	l.syncing.Lock()
	defer l.syncing.Unlock()
	end := Position(l.end.Load())
	if l.active == nil || end.segment() != l.active.number {
		return nil
	}
	var frame [headBytes]byte
	finishFrame(frame[:], end, kindMark, uint32(end.offset()))
	if _, err := l.active.WriteAt(frame[:], end.offset()); err != nil {
		return fmt.Errorf("write %s: %w", l.active.path, err)
	}
	return l.syncFile()
}

// fail keeps err as the log's failure if it is the first.
func (l *Log) fail(err error) {
	if err != nil {
		l.first.CompareAndSwap(nil, &err)
	}
}

// failure is the first failure; nil: all is well.
func (l *Log) failure() error {
	if p := l.first.Load(); p != nil {
		return *p
	}
	return nil
}

// Synced is the position up to which all is durable.
func (l *Log) Synced() Position { return Position(l.synced.Load()) }

// End is behind the last group written.
func (l *Log) End() Position { return Position(l.end.Load()) }

// Last is the last operation written of an origin; 0: none.
func (l *Log) Last(o logical.Origin) logical.Seq {
	l.mu.RLock()
	defer l.mu.RUnlock()
	return l.frontier.At(o)
}

// First is the first operation that is kept of an origin, or will be the first that is
// written.
func (l *Log) First(o logical.Origin) logical.Seq {
	l.mu.RLock()
	defer l.mu.RUnlock()
	return l.start.removed.At(o) + 1
}

// Removed is the operations that were written and are not kept any more. It is the
// caller's.
func (l *Log) Removed() logical.Frontier {
	l.mu.RLock()
	defer l.mu.RUnlock()
	return l.start.removed.Clone()
}

// Frontier is all operations written, those that were removed included. It is the
// caller's.
func (l *Log) Frontier() logical.Frontier {
	l.mu.RLock()
	defer l.mu.RUnlock()
	return l.frontier.Clone()
}

// Size is how many bytes all segments that are kept have. What is preallocated does not count.
func (l *Log) Size() int64 {
	l.mu.RLock()
	defer l.mu.RUnlock()
	n := int64(0)
	for _, s := range l.segments {
		n += s.size
	}
	return n
}

// Entry is an operation of a group, or a note, whose Dot is zero.
type Entry struct {
	Dot   logical.Dot
	Bytes []byte // lent until the next call of yield
}

// Group is what one Write wrote, and the position behind it.
type Group struct {
	Entries []Entry
	End     Position
}

// damaged is the error for a place in a segment.
func (l *Log) damaged(segment uint32, offset int64, expected string) error {
	return &DamageError{l.files.path(segment), offset, expected}
}
