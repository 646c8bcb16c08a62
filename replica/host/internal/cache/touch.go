package cache

// TouchTogether is for how many keys memory is read at a time: more than a processor has
// reads under way, and so few that all of it stays in its nearest cache.
const TouchTogether = 32

// cacheLine is what a processor reads at once, at least.
const cacheLine = 64

// Touch reads the memory that Get would read for these keys. Get reads the slot, then the
// entry that the slot refers to, and waits for each; here all slots are read side by side,
// then all entries, and a Get soon afterwards finds them in the processor's cache. The
// result is of no use.
func (c *Cache) Touch(keys []string) (read byte) {
	for len(keys) > 0 {
		n := min(len(keys), TouchTogether)
		read ^= c.touch(keys[:n])
		keys = keys[n:]
	}
	return read
}

func (c *Cache) touch(keys []string) (read byte) {
	var tables [TouchTogether]*table
	var tags [TouchTogether]uint64
	for i, key := range keys {
		tables[i], tags[i] = c.table(key)
	}
	var slots [TouchTogether]slot
	for i := range keys {
		if t := tables[i]; t.n > 0 {
			slots[i] = t.load(int(tags[i]) & (len(t.slots) - 1))
		}
	}
	for i := range keys {
		if slots[i].tag() != tags[i] || slots[i] == 0 {
			continue // another key's, or none: Get looks further
		}
		mem := c.entry(slots[i].ref())
		for at := 0; at < min(len(mem), 4*cacheLine); at += cacheLine {
			read ^= mem[at]
		}
	}
	return read
}
