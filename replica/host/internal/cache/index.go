package cache

import (
	"hash/maphash"
	"sync/atomic"
)

// slot is one entry of the index: from the lowest bit on a reference, whether the entry
// was used since the cleaner came by, and a tag of its key's hash. Zero is free.
type slot uint64

const (
	usedBit  = 1 << 32
	tagShift = 33
)

func makeSlot(tag uint64, ref uint32, used bool) slot {
	s := slot(tag<<tagShift | uint64(ref))
	if used {
		s |= usedBit
	}
	return s
}

func (s slot) ref() uint32 { return uint32(s) }
func (s slot) tag() uint64 { return uint64(s >> tagShift) }
func (s slot) used() bool  { return s&usedBit != 0 }

// table is one part of the index: open addressing with linear probing, without traces of
// what was removed.
type table struct {
	slots []slot // as many as a power of two, a quarter of them free
	n     int
}

const minSlots = 8

// table is the key's part of the index, and its tag there.
func (c *Cache) table(key string) (*table, uint64) {
	h := maphash.String(c.seed, key)
	return &c.tables[h&uint64(len(c.tables)-1)], h >> tagShift
}

// find is the number of the key's slot.
func (c *Cache) find(t *table, tag uint64, key string) (int, bool) {
	if t.n == 0 {
		return 0, false
	}
	mask := len(t.slots) - 1
	for i := int(tag) & mask; ; i = (i + 1) & mask {
		s := t.load(i)
		if s == 0 {
			return 0, false
		}
		if s.tag() == tag && string(keyOf(c.entry(s.ref()))) == key {
			return i, true
		}
	}
}

// load reads a slot that other readers may mark as used at the same time.
func (t *table) load(i int) slot { return slot(atomic.LoadUint64((*uint64)(&t.slots[i]))) }

// use marks slot i as used.
func (t *table) use(i int) {
	if !t.load(i).used() {
		atomic.OrUint64((*uint64)(&t.slots[i]), usedBit)
	}
}

// insert needs a free slot beside the one that it takes.
func (t *table) insert(s slot) {
	mask := len(t.slots) - 1
	i := int(s.tag()) & mask
	for t.slots[i] != 0 {
		i = (i + 1) & mask
	}
	t.slots[i] = s
	t.n++
}

// remove frees slot i, and moves up what stands behind it because others stood before it.
func (t *table) remove(i int) {
	mask := len(t.slots) - 1
	for j := (i + 1) & mask; t.slots[j] != 0; j = (j + 1) & mask {
		if home := int(t.slots[j].tag()) & mask; (j-home)&mask >= (j-i)&mask {
			t.slots[i] = t.slots[j]
			i = j
		}
	}
	t.slots[i] = 0
	t.n--
}

// widen makes the table able to take one more; false: there is no memory for that.
func (c *Cache) widen(t *table) bool {
	for 4*(t.n+1) > 3*len(t.slots) {
		n := max(minSlots, 2*len(t.slots))
		more := int64(8 * (n - len(t.slots)))
		if more > c.allowance() {
			if !c.clean() {
				return false
			}
			continue
		}
		old := t.slots
		t.slots, t.n = make([]slot, n), 0
		for _, s := range old {
			if s != 0 {
				t.insert(s)
			}
		}
		c.bytes += more
	}
	return true
}
