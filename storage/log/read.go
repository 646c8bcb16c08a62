package log

import (
	"cmp"
	"errors"
	"fmt"
	"io"
	"slices"

	"kvd/logical"
)

// readFooter reads the footer of a segment, which is between where its groups end and the
// limit, and how large it is. With x, the index is wanted as well. errBad: no valid footer
// is there.
func readFooter(f *file, end, limit int64, x **index) (ranges []originRange, size int64, err error) {
	s := newScanner(f, f.number, end, max(end, limit), chunkFind)
	defer s.done()
	h, body, err := s.frame()
	if err == nil && h.kind == kindRanges {
		ranges, err = decodeRanges(body)
	} else if err == nil {
		err = errBad
	}
	if err == nil {
		h, body, err = s.frame()
	}
	var got *index
	switch {
	case errors.Is(err, io.EOF), err == nil && h.kind != kindIndex:
		err = errBad
	case err == nil:
		got, err = decodeIndex(ranges, body, end)
	}
	if err == nil && x != nil {
		*x = got
	}
	return ranges, s.at - end, err
}

// rebuild makes the index of a segment of which the footer is not valid.
func (l *Log) rebuild(f *file, end int64) (*index, error) {
	x := newIndex()
	s := newScanner(f, f.number, headerBytes, end, chunkForward)
	defer s.done()
	err := s.index(x, nil)
	if err == nil && s.at != end {
		s.bad, err = s.at, errBad
	}
	if errors.Is(err, errBad) || errors.Is(err, errFooter) {
		err = l.damaged(f.number, s.bad, "a valid frame")
	}
	return x, err
}

// indexOf is the index of a segment that was left.
func (l *Log) indexOf(f *file, seg segment) (*index, error) {
	x := l.files.indexOf(f)
	if x != nil {
		return x, nil
	}
	_, _, err := readFooter(f, seg.end, seg.size, &x)
	if errors.Is(err, errBad) {
		x, err = l.rebuild(f, seg.end)
	}
	if err == nil {
		l.files.loaded(f, x)
	}
	return x, err
}

// place is where operations of an origin are: in a segment, from a frame on.
type place struct {
	span
	segment segment
	at      int64 // of the frame
	left    bool  // at is not known yet: the index has to be loaded
}

// find is the place of an operation; false: it was not written, or is not kept any more.
func (l *Log) find(d logical.Dot) (p place, ok bool) {
	l.mu.RLock()
	defer l.mu.RUnlock()
	if l.open != nil {
		if at, ok := l.open.find(d); ok {
			i, number := l.open.origins[d.Origin], l.start.number+uint32(len(l.segments))-1
			return place{span: span{number, i.first, i.last}, segment: *l.known(number), at: at}, true
		}
	}
	spans := l.spans[d.Origin]
	i, _ := slices.BinarySearchFunc(spans, d.Seq, func(s span, q logical.Seq) int { return cmp.Compare(s.last, q) })
	if i == len(spans) || d.Seq < spans[i].first {
		return place{}, false
	}
	return place{span: spans[i], segment: *l.known(spans[i].number), left: true}, true
}

// Op finds an operation and lends its bytes to use; false: it was not written, or was
// removed. Its error is that of use, of reading, or a [*DamageError].
func (l *Log) Op(d logical.Dot, use func(encoded []byte) error) (found bool, err error) {
	p, found := l.find(d)
	if !found {
		return false, nil
	}
	_, err = l.readOps(p, d, func(_ logical.Seq, encoded []byte) (bool, error) { return false, use(encoded) })
	if errors.Is(err, ErrRemoved) {
		return false, nil
	}
	return err == nil, err
}

// Ops yields the operations of an origin from one on, ascending and without gaps, to the
// last that was written when Ops was called. The bytes are lent until yield returns. Where
// one of them was removed, perhaps while others were read, that is [ErrRemoved].
func (l *Log) Ops(o logical.Origin, from logical.Seq, yield func(seq logical.Seq, encoded []byte) (bool, error)) error {
	for next, last := max(from, 1), l.Last(o); next <= last; {
		d := logical.Dot{Origin: o, Seq: next}
		p, ok := l.find(d)
		if !ok && next < l.First(o) {
			return l.removedErr(d)
		}
		if !ok {
			return fmt.Errorf("log: operation %s of %d is not in its index", d, last)
		}
		p.last = min(p.last, last)
		more, err := l.readOps(p, d, yield)
		if !more || err != nil {
			return err
		}
		next = p.last + 1
	}
	return nil
}

// readOps yields the operations from d to the last of a place. False: yield ended it.
func (l *Log) readOps(p place, d logical.Dot, yield func(seq logical.Seq, encoded []byte) (bool, error)) (bool, error) {
	f, err := l.files.acquire(p.number)
	if err != nil && d.Seq < l.First(d.Origin) {
		return false, l.removedErr(d)
	}
	if err != nil {
		return false, err
	}
	defer l.files.release(f)
	if p.left {
		x, err := l.indexOf(f, p.segment)
		if err != nil {
			return false, err
		}
		var ok bool
		if p.at, ok = x.find(d); !ok {
			return false, l.damaged(p.number, p.segment.end, fmt.Sprintf("an index with operation %s", d))
		}
	}
	s := newScanner(f, p.number, p.at, p.segment.end, chunkFind)
	defer s.done()
	for {
		s.hold = s.at
		_, body, err := s.frame()
		for it := (items{rest: body}); err == nil; {
			e, ok, malformed := it.next()
			if !ok || malformed != nil {
				err = malformed
				break
			}
			if e.Dot != d {
				continue
			}
			if more, err := yield(d.Seq, e.Bytes); !more || err != nil {
				return false, err
			}
			if d.Seq++; d.Seq > p.last {
				return true, nil
			}
		}
		if errors.Is(err, errBad) || errors.Is(err, io.EOF) {
			err = l.damaged(p.number, s.bad, fmt.Sprintf("a valid frame on the way to operation %s", d))
		}
		if err != nil {
			return false, err
		}
	}
}

