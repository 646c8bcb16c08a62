package host

import (
	"errors"
	"fmt"

	"kvd/replica"
	"kvd/replica/host/internal/state"
)

// DiskFailed is the cause of a leader that takes no writes because its disk failed.
const DiskFailed replica.Cause = "disk"

// halt is what a loop does whose disk failed: whoever waits is told, nothing is
// acknowledged or sent any more, and reads of what was durable before are answered
// on the lock-free path until Stop. An op that the failed batch held may be on disk all
// the same, so what became of it is known when the store is opened again.
func (l *Loop) halt(cause error) {
	err := fmt.Errorf("%w: %w; what was acknowledged before is still read here, and is on disk", replica.ErrReadOnly, cause)
	l.pump.overlay.Freeze()
	l.refuse(replica.Refusal{Cause: DiskFailed, Detail: cause.Error()})
	l.mu.Lock()
	l.err = err
	l.mu.Unlock()
	if l.cfg.Halted != nil {
		l.cfg.Halted(cause)
	}
	l.queues = queues{}
	for {
		l.pending.abandon(err)
		<-l.wake
		items, stopped := l.drain()
		for i := range items {
			if items[i].call != nil {
				l.pending.add(items[i].call)
			}
		}
		if stopped {
			l.end(err)
			return
		}
	}
}

// Halt is for whoever runs a pump without a loop, when its disk has failed: from then on
// [Pump.Read] answers what was durable before, and nothing else may be asked of it.
func (p *Pump) Halt() { p.overlay.Freeze() }

// Read answers reads from what is durable, as a loop does without the pump; false: it
// cannot.
func (p *Pump) Read(reqs []*replica.Request, clock Clock, replies []replica.Reply) bool {
	return p.committed.Read(reqs, clock, replies)
}

// refuse adds a refusal to what the leader last was.
func (l *Loop) refuse(why replica.Refusal) {
	s := *l.status.Load()
	s.Refusals = append(append([]replica.Refusal(nil), s.Refusals...), why)
	l.status.Store(&s)
}

// stillReads reports whether a loop that ended with err can still answer reads.
func stillReads(err error) bool {
	var d state.DiskError
	return errors.As(err, &d)
}
