package resp

import "sync"

// cursors remembers where unfinished scans stand, under numbers, because clients
// parse cursors as numbers. It keeps the newest ones; a forgotten number is told
// from a known one, so a scan is never quietly cut short. A number may be used
// again, as by a client that repeats a call.
type cursors struct {
	mu   sync.Mutex
	base uint64 // the first number is base+1
	n    uint64 // how many have been given
	ring []string
}

// newCursors starts where seed says. Numbers stay below 2^53, so that clients
// without integers keep them exact.
func newCursors(size int, seed uint32) *cursors {
	return &cursors{base: uint64(seed) << 20, ring: make([]string, size)}
}

// put remembers a position; the empty one, the end, is number 0.
func (c *cursors) put(at string) uint64 {
	if at == "" {
		return 0
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.ring[c.n%uint64(len(c.ring))] = at
	c.n++
	return c.base + c.n
}

// get is the position of a number; 0 is the begin.
func (c *cursors) get(id uint64) (string, bool) {
	if id == 0 {
		return "", true
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	nth := id - c.base // wraps to something great when below
	if nth == 0 || nth > c.n || c.n-nth >= uint64(len(c.ring)) {
		return "", false
	}
	return c.ring[(nth-1)%uint64(len(c.ring))], true
}
