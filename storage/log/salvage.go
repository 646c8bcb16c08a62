package log

import (
	"errors"
	"fmt"

	"github.com/cockroachdb/pebble/v2/vfs"
)

// Range is a part of the log from one position up to another.
type Range struct{ From, To Position }

// readChunk is how much of a segment is given up when it cannot be read.
const readChunk = 4 << 10

// Salvage yields what every intact frame has that is left, in order: segments may be
// missing, and headers, footers and frames not valid. Entries of a group that is not whole
// are among them. The parts that are lost are returned; the error is that of yield, or of
// listing the directory. It takes as much memory as the largest segment.
func Salvage(fs vfs.FS, dir string, yield func(Entry) error) (damaged []Range, err error) {
	names, err := fs.List(dir)
	if err != nil {
		return nil, fmt.Errorf("salvage log %s: %w", dir, err)
	}
	v := salvage{fs: fs, dir: dir, yield: yield}
	start, err := readBeginning(fs, dir)
	if err != nil { // segments are what is left, whatever it said
		start.number = 1
	}
	next := start.number
	for _, number := range segmentNumbers(names) {
		if number < next { // its removal was not ended
			continue
		}
		v.lose(newPosition(next, 0), newPosition(number, 0))
		if err := v.segment(number); err != nil {
			return v.lost, err
		}
		next = number + 1
	}
	return v.lost, nil
}

type salvage struct {
	fs    vfs.FS
	dir   string
	yield func(Entry) error
	lost  []Range
}

// lose notes that a part is lost.
func (v *salvage) lose(from, to Position) {
	if from >= to {
		return
	}
	if n := len(v.lost); n > 0 && v.lost[n-1].To == from {
		v.lost[n-1].To = to
		return
	}
	v.lost = append(v.lost, Range{from, to})
}

// segment yields what one segment has. The zeros at its end were never anything.
func (v *salvage) segment(number uint32) error {
	b, used, err := v.read(number)
	if err != nil {
		v.lose(newPosition(number, 0), newPosition(number+1, 0))
		return nil
	}
	at, work := newPosition(number, 0), int64(1)<<62
	for i := 0; i < len(b); {
		n, h, _ := searchFrame(b, i, at, &work)
		if n == len(b) {
			v.lose(at+Position(i), at+Position(used))
			return nil
		}
		v.lose(at+Position(i), at+Position(n))
		i = n + int(h.size)
		if h.kind&^flags != kindGroup {
			continue
		}
		entries, err := appendEntries(nil, b[n:i])
		if err != nil {
			v.lose(at+Position(n), at+Position(i))
		}
		for _, e := range entries {
			if err := v.yield(e); err != nil {
				return err
			}
		}
	}
	if len(b) == 0 {
		v.lose(at, at+headerBytes)
	}
	return nil
}

// read is the bytes of a segment, zeros where it cannot be read, and where the last of
// them is that is no zero or could not be read.
func (v *salvage) read(number uint32) (b []byte, used int, err error) {
	f, err := v.fs.Open(v.fs.PathJoin(v.dir, segmentName(number)))
	if err != nil {
		return nil, 0, err
	}
	info, err := f.Stat()
	if err != nil {
		return nil, 0, errors.Join(err, f.Close())
	}
	b = make([]byte, info.Size())
	for at := 0; at < len(b); at += readChunk {
		chunk := b[at:min(at+readChunk, len(b))]
		if n, _ := f.ReadAt(chunk, int64(at)); n < len(chunk) {
			clear(chunk)
			used = at + len(chunk)
		}
	}
	for n := len(b); n > used; n-- {
		if b[n-1] != 0 {
			used = n
		}
	}
	return b, used, f.Close()
}
