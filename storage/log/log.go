package log

import (
	"fmt"

	"github.com/cockroachdb/pebble/v2/vfs"

	"kvd/logical"
	"kvd/storage/disk"
)

// Position is a place in the log: the number of a segment in its upper 32 bits and an
// offset in that segment, in bytes, in its lower. Positions ascend in the order in which
// groups were written. Zero is the beginning.
type Position uint64

// Options say where a log is and how it is written.
type Options struct {
	FS           vfs.FS
	Dir          string // made when absent
	SegmentBytes int64  // a segment is left when it has as much; zero: 64 MiB
	ReadOnly     bool   // nothing is changed: a torn tail is left where it is
}

// Log is an open log.
type Log struct{}

// ErrDamaged is what every [DamageError] matches.
var ErrDamaged = disk.ErrDamaged

// DamageError says where a log is not as it was written.
type DamageError struct {
	Segment  string // the path of its file
	Offset   int64  // in the file, in bytes
	Expected string // what should have been there
}

// Error names file, offset and what was expected.
func (e *DamageError) Error() string {
	return fmt.Sprintf("log %s is damaged at %d: expected %s", e.Segment, e.Offset, e.Expected)
}

// Unwrap is [ErrDamaged].
func (e *DamageError) Unwrap() error { return ErrDamaged }

// Entry is an operation of a group, or a note, whose Dot is zero. Bytes are lent until the
// next call of the yield.
type Entry struct {
	Dot   logical.Dot
	Bytes []byte
}

// Group is what one Write wrote, and the position behind it.
type Group struct {
	Entries []Entry
	End     Position
}

// Range is a part of the log: [From, To).
type Range struct{ From, To Position }

// Open finds the end of the log and cuts a torn tail off.
func Open(o Options) (*Log, error) { panic("to be written") }

// Close writes what was appended, syncs, and closes.
func (l *Log) Close() error { panic("to be written") }

// AppendOp adds an operation to the group that is being built: encode appends its bytes.
func (l *Log) AppendOp(d logical.Dot, encode func(dst []byte) []byte) (size int) {
	panic("to be written")
}

// AppendRaw is AppendOp for bytes at hand, which are copied.
func (l *Log) AppendRaw(d logical.Dot, encoded []byte) { panic("to be written") }

// AppendNote adds anything else to the group.
func (l *Log) AppendNote(encoded []byte) { panic("to be written") }

// GroupBytes is how large the group is that is being built.
func (l *Log) GroupBytes() int { panic("to be written") }

// Abandon forgets the group that is being built.
func (l *Log) Abandon() { panic("to be written") }

// Write ends the group.
func (l *Log) Write() (Position, error) { panic("to be written") }

// Sync makes durable what was written before the call.
func (l *Log) Sync() (Position, error) { panic("to be written") }

// Synced is the position of the last successful Sync.
func (l *Log) Synced() Position { panic("to be written") }

// End is behind the last group written.
func (l *Log) End() Position { panic("to be written") }

// Last is the last operation written of an origin; 0: none.
func (l *Log) Last(o logical.Origin) logical.Seq { panic("to be written") }

// Frontier is all operations written.
func (l *Log) Frontier() logical.Frontier { panic("to be written") }

// Op finds an operation. Its bytes are lent until use returns.
func (l *Log) Op(d logical.Dot, use func(encoded []byte) error) (found bool, err error) {
	panic("to be written")
}

// Ops yields the operations of an origin from one on.
func (l *Log) Ops(o logical.Origin, from logical.Seq, yield func(seq logical.Seq, encoded []byte) (bool, error)) error {
	panic("to be written")
}

// Read yields whole groups in the order in which they were written.
func (l *Log) Read(from Position, yield func(g Group) (bool, error)) error { panic("to be written") }

// Check verifies every checksum, until probe answers false.
func (l *Log) Check(probe func() bool) error { panic("to be written") }

// Size is the bytes of all segments.
func (l *Log) Size() int64 { panic("to be written") }

// Salvage yields every intact frame of whatever is left.
func Salvage(fs vfs.FS, dir string, yield func(Entry) error) (damaged []Range, err error) {
	panic("to be written")
}
