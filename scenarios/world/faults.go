package world

import (
	"fmt"

	"kvd/replica"
	"kvd/scenarios/script"
	"kvd/storage/faulty"
	"kvd/wallclock"
)

// faults is the disk's faults by the script's words.
var faults = map[script.DiskState]faulty.Fault{script.DiskOK: faulty.None, script.DiskFull: faulty.Full, script.DiskBroken: faulty.Broken}

// diskFault changes how a leader's disk behaves. Where it had been full and has room again,
// the leader opens its store anew by itself, as real ones do.
func (w *World) diskFault(f script.DiskFault) {
	l := w.leaders[f.Leader]
	l.disk.faults.Set(faults[f.State])
	if f.State == script.DiskOK && l.halted != nil && l.because == faulty.Full {
		w.restart(f.Leader)
	}
}

// halt is what a leader does whose disk failed: whoever waits is told that nobody knows what
// became of its request, nothing is acknowledged or sent any more, and reads of what was
// durable before are answered.
func (l *leader) halt(cause error) {
	l.w.Fired["disk failed"]++
	l.pump.Halt()
	l.halted, l.because = cause, l.disk.faults.Fault()
	l.inbox = nil
	for _, id := range l.w.waitingAt(l.name) {
		l.w.reply(l, &replica.Reply{ID: id, Err: l.refusal()})
	}
}

// refusal is what writes are answered, and whatever the failed batch held: what became of it
// is known when the store is opened again.
func (l *leader) refusal() error { return fmt.Errorf("%w: %w", replica.ErrReadOnly, l.halted) }

// answer answers a request to a leader whose disk failed.
func (l *leader) answer(q *replica.Request) {
	replies := []replica.Reply{{ID: q.ID, Err: l.refusal()}}
	if q.Verb == replica.Get && !l.pump.Read([]*replica.Request{q}, at(l.moment()), replies) {
		replies[0].Err = fmt.Errorf("%w: it cannot be read", replica.ErrReadOnly)
	}
	replies[0].ID = q.ID
	l.w.reply(l, &replies[0])
}

// at is clocks that stand still.
type at wallclock.Moment

func (m at) Now() wallclock.Moment { return wallclock.Moment(m) }
