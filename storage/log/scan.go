package log

import (
	"errors"
	"fmt"
	"io"
	"slices"
	"sync"
)

// How much is read at once, in bytes.
const (
	chunkForward = 256 << 10 // in order
	chunkFind    = frameBytes + frameBytes/4
	maxBuffer    = 1 << 20 // a larger buffer is not kept
)

// scanner reads the frames of one segment one after another.
type scanner struct {
	file   io.ReaderAt
	number uint32
	chunk  int
	at     int64 // offset of the next frame
	limit  int64 // nothing is read from here on
	bad    int64 // after errBad: where a valid frame is missing

	hold int64 // bytes from here on stay in the buffer
	base int64 // offset of buf[0]
	buf  []byte
}

// scanners keeps buffers for those who read often and little.
var scanners = sync.Pool{New: func() any { return new(scanner) }}

// newScanner is a scanner for what is between two offsets. Whoever takes one calls done.
func newScanner(file io.ReaderAt, number uint32, from, limit int64, chunk int) *scanner {
	s := scanners.Get().(*scanner)
	*s = scanner{file: file, number: number, at: from, limit: limit, chunk: chunk, hold: from, base: from, buf: s.buf[:0]}
	return s
}

// done gives the scanner back: nothing that it lent is used any more.
func (s *scanner) done() {
	s.file = nil
	if cap(s.buf) > maxBuffer {
		s.buf = nil
	}
	scanners.Put(s)
}

// fill is the n bytes at offset s.at.
func (s *scanner) fill(n int64) ([]byte, error) {
	if n > s.limit-s.at {
		return nil, errBad
	}
	if s.base+int64(len(s.buf)) < s.at+n {
		s.buf = s.buf[:copy(s.buf, s.buf[s.hold-s.base:])]
		s.base = s.hold
		want := int(s.at - s.base + min(max(n, int64(s.chunk)), s.limit-s.at))
		have := len(s.buf)
		s.buf = slices.Grow(s.buf, want-have)
		m, err := s.file.ReadAt(s.buf[have:want], s.base+int64(have))
		s.buf = s.buf[:have+m]
		switch {
		case s.base+int64(len(s.buf)) >= s.at+n:
		case err == nil || errors.Is(err, io.EOF):
			return nil, errBad // the file is shorter than it was
		default:
			return nil, fmt.Errorf("read at %s: %w", newPosition(s.number, s.at), err)
		}
	}
	return s.buf[s.at-s.base:][:n], nil
}

// frame reads the next frame: its body is lent until the next call, unless it is held.
// io.EOF says that the limit is reached, errBad that no valid frame is there.
func (s *scanner) frame() (h head, body []byte, err error) {
	if s.at == s.limit {
		return h, nil, io.EOF
	}
	s.bad = s.at
	b, err := s.fill(headBytes)
	if err != nil {
		return h, nil, err
	}
	h, ok := parseHead(b)
	if !ok {
		return h, nil, errBad
	}
	if b, err = s.fill(h.size); err != nil {
		return h, nil, err
	}
	if !verified(b, newPosition(s.number, s.at)) {
		return h, nil, errBad
	}
	s.at += h.size
	return h, b[headBytes:], nil
}

// group reads a whole group into the buffer and returns its frames, which are lent until
// the next call. After errBad, s.at is where the group begins or should.
// errFooter: the groups of the segment end here, and s.at is where the footer begins.
func (s *scanner) group() ([]byte, error) {
	begin := s.at
	s.hold = begin
	for {
		h, _, err := s.frame()
		first := s.at-h.size == begin
		switch {
		case errors.Is(err, io.EOF) && s.at > begin:
			s.bad, err = s.at, errBad
		case err != nil:
		case first && h.kind == kindMark:
			begin = s.at
			s.hold = begin
			continue
		case first && h.kind == kindRanges:
			err = errFooter
		case h.kind&^flags != kindGroup || first != (h.kind&flagFirst != 0):
			err = errBad
		case h.kind&flagLast != 0:
			return s.buf[begin-s.base : s.at-s.base], nil
		}
		if err != nil {
			s.at = begin
			return nil, err
		}
	}
}

// inGroup reports whether a valid frame is at s.at that is not the first of its group.
func (s *scanner) inGroup() bool {
	h, _, err := s.frame()
	return err == nil && h.kind&^flags == kindGroup && h.kind&flagFirst == 0
}

var errFooter = errors.New("a footer")

// eachFrame calls each with the offset and the items of every frame of a group.
func eachFrame(group []byte, at int64, each func(at int64, it items) error) error {
	for len(group) > 0 {
		h, _ := parseHead(group)
		if err := each(at, items{rest: group[headBytes:h.size]}); err != nil {
			return err
		}
		group, at = group[h.size:], at+h.size
	}
	return nil
}

// index goes through all groups up to the limit and notes in x what they have. It stops
// as group does, and when each, which may be nil, returns an error.
func (s *scanner) index(x *index, each func() error) error {
	for {
		group, err := s.group()
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return err
		}
		begin := s.at - int64(len(group))
		err = eachFrame(group, begin, x.frame)
		if err == nil && each != nil {
			err = each()
		}
		if err != nil {
			s.bad, s.at = begin, begin
			return err
		}
	}
}
