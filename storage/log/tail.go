package log

import (
	"github.com/cockroachdb/pebble/v2/vfs"

	"kvd/logical"
)

// Tail is the files of a log at a moment, from one segment on: what goes on elsewhere from
// there needs no other. What they have does not change any more.
type Tail struct {
	Files    []Segment
	End      Position
	Frontier logical.Frontier // all operations written, those before the tail included; the caller's

	start beginning
}

// Segment is one file of a tail.
type Segment struct {
	Name   string // in the log's directory
	Bytes  int64  // from its beginning; the file may have more
	Sealed bool   // another segment follows, so the file has no more
}

// Tail is the log as it is written now, from the segment on in which a position lies; the
// zero Position: all that is kept. It may not be durable yet; Sync makes it so. Its files
// stay as long as nothing is removed ([Log.Hold]).
func (l *Log) Tail(from Position) Tail {
	l.mu.RLock()
	start, end := l.start, Position(l.end.Load())
	l.mu.RUnlock()
	if n := min(from.segment(), end.segment()); n > start.number {
		start = l.beginningAt(n)
	}
	l.mu.RLock()
	defer l.mu.RUnlock()
	t := Tail{End: l.End(), Frontier: l.frontier.Clone(), start: start}
	if t.begins() {
		t.Files = append(t.Files, Segment{Name: beginName, Bytes: int64(len(appendBeginning(nil, start)))})
	}
	for i, s := range l.segments {
		if n := l.start.number + uint32(i); n >= start.number {
			t.Files = append(t.Files, Segment{segmentName(n), s.size, i < len(l.segments)-1})
		}
	}
	return t
}

// begins reports whether something was before it.
func (t *Tail) begins() bool { return t.start.number > 1 || t.start.removed.Len() > 0 }

// Copy puts the tail's files into the directory of another log, which begins where the tail
// does: it links to those of this one, or copies them where that is not possible.
func (l *Log) Copy(t *Tail, dir string) error {
	if t.begins() {
		if err := writeBeginning(l.o.FS, dir, t.start); err != nil {
			return err
		}
	}
	for _, s := range t.Files {
		if s.Name == beginName {
			continue
		}
		if err := vfs.LinkOrCopy(l.o.FS, l.o.FS.PathJoin(l.o.Dir, s.Name), l.o.FS.PathJoin(dir, s.Name)); err != nil {
			return err
		}
	}
	return nil
}
