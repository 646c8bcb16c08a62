// Package ahead reads from a client while a write to it waits.
//
// A client may write all of a long pipeline before it reads a reply. Its replies fill what
// the kernel holds of them, the connection's goroutine waits in its write, and if nothing
// were read meanwhile, neither side would ever go on. So while a write waits, what the
// client sends is read ahead: as it came, not yet done, so that it takes what the commands
// take and not what their replies would.
//
//	client ══▶ Buffer ─▶ resp.Reader ─▶ batch ─▶ engine ─▶ resp.Writer ══▶ client
//	            └ maxBytes, and while the budget is not pressed; then TCP holds the client
//
// Nobody is cut for that alone: a client that takes no replies waits for ever, as in Redis,
// until others need the memory (see package budget).
//
// Most writes do not wait: [Direct] writes what the kernel takes at once, and reading ahead
// begins with the rest.
package ahead

import (
	"net"
	"sync"
	"time"

	"kvd/replica/resp/budget"
)

const (
	// maxBytes is how many bytes of one client are read ahead.
	maxBytes = 64 << 20
	// chunk is how many are read at a time, and taken from the budget.
	chunk = 64 << 10
	// delay is how long a write waits before anything is read ahead, and how long
	// reading ahead rests where there is no memory for it.
	delay = 20 * time.Millisecond
)

// Buffer is what was read while a write waited. Its chunks belong to the reading
// goroutine while ended is open, else to the connection's.
type Buffer struct {
	nc         net.Conn
	account    *budget.Account
	pressed    func() bool
	gone, done <-chan struct{}

	timer *time.Timer // starts reading; made with the first write

	mu      sync.Mutex
	waiting bool          // a write is under way
	ended   chan struct{} // closed by the reading goroutine at its end; nil: there is none

	chunks [][]byte
	bytes  int // of the chunks as they were allocated
}

// New reads ahead from nc, with memory of the account and while that is not pressed. Reading
// ends when gone or done is closed.
func New(nc net.Conn, a *budget.Account, pressed func() bool, gone, done <-chan struct{}) *Buffer {
	return &Buffer{nc: nc, account: a, pressed: pressed, gone: gone, done: done}
}

// Writing notes that a write begins.
func (a *Buffer) Writing() {
	a.mu.Lock()
	a.waiting = true
	a.mu.Unlock()
	if a.timer == nil {
		a.timer = time.AfterFunc(delay, a.read)
		return
	}
	a.timer.Reset(delay)
}

// Written notes that it has ended, and ends reading ahead.
func (a *Buffer) Written() {
	a.timer.Stop()
	a.mu.Lock()
	a.waiting = false
	ended := a.ended
	a.ended = nil
	a.mu.Unlock()
	if ended != nil {
		_ = a.nc.SetReadDeadline(time.Unix(1, 0)) // fails only when it is closed already
		<-ended
	}
}

func (a *Buffer) read() {
	a.mu.Lock()
	if !a.waiting || a.ended != nil || Closed(a.done) || a.nc.SetReadDeadline(time.Time{}) != nil {
		a.mu.Unlock()
		return
	}
	ended := make(chan struct{})
	a.ended = ended
	a.mu.Unlock()
	defer close(ended)
	for a.writeWaits() {
		last := len(a.chunks) - 1
		if last < 0 || len(a.chunks[last]) == cap(a.chunks[last]) {
			if !a.grow() && !Rest(delay, a.gone, a.done) {
				return
			}
			continue
		}
		b := a.chunks[last]
		n, err := a.nc.Read(b[len(b):cap(b)])
		a.chunks[last] = b[:len(b)+n]
		if err != nil {
			return // whoever reads next finds it again
		}
	}
}

func (a *Buffer) grow() bool {
	if a.bytes+chunk > maxBytes || a.pressed() || !a.account.Try(chunk) {
		return false
	}
	a.bytes += chunk
	a.chunks = append(a.chunks, make([]byte, 0, chunk))
	return true
}

func (a *Buffer) writeWaits() bool {
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.waiting
}

// Take takes what was read ahead; zero: there is nothing.
func (a *Buffer) Take(b []byte) int {
	for len(a.chunks) > 0 {
		first := a.chunks[0]
		n := copy(b, first)
		if a.chunks[0] = first[n:]; n == len(first) {
			a.chunks[0] = nil
			a.chunks = a.chunks[1:]
			a.bytes -= chunk
			a.account.Release(chunk)
		}
		if n > 0 {
			return n
		}
	}
	a.chunks = nil
	return 0
}

// Closed reports whether a channel that nothing is sent to is closed.
func Closed(c <-chan struct{}) bool {
	select {
	case <-c:
		return true
	default:
		return false
	}
}

// Rest waits; false: one of the channels was closed meanwhile.
func Rest(d time.Duration, a, b <-chan struct{}) bool {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
		return true
	case <-a:
	case <-b:
	}
	return false
}
