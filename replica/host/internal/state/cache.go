package state

import (
	"sync/atomic"

	"kvd/replica"
	"kvd/resolve"
)

// cache is decoded objects, as the store holds them, by key. What it holds is
// bounded by bytes; what goes first is what was not used since the hand of
// the clock last came by (second chance). It locks nothing: whoever holds it
// keeps writers apart from everybody, and readers from writers.
type cache struct {
	limit   int64 // bytes; zero: nothing is kept
	bytes   int64
	entries map[string]*entry
	ring    []*entry
	hand    int
}

// entry is one object. Nobody changes the object.
type entry struct {
	object  *resolve.Object
	bytes   int64
	index   int                             // in the ring
	used    atomic.Bool                     // since the hand came by
	reading atomic.Pointer[resolve.Reading] // what it shows at any time; nil: not read yet, or it depends on more than the object
}

// maxShare is the part of the limit that one object may take.
const maxShare = 8

func newCache(limit int64) cache { return cache{limit: limit, entries: map[string]*entry{}} }

// find is the key's entry; nil: the store must be asked. Readers may find at the
// same time.
func (c *cache) find(key string) *entry {
	e := c.entries[key]
	if e != nil && !e.used.Load() {
		e.used.Store(true)
	}
	return e
}

// put keeps the object in place of an older one of its key. Nobody may change it
// any more. One that holds nothing, or too much, is only forgotten.
func (c *cache) put(o *resolve.Object) {
	size := replica.Weigh(o)
	e := c.entries[o.Key]
	if e == nil && c.limit == 0 {
		return
	}
	if e != nil {
		c.drop(e)
	}
	if len(o.Versions) == 0 || size > c.limit/maxShare {
		return
	}
	fresh := &entry{object: o, bytes: size, index: len(c.ring)}
	if e != nil {
		fresh.used.Store(e.used.Load())
	}
	c.entries[o.Key] = fresh
	c.ring = append(c.ring, fresh)
	c.bytes += size
	for c.bytes > c.limit {
		c.evict()
	}
}

// evict drops the next entry that was not used since.
func (c *cache) evict() {
	for {
		if c.hand >= len(c.ring) {
			c.hand = 0
		}
		e := c.ring[c.hand]
		if !e.used.Swap(false) {
			c.drop(e)
			return
		}
		c.hand++
	}
}

// drop takes the entry out; the last of the ring takes its index.
func (c *cache) drop(e *entry) {
	delete(c.entries, e.object.Key)
	c.bytes -= e.bytes
	last := len(c.ring) - 1
	c.ring[e.index] = c.ring[last]
	c.ring[e.index].index = e.index
	c.ring[last] = nil
	c.ring = c.ring[:last]
}
