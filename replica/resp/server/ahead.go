package server

import (
	"sync"
	"time"
)

// A client may write all of a long pipeline before it reads a reply. Its replies fill
// what the kernel holds of them, the connection's goroutine waits in its write, and if
// nothing were read meanwhile, neither side would ever go on. So while a write waits,
// what the client sends is read ahead: as it came, not yet done, so that it takes what
// the commands take and not what their replies would.
//
//	client ══▶ ahead ─▶ Reader ─▶ batch ─▶ engine ─▶ Writer ══▶ client
//	            └ maxAhead, and while the budget is not pressed; then TCP holds the client
//
// Nothing is cut for that alone: who takes no replies waits for ever, as in Redis, until
// others need the memory (see budget).

const (
	// maxAhead is how many bytes of one client are read ahead.
	maxAhead = 64 << 20
	// aheadChunk is how many are read at a time, and taken from the budget.
	aheadChunk = 64 << 10
	// aheadAfter is how long a write waits before anything is read ahead, and how long
	// reading ahead rests where there is no memory for it.
	aheadAfter = 20 * time.Millisecond
)

// ahead is what was read while a write waited. Its chunks belong to the reading
// goroutine while ended is open, else to the connection's.
type ahead struct {
	timer *time.Timer // starts reading; made with the first write

	mu      sync.Mutex
	waiting bool          // a write is under way
	ended   chan struct{} // closed by the reading goroutine at its end; nil: there is none

	chunks [][]byte
	bytes  int // of the chunks as they were allocated
}

// writing notes that a write begins.
func (c *conn) writing() {
	a := &c.ahead
	a.mu.Lock()
	a.waiting = true
	a.mu.Unlock()
	if a.timer == nil {
		a.timer = time.AfterFunc(aheadAfter, c.readAhead)
		return
	}
	a.timer.Reset(aheadAfter)
}

// written notes that it has ended, and ends reading ahead.
func (c *conn) written() {
	a := &c.ahead
	a.timer.Stop()
	a.mu.Lock()
	a.waiting = false
	ended := a.ended
	a.ended = nil
	a.mu.Unlock()
	if ended != nil {
		_ = c.nc.SetReadDeadline(time.Unix(1, 0)) // fails only when it is closed already
		<-ended
	}
}

// readAhead reads until the write has ended, or nothing more comes.
func (c *conn) readAhead() {
	a := &c.ahead
	a.mu.Lock()
	if !a.waiting || a.ended != nil || c.srv.isDraining() || c.nc.SetReadDeadline(time.Time{}) != nil {
		a.mu.Unlock()
		return
	}
	ended := make(chan struct{})
	a.ended = ended
	a.mu.Unlock()
	defer close(ended)
	for c.waitsToWrite() {
		last := len(a.chunks) - 1
		if last < 0 || len(a.chunks[last]) == cap(a.chunks[last]) {
			if !c.growAhead() && !c.rests(aheadAfter) {
				return
			}
			continue
		}
		b := a.chunks[last]
		n, err := c.nc.Read(b[len(b):cap(b)])
		a.chunks[last] = b[:len(b)+n]
		if err != nil {
			return // whoever reads next finds it again
		}
	}
}

// growAhead adds a chunk, if there is memory for it that nobody else needs.
func (c *conn) growAhead() bool {
	a := &c.ahead
	if a.bytes+aheadChunk > maxAhead || c.srv.budget.pressed() || !c.srv.budget.try(aheadChunk) {
		return false
	}
	c.held.Add(aheadChunk)
	a.bytes += aheadChunk
	a.chunks = append(a.chunks, make([]byte, 0, aheadChunk))
	return true
}

// rests waits, unless the connection is cut or the server stops.
func (c *conn) rests(d time.Duration) bool {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
		return true
	case <-c.severed:
	case <-c.srv.draining:
	}
	return false
}

func (c *conn) waitsToWrite() bool {
	c.ahead.mu.Lock()
	defer c.ahead.mu.Unlock()
	return c.ahead.waiting
}

// takeAhead takes what was read ahead; zero: there is nothing.
func (c *conn) takeAhead(b []byte) int {
	a := &c.ahead
	for len(a.chunks) > 0 {
		first := a.chunks[0]
		n := copy(b, first)
		if a.chunks[0] = first[n:]; n == len(first) {
			a.chunks[0] = nil
			a.chunks = a.chunks[1:]
			a.bytes -= aheadChunk
			c.giveBack(aheadChunk)
		}
		if n > 0 {
			return n
		}
	}
	a.chunks = nil
	return 0
}
