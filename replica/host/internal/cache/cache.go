package cache

import (
	"encoding/binary"
	"hash/maphash"
	"runtime"
)

// Cache is byte strings by key. Make it with New, and end it with Close: a part of its
// memory is not the heap's.
type Cache struct {
	limit, bytes int64
	entries      int
	lost         bool
	seed         maphash.Seed
	tables       []table
	segmentStore
}

// maxShare is the part of the limit that one entry may take, and maxEntry the most of any.
const maxShare, maxEntry = 8, 1 << 30

// What a cache takes for its segments, by default one 32nd of the limit.
const minSegment, maxSegment = 256, 256 << 10

// New is an empty cache of at most limit bytes; zero: nothing is kept.
func New(limit int64) *Cache {
	size := minSegment
	for size < maxSegment && int64(size) < limit/64 {
		size *= 2
	}
	return newCache(limit, size)
}

func newCache(limit int64, segment int) *Cache {
	c := &Cache{limit: limit, seed: maphash.MakeSeed(), tables: make([]table, 1)}
	if limit >= 4<<20 {
		c.tables = make([]table, 64) // they grow one by one, each for a short time
	}
	c.segmentStore = newSegmentStore(segment)
	runtime.AddCleanup(c, (*mappings).freeAll, c.mappings)
	return c
}

// Entry is what is kept of a key.
type Entry struct {
	Value []byte // valid until the cache is changed, and not to be written to
	Mark  uint8
	// Lasting says that the value is valid for ever.
	Lasting bool
}

// Get is the key's entry; false: there is none.
func (c *Cache) Get(key string) (Entry, bool) {
	t, tag := c.table(key)
	i, ok := c.find(t, tag, key)
	if !ok {
		return Entry{}, false
	}
	t.use(i)
	ref := t.load(i).ref()
	s, at := c.locate(ref)
	mem := s.mem[at:]
	h := headOf(mem)
	from := headBytes + h.key
	return Entry{Value: mem[from : from+h.value : from+h.value], Mark: h.mark, Lasting: s.single}, true
}

// Has reports whether the key is there, which is no use of it.
func (c *Cache) Has(key string) bool {
	t, tag := c.table(key)
	_, ok := c.find(t, tag, key)
	return ok
}

// Put keeps a copy of the value, with a mark of the caller's, in place of an older value
// of the key. A value for which there is no memory is not kept.
func (c *Cache) Put(key string, value []byte, mark uint8) {
	t, tag := c.table(key)
	used, need := false, headBytes+len(key)+len(value)
	if i, ok := c.find(t, tag, key); ok {
		if c.overwrite(t.slots[i].ref(), value, mark, need) {
			return
		}
		used = t.slots[i].used()
		c.remove(t, i)
	}
	if int64(need) > min(c.limit/maxShare, maxEntry) || !c.widen(t) {
		c.lost = true
		return
	}
	ref, mem := c.allocate(need)
	if mem == nil {
		c.lost = true
		return
	}
	head{capacity: len(mem), key: len(key), value: len(value), mark: mark}.write(mem)
	copy(mem[headBytes:], key)
	copy(mem[headBytes+len(key):], value)
	t.insert(makeSlot(tag, ref, used))
	c.entries++
}

// overwrite writes a value over that of the same key, where the capacity fits it.
func (c *Cache) overwrite(ref uint32, value []byte, mark uint8, need int) bool {
	s, at := c.locate(ref)
	mem := s.mem[at:]
	h := headOf(mem)
	if s.single || need > h.capacity || need < h.capacity/2 {
		return false
	}
	h.value, h.mark = len(value), mark
	h.write(mem)
	copy(mem[headBytes+h.key:], value)
	return true
}

// Drop forgets the key.
func (c *Cache) Drop(key string) {
	t, tag := c.table(key)
	if i, ok := c.find(t, tag, key); ok {
		c.remove(t, i)
	}
}

// remove takes the entry of slot i out.
func (c *Cache) remove(t *table, i int) {
	ref := t.slots[i].ref()
	t.remove(i)
	c.entries--
	s, at := c.locate(ref)
	if s.single {
		c.release(c.number(ref))
		return
	}
	s.live -= headOf(s.mem[at:]).capacity
}

// Len is how many keys there are, and Bytes how much is allocated for them.
func (c *Cache) Len() int     { return c.entries }
func (c *Cache) Bytes() int64 { return c.bytes }

// Lost reports whether anything that was put is gone without having been dropped.
func (c *Cache) Lost() bool { return c.lost }

// Close gives the memory back. The cache is empty afterwards, and keeps nothing.
func (c *Cache) Close() {
	c.mappings.freeAll()
	*c = Cache{seed: c.seed, tables: make([]table, 1), segmentStore: newSegmentStore(minSegment), lost: true}
}

// head is what an entry begins with.
type head struct {
	capacity, key, value int // bytes: of the entry, its head included; of the key; of the value
	mark                 uint8
}

const headBytes = 12

func (h head) write(b []byte) {
	binary.LittleEndian.PutUint32(b, uint32(h.capacity))
	binary.LittleEndian.PutUint32(b[4:], uint32(h.value))
	binary.LittleEndian.PutUint32(b[8:], uint32(h.key)<<8|uint32(h.mark))
}

func headOf(b []byte) head {
	key := binary.LittleEndian.Uint32(b[8:])
	return head{capacity: int(binary.LittleEndian.Uint32(b)), value: int(binary.LittleEndian.Uint32(b[4:])), key: int(key >> 8), mark: uint8(key)}
}

// keyOf is the key of the entry that begins there.
func keyOf(mem []byte) []byte { return mem[headBytes : headBytes+headOf(mem).key] }
