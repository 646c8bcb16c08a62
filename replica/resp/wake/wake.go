// Package wake wakes a goroutine out of its read when messages wait for its client.
package wake

import (
	"sync"
	"time"
)

// Waker wakes a connection's goroutine. It does so by moving the read deadline to the past,
// and only while the goroutine is parked in its read: a client that is sent much is still
// read from.
type Waker struct {
	conn interface{ SetReadDeadline(time.Time) error }

	mu            sync.Mutex
	woken, parked bool
}

// New wakes whoever reads from conn.
func New(conn interface{ SetReadDeadline(time.Time) error }) *Waker { return &Waker{conn: conn} }

// Park reports whether the goroutine may wait for input: false if it was woken. The read
// deadline must be set by then, for Wake moves it.
func (w *Waker) Park() bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.parked = !w.woken
	return w.parked
}

// Unpark reports whether it was woken meanwhile.
func (w *Waker) Unpark() bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.parked = false
	return w.woken
}

// Set notes that messages wait, or that they are about to be taken, and reports
// what was noted before.
func (w *Waker) Set(woken bool) (was bool) {
	w.mu.Lock()
	defer w.mu.Unlock()
	was, w.woken = w.woken, woken
	return was
}

// Wake notes that messages wait. It may be called from any goroutine, and does not wait.
func (w *Waker) Wake() {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.woken = true
	if w.parked {
		_ = w.conn.SetReadDeadline(time.Unix(1, 0)) // fails only when it is closed already
	}
}
