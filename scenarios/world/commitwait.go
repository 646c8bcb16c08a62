package world

import (
	"fmt"
	"time"

	"kvd/replica"
)

// ackTimeout is how long a leader waits before it says that an outcome is unknown, as real
// ones do by default (--acks-timeout).
const ackTimeout = 2 * time.Second

// withholds keeps back the answer to a write whose stamp is not past, as a real leader does
// under commit-wait: until it is, or, where that takes too long, the client is told that the
// outcome is unknown. An answer that is kept back stays while the leader's process stands still,
// and dies with it.
func (l *leader) withholds(c *client, r *replica.Reply) bool {
	left := r.Past.Sub(l.moment().Mono)
	switch {
	case r.Past == 0 || r.Err != nil || left <= 0 && l.paused <= l.w.now:
		return false
	case left > ackTimeout:
		c.failed(r.ID, fmt.Sprintf("in doubt: the stamp is not past for another %s", left))
		return true
	}
	answer, starts := *r, l.starts
	l.w.at(max(l.w.now+left, l.paused), func() {
		if starts == l.starts {
			l.w.reply(l, &answer)
		}
	})
	return true
}

// tooWide is the answer to a request whose stamp would not be past in time; nil: it would.
func (l *leader) tooWide(q *replica.Request) *replica.Reply {
	wide := 2 * l.moment().Wall.HalfWidth()
	if q.Verb == replica.Get || wide <= ackTimeout || !l.w.cfg.Policy.Rule(q.Key).CommitWait {
		return nil
	}
	return &replica.Reply{ID: q.ID, Err: fmt.Errorf("%w: it claims to be wrong by %s; nothing was written", replica.ErrClockWide, wide/2)}
}
