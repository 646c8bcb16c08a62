package stats

import (
	"sync/atomic"
	"time"

	"kvd/replica/resp/budget"
)

// Counters count since the start.
type Counters struct {
	Accepted, Rejected, Commands, Batches, ProtocolErrors, Slow, Hits, Misses atomic.Uint64
}

// Stats is what a server has done since it was made.
type Stats struct {
	Clients        int    // connected now
	Accepted       uint64 // connections
	Rejected       uint64 // connections turned away because there were too many
	Commands       uint64
	Batches        uint64 // calls of Engine.Do
	ProtocolErrors uint64
	Slow           uint64 // clients cut because they sent or took too slowly
	Memory         budget.Stats
	Behind         uint64 // subscribers cut because too much waited for them
	Unheard        uint64 // messages that nobody here was sent, for want of memory
	Hits, Misses   uint64 // keys read that showed a value, and that did not
}

// Usage counts how often a command was taken and how long it was under way, its sync
// included: commands that go to the engine together share the time.
type Usage struct{ Calls, Micros, Rejected atomic.Uint64 }

// Add notes n commands that took so long together.
func (u *Usage) Add(n uint64, took time.Duration) {
	u.Calls.Add(n)
	u.Micros.Add(uint64(max(0, took.Microseconds())))
}

// Reset counts anew.
func (u *Usage) Reset() {
	u.Calls.Store(0)
	u.Micros.Store(0)
	u.Rejected.Store(0)
}

// Since is what was counted since then; what is of the present stays.
func (s Stats) Since(was *Stats) Stats {
	s.Accepted -= was.Accepted
	s.Rejected -= was.Rejected
	s.Commands -= was.Commands
	s.Batches -= was.Batches
	s.ProtocolErrors -= was.ProtocolErrors
	s.Slow -= was.Slow
	s.Behind -= was.Behind
	s.Unheard -= was.Unheard
	s.Hits -= was.Hits
	s.Misses -= was.Misses
	s.Memory.Cut -= was.Memory.Cut
	s.Memory.Waits -= was.Memory.Waits
	return s
}
