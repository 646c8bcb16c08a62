package cache

import (
	"hash/maphash"
	"slices"
)

// maxRenewed is how many single entries that were used the cleaner passes by at a time.
const maxRenewed = 32

// clean gives memory back or makes some in the head; false: there is nothing to clean.
func (c *Cache) clean() bool {
	if n := c.emptiest(); n != 0 {
		c.empty(n, c.size)
		return true
	}
	for passed := 0; ; passed++ {
		n := c.oldest
		if n != 0 && n == c.head {
			n = c.segments[n].newer
		}
		switch {
		case n == 0:
			return false
		case n == c.head: // there is no other
			return c.restart()
		case !c.segments[n].single:
			c.empty(n, c.size*3/4)
			return true
		case passed == maxRenewed || !c.renew(n):
			c.evict(n)
			return true
		}
	}
}

// emptiest is the shared segment with the least in it, if that is at most half, and it is
// not the head; else zero.
func (c *Cache) emptiest() (least uint32) {
	live := c.size/2 + 1
	for _, n := range c.shared {
		if s := &c.segments[n]; n != c.head && s.live < live {
			least, live = n, s.live
		}
	}
	return least
}

// renew makes a single entry that was used the newest, as one that was not used since.
func (c *Cache) renew(n uint32) bool {
	t, i := c.slotOf(n << c.shift)
	if !t.slots[i].used() {
		return false
	}
	t.slots[i] &^= usedBit
	c.leave(n)
	c.join(n)
	return true
}

// evict drops a single entry.
func (c *Cache) evict(n uint32) {
	t, i := c.slotOf(n << c.shift)
	c.remove(t, i)
	c.lost = true
}

// restart empties the head, which is the only segment.
func (c *Cache) restart() bool {
	n := c.head
	if c.segments[n].end == 0 {
		return false
	}
	c.head = 0
	c.empty(n, c.size*3/4)
	return true
}

// slotOf is where the index refers to an entry; nil: it does not.
func (c *Cache) slotOf(ref uint32) (t *table, i int) {
	h := maphash.Bytes(c.seed, keyOf(c.entry(ref)))
	t = &c.tables[h&uint64(len(c.tables)-1)]
	if t.n == 0 {
		return nil, 0
	}
	mask := len(t.slots) - 1
	for i = int(h>>tagShift) & mask; t.slots[i] != 0; i = (i + 1) & mask {
		if t.slots[i].ref() == ref {
			return t, i
		}
	}
	return nil, 0
}

// empty moves out of a shared segment what was used since, at most limit bytes of it, or
// everything if there is as much capacity for it, and evicts the rest. The segment is
// the spare one afterwards, or given back.
func (c *Cache) empty(n uint32, limit int) {
	victim := c.segments[n]
	all := limit == c.size
	for at := 0; at < victim.end; {
		mem := victim.mem[at:]
		h := headOf(mem)
		ref := n<<c.shift | uint32(at>>granuleBits)
		at += h.capacity
		t, i := c.slotOf(ref)
		switch {
		case t == nil:
		case (all || t.slots[i].used() && limit >= h.capacity) && c.move(t, i, mem[:h.capacity], all):
			limit -= h.capacity
		default:
			t.remove(i)
			c.entries--
			c.lost = true
		}
	}
	c.shared = slices.DeleteFunc(c.shared, func(m uint32) bool { return m == n })
	if c.spare != 0 {
		c.release(n)
		return
	}
	c.leave(n)
	c.segments[n] = segment{mem: victim.mem}
	c.spare = n
}

// move appends the entry of slot i to the head; false: there is no memory. Used says that
// it stays used.
func (c *Cache) move(t *table, i int, entry []byte, used bool) bool {
	if c.head == 0 || c.segments[c.head].end+len(entry) > c.size {
		n := c.takeSpare()
		if n == 0 {
			return false
		}
		c.appendTo(n)
	}
	ref, to := c.push(len(entry))
	copy(to, entry)
	t.slots[i] = makeSlot(t.slots[i].tag(), ref, used && t.slots[i].used())
	return true
}

// takeSpare is an empty segment; zero: there is no memory. The first is made when it is
// needed: its bytes are left for it.
func (c *Cache) takeSpare() uint32 {
	n := c.spare
	c.spare = 0
	if n == 0 {
		n = c.add(segment{mem: c.mappings.allocate(c.size)})
	}
	return n
}
