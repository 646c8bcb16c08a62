package server

import (
	"net"
	"testing"
	"time"
)

// Of those who wait, the one that asked first has others cut, and nobody else: one
// connection is cut for all of them, and thousands that wait cost no more than one.
func TestWhoAskedFirstHasOthersCut(t *testing.T) {
	s := &Server{cfg: Config{Now: time.Now, Stall: time.Millisecond}, conns: map[int64]*conn{}}
	join := func(id int64) *conn {
		ours, theirs := net.Pipe()
		t.Cleanup(func() { _ = ours.Close(); _ = theirs.Close() })
		c := &conn{srv: s, nc: ours, id: id, severed: make(chan struct{})}
		s.conns[id] = c
		return c
	}
	hog, early, late := join(1), join(2), join(3)
	hog.held.Store(1 << 20)
	hog.waitFor(1, true)
	first, second := s.budget.ask(1), s.budget.ask(1)
	late.press(second, time.Minute)
	select {
	case <-hog.severed:
		t.Error("the second that waits had another cut")
	default:
	}
	early.press(first, time.Minute)
	select {
	case <-hog.severed:
	default:
		t.Error("the first that waits had nobody cut")
	}
	s.budget.forget(first)
	if !s.budget.next(second) {
		t.Error("nobody is the first")
	}
}