// Read yields whole groups in the order in which they were written, from a position that
// Write or Group.End returned, or zero, which is the first group that is kept, to the end
// of the log when Read was called. What a group has is lent until the next call of yield.
// Another position is [ErrPosition], and one before what is kept is [ErrRemoved]. Nothing
// may be removed meanwhile.
func (l *Log) Read(from Position, yield func(g Group) (bool, error)) error {
	end := l.End()
	if from == end {
		return nil
	}
	number, offset, begin := from.segment(), from.offset(), l.Begin()
	switch {
	case from != 0 && from < begin:
		return fmt.Errorf("read the log from %s, and it begins at %s: %w", from, begin, ErrRemoved)
	case from == 0 || from == begin:
		number, offset = l.firstNumber(), headerBytes
	}
	if from > end || number == 0 || offset < headerBytes {
		return fmt.Errorf("read the log from %s, and it ends at %s: %w", from, end, ErrPosition)
	}
	for ; number <= end.segment(); number, offset = number+1, headerBytes {
		limit := end.offset()
		if number < end.segment() {
			limit = l.segmentOf(number).end
		}
		if offset > limit {
			return fmt.Errorf("read the log from %s, and that segment ends at %d: %w", from, limit, ErrPosition)
		}
		if more, err := l.readGroups(number, offset, limit, yield); !more || err != nil {
			return err
		}
	}
	return nil
}

// segmentOf is what is known of a segment; nothing of one that was removed.
func (l *Log) segmentOf(number uint32) segment {
	l.mu.RLock()
	defer l.mu.RUnlock()
	if number < l.start.number {
		return segment{}
	}
	return *l.known(number)
}

// known is what is known of a segment that is kept. mu is held.
func (l *Log) known(number uint32) *segment { return &l.segments[number-l.start.number] }

// readGroups yields the groups of a part of a segment. False: yield ended it.
func (l *Log) readGroups(number uint32, from, limit int64, yield func(g Group) (bool, error)) (bool, error) {
	f, err := l.files.acquire(number)
	if err != nil {
		return false, err
	}
	defer l.files.release(f)
	s := newScanner(f, number, from, limit, chunkForward)
	defer s.done()
	var g Group
	for {
		frames, err := s.group()
		if errors.Is(err, io.EOF) {
			return true, nil
		}
		if err == nil {
			g.Entries, err = appendEntries(g.Entries[:0], frames)
		}
		if errors.Is(err, errBad) || errors.Is(err, errFooter) {
			if s.at == from && s.inGroup() {
				return false, fmt.Errorf("read the log from %s, which is inside of a group: %w", newPosition(number, from), ErrPosition)
			}
			err = l.damaged(number, s.bad, "a valid frame")
		}
		if err != nil {
			return false, err
		}
		g.End = newPosition(number, s.at)
		if more, err := yield(g); !more || err != nil {
			return false, err
		}
	}
}

// appendEntries adds what the frames of a group have.
func appendEntries(dst []Entry, frames []byte) ([]Entry, error) {
	err := eachFrame(frames, 0, func(_ int64, it items) error {
		for {
			e, ok, err := it.next()
			if !ok || err != nil {
				return err
			}
			dst = append(dst, e)
		}
	})
	return dst, err
}

// Check reads the whole log and verifies every checksum and every footer, until probe,
// which is asked before every group, answers false. The first thing that is not as it was
// written is a [*DamageError].
func (l *Log) Check(probe func() bool) error {
	end := l.End()
	for number := l.firstNumber(); number <= end.segment(); number++ {
		seg, left := segment{end: end.offset()}, number < end.segment()
		if left {
			seg = l.segmentOf(number)
		}
		if err := l.check(number, seg, left, probe); err != nil && number >= l.firstNumber() { // else it was removed meanwhile
			if errors.Is(err, errEnough) {
				return nil
			}
			return err
		}
	}
	return nil
}

var errEnough = errors.New("enough")

// check verifies a segment, and its footer if it was left.
func (l *Log) check(number uint32, seg segment, left bool, probe func() bool) error {
	f, err := l.files.acquire(number)
	if err != nil {
		return err
	}
	defer l.files.release(f)
	if _, err := readHeader(f, seg.end); err != nil {
		if errors.Is(err, errBad) {
			err = l.damaged(number, 0, "a header")
		}
		return err
	}
	x := newIndex()
	s := newScanner(f, number, headerBytes, seg.end, chunkForward)
	defer s.done()
	err = s.index(x, func() error {
		if !probe() {
			return errEnough
		}
		return nil
	})
	if err == nil && left {
		var ranges []originRange
		ranges, _, err = readFooter(f, seg.end, seg.size, nil)
		if err == nil && !slices.Equal(ranges, x.ranges()) {
			err = errBad
		}
		s.bad = seg.end
	}
	if errors.Is(err, errBad) || errors.Is(err, errFooter) {
		err = l.damaged(number, s.bad, "a valid frame")
	}
	return err
}
