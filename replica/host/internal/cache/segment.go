package cache

// segmentStore is where entries lie. Numbers of segments begin at one.
type segmentStore struct {
	size     int  // of a segment of several entries
	shift    uint // of a segment's number in a reference
	segments []segment
	unused   []uint32 // numbers
	shared   []uint32 // numbers of the segments of several entries
	head     uint32   // the one that is appended to; zero: none
	spare    uint32   // the one that is empty, for what the cleaner moves; zero: none
	oldest   uint32   // of the ring of all but the spare one; zero: it is empty
	mappings *mappings
}

// segment is a piece of memory. The segments are a ring by age.
type segment struct {
	mem          []byte
	end          int // of what was appended
	live         int // bytes of entries that the index refers to; not counted of a single one
	single       bool
	older, newer uint32
}

const (
	// granule is what entries begin at a multiple of.
	granuleBits = 4
	granule     = 1 << granuleBits
	// segmentBytes is what is counted for a segment beside its memory.
	segmentBytes = 96
	// maxShared is the part of a segment that an entry may take which shares it.
	maxShared = 8
)

func newSegmentStore(size int) segmentStore {
	s := segmentStore{size: size, segments: make([]segment, 1), mappings: new(mappings)}
	for 1<<s.shift < size/granule {
		s.shift++
	}
	return s
}

// number is of the segment that the reference points into.
func (s *segmentStore) number(ref uint32) uint32 { return ref >> s.shift }

// locate is the segment that the reference points into, and where.
func (s *segmentStore) locate(ref uint32) (*segment, int) {
	return &s.segments[ref>>s.shift], int(ref&(1<<s.shift-1)) << granuleBits
}

// entry is the memory of an entry, and what follows it.
func (s *segmentStore) entry(ref uint32) []byte {
	seg, at := s.locate(ref)
	return seg.mem[at:]
}

// allowance is how many bytes may still be allocated: one segment is left for the cleaner.
func (c *Cache) allowance() int64 {
	n := c.limit - c.bytes
	if c.spare == 0 {
		n -= int64(c.size + segmentBytes)
	}
	return n
}

// allocate is memory for an entry; nil: there is none. It may move other entries.
func (c *Cache) allocate(need int) (ref uint32, mem []byte) {
	if need > c.size/maxShared {
		return c.allocateSingle(need)
	}
	n := (need + granule - 1) &^ (granule - 1)
	for c.head == 0 || c.segments[c.head].end+n > c.size {
		if !c.extend() && !c.clean() {
			return 0, nil
		}
	}
	return c.push(n)
}

// push is memory at the end of the head, which has as much.
func (c *Cache) push(n int) (ref uint32, mem []byte) {
	s := &c.segments[c.head]
	at := s.end
	s.end, s.live = s.end+n, s.live+n
	return c.head<<c.shift | uint32(at>>granuleBits), s.mem[at : at+n : at+n]
}

// allocateSingle is memory of its own.
func (c *Cache) allocateSingle(need int) (ref uint32, mem []byte) {
	fresh := append([]byte(nil), make([]byte, need)...) // as much as the allocator gives for it
	fresh = fresh[:cap(fresh)]
	for int64(len(fresh)+segmentBytes) > c.allowance() {
		if !c.clean() {
			return 0, nil
		}
	}
	n := c.add(segment{mem: fresh, end: len(fresh), single: true})
	if n == 0 {
		return 0, nil
	}
	c.join(n)
	return n << c.shift, fresh
}

// extend makes a new segment the head; false: there is no memory for one.
func (c *Cache) extend() bool {
	if int64(c.size+segmentBytes) > c.allowance() {
		return false
	}
	n := c.add(segment{mem: c.mappings.allocate(c.size)})
	if n == 0 {
		return false
	}
	c.appendTo(n)
	return true
}

// appendTo makes a segment that holds nothing the head.
func (c *Cache) appendTo(n uint32) {
	c.head = n
	c.shared = append(c.shared, n)
	c.join(n)
}

// add numbers a segment; zero: there is no number left, or no memory.
func (c *Cache) add(s segment) uint32 {
	if s.mem == nil {
		return 0
	}
	var n uint32
	switch k := len(c.unused); {
	case k > 0:
		n = c.unused[k-1]
		c.unused = c.unused[:k-1]
	case len(c.segments) < 1<<(32-c.shift):
		n = uint32(len(c.segments))
		c.segments = append(c.segments, segment{})
	default:
		if !s.single {
			c.mappings.release(s.mem)
		}
		return 0
	}
	c.segments[n] = s
	c.bytes += int64(len(s.mem) + segmentBytes)
	return n
}

// release gives a segment's memory back.
func (c *Cache) release(n uint32) {
	s := &c.segments[n]
	c.leave(n)
	c.bytes -= int64(len(s.mem) + segmentBytes)
	if !s.single {
		c.mappings.release(s.mem)
	}
	*s = segment{}
	c.unused = append(c.unused, n)
}

// join makes the segment the newest of the ring.
func (c *Cache) join(n uint32) {
	s := &c.segments[n]
	if c.oldest == 0 {
		c.oldest, s.older, s.newer = n, n, n
		return
	}
	newest := c.segments[c.oldest].older
	s.older, s.newer = newest, c.oldest
	c.segments[newest].newer, c.segments[c.oldest].older = n, n
}

// leave takes the segment out of the ring.
func (c *Cache) leave(n uint32) {
	s := &c.segments[n]
	if s.newer == n {
		c.oldest = 0
		return
	}
	c.segments[s.older].newer, c.segments[s.newer].older = s.newer, s.older
	if c.oldest == n {
		c.oldest = s.newer
	}
}
