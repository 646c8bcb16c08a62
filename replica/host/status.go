package host

import (
	"sync/atomic"
	"time"

	"kvd/logical"
	"kvd/replica"
	"kvd/storage/losses"
)

// Status is what a leader durably is and what it knows of the others, as of its
// last commit. Nobody changes it.
type Status struct {
	State replica.State
	Peers []replica.PeerView // by name
	Load  replica.Load
	// Refusals is why writes are refused, by cause; none: they are taken.
	Refusals []replica.Refusal
	Clocks   replica.ClockState
	Origins  replica.Origins // how many, and whose are refused as one too many
}

// statusNow is what a leader is once what was just written is durable. It is shown then,
// before anything of that leaves, so the frontier covers whatever was given to the outbox.
func (l *Loop) statusNow() *Status {
	core := l.pump.core
	return &Status{State: core.State(), Peers: core.Peers(nil), Load: core.Load(), Refusals: core.Refusals(nil), Origins: core.Origins(), Clocks: core.Clocks()}
}

// Status is the newest one.
func (l *Loop) Status() *Status { return l.status.Load() }

// Ledger is what the ledger durably holds and what became of the rest.
func (l *Loop) Ledger() losses.Stats { return l.pump.Ledger() }

// Durable is how many other leaders are known to have all of f durably, as their
// --sync promises it: synced under always and interval, and in the hands of the
// operating system under never. One that has said nothing yet counts for nothing.
func (l *Loop) Durable(f logical.Frontier) int {
	n := 0
	for _, p := range l.Status().Peers {
		if p.Origin != 0 && p.Durable.Includes(f) {
			n++
		}
	}
	return n
}

// Stats counts what a loop has done.
type Stats struct {
	Cycles     uint64        // turns of the pump, with or without something to store
	Inputs     uint64        // taken by them, ticks included
	LockFree   uint64        // reads that were answered on the lock-free path
	Commit     time.Duration // spent in commits
	CacheBytes int64         // of objects in memory
	Objects    int           // in memory
}

// counters is Stats as they are counted.
type counters struct {
	cycles, inputs, lockFree atomic.Uint64
	commit                   atomic.Int64
}

func (c *counters) cycle(inputs int) {
	c.cycles.Add(1)
	c.inputs.Add(uint64(inputs))
}

// Stats counts since the start.
func (l *Loop) Stats() Stats {
	s := Stats{Cycles: l.counters.cycles.Load(), Inputs: l.counters.inputs.Load(), LockFree: l.counters.lockFree.Load(),
		Commit: time.Duration(l.counters.commit.Load())}
	s.Objects, s.CacheBytes = l.pump.committed.Cached()
	return s
}
