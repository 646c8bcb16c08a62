package command

import (
	"sync"

	"kvd/replica/resp/server"
)

// cursors turns positions of scans into numbers, because clients parse cursors as
// numbers. A position is the key that was looked at last, and its number is a hash of
// it: so a cursor is never too old, and means the same after a restart and at
// another leader. Where the newest positions stand is remembered; a number that is
// not among them is looked for among the keys.
type cursors struct {
	mu    sync.Mutex
	most  int               // how many are remembered
	known map[uint64]string // by number
	order []uint64          // in which they came
	bytes int               // of what is remembered
}

// maxCursorBytes bounds the keys that are remembered.
const maxCursorBytes = 4 << 20

// maxCursors is how many unfinished scans are remembered, the newest ones. Others are
// looked for.
const maxCursors = 4096

func newCursors(most int) *cursors {
	return &cursors{most: most, known: map[uint64]string{}}
}

// cursorOf is a position's number. The empty one, the begin and the end, is 0.
// Numbers stay below 2^53, so that clients without integers keep them exact. The hash
// is FNV-1a, which is the same everywhere.
func cursorOf(at string) uint64 {
	if at == "" {
		return 0
	}
	h := uint64(14695981039346656037)
	for i := range len(at) {
		h = (h ^ uint64(at[i])) * 1099511628211
	}
	return max(1, (h^h>>53)&(1<<53-1))
}

// put remembers a position under its number.
func (c *cursors) put(at string) uint64 {
	id := cursorOf(at)
	c.mu.Lock()
	defer c.mu.Unlock()
	if _, known := c.known[id]; id == 0 || known {
		return id
	}
	if len(c.order) == c.most || c.bytes+len(at) > maxCursorBytes {
		c.forget(len(at))
	}
	c.known[id] = at
	c.order = append(c.order, id)
	c.bytes += len(at)
	return id
}

// forget makes place for one more, of n bytes: a half of all goes, the oldest.
func (c *cursors) forget(n int) {
	keep := c.order[(len(c.order)+1)/2:]
	for len(keep) > 0 && c.bytesOf(keep)+n > maxCursorBytes {
		keep = keep[(len(keep)+1)/2:]
	}
	for _, id := range c.order[:len(c.order)-len(keep)] {
		c.bytes -= len(c.known[id])
		delete(c.known, id)
	}
	c.order = append([]uint64(nil), keep...)
}

func (c *cursors) bytesOf(ids []uint64) (n int) {
	for _, id := range ids {
		n += len(c.known[id])
	}
	return n
}

// get is the position of a number, if it is remembered; 0 is the begin.
func (c *cursors) get(id uint64) (string, bool) {
	if id == 0 {
		return "", true
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	at, ok := c.known[id]
	return at, ok
}

// position is where a cursor stands. One that stands for no key that is stored any
// more, or for one that the client may not read, begins again: then keys are given twice, and
// none is left out.
func (c *cursors) position(k *server.Call, id uint64) (string, error) {
	r := k.Rights()
	if at, ok := c.get(id); ok && (id == 0 || r.Reaches(at)) {
		return at, nil
	}
	at, _, err := k.Keys().Find(func(key string) bool { return r.Reaches(key) && cursorOf(key) == id })
	return at, err
}
