package log

import (
	"cmp"
	"encoding/binary"
	"maps"
	"slices"

	"kvd/logical"
)

// How many entries an index has: one an origin in so many bytes, and in more when a segment
// has more origins than a few, so that an index stays small whatever is written.
const (
	entryGap     = 16 << 10
	entryOrigins = 64
)

// index finds operations in one segment.
type index struct {
	origins map[logical.Origin]*originIndex
}

// originIndex is what a segment has of one origin.
type originIndex struct {
	first, last logical.Seq
	entries     []indexEntry // by seq; one is at first
}

// indexEntry says which frame has an operation.
type indexEntry struct {
	seq logical.Seq
	at  uint32
}

func newIndex() *index { return &index{map[logical.Origin]*originIndex{}} }

// add notes that a frame has the operations of an origin from first to last.
func (x *index) add(o logical.Origin, first, last logical.Seq, at int64) {
	i := x.origins[o]
	if i == nil {
		i = &originIndex{first: first}
		x.origins[o] = i
	}
	i.last = last
	gap := int64(entryGap * max(1, len(x.origins)/entryOrigins))
	if n := len(i.entries); n == 0 || at-int64(i.entries[n-1].at) >= gap {
		i.entries = append(i.entries, indexEntry{first, uint32(at)})
	}
}

// frame notes what a frame has; errBad: an operation is not the next of its origin.
func (x *index) frame(at int64, it items) error {
	for {
		e, ok, err := it.next()
		if !ok || err != nil {
			return err
		}
		if e.Dot.IsZero() {
			continue
		}
		if i := x.origins[e.Dot.Origin]; i != nil && i.last+1 != e.Dot.Seq {
			return errBad
		}
		x.add(e.Dot.Origin, e.Dot.Seq, e.Dot.Seq, at)
	}
}

// find is the offset of a frame from which the operation d is found by reading forward.
func (x *index) find(d logical.Dot) (at int64, ok bool) {
	i := x.origins[d.Origin]
	if i == nil || d.Seq < i.first || d.Seq > i.last {
		return 0, false
	}
	n, exact := slices.BinarySearchFunc(i.entries, d.Seq, func(e indexEntry, s logical.Seq) int { return cmp.Compare(e.seq, s) })
	if !exact {
		n--
	}
	return int64(i.entries[n].at), true
}

// bytes is about what the index takes in memory.
func (x *index) bytes() int64 {
	n := int64(0)
	for _, i := range x.origins {
		n += 96 + 16*int64(cap(i.entries))
	}
	return n
}

// originRange is the operations of one origin that a segment has.
type originRange struct {
	origin      logical.Origin
	first, last logical.Seq
}

// ranges is what the segment has, by origin.
func (x *index) ranges() []originRange {
	out := make([]originRange, 0, len(x.origins))
	for _, o := range slices.Sorted(maps.Keys(x.origins)) {
		out = append(out, originRange{o, x.origins[o].first, x.origins[o].last})
	}
	return out
}

// appendFooter adds the two frames of a segment's footer, which stands at position at: the
// ranges, and the entries of each origin in the same order.
func (x *index) appendFooter(dst []byte, at Position) []byte {
	begin := len(dst)
	dst = append(dst, make([]byte, headBytes)...)
	ranges := x.ranges()
	dst = binary.AppendUvarint(dst, uint64(len(ranges)))
	for _, r := range ranges {
		dst = binary.LittleEndian.AppendUint64(dst, uint64(r.origin))
		dst = binary.AppendUvarint(dst, uint64(r.first))
		dst = binary.AppendUvarint(dst, uint64(r.last-r.first))
	}
	finishFrame(dst[begin:], at, kindRanges, 0)

	second := len(dst)
	dst = append(dst, make([]byte, headBytes)...)
	for _, r := range ranges {
		entries := x.origins[r.origin].entries
		dst = binary.AppendUvarint(dst, uint64(len(entries)))
		last := indexEntry{seq: r.first}
		for _, e := range entries {
			dst = binary.AppendUvarint(dst, uint64(e.seq-last.seq))
			dst = binary.AppendUvarint(dst, uint64(e.at-last.at))
			last = e
		}
	}
	finishFrame(dst[second:], at+Position(second-begin), kindIndex, 0)
	return dst
}

// decodeRanges reads the body of a kindRanges frame.
func decodeRanges(b []byte) ([]originRange, error) {
	u := uvarints{rest: b}
	n := u.next()
	if n > uint64(len(b)) {
		return nil, errBad
	}
	out := make([]originRange, 0, n)
	for range n {
		r := originRange{origin: logical.Origin(u.fixed()), first: logical.Seq(u.next())}
		r.last = r.first + logical.Seq(u.next())
		if u.failed || r.origin == 0 || r.first == 0 || r.last < r.first || len(out) > 0 && out[len(out)-1].origin >= r.origin {
			return nil, errBad
		}
		out = append(out, r)
	}
	return out, u.end()
}

// decodeIndex reads the body of a kindIndex frame, which belongs to those ranges and to a
// segment whose groups end at that offset.
func decodeIndex(ranges []originRange, b []byte, end int64) (*index, error) {
	x, u := newIndex(), uvarints{rest: b}
	for _, r := range ranges {
		n := u.next()
		if n == 0 || n > uint64(len(u.rest)) {
			return nil, errBad
		}
		i := &originIndex{r.first, r.last, make([]indexEntry, 0, n)}
		e := indexEntry{seq: r.first}
		for k := range n {
			seq, at := u.next(), u.next()
			if u.failed || k == 0 && seq != 0 || k > 0 && seq == 0 || seq > uint64(r.last-e.seq) || at >= uint64(end)-uint64(e.at) {
				return nil, errBad
			}
			e = indexEntry{e.seq + logical.Seq(seq), e.at + uint32(at)}
			i.entries = append(i.entries, e)
		}
		x.origins[r.origin] = i
	}
	return x, u.end()
}

// uvarints reads numbers until one is missing.
type uvarints struct {
	rest   []byte
	failed bool
}

func (u *uvarints) next() uint64 {
	v, k := binary.Uvarint(u.rest)
	if k <= 0 {
		u.failed = true
		return 0
	}
	u.rest = u.rest[k:]
	return v
}

func (u *uvarints) fixed() uint64 {
	if len(u.rest) < 8 {
		u.failed = true
		return 0
	}
	v := binary.LittleEndian.Uint64(u.rest)
	u.rest = u.rest[8:]
	return v
}

// end fails unless everything was read.
func (u *uvarints) end() error {
	if u.failed || len(u.rest) > 0 {
		return errBad
	}
	return nil
}
